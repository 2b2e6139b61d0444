"""Scoring as one call, synchronous or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from penstock.jobs.stop import Stop, say_nothing
from penstock.jobs.workspace import Workspace
from penstock.judge.numeric import INSTRUCTIONS
from penstock.models.session import ModelSpec
from penstock.score.config import ScoreConfig, name_categories, read_categories
from penstock.score.run import ScoreJob, ScoreResult, take_up
from penstock.tables import beside

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.jobs.events import Listener
    from penstock.judge.category import Category
    from penstock.models.session import Session


def score_table(source: Path | str, **settings: Any) -> ScoreResult:
    """Score every row of a table; see `a_score_table` for the settings.

    Ctrl-C finishes what is in flight, keeps it, and returns a result whose job says `interrupted`; the same call
    goes on where it stopped.
    """
    return anyio.run(lambda: a_score_table(source, signals=True, **settings))


async def a_score_table(
    source: Path | str,
    *,
    text: str,
    categories: Path | str | Sequence[str | Category | dict[str, str]],
    output: Path | str | None = None,
    model: str | ModelSpec = "local",
    fallback: Sequence[str | ModelSpec] = (),
    examples: Path | str | None = None,
    instructions: str | None = None,
    home: Path | str | None = None,
    fresh: bool = False,
    session: Session | None = None,
    listeners: Sequence[Listener] = (),
    signals: bool = False,
    say: Callable[[str], None] = say_nothing,
    **settings: Any,
) -> ScoreResult:
    """Score every row of a table against categories, and write the table with the scores.

    A command that did not finish is gone on with: what the ledger of `home` has is not asked again.

    Args:
        source: A CSV, TSV, JSONL, Parquet or Excel file.
        text: The column that is judged.
        categories: A YAML file, or names, mappings or `Category` values.
        output: The scored table, in the format its suffix names; `NAME.scored.SUFFIX` when not given.
        model: `local`, `openai/NAME`, or a `ModelSpec`.
        fallback: Models asked when the first one fails a row.
        examples: Labelled examples that the embedded judge is trained on.
        instructions: First sentence of the prompt.
        home: The workspace folder.
        fresh: Start a new job even if an equal one is unfinished.
        session: Shared by all jobs of a process that are to share paces and connections.
        listeners: Told of every event of the job.
        signals: Whether Ctrl-C stops the job in order.
        say: Told in a sentence that Ctrl-C was heard.
        **settings: Any other field of `ScoreConfig`.

    Raises:
        InputError: Something that was given is wrong; nothing was written.
        PenstockError: What stopped the job; it can be resumed.
    """
    config = make_config(
        source,
        text=text,
        categories=categories,
        output=output,
        model=model,
        fallback=fallback,
        examples=examples,
        instructions=instructions,
        **settings,
    )
    async with Workspace(home) as workspace:
        prepared = await ScoreJob.prepare(config, workspace)
        job = await prepared.find_or_add(fresh=fresh)
        with Stop(signals=signals, say=say) as stop:
            return await prepared.run(job, session=session, listeners=listeners, started=stop.watch)


async def a_resume(
    job_id: str | None = None,
    *,
    home: Path | str | None = None,
    again: bool = False,
    session: Session | None = None,
    listeners: Sequence[Listener] = (),
    signals: bool = False,
    say: Callable[[str], None] = say_nothing,
) -> ScoreResult:
    """Go on with a job where it stopped.

    Args:
        job_id: Its id or the beginning of it; the newest job when not given.
        home: The workspace folder.
        again: Whether rows that failed for good are asked again, too.
        session: As in `a_score_table`.
        listeners: As in `a_score_table`.
        signals: As in `a_score_table`.
        say: As in `a_score_table`.

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
    text: str,
    categories: Path | str | Sequence[str | Category | dict[str, str]],
    output: Path | str | None,
    model: str | ModelSpec,
    fallback: Sequence[str | ModelSpec],
    examples: Path | str | None,
    instructions: str | None,
    **settings: Any,
) -> ScoreConfig:
    """Make the configuration of a job from what a caller gave.

    Raises:
        InputError: Something of it cannot be used.
    """
    if isinstance(categories, (str, Path)):
        named, written = read_categories(categories)
    else:
        named, written = name_categories(categories, where="the call"), INSTRUCTIONS
    source = Path(source).absolute()
    output = Path(output).absolute() if output else beside(source, "scored")
    given = [] if model == "local" else [model, *fallback]
    models = [(one if isinstance(one, ModelSpec) else ModelSpec(name=one)).settled() for one in given]
    return ScoreConfig.checked(
        source=str(source),
        text=text,
        categories=named,
        output=str(output),
        models=[msgspec.structs.asdict(spec) for spec in models],
        examples=str(Path(examples).absolute()) if examples else "",
        instructions=instructions or written,
        **settings,
    )
