"""Which limit a server has: on calls in flight, on calls a second, or on none that was met yet."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from penstock.flow.rate import Rate
from penstock.flow.window import Window

if TYPE_CHECKING:
    from penstock.flow.window import Refusal


class Search:
    """Finds out from refusals what the server counts, and how much of it.

    A limit on calls in flight refuses at one number in flight, whenever it does. A limit on calls a second refuses
    at any number, even at none. So refusals at different numbers speak for `Rate`, refusals at one number that was
    never exceeded speak for `Window`, and a change of mind that proves wrong makes the next one harder.

    Args:
        ceiling: Calls in flight, at most.
        first: Calls in flight to begin with.
    """

    MOVES = 3  # of the last refusals, as many at another number in flight, speak against a limit on it

    def __init__(self, *, ceiling: int, first: int) -> None:
        self.window = Window(ceiling=ceiling, first=first)
        self.rate: Rate | None = None
        self._tried: Rate | None = None  # the rate that was left to try a window
        self._measured: deque[tuple[int, float]] = deque(maxlen=8)  # calls let in and seconds between refusals
        self._moves: deque[bool] = deque(maxlen=6)
        self._confirmed = False  # the server has refused twice at the same number in flight
        self._rises = 0  # refusals in a row, each at more in flight than the one before
        self._top = 0  # the most calls in flight that were answered since the rate took over
        self._at_top = 0  # refusals in a row that came at no fewer in flight than ever answered
        self._full = 0  # refusals in a row with nothing let in and nothing ended since the one before
        self._patience = 3  # of the former, after which a window is tried

    def answered(self, place: int) -> None:
        """Take in that the server has borne so many calls in flight."""
        self._top = max(self._top, place)

    def refused(self, refusal: Refusal, before: Refusal | None) -> str:
        """Lower what the refusal was about, and say why."""
        if before is not None:
            self._measured.append((refusal.starts, refusal.seconds))
            if refusal.starts:
                self._moves.append(_moved(refusal, before))
        if self.rate is not None:
            return self._refused_rate(refusal, before, self.rate)
        if before is None or not self._counts_starts(refusal, before):
            return self.window.refused(refusal)
        return self._turn_to_rate(refusal)

    def _counts_starts(self, refusal: Refusal, before: Refusal) -> bool:
        """Whether what was refused cannot have been one call too many in flight."""
        if refusal.starts == 0:
            return False
        rise, moved = refusal.accepted - before.accepted, self._moves[-1]
        self._rises = self._rises + 1 if rise > 0 else 0
        if rise <= 0 and not moved:
            self._confirmed, self._tried = True, None
        risen = rise > 0 and (moved or self._rises >= 2) and before.climbing and before.accepted > 0
        if risen and not self._confirmed:
            return True
        if moved:
            self._confirmed = False
        return refusal.accepted == 0 or sum(self._moves) >= self.MOVES or (moved and self._tried is not None)

    def _turn_to_rate(self, refusal: Refusal) -> str:
        if self._tried is not None:
            self.rate, self._tried = self._tried, None
            self._patience *= 2
        else:
            self.rate = Rate(self._measured, now=refusal.at)
        self._confirmed = False
        self._top = self._at_top = self._full = 0
        self._moves.clear()
        self.window.release(refusal.at)
        return "rate"

    def _refused_rate(self, refusal: Refusal, before: Refusal | None, rate: Rate) -> str:
        at_top = not rate.searching and refusal.accepted >= self._top > 1
        self._at_top = self._at_top + 1 if at_top else 0
        full = before is not None and refusal.starts == 0 and refusal.accepted == before.accepted > 1
        self._full = self._full + 1 if full else 0
        rate.refused(refusal)
        if self._at_top < self._patience and self._full < 2:
            return "rate"
        self.rate, self._tried = None, rate
        self.window.settle(refusal.accepted, now=refusal.at)
        return "found"


def _moved(refusal: Refusal, before: Refusal) -> bool:
    """Whether the server refused at another number in flight than the time before."""
    change = abs(refusal.accepted - before.accepted)
    return change > 0.15 * max(refusal.accepted, before.accepted)
