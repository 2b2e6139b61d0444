"""A grade job from the command to the delivered table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.from_thread
import anyio.to_thread

from penstock.errors import InputError
from penstock.grade.config import GradeConfig
from penstock.grade.deliver import added_columns, deliver
from penstock.grade.key import Key, read_key, read_rubrics
from penstock.grade.overrides import Names, read_overrides
from penstock.grade.report import ReportFacts, render
from penstock.grade.source import AnswerSource
from penstock.grade.summary import Summary
from penstock.grade.trained import is_trained, offline_grader, read_graded
from penstock.grade.work import local_work, model_work
from penstock.jobs import life
from penstock.models.session import shared_session
from penstock.tables import check_added, check_writable, open_table, same_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AsyncExitStack

    from penstock.grade.overrides import Overrides
    from penstock.jobs.events import Listener
    from penstock.jobs.folder import RunFolder
    from penstock.jobs.report.facts import RunFacts
    from penstock.jobs.run import Runner, Work
    from penstock.jobs.workspace import Workspace
    from penstock.ledger.ledger import Job, Tally
    from penstock.models.session import Session
    from penstock.tables import Table

SYSTEM = "grade"


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeResult:
    """How a grade job ended.

    Attributes:
        job: The job, with its status and id.
        output: The table with the marks; None when the job stopped before it was written.
        report: The page about the run.
        tally: How its answers ended: marks (those for a person among them) and failures.
        seconds: Time this run took.
        gauges: Calls, refusals and cache hits of this run.
        states: Answers in each state; empty when the table was not written.
        mean_score: Of the answers with a score, from 0 to 100; None where there is none.
        scored: Answers with a score.
        correct: Answers that are right.
        quality: For an offline grader that was trained: how well it agrees with marks it had not seen.
    """

    job: Job
    output: Path | None
    report: Path | None
    tally: Tally
    seconds: float
    gauges: dict[str, float]
    states: dict[str, int]
    mean_score: float | None = None
    scored: int = 0
    correct: int = 0
    quality: dict[str, Any] | None = None


class GradeJob:
    """One grade job, ready to run; made by `prepare`, which checks everything before an answer is graded."""

    def __init__(
        self, config: GradeConfig, table: Table, key: Key, overrides: Overrides | None, workspace: Workspace
    ) -> None:
        self.config = config
        self.table = table
        self.key = key
        self.workspace = workspace
        self.source = AnswerSource(table, config, key, overrides)
        self._quality: dict[str, Any] | None = None

    @classmethod
    async def prepare(cls, config: GradeConfig, workspace: Workspace, *, begun: Job | None = None) -> GradeJob:
        """Check a configuration against the world: the answers, the key, rubrics, examples, overrides, the output.

        Args:
            config: Of the job.
            workspace: Where it is kept.
            begun: The job, where it is gone on with; it needs no examples any more once its grader was trained.

        Raises:
            InputError: Something is wrong; nothing was written.
        """
        job = await anyio.to_thread.run_sync(_opened, cls, config, workspace)
        if config.graded and not (begun and is_trained(workspace.folder(begun.id).path)):
            await anyio.to_thread.run_sync(read_graded, config, job.key)
        return job

    async def find_or_add(self, *, fresh: bool) -> Job:
        """Find the unfinished job of the same command, or enter a new one with the plan of its chunks."""
        return await life.find_or_add(self.workspace, self.undertaking(Summary()), fresh=fresh)

    async def run(
        self,
        job: Job,
        *,
        session: Session | None = None,
        again: bool = False,
        listeners: Sequence[Listener] = (),
        started: Callable[[Runner], None] | None = None,
    ) -> GradeResult:
        """Run a job to its end and deliver what it made.

        Args:
            job: New, or to be gone on with.
            session: The way to the models; the one that all jobs of this loop share when not given.
            again: Whether answers that failed for good are graded again, too.
            listeners: Told of every event.
            started: Given the runner, so that it can be stopped.

        Raises:
            PenstockError: What stopped the job; it can be resumed.
        """
        summary = Summary()
        task = self.undertaking(summary, session)
        ended = await life.run(self.workspace, task, job, again=again, listeners=listeners, started=started)
        return GradeResult(
            job=ended.job,
            output=Path(self.config.output) if ended.delivered else None,
            report=ended.report,
            tally=ended.tally,
            seconds=ended.seconds,
            gauges=ended.gauges,
            states=summary.states if ended.delivered else {},
            mean_score=summary.total.mean,
            scored=summary.total.scored,
            correct=summary.total.correct,
            quality=self._quality,
        )

    def undertaking(self, summary: Summary, session: Session | None = None) -> life.Undertaking:
        """Say what is to be done, for one run.

        Args:
            summary: Takes note of what is delivered.
            session: The way to the models; the one that all jobs of this loop share when not given.
        """
        config = self.config

        def report(facts: RunFacts) -> str:
            told = {field.name: getattr(facts, field.name) for field in fields(facts)}
            return render(ReportFacts(**told, config=config, summary=summary, quality=self._quality))

        def described() -> dict[str, Any]:
            extra = {"quality": self._quality} if self._quality else {}
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
        """Write the table with the marks as far as it has come."""
        ledger, prefix = self.workspace.ledger, self.config.prefix
        await deliver(ledger, job_id, self.table, path, prefix=prefix, summary=summary)

    async def _work(
        self, session: Session | None, stack: AsyncExitStack, folder: RunFolder, say: Callable[[str], None]
    ) -> Work:
        config = self.config

        def say_in_loop(what: str) -> None:
            anyio.from_thread.run_sync(say, what)

        offline = await anyio.to_thread.run_sync(offline_grader, config, self.key, folder.path, say_in_loop)
        self._quality = _plain(offline.quality) if config.graded else None
        if not config.models:
            return local_work(config, offline)
        if session is None:
            session = await stack.enter_async_context(shared_session())
        cache = await self.workspace.cache(ttl=config.cache_ttl, entries=config.cache_entries) if config.cache else None
        return await model_work(stack, config, offline, session, cache, folder)


def _opened(kind: type[GradeJob], config: GradeConfig, workspace: Workspace) -> GradeJob:
    """Open and check every file that a job reads, and see that it can write."""
    rubrics = read_rubrics(Path(config.rubric)) if config.rubric else {}
    key = read_key(Path(config.key), rubrics) if config.key else Key(rubrics=rubrics)
    names = Names(
        user=config.user or "user_id",
        question=config.question,
        attempt=config.attempt or "attempt_id",
        made=f"{config.prefix}attempt_id",
    )
    overrides = read_overrides(Path(config.overrides), names) if config.overrides else None
    table = open_source(config)
    job = kind(config, table, key, overrides, workspace)
    check_added(table, added_columns(config.prefix), otherwise="take them out of the table")
    output = Path(config.output)
    for read in (config.source, config.key, config.rubric, config.graded, config.overrides):
        if read and same_file(Path(read), output):
            raise InputError(f"The output {output} is a table that is read; write to another file.")
    check_writable(output)
    return job


def _plain(measures: Mapping[str, Any]) -> dict[str, Any]:
    """Make plain numbers of what numpy computed, as JSON can hold them."""
    return {name: float(value) if isinstance(value, float) else value for name, value in measures.items()}


def open_source(config: GradeConfig) -> Table:
    """Open the table of answers that a configuration names.

    Raises:
        InputError: It cannot be read.
    """
    return open_table(
        Path(config.source),
        encoding=config.encoding or None,
        delimiter=config.delimiter or None,
        sheet=config.sheet or None,
    )


async def take_up(workspace: Workspace, job: Job) -> GradeJob:
    """Make a job of the ledger ready to go on.

    Raises:
        InputError: One of its files is gone or no longer fits.
        JobError: It belongs to another system, or its table has another number of rows now.
    """
    life.check_system(job, SYSTEM)
    prepared = await GradeJob.prepare(GradeConfig.decode(job.config), workspace, begun=job)
    await life.check_rows(prepared.undertaking(Summary()), job)
    return prepared
