"""Runs a stage over a stream of items: bounded queues, a fixed number of workers, every task with a parent.

    source -> queue -> workers -> queue -> whoever reads

A slow reader fills the second queue, then the workers wait, then the first queue fills, then the source waits:
memory is bounded by the two depths and the number of workers, whatever the length of the source.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import anyio
import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
A = TypeVar("A")
B = TypeVar("B")

BREATH = 64
"""Items a worker handles without waiting for anything before it lets the others run."""


class Stage(Protocol[In, Out]):
    """Turns one item into none, one or many. Any error it raises stops the flow."""

    async def __call__(self, item: In, /) -> Iterable[Out]: ...


@dataclass(slots=True)
class Meter:
    """What a flow has done so far, for progress and reports.

    Attributes:
        items: Items taken up.
        busy: Seconds spent inside the stage, summed over the workers.
        working: Workers inside the stage now.
        deepest_in: Most items seen waiting before the stage.
        deepest_out: Most items seen waiting behind it.
    """

    items: int = 0
    busy: float = 0.0
    working: int = 0
    deepest_in: int = 0
    deepest_out: int = 0


@dataclass(slots=True)
class Flow(Generic[B]):
    """A running flow: iterate over it for the results; `stop` it to end early and keep what is in hand."""

    results: MemoryObjectReceiveStream[B]
    meter: Meter
    _scope: anyio.CancelScope = field(repr=False)

    def stop(self) -> None:
        """Take up nothing more. Work inside `kept()` finishes, and its results still come."""
        self._scope.cancel()

    def __aiter__(self) -> AsyncIterator[B]:
        return _drain(self.results)


@asynccontextmanager
async def flow(
    source: AsyncGenerator[A, None],
    stage: Stage[A, B],
    *,
    workers: int,
    depth: int | None = None,
) -> AsyncGenerator[Flow[B], None]:
    """Run `stage` over `source` with `workers` side by side; results come in the order they are finished.

    Leaving the block early cancels everything. An error of the source or of a worker leaves the block as itself.

    Args:
        source: Closed when the flow ends, however it ends.
        stage: Called from `workers` tasks at once.
        workers: Items in work at once.
        depth: Places in each of the two queues; twice the workers when not given.
    """
    depth = 2 * workers if depth is None else depth
    scope = anyio.CancelScope()
    meter = Meter()
    try:
        async with anyio.create_task_group() as tasks:
            fed, taken = anyio.create_memory_object_stream[A](depth)
            made, results = anyio.create_memory_object_stream[B](depth)
            tasks.start_soon(_run, scope, source, fed, taken, made, stage, workers, meter)
            with results:
                try:
                    yield Flow(results, meter, scope)
                finally:
                    tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raise _only(group) from None


async def _run(
    scope: anyio.CancelScope,
    source: AsyncGenerator[A, None],
    fed: MemoryObjectSendStream[A],
    taken: MemoryObjectReceiveStream[A],
    made: MemoryObjectSendStream[B],
    stage: Stage[A, B],
    workers: int,
    meter: Meter,
) -> None:
    """Feed and work inside one scope, so that one `stop` reaches both."""
    with made, taken, scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_feed, source, fed, meter)
            for _ in range(workers):
                tasks.start_soon(_work, stage, taken, made, meter)


async def _feed(source: AsyncGenerator[A, None], fed: MemoryObjectSendStream[A], meter: Meter) -> None:
    try:
        with fed:
            async for item in source:
                try:
                    fed.send_nowait(item)
                except anyio.WouldBlock:
                    meter.deepest_in = max(meter.deepest_in, fed.statistics().current_buffer_used)
                    await fed.send(item)
    finally:
        with anyio.CancelScope(shield=True):
            await source.aclose()


async def _work(
    stage: Stage[A, B], taken: MemoryObjectReceiveStream[A], made: MemoryObjectSendStream[B], meter: Meter
) -> None:
    handled = 0
    while True:
        try:
            item = taken.receive_nowait()
            handled += 1
            if handled % BREATH == 0:
                await anyio.lowlevel.checkpoint()
        except anyio.WouldBlock:
            try:
                item = await taken.receive()
            except anyio.EndOfStream:
                return
        except anyio.EndOfStream:
            return
        meter.items += 1
        meter.working += 1
        began = perf_counter()
        try:
            results = await stage(item)
        finally:
            meter.working -= 1
            meter.busy += perf_counter() - began
        for result in results:
            await _hand_on(made, result, meter)


async def _hand_on(made: MemoryObjectSendStream[B], result: B, meter: Meter) -> None:
    """Pass a finished result on, even while the flow is being stopped: somebody reads until the end."""
    try:
        made.send_nowait(result)
    except anyio.WouldBlock:
        meter.deepest_out = max(meter.deepest_out, made.statistics().current_buffer_used)
        with anyio.CancelScope(shield=True):
            try:
                await made.send(result)
            except anyio.BrokenResourceError:
                return  # the reader has left: the flow is over
    except anyio.BrokenResourceError:
        return


async def _drain(results: MemoryObjectReceiveStream[B]) -> AsyncIterator[B]:
    handled = 0
    while True:
        try:
            result = results.receive_nowait()
            handled += 1
            if handled % BREATH == 0:
                await anyio.lowlevel.checkpoint()
        except anyio.WouldBlock:
            try:
                result = await results.receive()
            except anyio.EndOfStream:
                return
        except anyio.EndOfStream:
            return
        yield result


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first real error of a group: the flow stopped for it, and the rest followed from the stop."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
