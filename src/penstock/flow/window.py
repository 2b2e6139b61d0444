"""How many calls may be in flight: opened until the server refuses, then kept, and now and then tried for one more."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Refusal:
    """What a refused call tells, and with it all further refusals that have the same cause.

    Attributes:
        number: The call's number.
        at: When it came back, in seconds.
        started: When the call was started.
        place: Calls that were in flight when it started, itself included.
        accepted: Calls in flight, started before it, that the server had let in.
        starts: Calls that the server let in between the refusal before and this one.
        seconds: Time between the starts of the two refused calls; infinite for the first refusal of all.
        retry_after: Seconds that the server asked to wait.
        climbing: Whether the call was tried beyond what the server was known to bear.
        refused: Calls refused for this cause, itself included.
    """

    number: int
    at: float
    started: float
    place: int
    accepted: int
    starts: int
    seconds: float
    retry_after: float | None
    climbing: bool = False
    refused: int = 1


class Window:
    """The number of calls that may be in flight.

    It is always in one of three states, told by `grow_at` and `_opening`: opening (it grows by one call at a time, at
    `_speed`), kept (it waits for `grow_at` to try one more), or recovering (it has been cut, and waits for a call to be
    let in before it opens again).

    Args:
        ceiling: It never grows beyond.
        first: It begins with this many.
    """

    FASTEST = 10.0  # growth per second while opening, relative to the window
    LEAST_SPEED = 400.0  # calls a second, before the first refusal has told how fast refusals come
    LAG = 0.02  # seconds that a late timer may catch up
    PATIENCE = 60.0  # seconds between two tries, at most

    __slots__ = (
        "_goal",
        "_interval",
        "_opening",
        "_peak",
        "_proven",
        "_recovering",
        "_shaken_at",
        "ceiling",
        "delay",
        "grow_at",
        "latency",
        "limit",
    )

    def __init__(self, *, ceiling: int, first: int) -> None:
        self.ceiling = ceiling
        self.limit = min(first, ceiling)
        self.grow_at = -math.inf
        self.delay: float | None = None  # seconds after which refusals come back
        self.latency: float | None = None  # seconds after which replies come back
        self._proven = 0  # calls in flight that the server is known to bear
        self._opening = True
        self._recovering = False
        self._goal = ceiling
        self._interval = 1.0  # in units of `_round`
        self._peak = 0
        self._shaken_at = -math.inf

    def learn_delay(self, seconds: float) -> None:
        """Take in how long a refusal took to come back; longer ones count for more."""
        if self.delay is None:
            self.delay = seconds
        else:
            self.delay += (0.5 if seconds > self.delay else 0.2) * (seconds - self.delay)

    def learn_latency(self, seconds: float) -> None:
        """Take in how long a reply took to come back."""
        if self.latency is None:
            self.latency = seconds
        else:
            self.latency += 0.1 * (seconds - self.latency)

    def wait(self, now: float, in_flight: int) -> float:
        """Seconds until one more call may be in flight; infinite where one has to end first."""
        if in_flight < self.limit:
            return 0.0
        if in_flight > self.limit or self.limit >= self.ceiling:
            return math.inf
        return max(0.0, self.grow_at - now)

    def started(self, now: float, in_flight: int) -> bool:
        """Take in that a call was started, the `in_flight`-th; say whether the window now is as wide as planned."""
        if in_flight > self.limit:
            return self._grow(now)
        if self._recovering and self.grow_at == math.inf:
            self._recover(now)
        return False

    def _recover(self, now: float) -> None:
        """A call has been started after the cut: if it stands, the window opens to just below what was refused."""
        if self.limit < self._goal:
            self.grow_at = now + self.confirm
        else:
            self._keep(now, self._interval * self._round)

    def _grow(self, now: float) -> bool:
        if not self._opening:
            self._open(now)
        else:
            last = self.grow_at if now - self.grow_at < self.LAG else now
            self.grow_at = last + 1 / self._speed
        self.limit += 1
        if self.limit < self._goal:
            return False
        self._keep(now, self._interval * self._round)
        return True

    def _open(self, now: float) -> None:
        """Begin to open: the first call beyond what is proven has to stand for a moment before others follow."""
        self._opening = True
        self.grow_at = now + (1 / self._speed if self._recovering else self.confirm)
        if not self._recovering:
            self._goal = self.ceiling
        self._recovering = False

    def _keep(self, now: float, seconds: float) -> None:
        self._opening = self._recovering = False
        self._proven = self.limit
        self._goal = self.ceiling
        self.grow_at = now + seconds

    @property
    def confirm(self) -> float:
        """Seconds after which a call that has not been refused was let in."""
        return max(0.02, 3 * (self.delay or 0.0))

    @property
    def _round(self) -> float:
        return 1.0 if self.latency is None else 1.6 * self.latency

    @property
    def _speed(self) -> float:
        """Calls a second by which an opening window grows; the faster, the more calls are refused at its end."""
        speed = max(self.LEAST_SPEED, self.FASTEST * self.limit)
        if not self.delay:
            return speed
        return min(speed, max(4, self.limit) / (8 * self.delay))

    def refused(self, refusal: Refusal) -> str:
        """Cut, and say why."""
        refusal.climbing = refusal.place > self._proven
        if refusal.climbing:
            return self._found(refusal)
        return self._shaken(refusal)

    def _found(self, refusal: Refusal) -> str:
        """The server's limit was met from below: keep what it bears."""
        before = self._proven
        self.limit = max(self._proven, refusal.accepted, 1)
        if self.limit > before:
            self._interval = 1.0
        else:
            self._interval *= 1.25 if self.limit < 0.8 * self._peak else 3.0
        self._peak = max(self._peak, self.limit)
        seconds = min(self.PATIENCE, self._interval * self._round)
        if refusal.retry_after is not None:
            seconds = max(seconds, min(refusal.retry_after, 2 * self._round))
        self._keep(refusal.at, seconds)
        if before == 0:
            return "found"
        return "raised" if self.limit > before else "held"

    def _shaken(self, refusal: Refusal) -> str:
        """Fewer calls than before are borne: one step down, and if that was not enough, by three tenths."""
        again = refusal.at - self._shaken_at < (self.latency or 1.0) and refusal.starts <= 0.1 * self.limit
        self._shaken_at = refusal.at
        known = min(refusal.accepted, refusal.place - 1, self.limit)
        self.limit = max(1, int(0.7 * known) if again else known)
        self._goal = max(self.limit, refusal.place - 1)
        self._proven = self.limit
        self._opening, self._recovering = False, True
        self._interval = 1.0
        self.grow_at = math.inf
        return "fewer"

    def resume(self, in_flight: int) -> None:
        """After a pause, do not let out at once all who have waited: begin with one."""
        if in_flight + 1 >= self.limit:
            return
        self._goal = self.limit
        self.limit = in_flight + 1
        self._proven = in_flight
        self._opening, self._recovering = False, True
        self.grow_at = math.inf

    def refused_too(self) -> None:
        """Take in that a call was refused that had been counted as let in."""
        self.limit = max(1, self.limit - 1)
        self._proven = min(self._proven, self.limit)

    def release(self, now: float) -> None:
        """Stop limiting: it is not the number of calls in flight that the server counts."""
        self.limit = self.ceiling
        self._keep(now, 0.0)

    def settle(self, limit: int, *, now: float) -> None:
        """Limit to a number that is known from elsewhere."""
        self.limit = max(1, min(limit, self.ceiling))
        self._peak = max(self._peak, self.limit)
        self._interval = 1.0
        self._keep(now, self._round)
