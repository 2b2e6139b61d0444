"""Where calls wait for their turn: the thin shell around a pace.

Callers stand in one line. When the pace says that a call may start, the first of the line gets its ticket; nobody
else is woken. A call that was refused comes back at the head of the line, after its `Retry-After`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.flow.pace import Pace, PaceStats, Ticket
    from penstock.flow.ratelimits import RateLimits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Waiter:
    turn: asyncio.Future[Ticket]
    tokens: float


class Gate:
    """Lets calls start at their pace, in the order in which they came.

    One gate serves many tasks of one event loop. Every ticket from `enter` ends with exactly one of `succeeded`,
    `throttled`, `failed` and `withdrawn`.

    Args:
        pace: The numbers.
        clock: Seconds that never run backwards.
    """

    def __init__(self, pace: Pace, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.pace = pace
        self._clock = clock
        self._line: deque[_Waiter] = deque()
        self._again: deque[_Waiter] = deque()
        self._resting = 0
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, *, tokens: float = 0.0, again: Ticket | None = None) -> Ticket:
        """Wait until the call may start.

        Args:
            tokens: What the call will use, as far as known.
            again: The refused call that this one repeats; it waits as long as the server asked, and then goes first.
        """
        if again is not None:
            await self._rest(again)
        line = self._line if again is None else self._again
        if not line and not self._again:
            now = self._clock()
            if self.pace.wait(now, tokens=tokens) <= 0:
                return self.pace.start(now, tokens=tokens)
        waiter = _Waiter(turn=asyncio.get_running_loop().create_future(), tokens=tokens)
        line.append(waiter)
        self._pump()
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            self._leave(waiter, line)
            raise

    async def _rest(self, ticket: Ticket) -> None:
        seconds = ticket.not_before - self._clock()
        if seconds <= 0:
            return
        self._resting += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._resting -= 1

    def _leave(self, waiter: _Waiter, line: deque[_Waiter]) -> None:
        if waiter.turn.done() and not waiter.turn.cancelled():
            self.failed(waiter.turn.result())
            return
        with suppress(ValueError):  # a pump may have passed it already
            line.remove(waiter)
        self._pump()

    def succeeded(self, ticket: Ticket, *, tokens: float | None = None, limits: RateLimits | None = None) -> None:
        """End a call that was answered, with the tokens it used and what its headers told."""
        self.pace.succeeded(ticket, self._clock(), tokens=tokens, limits=limits)
        self._pump()

    def throttled(self, ticket: Ticket, *, retry_after: float | None = None, limits: RateLimits | None = None) -> None:
        """End a call that was refused; `enter(again=ticket)` repeats it."""
        self.pace.throttled(ticket, self._clock(), retry_after=retry_after, limits=limits)
        self._pump()

    def failed(self, ticket: Ticket) -> None:
        """End a call that told nothing about the limit: time-out, server error, cancelled."""
        self.pace.failed(ticket, self._clock())
        self._pump()

    def withdrawn(self, ticket: Ticket) -> None:
        """Give back a ticket with which no call was made."""
        self.pace.withdrawn(ticket, self._clock())
        self._pump()

    def now(self) -> float:
        """Say what the gate's clock shows: the seconds in which its pace tells its history."""
        return self._clock()

    def stats(self) -> PaceStats:
        """Say where the pace stands."""
        return self.pace.stats(waiting=len(self._line) + len(self._again) + self._resting)

    def _pump(self) -> None:
        """Let out whoever may go; for the first who may not, set the clock."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while line := self._again or self._line:
            waiter = line[0]
            if waiter.turn.done():  # cancelled, and not yet gone
                line.popleft()
                continue
            now = self._clock()
            wait = self.pace.wait(now, tokens=waiter.tokens)
            if wait > 0:
                if wait < math.inf:
                    self._timer = waiter.turn.get_loop().call_later(wait, self._pump)
                return
            line.popleft()
            waiter.turn.set_result(self.pace.start(now, tokens=waiter.tokens))
