"""A score job from the command to the delivered table."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.from_thread
import anyio.to_thread

from penstock.errors import JobError
from penstock.jobs import life
from penstock.judge.trained import TrainedJudge
from penstock.models.purse import Purse
from penstock.models.session import shared_session
from penstock.score.asking import all_priced, check_budget, open_asking
from penstock.score.config import ScoreConfig
from penstock.score.embedded import described, embedded_judge, is_trained, read_labelled
from penstock.score.pick import Picked, pick
from penstock.score.report import ReportFacts, render
from penstock.score.source import TableSource
from penstock.score.spending import budget_of, spent_before
from penstock.score.summary import Summary
from penstock.score.target import FileTarget, Target
from penstock.score.work import asking_work, local_work
from penstock.tables import open_table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AsyncExitStack

    from penstock.jobs.events import Listener
    from penstock.jobs.folder import RunFolder
    from penstock.jobs.report.facts import RunFacts
    from penstock.jobs.run import Runner, Source, Work
    from penstock.jobs.workspace import Workspace
    from penstock.ledger.ledger import Job, Tally
    from penstock.models.session import Session
    from penstock.records import Usage
    from penstock.score.sheet import OpenSheet
    from penstock.tables import Table

SYSTEM = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreResult:
    """How a score job ended.

    Attributes:
        job: The job, with its status and id.
        output: Path of the scored table, or address of the sheet; None when the job stopped before it was written.
        report: The page about the run.
        tally: How its items ended: rows times blocks of categories.
        seconds: Time this run took.
        gauges: Calls, refusals and cache hits of this run.
        usage: Calls and tokens of the job, earlier runs included.
        rows: Rows of the job: all of the table, or those that were picked.
        cost_usd: What they cost; None where the price of a model is not known.
        agreement: For an embedded judge with examples: how well it agrees with labels it had not seen.
        adopted: Judgements that an earlier job had made, of rows that have not changed.
    """

    job: Job
    output: Path | str | None
    report: Path | None
    tally: Tally
    seconds: float
    gauges: dict[str, float]
    usage: Usage
    rows: int
    cost_usd: float | None
    agreement: dict[str, Any] | None = None
    adopted: int = 0


class ScoreJob:
    """One score job, ready to run; made by `prepare`, which checks everything before a row is read."""

    def __init__(self, config: ScoreConfig, workspace: Workspace, *, table: Table, sheet: OpenSheet | None) -> None:
        self.config = config
        self.table = table
        self.workspace = workspace
        whole = TableSource(table, text=config.text, parts=len(config.blocks), skip_blank=sheet is not None)
        self.picked = self._pick(whole) if config.limit or config.sample else None
        self.source: Source = self.picked or whole
        self.target = self._target(sheet)
        self._agreement: dict[str, Any] | None = None
        self._adopted = 0

    @classmethod
    async def prepare(
        cls,
        config: ScoreConfig,
        workspace: Workspace,
        *,
        begun: Job | None = None,
        sheet: OpenSheet | None = None,
        looking: bool = False,
    ) -> ScoreJob:
        """Check a configuration against the world: the table, its columns, the examples, the output.

        Args:
            config: Of the job.
            workspace: Where it is kept.
            begun: The job, where it is gone on with; it needs no examples any more once its judge was trained.
            sheet: The Google sheet, where it is open already.
            looking: Whether nothing is going to be delivered, so that the output need not be checked.

        Raises:
            InputError: Something is wrong; nothing was written.
        """
        if config.layout is not None and sheet is None:
            sheet = await open_sheet(config, workspace)
        table = sheet.table if sheet else await anyio.to_thread.run_sync(open_file, config)
        job = await anyio.to_thread.run_sync(partial(cls, config, workspace, table=table, sheet=sheet))
        if not looking:
            await job.target.check()
        if config.examples and not (begun and is_trained(workspace.folder(begun.id).path)):
            await anyio.to_thread.run_sync(read_labelled, config)
        return job

    def _pick(self, whole: TableSource) -> Picked:
        rows = sum(1 for _ in self.table.rows())
        return pick(whole, rows=rows, limit=self.config.limit, sample=self.config.sample)

    def _target(self, sheet: OpenSheet | None) -> Target:
        if sheet is not None and not self.config.output:
            from penstock.score.sheet import SheetTarget

            return SheetTarget(sheet, self.config)
        return self._file(Path(self.config.output))

    def _file(self, path: Path) -> FileTarget:
        taken = self.picked.has if self.picked else None
        return FileTarget(self.config, self.table, path, picked=taken)

    async def find_or_add(self, *, fresh: bool, only_changed: bool = False) -> Job:
        """Find the unfinished job of the same command, or enter a new one with the plan of its chunks.

        A new one takes the place of an unfinished one whose table has gained or lost rows, with what that has for the
        rows that are still there.

        Args:
            fresh: Enter a new one anyhow.
            only_changed: Give a new one what the last job of the same command has for rows that have not changed.
        """
        last = await self.last()
        unfinished = await self.workspace.ledger.unfinished(self.config.fingerprint)
        passed_by = only_changed and last is not None and unfinished is not None and unfinished.id != last.id
        job = await life.find_or_add(self.workspace, self.undertaking(), fresh=fresh or passed_by)
        if job.status == "pending" and (only_changed or not fresh):  # new, or left by a process that died before this
            await self._adopt(job, ended=only_changed)
        return job

    async def _adopt(self, job: Job, *, ended: bool) -> None:
        """Give a job that has not been run what the one before it has, if that may be taken over: ended or not."""
        earlier = next((one for one in await self._alike() if one.id != job.id), None)
        if earlier is not None and (ended or earlier.status not in {"completed", "cancelled"}):
            self._adopted = await life.adopt(self.workspace, self.source, job, earlier=earlier)

    async def last(self) -> Job | None:
        """The newest job of the same command, however it ended."""
        return next(iter(await self._alike()), None)

    async def _alike(self) -> list[Job]:
        """The jobs of the same command, newest first."""
        return [job for job in await self.workspace.jobs() if job.fingerprint == self.config.fingerprint]

    async def failed(self) -> Job:
        """The newest job of the same command, to ask again for its failed rows.

        Raises:
            JobError: There is none, or its table has another number of rows now.
        """
        job = await self.last()
        if job is None:
            raise JobError(
                "No job of exactly this command has been run: run it without --only-failed first, or ask for the "
                "failed rows of another job with `penstock jobs retry-failed JOB`."
            )
        rows = await anyio.to_thread.run_sync(self._count)
        if rows != job.rows:
            raise JobError(
                f"{self.config.source_name} had {job.rows} rows when job {job.id} began and has {rows} now: give "
                "--only-changed, which asks for new and for failed rows."
            )
        return job

    async def run(
        self,
        job: Job,
        *,
        session: Session | None = None,
        again: bool = False,
        budget: float | None = None,
        listeners: Sequence[Listener] = (),
        started: Callable[[Runner], None] | None = None,
    ) -> ScoreResult:
        """Run a job to its end and deliver what it made.

        Args:
            job: New, or to be gone on with.
            session: The way to the models; the one that all jobs of this loop share when not given.
            again: Whether rows that failed for good are asked again, too.
            budget: US dollars that the job may cost in all, earlier runs included; None for what was said last, and
                infinity for no limit.
            listeners: Told of every event.
            started: Given the runner, so that it can be stopped.

        Raises:
            PenstockError: What stopped the job; it can be resumed.
        """
        check_budget(self.config, budget)

        async def purse() -> Purse:
            return Purse(budget_of(self.workspace, job, budget), spent_usd=await spent_before(self.workspace, job))

        task = self.undertaking(session, purse)
        ended = await life.run(self.workspace, task, job, again=again, listeners=listeners, started=started)
        usage = await self.workspace.ledger.spent(job.id)
        return ScoreResult(
            job=ended.job,
            output=self.target.name if ended.delivered else None,
            report=ended.report,
            tally=ended.tally,
            seconds=ended.seconds,
            gauges=ended.gauges,
            usage=usage,
            rows=self.picked.count if self.picked else ended.job.rows,
            cost_usd=usage.cost_usd if all_priced(self.config) else None,
            agreement=self._agreement,
            adopted=self._adopted,
        )

    def undertaking(
        self, session: Session | None = None, purse: Callable[[], Awaitable[Purse]] | None = None
    ) -> life.Undertaking:
        """Say what is to be done, for one run.

        Args:
            session: The way to the models; the one that all jobs of this loop share when not given.
            purse: Opens what the calls are paid from, once nobody else works on the job.
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
            name=config.source_name,
            config=config.encoded(),
            fingerprint=config.fingerprint,
            source=self.source,
            count=self._count,
            chunk_rows=config.chunk_rows,
            retry_limit=config.retry_limit,
            work=partial(self._work, session, purse),
            deliver=lambda job_id: self.target.deliver(self.workspace.ledger, job_id, summary=summary),
            outlet=self.target.outlet(),
            report=report,
            described=described,
        )

    def _count(self) -> int:
        return self.picked.length if self.picked else sum(1 for _ in self.table.rows())

    async def deliver(self, job_id: str, path: Path) -> None:
        """Write the scored table as far as it has come."""
        await self._file(path).deliver(self.workspace.ledger, job_id)

    async def _work(
        self,
        session: Session | None,
        purse: Callable[[], Awaitable[Purse]] | None,
        stack: AsyncExitStack,
        folder: RunFolder,
        say: Callable[[str], None],
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
        paid_from = await purse() if purse is not None else Purse()
        asking = await open_asking(config, session, self.workspace, paid_from)
        work = await asking_work(asking, stack, folder, self.workspace, say)
        return replace(work, gauges=lambda: {**work.gauges(), **self.target.gauges()})


def open_file(config: ScoreConfig) -> Table:
    """Open the file that a configuration names.

    Raises:
        InputError: It cannot be read.
    """
    return open_table(
        Path(config.source),
        encoding=config.encoding or None,
        delimiter=config.delimiter or None,
        sheet=config.sheet or None,
    )


async def open_sheet(config: ScoreConfig, workspace: Workspace) -> OpenSheet:
    """Open the Google sheet that a configuration names.

    Raises:
        InputError: It cannot be read.
        JobError: Its categories are others now.
    """
    from penstock.score.sheet import OpenSheet

    assert config.layout is not None
    sheet = await OpenSheet.open(
        config.source, config.layout, workspace, tab=config.sheet, writes_per_minute=config.writes_per_minute
    )
    if sheet.categories != config.categories:
        raise JobError(f"The categories of the {config.source_name} are others now: start a new job.")
    return sheet


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
