"""A score job from the command to the delivered table."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.from_thread
import anyio.to_thread

from penstock.errors import InputError, JobError
from penstock.jobs.chunks import plan
from penstock.jobs.events import Preparing
from penstock.jobs.run import Runner
from penstock.judge.trained import TrainedJudge
from penstock.ledger.ledger import Job, Tally
from penstock.models.session import shared_session
from penstock.score.config import ScoreConfig
from penstock.score.deliver import added_columns, check_columns, deliver
from penstock.score.embedded import described, embedded_judge, is_trained, read_labelled
from penstock.score.history import PACE
from penstock.score.report import ReportFacts, render
from penstock.score.source import TableSource
from penstock.score.summary import Summary
from penstock.score.work import local_work, model_work
from penstock.tables import check_writable, open_table, same_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from penstock.jobs.events import Listener
    from penstock.jobs.folder import RunFolder
    from penstock.jobs.run import Work
    from penstock.jobs.workspace import Workspace
    from penstock.models.session import Session
    from penstock.tables import Table

SYSTEM = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreResult:
    """How a score job ended.

    Attributes:
        job: The job, with its status and id.
        output: The scored table; None when the job stopped before it was written.
        report: The page about the run.
        tally: How its items ended: rows times blocks of categories.
        seconds: Time this run took.
        gauges: Calls, refusals and cache hits of this run.
        agreement: For an embedded judge with examples: how well it agrees with labels it had not seen.
    """

    job: Job
    output: Path | None
    report: Path | None
    tally: Tally
    seconds: float
    gauges: dict[str, float]
    agreement: dict[str, Any] | None = None


class ScoreJob:
    """One score job, ready to run; made by `prepare`, which checks everything before a row is read."""

    def __init__(self, config: ScoreConfig, table: Table, workspace: Workspace) -> None:
        self.config = config
        self.table = table
        self.workspace = workspace
        self.added = added_columns([category.name for category in config.categories], prefix=config.prefix)
        self.source = TableSource(table, text=config.text, parts=len(config.blocks))

    @classmethod
    async def prepare(cls, config: ScoreConfig, workspace: Workspace, *, begun: Job | None = None) -> ScoreJob:
        """Check a configuration against the world: the table, its columns, the examples, the output.

        Args:
            config: Of the job.
            workspace: Where it is kept.
            begun: The job, where it is gone on with; it needs no examples any more once its judge was trained.

        Raises:
            InputError: Something is wrong; nothing was written.
        """
        table = await anyio.to_thread.run_sync(lambda: open_source(config))
        job = cls(config, table, workspace)
        check_columns(table, job.added)
        output = Path(config.output)
        if same_file(Path(config.source), output):
            raise InputError(f"The output {output} is the table itself; write to another file.")
        check_writable(output)
        if config.examples and not (begun and is_trained(workspace.folder(begun.id).path)):
            await anyio.to_thread.run_sync(read_labelled, config)
        return job

    async def find_or_add(self, *, fresh: bool) -> Job:
        """Find the unfinished job of the same command, or enter a new one with the plan of its chunks."""
        ledger = self.workspace.ledger
        found = None if fresh else await ledger.unfinished(self.config.fingerprint)
        rows = await anyio.to_thread.run_sync(lambda: sum(1 for _ in self.table.rows()))
        if found is not None and found.rows == rows:
            return found
        job_id = self.workspace.new_id(SYSTEM)
        job = Job(
            id=job_id,
            system=SYSTEM,
            fingerprint=self.config.fingerprint,
            config=self.config.encoded(),
            folder=str(self.workspace.folder(job_id).path),
            rows=rows,
        )
        return await ledger.add_job(job, plan(rows, chunk_rows=self.config.chunk_rows))

    async def run(
        self,
        job: Job,
        *,
        session: Session | None = None,
        again: bool = False,
        listeners: Sequence[Listener] = (),
        started: Callable[[Runner], None] | None = None,
    ) -> ScoreResult:
        """Run a job to its end and deliver what it made.

        Args:
            job: New, or to be gone on with.
            session: The way to the models; the one that all jobs of this loop share when not given.
            again: Whether rows that failed for good are asked again, too.
            listeners: Told of every event.
            started: Given the runner, so that it can be stopped.

        Raises:
            PenstockError: What stopped the job; it can be resumed.
        """
        folder = self.workspace.folder(job.id)

        def say(what: str) -> None:
            for listener in listeners:
                listener(Preparing(job_id=job.id, what=what))

        summary = Summary([category.name for category in self.config.categories])
        with folder.locked():
            async with AsyncExitStack() as stack:
                work, judge = await self._work(stack, session, folder, say)
                runner = Runner(
                    job=job,
                    ledger=self.workspace.ledger,
                    source=self.source,
                    work=work,
                    folder=folder,
                    chunk_rows=self.config.chunk_rows,
                    retry_limit=self.config.retry_limit,
                    again=again,
                    deliver=lambda: self.deliver(job.id, Path(self.config.output), summary=summary),
                    listeners=listeners,
                )
                if started is not None:
                    started(runner)
                ended = await runner.run()
            return await self._finish(ended, runner, summary, judge)

    async def _finish(self, job: Job, runner: Runner, summary: Summary, judge: TrainedJudge | None) -> ScoreResult:
        """Write the report of a job that was delivered, and say how it ended."""
        delivered = job.status in {"completed", "failed"}
        progress = runner.progress()
        agreement = described(judge) if judge else None
        report = await self._report(job, runner, summary, agreement) if delivered else None
        return ScoreResult(
            job=job,
            output=Path(self.config.output) if delivered else None,
            report=report,
            tally=await self.workspace.ledger.tally(job.id),
            seconds=progress.seconds,
            gauges=dict(progress.gauges),
            agreement=agreement,
        )

    async def _report(self, job: Job, runner: Runner, summary: Summary, agreement: Mapping[str, Any] | None) -> Path:
        folder = runner.folder
        run = runner.facts()
        page = render(
            ReportFacts(
                job=job,
                config=self.config,
                summary=summary,
                chunks=await self.workspace.ledger.chunks(job.id),
                progress=folder.lines("progress.jsonl"),
                pace=folder.lines(PACE),
                stage_seconds=run["stage_seconds"],
                queue_depths=run["queue_depths"],
                agreement=agreement,
            )
        )
        extra = {"agreement": agreement} if agreement else {}
        folder.write_run(job, {**run, **extra, "summary": summary.as_dict()})
        return folder.write_page("report.html", page)

    async def deliver(self, job_id: str, path: Path, *, summary: Summary | None = None) -> None:
        """Write the scored table as far as it has come."""
        await deliver(
            self.workspace.ledger,
            job_id,
            self.table,
            path,
            blocks=[len(block) for block in self.config.blocks],
            added=self.added,
            summary=summary,
        )

    async def _work(
        self, stack: AsyncExitStack, session: Session | None, folder: RunFolder, say: Callable[[str], None]
    ) -> tuple[Work, TrainedJudge | None]:
        config = self.config
        if not config.models:

            def say_in_loop(what: str) -> None:
                anyio.from_thread.run_sync(say, what)

            scorer = await anyio.to_thread.run_sync(embedded_judge, config, folder.path, say_in_loop)
            return local_work(scorer), scorer if isinstance(scorer, TrainedJudge) else None
        if session is None:
            session = await stack.enter_async_context(shared_session())
        cache = await self.workspace.cache(ttl=config.cache_ttl, entries=config.cache_entries) if config.cache else None
        return model_work(config, session, cache, folder), None


def open_source(config: ScoreConfig) -> Table:
    """Open the table that a configuration names.

    Raises:
        InputError: It cannot be read.
    """
    return open_table(
        Path(config.source),
        encoding=config.encoding or None,
        delimiter=config.delimiter or None,
        sheet=config.sheet or None,
    )


async def take_up(workspace: Workspace, job: Job) -> ScoreJob:
    """Make a job of the ledger ready to go on.

    Raises:
        InputError: Its table or examples are gone or no longer fit.
        JobError: It belongs to another system, or its table has another number of rows now.
    """
    if job.system != SYSTEM:
        raise JobError(f"Job {job.id} belongs to {job.system}, not to {SYSTEM}.")
    prepared = await ScoreJob.prepare(ScoreConfig.decode(job.config), workspace, begun=job)
    rows = await anyio.to_thread.run_sync(lambda: sum(1 for _ in prepared.table.rows()))
    if rows != job.rows:
        raise JobError(
            f"{prepared.config.source} had {job.rows} rows when job {job.id} began and has {rows} now; "
            "start a new job with the same command: what is in the cache is not asked again."
        )
    return prepared
