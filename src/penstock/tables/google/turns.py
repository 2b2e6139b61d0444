"""When the next request may be sent: numbers without waiting.

Google counts requests per minute and does not say when its minute begins. So requests are spaced evenly: then every
window of a minute holds at most the quota, wherever it begins. A refusal tells that others use the same quota: all
wait, for as long as the server says, else longer with every refusal in a row until a minute is over, and afterwards
the requests go out a little slower for some time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

MINUTE = 60.0
SLOWEST = 4.0  # times the usual spacing
_FIRST_PAUSE = 2.0  # seconds, doubled with every refusal in a row


class Turns:
    """The turns of one kind of request.

    Args:
        per_minute: Requests in any minute.
        now: Seconds.
        at_once: Whether the first request need not wait; else a process that is restarted keeps the spacing, too.
        saved: Turns that a quiet time saves up, so that a few requests go out one after the other; a minute may then
            hold so many more.
    """

    __slots__ = ("_calm_since", "_in_a_row", "_next", "_saved", "_usual", "spacing")

    def __init__(self, per_minute: float, *, now: float, at_once: bool, saved: int = 0) -> None:
        self._usual = MINUTE / per_minute
        self._saved = saved
        self.spacing = self._usual
        self._next = now - saved * self.spacing if at_once else now + self.spacing
        self._in_a_row = 0
        self._calm_since = now

    def wait(self, now: float) -> float:
        """Seconds until the next request may be sent."""
        return max(0.0, self._next - now)

    def take(self, now: float) -> None:
        """Send a request."""
        self._next = max(self._next, now - self._saved * self.spacing) + self.spacing

    def refused(self, now: float, *, asked: float | None, rng: random.Random) -> float:
        """Take in a refusal and give the seconds until the next request.

        Args:
            now: Seconds.
            asked: Seconds that the server asked to wait, where it did.
            rng: Where the jitter comes from.
        """
        pause = asked if asked is not None else min(MINUTE, _FIRST_PAUSE * 2.0 ** min(self._in_a_row, 10))
        jitter = rng.uniform(0.0, 1.0) if asked is not None else rng.uniform(-0.5, 0.0) * pause
        self._in_a_row += 1
        self._calm_since = now
        self.spacing = min(SLOWEST * self._usual, 1.5 * self.spacing)
        self._next = max(self._next, now + pause + jitter)
        return self._next - now

    def answered(self, now: float) -> None:
        """Take in that a request was not refused; after a minute of that, the next ones go out faster again."""
        self._in_a_row = 0
        if self.spacing > self._usual and now - self._calm_since >= MINUTE:
            self._calm_since = now
            self.spacing = max(self._usual, self.spacing / 1.5)
