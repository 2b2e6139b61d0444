"""Several calls for one item, side by side, without weakening what a stop promises.

A worker that asks for five samples of one answer has five calls in hand. Asked to leave, those on the wire must be
finished, because they are paid for, and those that only wait for their turn must go. So each call gets a mark of its
own for the time it takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from penstock.flow.shield import Worker, enlist, on_duty
from penstock.flow.unwrap import unwrapped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence


async def together(calls: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run all calls at once, and return when the last one is over.

    Where a stop of the flow took some of them away, the worker that called leaves as well: what it has is not whole.
    When a call fails, the others are asked to leave in the same way, and its error is raised when they have.
    """
    if len(calls) == 1:
        await calls[0]()
        return
    head = on_duty() or Worker()
    mates = tuple(Worker() for _ in calls)
    errors: list[Exception] = []

    async def run(mate: Worker, call: Callable[[], Awaitable[None]]) -> None:
        enlist(mate)
        with mate.scope:
            try:
                await call()
            except Exception as error:  # noqa: BLE001 - it is raised again when the others have left
                errors.append(error)
                for one in mates:
                    one.stop()

    head.mates = mates
    if head.asked:
        head.stop()
    try:
        with unwrapped():
            async with anyio.create_task_group() as tasks:
                for mate, call in zip(mates, calls, strict=True):
                    tasks.start_soon(run, mate, call)
    finally:
        head.mates = ()
    if errors:
        raise errors[0]
    if any(mate.scope.cancelled_caught for mate in mates):
        head.scope.cancel()
        await anyio.lowlevel.checkpoint_if_cancelled()
