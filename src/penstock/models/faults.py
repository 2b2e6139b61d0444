"""What an answer that is no reply says to do next, the same for every provider.

A status tells most of it; what it leaves open stands in the body, in words that each provider has its own of. So a
provider reads its bodies into a `Cause`, and all else is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast

import msgspec

from penstock.errors import ItemError, Later, Refused, Rejected, Throttled, Unreachable
from penstock.flow.ratelimits import read_limits
from penstock.web.hide import hide

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.records import Usage
    from penstock.web.transport import Response

GIVE_UP_AFTER = 20
"""Prompts turned down in a row, with none accepted ever, before the fault is the request's and not the items'."""

_SPENT = (b"insufficient_quota", b"billing_hard_limit", b"credit_balance_exhausted")
"""Codes of a quota for the day or month, which waiting does not help against as it does against a limit per minute."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding a body may raise, whatever is in it."""

Kind: TypeAlias = Literal["", "quota", "quota of the day", "key", "place", "blind", "file", "soon"]

_REFUSALS = {
    "key": "turned the key down ({}); check the key.",
    "place": "is not for this account or this place ({}); use another model.",
    "blind": "does not take files of this kind ({}); use a model that does.",
}

E = TypeVar("E", ItemError, Later)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What the body of an error adds to its status.

    Attributes:
        kind: Empty where the status says it all; else the account's `quota` (or that of the day) is used up, its `key`
            is wrong, it may not be used from this `place`, the model is `blind` to files of this kind, a `file` is
            gone, or the same request will be fine `soon`.
        retry_after: Seconds after which the server wants to be asked again, where the body says so.
    """

    kind: Kind = ""
    retry_after: float | None = None


class Faults:
    """Turns answers of one model's server into errors; it remembers whether any prompt was ever accepted."""

    def __init__(self, *, name: str, identity: str, key: str, read: Callable[[Response], Cause]) -> None:
        """Remember whose answers these are.

        Args:
            name: The model's name.
            identity: Name and address.
            key: What no message may show.
            read: Reads what the body of an error adds to its status.
        """
        self._name = name
        self._identity = identity
        self._key = key
        self._read = read
        self._accepted = 0
        self._turned_down = 0

    def accept(self) -> None:
        """Count a prompt that was answered."""
        self._accepted += 1

    def error(self, answer: Response) -> Exception:
        """Turn an answer that is no reply into the error that says what to do next."""
        cause = self._read(answer)
        known = self._known(cause.kind, answer)
        if known is not None:
            return known
        status = answer.status
        if status in {429, 529} or (status == 503 and "Retry-After" in answer.headers):
            return _throttled(answer, cause)
        if status in {400, 413, 422}:
            return self._turned_away(answer)
        if status in {401, 403}:
            return Refused(f"{self._identity} {_REFUSALS['key'].format(self.told(answer))}")
        if status < 500 and status not in {408, 409, 425}:
            return Refused(
                f"{self._identity} is not to be had ({self.told(answer)}); check the model's name and the base URL."
            )
        return Unreachable(f"the server had an error (HTTP {status})", status=status)

    def _known(self, kind: Kind, answer: Response) -> Exception | None:
        """Make the error of a cause that is known; None where the status has to tell."""
        told = self.told(answer)
        if kind in _REFUSALS:
            return Refused(f"{self._identity} {_REFUSALS[kind].format(told)}")
        if kind.startswith("quota") or answer.status == 402:
            what = kind or "quota"
            return Refused(f"The account's {what} for {self._name} is used up ({told}); resume when it is renewed.")
        if kind == "file":
            return Rejected(f"the server no longer holds the file ({told})", status=answer.status)
        if kind == "soon":
            return Unreachable(f"the server was not ready ({told})", status=answer.status)
        return None

    def _turned_away(self, answer: Response) -> ItemError | Refused:
        """A 400 is about one prompt, unless nothing else ever came back."""
        self._turned_down += 1
        if not self._accepted and self._turned_down >= GIVE_UP_AFTER:
            return Refused(
                f"{self._identity} turned down each of the first {self._turned_down} prompts ({self.told(answer)}); "
                "check the model and what it can be asked."
            )
        return Rejected(f"the server turned the prompt down ({self.told(answer)})", status=answer.status)

    def told(self, answer: Response) -> str:
        """The status and the server's own message: one short line, without the key."""
        line = one_line(message_of(answer.body), self._key)
        return f"HTTP {answer.status}: {line}" if line else f"HTTP {answer.status}"


def one_line(message: str, key: str) -> str:
    """Write a server's message as one short line, without the key."""
    shown = hide(message, key)[:2000]
    return " ".join("".join(c if c.isprintable() else " " for c in shown).split())[:200].rstrip(".")


def paid(error: E, usage: Usage) -> E:
    """Say what the call behind an error took: a reply that cannot be used costs as much as one that can."""
    error.usage = usage
    return error


def openai_cause(answer: Response) -> Cause:
    """Read what the body of an OpenAI-compatible server's error adds to its status: that there is no money left."""
    spent = answer.status == 429 and any(code in answer.body for code in _SPENT)
    return Cause(kind="quota" if spent else "")


def message_of(body: bytes) -> str:
    """Find the message in the shapes that servers use for errors; empty where there is none."""
    try:
        return _message(msgspec.json.decode(body))
    except UNREADABLE:
        return ""


def _message(body: Any) -> str:
    if isinstance(body, list):  # some wrap the one error in a list
        wrapped = cast("list[object]", body)
        return _message(wrapped[0]) if wrapped else ""
    if not isinstance(body, dict):
        return body if isinstance(body, str) else ""
    error = cast("dict[str, Any]", body)
    for name in ("error", "message", "detail", "code"):
        if error.get(name):
            found: Any = error[name]
            return _message(found) if isinstance(found, dict) else str(found)
    return ""


def _throttled(answer: Response, cause: Cause) -> Throttled:
    limits = read_limits(answer.headers, now=datetime.now(UTC))
    named = limits.retry_after if limits else None
    return Throttled(
        f"the server asked for fewer calls (HTTP {answer.status})",
        status=answer.status,
        retry_after=cause.retry_after if named is None else named,
        limits=limits,
    )
