"""The life of a job, whatever it computes: found again or entered, run, delivered, reported."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio.to_thread

from penstock.errors import JobError
from penstock.jobs.chunks import digest, plan
from penstock.jobs.events import Preparing
from penstock.jobs.history import PACE
from penstock.jobs.report.facts import RunFacts
from penstock.jobs.run import Runner
from penstock.ledger.ledger import Job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from penstock.jobs.events import Listener
    from penstock.jobs.folder import RunFolder
    from penstock.jobs.outlet import Outlet
    from penstock.jobs.run import Source, Work
    from penstock.jobs.workspace import Workspace
    from penstock.ledger.ledger import Tally
    from penstock.records import Item

    Say: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undertaking:
    """What a system brings along so that a job of it can be run.

    Attributes:
        system: Its name, such as `score`.
        name: What the source is called in messages.
        config: The whole configuration as JSON.
        fingerprint: Equal for equal commands.
        source: Where items come from.
        count: Counts the rows of the source; called in a thread.
        chunk_rows: Rows per chunk.
        retry_limit: New tries of a chunk whose items failed for now.
        work: Opens what is done to the items; what it enters into the stack is closed after the run. It may say what
            takes a while.
        deliver: Writes what the job of this id made.
        outlet: Sends outcomes on while the job goes on; None where everything is delivered at the end.
        report: Makes the page about the run.
        described: What `run_meta.json` is to hold besides.
    """

    system: str
    name: str
    config: str
    fingerprint: str
    source: Source
    count: Callable[[], int]
    chunk_rows: int
    retry_limit: int
    work: Callable[[AsyncExitStack, RunFolder, Say], Awaitable[Work]]
    deliver: Callable[[str], Awaitable[None]]
    report: Callable[[RunFacts], str]
    described: Callable[[], Mapping[str, Any]]
    outlet: Outlet | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run of a job ended.

    Attributes:
        job: The job, with its status and id.
        delivered: Whether everything was judged and written.
        report: The page about the run; None when the job stopped before it was written.
        tally: How its items ended: rows times parts.
        seconds: Time this run took.
        gauges: What was measured in this run.
    """

    job: Job
    delivered: bool
    report: Path | None
    tally: Tally
    seconds: float
    gauges: dict[str, float]


async def find_or_add(workspace: Workspace, task: Undertaking, *, fresh: bool) -> Job:
    """Find the unfinished job of the same command, or enter a new one with the plan of its chunks."""
    ledger = workspace.ledger
    found = None if fresh else await ledger.unfinished(task.fingerprint)
    rows = await anyio.to_thread.run_sync(task.count)
    if found is not None and found.rows == rows:
        return found
    job_id = workspace.new_id(task.system)
    job = Job(
        id=job_id,
        system=task.system,
        fingerprint=task.fingerprint,
        config=task.config,
        folder=str(workspace.folder(job_id).path),
        rows=rows,
    )
    return await ledger.add_job(job, plan(rows, chunk_rows=task.chunk_rows))


async def adopt(workspace: Workspace, source: Source, job: Job, *, earlier: Job) -> int:
    """Give a new job what an earlier one has for items that have not changed; returns how many that are."""
    ledger, rows, found = workspace.ledger, source.rows(), 0
    for chunk in await ledger.chunks(job.id):
        items = await anyio.to_thread.run_sync(_next_items, rows, chunk.rows)
        adopted = await ledger.adopt(job.id, items, earlier=earlier.id)
        if adopted:  # so that the run looks into the ledger
            await ledger.save_chunks(job.id, [replace(chunk, digest=digest(items))])
        found += adopted
    return found


def _next_items(rows: Iterator[Sequence[Item]], count: int) -> list[Item]:
    return list(chain.from_iterable(islice(rows, count)))


def check_system(job: Job, system: str) -> None:
    """Make sure that a job belongs to a system.

    Raises:
        JobError: It belongs to another one.
    """
    if job.system != system:
        raise JobError(f"Job {job.id} belongs to {job.system}, not to {system}.")


async def check_rows(task: Undertaking, job: Job) -> None:
    """Make sure that the source has as many rows as when the job began.

    Raises:
        JobError: It has another number of rows now.
    """
    rows = await anyio.to_thread.run_sync(task.count)
    if rows != job.rows:
        raise JobError(
            f"{task.name} had {job.rows} rows when job {job.id} began and has {rows} now; "
            "start a new job with the same command: what is in the cache is not asked again."
        )


async def run(
    workspace: Workspace,
    task: Undertaking,
    job: Job,
    *,
    again: bool = False,
    listeners: Sequence[Listener] = (),
    started: Callable[[Runner], None] | None = None,
) -> Ended:
    """Run a job to its end, deliver what it made, and write the report.

    Args:
        workspace: Where it is kept.
        task: What is to be done.
        job: New, or to be gone on with.
        again: Whether items that failed for good are asked again, too.
        listeners: Told of every event.
        started: Given the runner, so that it can be stopped.

    Raises:
        PenstockError: What stopped the job; it can be resumed.
    """
    folder = workspace.folder(job.id)

    def say(what: str) -> None:
        for listener in listeners:
            listener(Preparing(job_id=job.id, what=what))

    with folder.locked():
        async with AsyncExitStack() as stack:
            runner = Runner(
                job=job,
                ledger=workspace.ledger,
                source=task.source,
                work=await task.work(stack, folder, say),
                folder=folder,
                chunk_rows=task.chunk_rows,
                retry_limit=task.retry_limit,
                again=again,
                outlet=task.outlet,
                deliver=lambda: task.deliver(job.id),
                listeners=listeners,
            )
            if started is not None:
                started(runner)
            ended = await runner.run()
        return await _finish(workspace, task, ended, runner)


async def _finish(workspace: Workspace, task: Undertaking, job: Job, runner: Runner) -> Ended:
    """Write the report of a job that was delivered, and say how it ended."""
    delivered = job.status in {"completed", "failed"}
    progress = runner.progress()
    return Ended(
        job=job,
        delivered=delivered,
        report=await _report(workspace, task, job, runner) if delivered else None,
        tally=await workspace.ledger.tally(job.id),
        seconds=progress.seconds,
        gauges=dict(progress.gauges),
    )


async def _report(workspace: Workspace, task: Undertaking, job: Job, runner: Runner) -> Path:
    folder, facts = runner.folder, runner.facts()
    page = task.report(
        RunFacts(
            job=job,
            chunks=await workspace.ledger.chunks(job.id),
            progress=folder.lines("progress.jsonl"),
            pace=folder.lines(PACE),
            **facts,
        )
    )
    folder.write_run(job, {**facts, **task.described()})
    return folder.write_page("report.html", page)
