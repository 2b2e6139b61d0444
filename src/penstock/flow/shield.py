"""Where a stop may take a worker away, and where it must not.

A call that is on the wire is paid for, and so is a reply on its way to the ledger. So a worker that is asked to leave
finishes what it has in hand; only where it does nothing but wait for its turn, inside `waiting()`, it leaves at once.

This is a mark per worker instead of a cancel scope per call, because a call passes it several times.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType
    from typing import Self


class Worker:
    """One worker of a flow: whether it only waits now, and whether it was asked to leave.

    Attributes:
        asked: Whether it was asked to leave; it takes up nothing more.
        scope: What its work runs in.
        mates: Who works for it at the moment; they are asked to leave with it.
    """

    __slots__ = ("_waiting", "asked", "mates", "scope")

    def __init__(self) -> None:
        self.asked = False
        self.scope = anyio.CancelScope()
        self.mates: tuple[Worker, ...] = ()
        self._waiting = False

    def stop(self) -> None:
        """Ask the worker to leave: at once if it only waits, else at its next wait."""
        self.asked = True
        if self._waiting:
            self.scope.cancel()
        for mate in self.mates:
            mate.stop()

    def __enter__(self) -> Self:
        self._waiting = True
        if self.asked:
            self.scope.cancel()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting = False


_on_duty: ContextVar[Worker | None] = ContextVar("worker", default=None)


def enlist(worker: Worker) -> None:
    """Say which worker the running task is."""
    _on_duty.set(worker)


def on_duty() -> Worker | None:
    """The worker that the running task is; None outside a flow."""
    return _on_duty.get()


def waiting() -> Worker:
    """Mark a block in which nothing is in hand: a stop of the flow may end it. Outside a flow it changes nothing.

    Usage: `with waiting(): ...`. Blocks are not nested.
    """
    return _on_duty.get() or Worker()


@contextmanager
def staying() -> Generator[None]:
    """Mark a block that a stop must not end even where it waits: what the worker has in hand is paid for."""
    token = _on_duty.set(Worker())
    try:
        yield
    finally:
        _on_duty.reset(token)


async def leave_if_asked() -> None:
    """Leave, like a worker that waits, if that was asked for: for those who are about to take something up."""
    worker = on_duty()
    if worker is not None and worker.asked:
        worker.scope.cancel()
        await anyio.lowlevel.checkpoint_if_cancelled()
