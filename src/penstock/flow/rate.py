"""How many calls a second: found from the calls that were let in between two refusals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from penstock.flow.quota import Quota

if TYPE_CHECKING:
    from collections import deque

    from penstock.flow.window import Refusal


class Rate:
    """The number of calls that may start in a second.

    Two refusals are two moments at which the server's bucket was empty. If it did not run over in between, the calls
    let in between them are exactly what flowed in; if it did, they are fewer. So the rate is searched upwards,
    doubling, until two measurements agree; then it is kept, and tried a little faster and faster (as CUBIC does,
    RFC 9438).

    Args:
        measured: Calls let in and seconds between refusals, newest last; whoever hears of refusals adds to it.
        now: Seconds.
    """

    AGREE = 0.15  # relative difference of two measurements that are the same
    ENOUGH = 12  # calls that make a measurement
    LEAST = 0.25  # calls a second, below which a rate has to be measured to be believed

    __slots__ = ("_calm", "_doublings", "_empty", "_grown", "_last", "_measured", "found", "quota", "searching")

    def __init__(self, measured: deque[tuple[int, float]], *, now: float) -> None:
        self._measured = measured
        self.found = found = max(1e-3, self._recent())
        self.searching = True
        self._grown = self._doublings = 0.0
        self._calm = 1.0
        self._empty = 0  # refusals in a row with nothing let in between
        self._last = now
        self.quota = Quota(rate=found, depth=1.0, now=now)

    @property
    def now(self) -> float:
        """Calls a second that may start at present."""
        if self.searching:
            return self.found * math.pow(2.0, self._doublings)
        units = self._grown / self._calm / max(1.0, 6 / self.found)
        return self.found * (0.98 + 0.004 * units + 3e-4 * units**3)

    def started(self, at: float) -> None:
        """Take in that a call was started; the rate grows only while it is what calls wait for."""
        bound = max(0.0, min(at - self._last, 2 / self.quota.rate))
        self._grown += bound
        self._doublings = min(40.0, self._doublings + bound / max(1.0, 5 / self.quota.rate))
        self._last = at
        self.quota.rate = self.now
        self.quota.take(at, 1.0)

    def refused(self, refusal: Refusal) -> None:
        """Measure anew."""
        if refusal.starts:
            self._empty = 0
            self._measure()
        else:  # nothing was let in, so nothing was measured; in the end, nothing is known any more
            self._empty += 1
            self.found = min(self.found, max(0.7 * self.found, self.LEAST))
            self.searching = self.searching or self._empty >= 3
        self._grown = self._doublings = 0.0
        self.quota.rate = self.now
        self.quota.set(refusal.at, -1.0)

    def _measure(self) -> None:
        before, current = self.found, self.now
        measured = self._recent()
        if self.searching:
            self.found = min(current, max(measured, 0.5 * current))
            self.searching = self.found > (1 + self.AGREE) * before
        else:
            raised = current > 1.1 * before
            self.found = min(current, max(measured, 0.9 * current if raised else 0.7 * before))
            self._calm = min(3.0, 1.5 * self._calm) if abs(self.found - before) < 0.07 * before else 1.0

    def _recent(self) -> float:
        """Calls a second over the last refusals, as many as it takes to have enough calls."""
        recent: list[tuple[int, float]] = []
        for measurement in reversed(self._measured):
            recent.append(measurement)
            if sum(starts for starts, _ in recent) >= self.ENOUGH:
                break
        return _per_second(recent)


def _per_second(measurements: list[tuple[int, float]]) -> float:
    seconds = sum(seconds for _, seconds in measurements)
    return sum(starts for starts, _ in measurements) / seconds if seconds > 0 else 0.0
