"""What a server says about its limits in the headers of a reply.

Understood are `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` (OpenAI and most others),
`anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}`, `retry-after-ms` and `Retry-After` (RFC 9110, 10.2.3:
seconds or a date). A header that cannot be read is as good as absent: it never fails a call.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER = re.compile(
    r"(?:x-|anthropic-)ratelimit-(?:(limit|remaining|reset)-(requests|tokens)|(requests|tokens)-(limit|remaining|reset))"
)
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)")
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(rf"(?:{_PIECE.pattern})+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """What is left of one limit, as the server counts it.

    Attributes:
        limit: Units allowed in a full window.
        remaining: Units left when the reply was made.
        reset: Seconds until the server counts the full limit again; None where it did not say.
    """

    limit: float
    remaining: float
    reset: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """The limits that one reply told.

    Attributes:
        requests: What is left of the limit of requests.
        tokens: What is left of the limit of tokens.
        retry_after: Seconds after which the server wants to be asked again.
    """

    requests: Remainder | None = None
    tokens: Remainder | None = None
    retry_after: float | None = None


@lru_cache(maxsize=256)
def _place(name: str) -> tuple[str, str] | None:
    """Say what a header of this name tells; servers send the same few names with every reply."""
    key = name.lower()
    if key in {"retry-after", "retry-after-ms"}:
        return "wait", key
    match = _HEADER.fullmatch(key)
    return (match[2] or match[3], match[1] or match[4]) if match else None


def read_limits(headers: Mapping[str, str], *, now: datetime) -> RateLimits | None:
    """Read a reply's headers; None where they tell nothing about limits.

    Args:
        headers: Names in any case.
        now: The time of day, with a time zone, for resets that are told as dates.
    """
    found = [(place, value) for name, value in headers.items() if (place := _place(name)) is not None]
    if not found:
        return None
    told: dict[str, dict[str, str]] = {"requests": {}, "tokens": {}, "wait": {}}
    for (unit, part), value in found:
        told[unit][part] = value
    limits = RateLimits(
        requests=_remainder(told["requests"], now),
        tokens=_remainder(told["tokens"], now),
        retry_after=_retry_after(told["wait"], now),
    )
    return None if limits == RateLimits() else limits


def _remainder(parts: Mapping[str, str], now: datetime) -> Remainder | None:
    limit, remaining = _number(parts.get("limit", "")), _number(parts.get("remaining", ""))
    if not limit or remaining is None:
        return None
    return Remainder(limit=limit, remaining=min(remaining, limit), reset=seconds_of(parts.get("reset", ""), now=now))


def _retry_after(waits: Mapping[str, str], now: datetime) -> float | None:
    milliseconds = _number(waits.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    return seconds_of(waits.get("retry-after", ""), now=now)


def seconds_of(text: str, *, now: datetime) -> float | None:
    """Read a wait as seconds from `now`: `12`, `1.5`, `20ms`, `6m0s`, an HTTP date or an ISO date; None if unreadable.

    A date that is past is a wait of 0.
    """
    text = text.strip()
    number = _number(text)
    if number is not None:
        return number
    if _DURATION.fullmatch(text):
        return sum(float(value) * _SECONDS[unit] for value, unit in _PIECE.findall(text))
    date = _date(text)
    return None if date is None else max(0.0, (date - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        date = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
