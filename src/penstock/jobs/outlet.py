"""Sends outcomes on while a job goes on, so that people see results before the last row is judged.

    ledger -> outlet: gather by count and by time -> send, one batch after the other

The ledger is the truth and this is a delivery: an outcome is handed over when it is durable, so what could not be sent
is sent by a resume, without asking a model again. While a batch is on its way the next one gathers; when too much has
gathered, the job waits.
"""

from __future__ import annotations

import math
import time
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from penstock.errors import PenstockError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from penstock.records import Outcome

GRACE = 10.0
"""Seconds that what is left may take to be sent when the job was asked to stop; a resume sends the rest."""

SOONEST = 0.75
"""Share of an interval between two batches at least: others write and read with the same quota."""

LAGS = 10_000
"""Latest outcomes whose time to visibility is remembered."""


class Outlet:
    """Gathers outcomes and sends them in batches; many tasks may hand over at once, one task runs `run`."""

    def __init__(
        self,
        send: Callable[[Sequence[Outcome]], Awaitable[None]],
        *,
        interval: float = 2.0,
        count: int = 50,
        room: int = 20_000,
        ready: Callable[[], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember where to send.

        Args:
            send: Returns when the batch is where people see it; tries as often as makes sense, then raises.
            interval: Seconds that an outcome waits at most before its batch is sent.
            count: Outcomes that make a batch earlier, though not sooner than `SOONEST` of an interval after the last.
            room: Outcomes that may wait; beyond it the job waits.
            ready: Returns when a batch would be sent at once; until then the batch grows. None: always.
            clock: Seconds, monotonic.
        """
        self._send = send
        self._interval = interval
        self._count = count
        self._room = room
        self._ready = ready
        self._clock = clock
        self._waiting: deque[tuple[float, Outcome]] = deque()
        self._sending = 0
        self._moved = anyio.Event()
        self._closed = False
        self._hurried = False
        self._scope = anyio.CancelScope()
        self._sent = 0
        self._batches = 0
        self._last = -math.inf
        self._lags: deque[float] = deque(maxlen=LAGS)
        self.error: PenstockError | None = None

    async def take(self, outcome: Outcome) -> None:
        """Hand an outcome over; waits while there is no room, except behind an error or in a hurry."""
        while len(self._waiting) >= self._room and self.error is None and not self._hurried:
            await self._move()
        self._waiting.append((self._clock(), outcome))
        self._stir()

    async def run(self, failed: Callable[[], None]) -> None:
        """Send until closed and everything is sent, or until sending fails.

        Args:
            failed: Called when it does; the error is then kept in `error`.
        """
        with self._scope:
            while not (self._closed and not self._waiting):
                await self._ripen()
                if not self._waiting:
                    continue
                try:
                    await self._flush()
                except PenstockError as error:
                    self.error = error
                    self._stir()
                    failed()
                    return

    @property
    def left(self) -> int:
        """Outcomes that are not sent yet."""
        return len(self._waiting) + self._sending

    def hurry(self) -> None:
        """Take `GRACE` at most for what is left: the job was asked to stop, and the ledger has everything."""
        self._hurried = True
        self._limit()
        self._stir()

    def close(self) -> None:
        """Send what is there without waiting for more; `run` returns after it."""
        self._closed = True
        self._limit()
        self._stir()

    def _limit(self) -> None:
        if self._closed and self._hurried:
            self._scope.deadline = min(self._scope.deadline, anyio.current_time() + GRACE)

    def gauges(self) -> dict[str, float]:
        """What was sent, what waits, and the seconds from durable to visible: median and 95th percentile."""
        lags = sorted(self._lags)
        found = {"sent": float(self._sent), "unsent": float(self.left)}
        if lags:
            found["lag_median"] = round(lags[len(lags) // 2], 3)
            found["lag_p95"] = round(lags[math.ceil(0.95 * len(lags)) - 1], 3)
        return {**found, "batches_sent": float(self._batches)}

    async def _ripen(self) -> None:
        """Wait until there is a batch."""
        while (wait := self._wait()) > 0:
            with anyio.move_on_after(wait):
                await self._move()

    def _wait(self) -> float:
        """Seconds until the next batch is to be sent."""
        if self._closed:
            return 0.0
        if not self._waiting:
            return math.inf
        due = self._waiting[0][0] + self._interval
        if len(self._waiting) >= self._count:
            due = min(due, self._last + SOONEST * self._interval)
        return due - self._clock()

    async def _flush(self) -> None:
        if self._ready is not None:
            await self._ready()
        batch = list(self._waiting)
        self._waiting.clear()
        self._sending = len(batch)
        self._last = self._clock()
        self._stir()
        try:
            await self._send([outcome for _, outcome in batch])
        except BaseException:
            self._waiting.extendleft(reversed(batch))
            raise
        finally:
            self._sending = 0
        now = self._clock()
        self._lags.extend(now - since for since, _ in batch)
        self._sent += len(batch)
        self._batches += 1

    async def _move(self) -> None:
        """Wait until something changes."""
        await self._moved.wait()

    def _stir(self) -> None:
        self._moved.set()
        self._moved = anyio.Event()


@asynccontextmanager
async def sending(outlet: Outlet | None, *, failed: Callable[[], None]) -> AsyncGenerator[None]:
    """Run an outlet beside a block; leaving the block sends the rest, whatever it was left for.

    Args:
        outlet: None where nothing is sent on.
        failed: Called when sending fails; the block may then end in order.

    Raises:
        PenstockError: What sending failed with.
    """
    if outlet is None:
        yield
        return
    problem: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(outlet.run, failed)
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raised again when what was judged before it is sent
            problem = error
        outlet.close()
    if problem is not None:
        raise problem
    if outlet.error is not None:
        raise outlet.error
