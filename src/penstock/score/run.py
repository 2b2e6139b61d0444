"""A score job from the command to the delivered table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.from_thread
import anyio.to_thread

from penstock.errors import InputError
from penstock.jobs import life
from penstock.judge.trained import TrainedJudge
from penstock.models.session import shared_session
from penstock.score.config import ScoreConfig
from penstock.score.deliver import added_columns, deliver
from penstock.score.embedded import described, embedded_judge, is_trained, read_labelled
from penstock.score.report import ReportFacts, render
from penstock.score.source import TableSource
from penstock.score.summary import Summary
from penstock.score.work import local_work, model_work
from penstock.tables import check_added, check_writable, open_table, same_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AsyncExitStack

    from penstock.jobs.events import Listener
    from penstock.jobs.folder import RunFolder
    from penstock.jobs.report.facts import RunFacts
    from penstock.jobs.run import Runner, Work
    from penstock.jobs.workspace import Workspace
    from penstock.ledger.ledger import Job, Tally
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
        self._agreement: dict[str, Any] | None = None
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
        check_added(table, job.added, otherwise="rename the category")
        output = Path(config.output)
        if same_file(Path(config.source), output):
            raise InputError(f"The output {output} is the table itself; write to another file.")
        check_writable(output)
        if config.examples and not (begun and is_trained(workspace.folder(begun.id).path)):
            await anyio.to_thread.run_sync(read_labelled, config)
        return job

    async def find_or_add(self, *, fresh: bool) -> Job:
        """Find the unfinished job of the same command, or enter a new one with the plan of its chunks."""
        return await life.find_or_add(self.workspace, self.undertaking(), fresh=fresh)

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
        task = self.undertaking(session)
        ended = await life.run(self.workspace, task, job, again=again, listeners=listeners, started=started)
        return ScoreResult(
            job=ended.job,
            output=Path(self.config.output) if ended.delivered else None,
            report=ended.report,
            tally=ended.tally,
            seconds=ended.seconds,
            gauges=ended.gauges,
            agreement=self._agreement,
        )

    def undertaking(self, session: Session | None = None) -> life.Undertaking:
        """Say what is to be done, for one run.

        Args:
            session: The way to the models; the one that all jobs of this loop share when not given.
        """
        config = self.config
        summary = Summary([category.name for category in config.categories])

        def report(facts: RunFacts) -> str:
            told = {field.name: getattr(facts, field.name) for field in fields(facts)}
            return render(ReportFacts(**told, config=config, summary=summary, agreement=self._agreement))

        def described() -> dict[str, Any]:
            extra = {"agreement": self._agreement} if self._agreement else {}
            return {**extra, "summary": summary.as_dict()}

        return life.Undertaking(
            system=SYSTEM,
            name=config.source,
            config=config.encoded(),
            fingerprint=config.fingerprint,
            source=self.source,
            count=lambda: sum(1 for _ in self.table.rows()),
            chunk_rows=config.chunk_rows,
            retry_limit=config.retry_limit,
            work=partial(self._work, session),
            deliver=lambda job_id: self.deliver(job_id, Path(config.output), summary=summary),
            report=report,
            described=described,
        )

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
        self, session: Session | None, stack: AsyncExitStack, folder: RunFolder, say: Callable[[str], None]
    ) -> Work:
        config = self.config
        if not config.models:

            def say_in_loop(what: str) -> None:
                anyio.from_thread.run_sync(say, what)

            scorer = await anyio.to_thread.run_sync(embedded_judge, config, folder.path, say_in_loop)
            self._agreement = described(scorer) if isinstance(scorer, TrainedJudge) else None
            return local_work(scorer)
        if session is None:
            session = await stack.enter_async_context(shared_session())
        cache = await self.workspace.cache(ttl=config.cache_ttl, entries=config.cache_entries) if config.cache else None
        return model_work(config, session, cache, folder)


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
    life.check_system(job, SYSTEM)
    prepared = await ScoreJob.prepare(ScoreConfig.decode(job.config), workspace, begun=job)
    await life.check_rows(prepared.undertaking(), job)
    return prepared
