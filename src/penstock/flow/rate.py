"""How many calls a second: found from the calls that were let in between two refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.flow.quota import Quota

if TYPE_CHECKING:
    from penstock.flow.window import Refusal


class Rate:
    """The number of calls that may start in a second.

    Two refusals are two moments at which the server's bucket was empty. If it did not run over in between, the calls
    let in between them are exactly what flowed in; if it did, they are fewer. So the rate is searched upwards, doubling,
    until two measurements agree; then it is kept, and tried a little faster and faster (as CUBIC does, RFC 9438).

    Args:
        found: Calls a second, measured or a lower bound.
        now: Seconds.
    """

    AGREE = 0.15  # relative difference of two measurements that are the same
    ENOUGH = 8  # calls that make a measurement

    __slots__ = ("_grown", "_last", "found", "quota", "searching")

    def __init__(self, found: float, *, now: float) -> None:
        self.found = found
        self.searching = True
        self._grown = 0.0
        self._last = now
        self.quota = Quota(rate=found, depth=1.0, now=now)

    @property
    def now(self) -> float:
        """Calls a second that may start at present."""
        if self.searching:
            return self.found * 2.0 ** min(40.0, self._grown / max(1.0, 4 / self.found))
        units = self._grown / max(1.0, 4 / self.found)
        return self.found * (0.98 + 0.008 * units + 1e-4 * units**3)

    def started(self, at: float) -> None:
        """Take in that a call was started; the rate grows only while it is what calls wait for."""
        self._grown += max(0.0, min(at - self._last, 2 / self.quota.rate))
        self._last = at
        self.quota.rate = self.now
        self.quota.take(at, 1.0)

    def refused(self, refusal: Refusal) -> str:
        """Measure, and say what that means."""
        measured = (refusal.starts + 1) / refusal.seconds if refusal.seconds > 0 else 0.0
        before, current = self.found, self.now
        if self.searching:
            self.found = min(current, max(measured, 0.7 * current))
            self.searching = refusal.starts < self.ENOUGH or abs(self.found - before) > self.AGREE * before
        elif measured > 0.9 * before:
            self.found = min(current, max(measured, 0.99 * before))
        else:
            self.found = max(measured, 0.7 * before)
        self._grown = 0.0
        self.quota.rate = self.now
        self.quota.set(refusal.at, -1.0)
        return "rate"
