"""Grading a table as one call, synchronous or not: durable, resumable, with a report."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import msgspec

from penstock.errors import InputError
from penstock.grade.config import GradeConfig
from penstock.grade.run import GradeJob, take_up
from penstock.jobs.stop import Stop, say_nothing
from penstock.jobs.workspace import Workspace
from penstock.models.session import ModelSpec
from penstock.tables import beside, open_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.grade.run import GradeResult
    from penstock.jobs.events import Listener
    from penstock.models.session import Session

    Name = Path | str | None

USER, ATTEMPT = "user_id", "attempt_id"
"""Columns that are taken where the table has them and nobody named others."""


def grade_table(source: Path | str, **settings: Any) -> GradeResult:
    """Grade every answer of a table; see `a_grade_table` for the settings.

    Ctrl-C finishes what is in flight, keeps it, and returns a result whose job says `interrupted`; the same call
    goes on where it stopped.
    """
    return anyio.run(lambda: a_grade_table(source, signals=True, **settings))


async def a_grade_table(
    source: Path | str,
    *,
    key: Name = None,
    output: Name = None,
    user: str | None = None,
    question: str = "question_id",
    answer: str = "user_answer",
    attempt: str | None = None,
    rubric: Name = None,
    graded: Name = None,
    overrides: Name = None,
    model: str | ModelSpec = "local",
    fallback: Sequence[str | ModelSpec] = (),
    home: Name = None,
    fresh: bool = False,
    session: Session | None = None,
    listeners: Sequence[Listener] = (),
    signals: bool = False,
    say: Callable[[str], None] = say_nothing,
    **settings: Any,
) -> GradeResult:
    """Grade every answer of a table, and write the table with the marks.

    A command that did not finish is gone on with: what the ledger of `home` has is not asked again.

    Args:
        source: A CSV, TSV, JSONL, Parquet or Excel file with one answer per row.
        key: A table with one question per row; without it, its columns stand beside the answers.
        output: The table with the marks, in the format its suffix names; `NAME.marked.SUFFIX` when not given.
        user: The column of who answered; `user_id` where there is one, else the rows stand for the learners.
        question: The column of what was asked.
        answer: The column of what was answered.
        attempt: The column of an attempt's id; `attempt_id` where there is one.
        rubric: A YAML file with the criteria of each question, under `*` those of all others.
        graded: Graded answers that the offline grader is trained on.
        overrides: Marks that people gave, in the column `human_score`; they win.
        model: `local`, `openai/NAME`, or a `ModelSpec`.
        fallback: Models asked when the first one fails an answer.
        home: The workspace folder.
        fresh: Start a new job even if an equal one is unfinished.
        session: Shared by all jobs of a process that are to share paces and connections.
        listeners: Told of every event of the job.
        signals: Whether Ctrl-C stops the job in order.
        say: Told in a sentence that Ctrl-C was heard.
        **settings: Any other field of `GradeConfig`.

    Raises:
        InputError: Something that was given is wrong; nothing was written.
        PenstockError: What stopped the job; it can be resumed.
    """
    given = partial(
        make_config,
        source,
        key=key,
        output=output,
        user=user,
        question=question,
        answer=answer,
        attempt=attempt,
        rubric=rubric,
        graded=graded,
        overrides=overrides,
        model=model,
        fallback=fallback,
        **settings,
    )
    config = await anyio.to_thread.run_sync(given)
    async with Workspace(home) as workspace:
        prepared = await GradeJob.prepare(config, workspace)
        job = await prepared.find_or_add(fresh=fresh)
        with Stop(signals=signals, say=say) as stop:
            return await prepared.run(job, session=session, listeners=listeners, started=stop.watch)


async def a_resume(
    job_id: str | None = None,
    *,
    home: Name = None,
    again: bool = False,
    session: Session | None = None,
    listeners: Sequence[Listener] = (),
    signals: bool = False,
    say: Callable[[str], None] = say_nothing,
) -> GradeResult:
    """Go on with a grade job where it stopped.

    Args:
        job_id: Its id or the beginning of it; the newest job when not given.
        home: The workspace folder.
        again: Whether answers that failed for good are graded again, too.
        session: As in `a_grade_table`.
        listeners: As in `a_grade_table`.
        signals: As in `a_grade_table`.
        say: As in `a_grade_table`.

    Raises:
        JobError: There is no such job, or another process works on it.
        PenstockError: What stopped the job.
    """
    async with Workspace(home) as workspace:
        job = await workspace.find(job_id)
        prepared = await take_up(workspace, job)
        with Stop(signals=signals, say=say) as stop:
            return await prepared.run(job, session=session, again=again, listeners=listeners, started=stop.watch)


def make_config(
    source: Path | str,
    *,
    key: Name,
    output: Name,
    user: str | None,
    question: str,
    answer: str,
    attempt: str | None,
    rubric: Name,
    graded: Name,
    overrides: Name,
    model: str | ModelSpec,
    fallback: Sequence[str | ModelSpec],
    **settings: Any,
) -> GradeConfig:
    """Make the configuration of a job from what a caller gave; the table is opened for the names of its columns.

    Raises:
        InputError: Something of it cannot be used.
    """
    if model == "local" and fallback:
        raise InputError("The local grader takes no fallback: it grades every answer it can.")
    given = [] if model == "local" else [model, *fallback]
    models = [(one if isinstance(one, ModelSpec) else ModelSpec(name=one)).settled() for one in given]
    path = Path(source).absolute()
    options = {name: settings.get(name) or None for name in ("encoding", "delimiter", "sheet")}
    columns = open_table(path, **options).columns
    return GradeConfig.checked(
        source=str(path),
        output=str(Path(output).absolute()) if output else str(beside(path, "marked")),
        key=_absolute(key),
        user=_present(USER, columns) if user is None else user,
        question=question,
        answer=answer,
        attempt=_present(ATTEMPT, columns) if attempt is None else attempt,
        rubric=_absolute(rubric),
        graded=_absolute(graded),
        overrides=_absolute(overrides),
        models=[msgspec.structs.asdict(spec) for spec in models],
        **settings,
    )


def _present(column: str, columns: Sequence[str]) -> str:
    return column if column in columns else ""


def _absolute(path: Name) -> str:
    return str(Path(path).absolute()) if path else ""
