"""Runs a stage over a stream of items: bounded queues, a fixed number of workers, every task with a parent.

    source -> queue -> workers -> queue -> whoever reads

A slow reader fills the second queue, then the workers wait, then the first queue fills, then the source waits:
memory is bounded by the two depths and the number of workers, whatever the length of the source.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import anyio
import anyio.lowlevel

from penstock.flow.shield import Worker, enlist
from penstock.flow.unwrap import unwrapped

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Sequence

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
    _staff: Sequence[Worker] = field(repr=False)

    def stop(self) -> None:
        """Take up nothing more. What is in hand is finished, and its results still come."""
        for worker in self._staff:
            worker.stop()

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
    staff = [Worker() for _ in range(workers + 1)]  # the feeder is one of them
    meter = Meter()
    with unwrapped():
        async with anyio.create_task_group() as tasks:
            fed, taken = anyio.create_memory_object_stream[A](depth)
            made, results = anyio.create_memory_object_stream[B](depth)
            tasks.start_soon(_run, staff, source, fed, taken, made, stage, meter)
            with results:
                try:
                    yield Flow(results, meter, staff)
                finally:
                    tasks.cancel_scope.cancel()


async def _run(
    staff: Sequence[Worker],
    source: AsyncGenerator[A, None],
    fed: MemoryObjectSendStream[A],
    taken: MemoryObjectReceiveStream[A],
    made: MemoryObjectSendStream[B],
    stage: Stage[A, B],
    meter: Meter,
) -> None:
    """Feed and work until the source is used up or everybody was asked to leave.

    When one of them fails, the others finish what they have in hand before the error goes on: it is paid for.
    """
    errors: list[Exception] = []

    async def guarded(duty: Coroutine[Any, Any, None]) -> None:
        try:
            await duty
        except Exception as error:  # noqa: BLE001 - it is raised again when everybody has left
            errors.append(error)
            for worker in staff:
                worker.stop()

    with made, taken:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(guarded, _feed(staff[0], source, fed, meter))
            for worker in staff[1:]:
                tasks.start_soon(guarded, _work(worker, stage, taken, made, meter))
        if errors:
            raise errors[0]


async def _feed(worker: Worker, source: AsyncGenerator[A, None], fed: MemoryObjectSendStream[A], meter: Meter) -> None:
    try:
        with fed, worker.scope, worker:
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
    worker: Worker,
    stage: Stage[A, B],
    taken: MemoryObjectReceiveStream[A],
    made: MemoryObjectSendStream[B],
    meter: Meter,
) -> None:
    enlist(worker)
    handled = 0
    with worker.scope:
        while not worker.asked:
            handled += 1
            try:
                item = await _take(taken, worker, handled)
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


async def _take(taken: MemoryObjectReceiveStream[A], worker: Worker, handled: int) -> A:
    """Take the next item; what is there already costs no turn of the loop, except now and then for fairness.

    Raises:
        EndOfStream: There is none, or the worker was asked to leave at the very moment when it came.
    """
    with worker:
        try:
            item = taken.receive_nowait()
        except anyio.WouldBlock:
            item = await taken.receive()
            handled = 0  # it has waited just now
    if worker.asked:
        raise anyio.EndOfStream
    if handled and handled % BREATH == 0:
        await anyio.lowlevel.checkpoint()
    return item


async def _hand_on(made: MemoryObjectSendStream[B], result: B, meter: Meter) -> None:
    """Pass a finished result on; once the reader has left, the flow is over and nobody wants it."""
    with suppress(anyio.BrokenResourceError):
        try:
            made.send_nowait(result)
        except anyio.WouldBlock:
            meter.deepest_out = max(meter.deepest_out, made.statistics().current_buffer_used)
            await made.send(result)


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
