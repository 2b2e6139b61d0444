"""What the server lets in: calls in flight, calls per second, calls and tokens per minute. Time is an argument."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.testing.behaviour import Behaviour


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a call is not let in; `wait` is the number of seconds after which it would be, where that is known."""

    reason: str
    kind: str = "requests"
    wait: float | None = None


class Bucket:
    """A token bucket: `size` at once, then `per_second`; it is full at first.

    Times may be on any clock that does not go backwards.
    """

    def __init__(self, *, per_second: float, size: float) -> None:
        self.per_second = per_second
        self.size = size
        self._level = size
        self._at = -math.inf

    def level(self, now: float) -> float:
        """Return what may be taken now."""
        if now > self._at:
            gained = (now - self._at) * self.per_second
            self._level = min(self.size, self._level + gained)
            self._at = now
        return self._level

    def wait(self, amount: float, *, now: float) -> float:
        """Return the seconds until `amount` may be taken: 0 for now, infinity for never."""
        if amount > self.size:
            return math.inf
        short = amount - self.level(now)
        # A billionth of slack: sums of fractions of seconds must not cost a call its turn.
        return short / self.per_second if short > 1e-9 else 0.0

    def take(self, amount: float, *, now: float) -> None:
        """Take `amount`, which `wait` said may be taken."""
        self._level = self.level(now) - amount


class Limits:
    """The limits of a behaviour, with what was used of them."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._steps = behaviour.steps
        self._began: float | None = None
        self._rate = _bucket(behaviour.rate, burst=behaviour.burst)
        self.requests = _per_minute(behaviour.requests_per_minute, seconds=behaviour.burst_seconds)
        self.tokens = _per_minute(behaviour.tokens_per_minute, seconds=behaviour.burst_seconds)

    def begin(self, now: float) -> None:
        """Count the seconds of the capacity's steps from here, unless they are counted already."""
        if self._began is None:
            self._began = now

    @property
    def counts_tokens(self) -> bool:
        """Whether the size of a call matters."""
        return self.tokens is not None

    def next_step(self, now: float) -> float | None:
        """Return the seconds until the capacity changes next, if it will."""
        passed = self._passed(now)
        return next((second - passed for second, _ in self._steps if second > passed), None)

    def room(self, in_flight: int, *, now: float) -> bool:
        """Say whether one more may be in flight."""
        passed = self._passed(now)
        most = math.inf
        for second, allowed in self._steps:
            if second > passed:
                break
            most = allowed
        return in_flight < most

    def refusal(self, tokens: int, *, now: float) -> Refusal | None:
        """Take one call of this many tokens from every rate, or say why not and take nothing."""
        wanted = [
            (bucket, amount, kind)
            for bucket, amount, kind in (
                (self._rate, 1, "requests"),
                (self.requests, 1, "requests"),
                (self.tokens, tokens, "tokens"),
            )
            if bucket is not None
        ]
        for bucket, amount, kind in wanted:
            wait = bucket.wait(amount, now=now)
            if wait > 0:
                return _refuse(kind, amount=amount, size=bucket.size, wait=wait)
        for bucket, amount, _ in wanted:
            bucket.take(amount, now=now)
        return None

    def levels(self, now: float) -> tuple[Level, ...]:
        """Return how full the limits per minute are."""
        return tuple(
            _level(kind, bucket, now=now)
            for kind, bucket in (("requests", self.requests), ("tokens", self.tokens))
            if bucket is not None
        )

    def _passed(self, now: float) -> float:
        return 0.0 if self._began is None else now - self._began


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How full one limit per minute is.

    Attributes:
        kind: `requests` or `tokens`.
        limit: Per minute.
        remaining: What may be used at once.
        reset: Seconds until it is full again.
    """

    kind: str
    limit: int
    remaining: int
    reset: float

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The `x-ratelimit-*` headers, as OpenAI names them."""
        return (
            (f"x-ratelimit-limit-{self.kind}", str(self.limit)),
            (f"x-ratelimit-remaining-{self.kind}", str(self.remaining)),
            (f"x-ratelimit-reset-{self.kind}", duration(self.reset)),
        )


def duration(seconds: float) -> str:
    """Write seconds as OpenAI's reset headers do: `20ms`, `1.5s`, `6m0s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    if seconds < 60:
        return f"{math.ceil(seconds * 1000) / 1000:g}s"
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes}m{rest}s"


def _bucket(rate: float | None, *, burst: int | None) -> Bucket | None:
    if rate is None:
        return None
    return Bucket(per_second=rate, size=max(1.0, rate) if burst is None else burst)


def _per_minute(limit: float | None, *, seconds: float) -> Bucket | None:
    if limit is None:
        return None
    return Bucket(per_second=limit / 60, size=max(1.0, limit / 60 * seconds))


def _refuse(kind: str, *, amount: float, size: float, wait: float) -> Refusal:
    if wait == math.inf:
        return Refusal(reason=f"Request too large: {amount} {kind}, of at most {size:g}.", kind=kind)
    return Refusal(reason=f"Rate limit reached for {kind}. Try again in {duration(wait)}.", kind=kind, wait=wait)


def _level(kind: str, bucket: Bucket, *, now: float) -> Level:
    level = bucket.level(now)
    return Level(
        kind=kind,
        limit=math.floor(bucket.per_second * 60 + 1e-9),
        remaining=max(0, math.floor(level + 1e-9)),
        reset=(bucket.size - level) / bucket.per_second,
    )
