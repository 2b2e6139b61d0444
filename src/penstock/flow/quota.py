"""So many units a second: a bucket that fills evenly and is emptied by calls."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.flow.ratelimits import Remainder


class Quota:
    """A bucket of requests or tokens.

    A call dearer than the bucket is deep starts when the bucket is full and leaves it in debt, so it delays the calls
    after it and is never stuck.

    Args:
        rate: Units a second that flow in.
        depth: Units the bucket holds; it begins full.
        now: Seconds.
    """

    __slots__ = ("_at", "_level", "depth", "rate")

    def __init__(self, *, rate: float, depth: float, now: float) -> None:
        self.rate = rate
        self.depth = depth
        self._level = depth
        self._at = now

    def level(self, now: float) -> float:
        """Units in the bucket; less than nothing while in debt."""
        return min(self.depth, self._level + self.rate * max(0.0, now - self._at))

    def wait(self, now: float, cost: float) -> float:
        """Seconds until a call of this cost may start."""
        missing = min(cost, self.depth) - self.level(now)
        if missing <= 1e-9:
            return 0.0
        return missing / self.rate if self.rate > 0 else math.inf

    def take(self, now: float, cost: float) -> None:
        """Let a call out."""
        self.set(now, self.level(now) - cost)

    def give(self, now: float, amount: float) -> None:
        """Return units that a call did not use; a negative amount takes what it used beyond its estimate."""
        self.set(now, self.level(now) + amount)

    def set(self, now: float, level: float) -> None:
        """Say how full the bucket is."""
        self._level = min(self.depth, level)
        self._at = max(now, self._at)


class ToldQuota:
    """A copy of the server's own bucket, kept true by the headers of its replies.

    A header tells what was left when its call came in. What our own calls took since then is known, and how fast the
    server refills is measured between two headers. Whether all is counted anew at the time that it names (a fixed
    window), or that is only when a small bucket will be full again, the headers do not say: the first call after that
    time finds out.
    """

    MINUTE = 60.0  # seconds until the limit is full again, where the server did not say
    LONGEST = 600.0  # seconds after which it is asked again, whatever it said
    RESERVE = 0.01  # of the limit, left in the bucket since the copy is never quite true

    __slots__ = ("_base", "_full_at_reset", "_newest", "_probed_at", "_resets_at", "quota")

    def __init__(self, told: Remainder, *, started: float, now: float) -> None:
        missing = told.limit - told.remaining
        rate = min(told.limit / 60, missing / told.reset if told.reset and missing else math.inf)
        self.quota = Quota(rate=rate, depth=told.limit, now=now)
        self._base: tuple[float, float] | None = None  # (time, remaining + spent): where the refill is measured from
        self._newest = started
        self._resets_at = math.inf
        self._probed_at = math.inf
        self._full_at_reset: bool | None = None  # None: not yet seen

    def sync(self, told: Remainder, *, started: float, spent_before: float, spent: float, now: float) -> None:
        """Take in what a reply told.

        Args:
            told: What the server had left.
            started: When the reply's call started.
            spent_before: All units spent up to that call, itself included.
            spent: All units spent up to now.
            now: Seconds.
        """
        if started < self._newest:
            return
        self._newest = started
        if started >= self._probed_at:
            self._probed_at = math.inf
            self._full_at_reset = told.remaining >= told.limit / 2
        self._measure(told, at=started, total=told.remaining + spent_before)
        self.quota.depth = told.limit
        self._resets_at = now + (self.MINUTE if told.reset is None else min(told.reset, self.LONGEST))
        refilled = self.quota.rate * (now - started)
        self.quota.set(now, told.remaining - (spent - spent_before) + refilled)

    def _measure(self, told: Remainder, *, at: float, total: float) -> None:
        if told.remaining >= told.limit:  # a full bucket does not show how fast it fills
            self._base = None
        elif self._base is None:
            self._base = (at, total)
        elif at - self._base[0] >= 1.0:
            refill = max(0.0, (total - self._base[1]) / (at - self._base[0]))
            weight = 0.5 if refill > 0.2 * self.quota.rate else 1.0
            self.quota.rate += weight * (min(refill, told.limit) - self.quota.rate)
            self._base = (at, total)

    def wait(self, now: float, cost: float) -> float:
        """Seconds until a call of this cost may start: when enough has flowed in, or all is counted anew."""
        needed = cost + self.RESERVE * self.quota.depth
        if now >= self._resets_at:
            self._resets_at = math.inf
            if self._full_at_reset:
                self._base = None
                self.quota.set(now, self.quota.depth)
            elif self._full_at_reset is None:
                self._probed_at = now
                self.quota.set(now, max(self.quota.level(now), min(needed, self.quota.depth)))
        until_reset = math.inf if self._full_at_reset is False else self._resets_at - now
        return min(self.quota.wait(now, needed), until_reset)
