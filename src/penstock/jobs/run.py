"""Runs a job: chunk after chunk through a flow, every outcome durable before it counts.

    source -> chunks (settled items left out) -> flow: judge, then ledger -> accounts of the chunks -> retry or done

Only a few chunks are open at once, so memory does not grow with the source; a chunk that waits to be tried again
stays open, so a server that is down slows the reading instead of burning through the table.
"""

from __future__ import annotations

import heapq
import math
import time
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import anyio.to_thread

from penstock.errors import BudgetSpent, JobError, PenstockError
from penstock.flow.run import Flow, flow
from penstock.flow.unwrap import unwrapped
from penstock.jobs.chunks import OpenChunk, batched, digest, unsettled
from penstock.jobs.events import ChunkChanged, JobChanged, Progress
from penstock.jobs.outlet import sending
from penstock.records import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence

    from penstock.jobs.events import Event, Listener
    from penstock.jobs.folder import RunFolder
    from penstock.jobs.outlet import Outlet
    from penstock.ledger.ledger import Chunk, Job, JobStatus, Ledger
    from penstock.records import Item, Key, Outcome, Usage

TICK = 1.0
"""Seconds between two looks at the clock, where nobody says otherwise."""


class Source(Protocol):
    """Where items come from. Every call of `rows` gives the same rows in the same order."""

    @property
    def parts(self) -> int:
        """Items per row."""
        ...

    def rows(self) -> Iterator[Sequence[Item]]:
        """Give the items of each row, in order; read in a thread, one row after the other."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is done to items, and how many at a time.

    Attributes:
        judge: Turns a batch of items into exactly one outcome each.
        workers: Batches in work at once.
        batch: Items in a batch at most.
        by_row: Whether a batch is what is left of one row, however many parts that are.
        gauges: What to measure besides, for progress.
    """

    judge: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome]]]
    workers: int
    batch: int = 1
    by_row: bool = False
    gauges: Callable[[], Mapping[str, float]] = field(default=dict)


@dataclass(slots=True)
class Runner:
    """One run of one job, from start or resume to its end or stop.

    Attributes:
        job: What is run; changed as it goes.
        ledger: Where everything is kept.
        source: Where items come from.
        work: What is done to them.
        folder: Where progress is shown.
        chunk_rows: Rows per chunk.
        retry_limit: New tries of a chunk whose items failed for now.
        again: Whether items that failed for good are asked again, too.
        outlet: Sends outcomes on as soon as they are durable.
        deliver: Called when all outcomes are in the ledger; the job is not over before it returns.
        listeners: Told of every event.
        clock: Seconds, monotonic.
        tick: Seconds between two looks at the clock: progress, run folder, requests to stop.
    """

    job: Job
    ledger: Ledger
    source: Source
    work: Work
    folder: RunFolder
    chunk_rows: int = 500
    retry_limit: int = 3
    again: bool = False
    outlet: Outlet | None = None
    deliver: Callable[[], Awaitable[None]] | None = None
    listeners: Sequence[Listener] = ()
    clock: Callable[[], float] = time.monotonic
    tick: float = TICK
    _chunks: list[Chunk] = field(default_factory=list)
    _open: dict[int, OpenChunk] = field(default_factory=dict)
    _retries: list[tuple[float, int]] = field(default_factory=list)
    _unread: Iterator[Sequence[Item]] = field(default_factory=lambda: iter(()))
    _next: int = 0
    _changed: anyio.Event = field(default_factory=anyio.Event)
    _flow: Flow[Outcome] | None = None
    _stopped: JobStatus | None = None
    _began: float = 0.0
    _done: int = 0
    _failed: int = 0
    _skipped: int = 0
    _paid: dict[Key, Usage] = field(default_factory=dict)
    _recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=30))
    _stage_seconds: dict[str, float] = field(default_factory=lambda: {"read": 0.0, "judge": 0.0, "record": 0.0})

    async def run(self) -> Job:
        """Run until every chunk is over, or until stopped.

        Returns:
            The job as it ended: completed, failed, interrupted or cancelled.

        Raises:
            JobError: Another process works on it.
            PenstockError: Something that no single row is to blame for; the job is failed and can be resumed.
        """
        self._began = self.clock()
        self._chunks = await self.ledger.chunks(self.job.id)
        self._unread = self.source.rows()
        try:
            await self._set_status("running")
            await self._work_through()
            await self._put_back()
            if not self._cut_short() and self.deliver is not None:
                await self.deliver()
        except BudgetSpent as error:
            await self._put_back()
            await self._set_status("interrupted", error=str(error))
            return self.job
        except PenstockError as error:
            await self._put_back()
            await self._set_status("failed", error=str(error))
            raise
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._set_status("interrupted")
            raise
        await self._set_status(*self._verdict())
        return self.job

    def stop(self, status: JobStatus = "interrupted") -> None:
        """Take up nothing more, keep what is in flight, then end with this status."""
        self._stopped = status
        if self._flow is not None:
            self._flow.stop()
        if self.outlet is not None:
            self.outlet.hurry()

    async def _work_through(self) -> None:
        with unwrapped():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._tick)
                async with (
                    sending(self.outlet, failed=self.stop),
                    flow(self._batches(), self._stage, workers=self.work.workers) as running,
                ):
                    self._flow = running
                    if self._stopped:
                        running.stop()
                    async for outcome in running:
                        await self._account(outcome)
                tasks.cancel_scope.cancel()

    async def _stage(self, batch: Sequence[Item]) -> Sequence[Outcome]:
        """Judge a batch, and return once its outcomes are durable."""
        began = self.clock()
        outcomes = await self.work.judge(batch)
        judged = self.clock()
        if [outcome.key for outcome in outcomes] != [item.key for item in batch]:
            raise ValueError(f"the judge gave {len(outcomes)} outcomes for {len(batch)} items, or of other items")
        if self._paid:
            outcomes = [self._summed(outcome) for outcome in outcomes]
        await self.ledger.record(self.job.id, outcomes)
        self._stage_seconds["judge"] += judged - began
        self._stage_seconds["record"] += self.clock() - judged
        return outcomes

    def _summed(self, outcome: Outcome) -> Outcome:
        """Add to an outcome what the failed tries before it took: it takes their place in the ledger."""
        paid = self._paid.pop(outcome.key, None)
        return outcome if paid is None else replace(outcome, usage=outcome.usage + paid)

    async def _batches(self) -> AsyncGenerator[Sequence[Item], None]:
        """Give out work as long as there is any: chunks that are due again first, then new ones."""
        while True:
            items = await self._next_items()
            if items is None:
                return
            for batch in batched(items, size=self.work.batch, by_row=self.work.by_row):
                yield batch

    async def _next_items(self) -> list[Item] | None:
        """Wait for a chunk that has something to do; None when all is done."""
        while True:
            if self._retries and self._retries[0][0] <= self.clock():
                return self._reopen()
            if self._next < len(self._chunks) and len(self._open) < self._most_open():
                items = await self._read_next()
                if items:
                    return items
            elif self._open:
                await self._wait()
            else:
                return None

    def _most_open(self) -> int:
        """Chunks that may be open at once: enough to keep every worker busy, and a few that wait for a retry."""
        ahead = 3 * self.work.workers * self.work.batch
        return 8 + math.ceil(ahead / (self.chunk_rows * self.source.parts))

    async def _wait(self) -> None:
        """Wait until a chunk is over or due again."""
        self._changed = anyio.Event()
        until = self._retries[0][0] - self.clock() if self._retries else math.inf
        with anyio.move_on_after(max(0.0, until)):
            await self._changed.wait()

    def _reopen(self) -> list[Item]:
        _, number = heapq.heappop(self._retries)
        return list(self._open[number].waiting.values())

    async def _read_next(self) -> list[Item]:
        """Read the next chunk and leave out what the ledger has."""
        chunk = self._chunks[self._next]
        began = self.clock()
        items = await anyio.to_thread.run_sync(self._read, chunk.rows)
        self._stage_seconds["read"] += self.clock() - began
        self._skip(chunk.rows * self.source.parts - len(items), 0)  # rows with nothing to judge
        found = digest(items)
        if chunk.status == "completed" and chunk.digest == found and not (self.again and chunk.failed):
            self._skip(len(items), chunk.failed)
            self._next += 1
            return []
        known: dict[Key, Outcome] = {}
        if chunk.digest:
            outcomes = await self.ledger.outcomes(self.job.id, chunk.first_row, chunk.rows)
            known = {outcome.key: outcome for outcome in outcomes}
        todo = unsettled(items, known, again=self.again)
        rest = {item.key for item in todo}
        self._paid.update({key: one.usage for key, one in known.items() if key in rest and one.usage.calls})
        failed = sum(isinstance(outcome, Failure) and key not in rest for key, outcome in known.items())
        self._skip(len(items) - len(todo), failed)
        opened = OpenChunk(
            chunk=replace(chunk, digest=found, status="running"),
            waiting={item.key: item for item in todo},
            failed=failed,
        )
        self._open[chunk.number] = opened
        self._next += 1
        await self._save(opened)
        if not todo:
            await self._close(opened)
        return todo

    def _read(self, rows: int) -> list[Item]:
        items = list(islice(self._unread, rows))
        if len(items) < rows:
            raise JobError(f"The source of job {self.job.id} has fewer rows than when the job began; start a new job.")
        return list(chain.from_iterable(items))

    def _skip(self, items: int, failed: int) -> None:
        self._skipped += items
        self._done += items
        self._failed += failed

    async def _account(self, outcome: Outcome) -> None:
        number = outcome.key.row // self.chunk_rows
        opened = self._open[number]
        opened.take(outcome)
        if isinstance(outcome, Failure) and outcome.later:
            self._paid[outcome.key] = outcome.usage
        else:
            self._done += 1
            self._failed += isinstance(outcome, Failure)
        if self.outlet is not None:
            await self.outlet.take(outcome)
        if not opened.waiting:
            await self._close(opened)

    async def _close(self, opened: OpenChunk) -> None:
        """A chunk has all its outcomes: put it back, or be done with it."""
        delay = opened.close(retry_limit=self.retry_limit)
        number = opened.chunk.number
        if delay is not None:
            heapq.heappush(self._retries, (self.clock() + delay, number))
        else:
            del self._open[number]
            self._done += len(opened.later)
            self._failed += len(opened.later)
        await self._save(opened)
        self._tell(ChunkChanged(job_id=self.job.id, chunk=opened.chunk))
        self._changed.set()

    async def _put_back(self) -> None:
        """After a stop, nothing is being worked on any more: what is left of the open chunks is still to do."""
        for opened in self._open.values():
            opened.chunk = replace(opened.chunk, status="pending")
            await self._save(opened)

    async def _save(self, opened: OpenChunk) -> None:
        opened.chunk = replace(opened.chunk, updated_at=time.time())
        self._chunks[opened.chunk.number] = opened.chunk
        await self.ledger.save_chunks(self.job.id, [opened.chunk])

    def _cut_short(self) -> bool:
        """Whether a stop left something to do."""
        unsent = self.outlet.left if self.outlet else 0
        return self._stopped is not None and bool(self._open or unsent or self._next < len(self._chunks))

    def _verdict(self) -> tuple[JobStatus, str]:
        """How the job ended, and why, in one sentence."""
        if self._stopped and self._cut_short():
            return self._stopped, ""
        given_up = [chunk for chunk in self._chunks if chunk.status == "failed"]
        if given_up:
            rows = ", ".join(f"{c.first_row + 1}-{c.first_row + c.rows}" for c in given_up[:5])
            more = f" and {len(given_up) - 5} more chunks" if len(given_up) > 5 else ""
            return "failed", f"Given up on some of rows {rows}{more}: {given_up[0].last_error}."
        return "completed", ""

    async def _set_status(self, status: JobStatus, error: str = "") -> None:
        self.job = replace(self.job, status=status, error=error, updated_at=time.time())
        await self.ledger.set_status(self.job.id, status, error=error)
        self._show(self.progress())
        self._tell(JobChanged(job=self.job))

    async def _tick(self) -> None:
        """Tell the progress, show it in the run folder, and look for requests to stop."""
        shown = 0.0
        while True:
            await anyio.sleep(self.tick)
            progress = self.progress()
            self._tell(progress)
            if progress.seconds - shown >= max(self.tick, progress.seconds / 500):
                shown = progress.seconds
                self._show(progress)
            if self._stopped is None and await self.ledger.stop_requested(self.job.id):
                self.stop("cancelled")

    def _show(self, progress: Progress) -> None:
        self.folder.write_run(self.job, self.facts())
        self.folder.write_chunks(self._chunks)
        self.folder.write_checkpoint(progress)
        self.folder.add_progress(progress)

    def facts(self) -> dict[str, Any]:
        """What is worth knowing about this run besides its progress: time per stage, depths of the queues."""
        meter = self._flow.meter if self._flow else None
        return {
            "stage_seconds": {name: round(seconds, 3) for name, seconds in self._stage_seconds.items()},
            "queue_depths": {"in": meter.deepest_in, "out": meter.deepest_out} if meter else {},
        }

    def progress(self) -> Progress:
        """Where the job stands now."""
        now = self.clock()
        asked = self._done - self._skipped
        self._recent.append((now, asked))
        then, before = self._recent[0]
        if then == now:
            then, before = self._began, 0
        rate = (asked - before) / (now - then) if now > then else 0.0
        items = self.job.rows * self.source.parts
        return Progress(
            job_id=self.job.id,
            seconds=now - self._began,
            rows=self.job.rows,
            items=items,
            done=self._done,
            failed=self._failed,
            skipped=self._skipped,
            rate=rate,
            eta=(items - self._done) / rate if rate > 0 else None,
            working=self._flow.meter.working if self._flow else 0,
            gauges={**self.work.gauges(), **(self.outlet.gauges() if self.outlet else {})},
        )

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)
