"""Scoring as one call, synchronous or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from penstock.errors import InputError
from penstock.jobs.stop import Stop, say_nothing
from penstock.jobs.workspace import Workspace
from penstock.judge.numeric import INSTRUCTIONS
from penstock.judge.scorer import VARIED
from penstock.models.session import ModelSpec, shared_session
from penstock.score.asking import check_budget
from penstock.score.categories import name_categories, read_categories
from penstock.score.config import ScoreConfig
from penstock.score.run import ScoreJob, ScoreResult, take_up
from penstock.tables import beside
from penstock.tables.google import SheetLayout, is_sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.jobs.events import Listener
    from penstock.judge.category import Category
    from penstock.ledger.ledger import Job
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
    text: str = "",
    categories: Path | str | Sequence[str | Category | dict[str, str]] | None = None,
    output: Path | str | None = None,
    model: str | ModelSpec = "local",
    fallback: Sequence[str | ModelSpec] = (),
    home: Path | str | None = None,
    fresh: bool = False,
    only_failed: bool = False,
    only_changed: bool = False,
    budget: float | None = None,
    session: Session | None = None,
    listeners: Sequence[Listener] = (),
    signals: bool = False,
    say: Callable[[str], None] = say_nothing,
    **settings: Any,
) -> ScoreResult:
    """Score every row of a table against categories, and write the table with the scores.

    A command that did not finish is gone on with: what the ledger of `home` has is not asked again.

    Args:
        source: A CSV, TSV, JSONL, Parquet or Excel file, or the address of a Google sheet.
        text: The column that is judged; of a Google sheet its letter, C when not given.
        categories: A YAML file, or names, mappings or `Category` values; a Google sheet holds them itself.
        output: The scored table, in the format its suffix names; when not given, `NAME.scored.SUFFIX` for a file, and
            the sheet itself for a Google sheet.
        model: `local`, `openai/NAME`, `gemini/NAME`, `anthropic/NAME`, or a `ModelSpec`.
        fallback: Models asked when the first one fails a row.
        home: The workspace folder.
        fresh: Start a new job even if an equal one is unfinished.
        only_failed: Go on with the last job of the same settings, and ask for nothing but its failed rows, and those it
            did not come to.
        only_changed: Take what the last job of the same settings has for rows that have not changed.
        budget: US dollars that the job may cost in all; then it stops, and a resume with a larger one goes on. None
            for what was said last, and infinity for no limit.
        session: Shared by all jobs of a process that are to share paces and connections.
        listeners: Told of every event of the job.
        signals: Whether Ctrl-C stops the job in order.
        say: Told in a sentence that Ctrl-C was heard.
        **settings: Any other field of `ScoreConfig`.

    Raises:
        InputError: Something that was given is wrong; nothing was written.
        PenstockError: What stopped the job; it can be resumed.
    """
    if only_failed and (fresh or only_changed):
        other = "--fresh" if fresh else "--only-changed"
        raise InputError(f"--only-failed goes on with the last job, and {other} begins one: leave one of them away.")
    async with Workspace(home) as workspace:
        prepared = await prepare(
            source,
            workspace,
            text=text,
            categories=categories,
            output=output,
            model=model,
            fallback=fallback,
            **settings,
        )
        check_budget(prepared.config, budget)
        if only_failed:
            job = await prepared.failed()
        else:
            job = await prepared.find_or_add(fresh=fresh, only_changed=only_changed)
        with Stop(signals=signals, say=say) as stop:
            return await prepared.run(
                job, session=session, again=only_failed, budget=budget, listeners=listeners, started=stop.watch
            )


async def prepare(
    source: Path | str,
    workspace: Workspace,
    *,
    categories: Any = None,
    layout: Any = None,
    looking: bool = False,
    **given: Any,
) -> ScoreJob:
    """Make a job of what a caller gave, and check it against the world.

    Args:
        source: A file, or the address of a Google sheet.
        workspace: Where the job is kept.
        categories: What rows are judged against; a Google sheet holds them itself.
        layout: Where things stand in a Google sheet.
        looking: Whether nothing is going to be delivered.
        **given: As `a_score_table` takes it.

    Raises:
        InputError: Something of it cannot be used; nothing was written.
    """
    if not is_sheet(str(source)):
        if layout is not None:
            raise InputError(f"{source} is no Google sheet: only those have a layout.")
        if categories is None:
            raise InputError("There are no categories: give a file of them (--categories).")
        if not given.get("text"):
            raise InputError("There is no text column: say which one is judged (--text).")
        config = make_config(source, categories=categories, **given)
        return await ScoreJob.prepare(config, workspace, looking=looking)
    if categories is not None:
        raise InputError("A Google sheet holds its categories itself: leave --categories away.")
    layout = layout or SheetLayout()
    if given.get("text"):
        layout = msgspec.structs.replace(layout, text=given["text"])
    from penstock.score.sheet import OpenSheet

    sheet = await OpenSheet.open(
        str(source),
        layout,
        workspace,
        tab=given.get("sheet", ""),
        writes_per_minute=given.get("writes_per_minute", 55.0),
    )
    given = {**given, "text": layout.text, "sheet": sheet.sheet.tab}
    config = make_config(source, categories=sheet.categories, layout=layout, **given)
    return await ScoreJob.prepare(config, workspace, sheet=sheet, looking=looking)


async def a_resume(
    job_id: str | None = None,
    *,
    home: Path | str | None = None,
    again: bool = False,
    budget: float | None = None,
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
        budget: US dollars that the job may cost in all, what it has cost so far included; None for what was said last,
            and infinity for no limit.
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
        check_budget(prepared.config, budget)
        with Stop(signals=signals, say=say) as stop:
            return await prepared.run(
                job, session=session, again=again, budget=budget, listeners=listeners, started=stop.watch
            )


async def withdraw_job(workspace: Workspace, job: Job) -> int:
    """Cancel the batches that a job left at its provider, and delete its files there; returns how many batches.

    Raises:
        JobError: Another process works on it.
        Outage: The provider is out of reach.
        Refused: It turned the account down.
    """
    config = ScoreConfig.decode(job.config)
    if not config.batch:
        return 0
    from penstock.score.batch.judge import withdraw

    folder = workspace.folder(job.id)
    with folder.locked():
        async with shared_session() as session:
            return await withdraw(config.models[0], session, folder)


def make_config(
    source: Path | str,
    *,
    text: str,
    categories: Path | str | Sequence[str | Category | dict[str, str]],
    output: Path | str | None = None,
    model: str | ModelSpec = "local",
    fallback: Sequence[str | ModelSpec] = (),
    examples: Path | str | None = None,
    instructions: str | None = None,
    embeddings: str | ModelSpec = "local",
    prices: Path | str | None = None,
    samples: int = 1,
    layout: SheetLayout | None = None,
    **settings: Any,
) -> ScoreConfig:
    """Make the configuration of a job from what a caller gave.

    Raises:
        InputError: Something of it cannot be used.
    """
    if isinstance(categories, (str, Path)):
        named, written = read_categories(categories)
    else:
        named, written = name_categories(categories, where="the sheet" if layout else "the call"), INSTRUCTIONS
    given = [] if model == "local" else [model, *fallback]
    models = [_varied(_settled(one), samples) for one in given]
    place = _placed if layout is None else _of_sheet
    return ScoreConfig.checked(
        text=text,
        categories=named,
        models=[msgspec.structs.asdict(spec) for spec in models],
        embeddings=None if embeddings == "local" else msgspec.structs.asdict(_settled(embeddings)),
        examples=_absolute(examples),
        prices=_absolute(prices),
        instructions=instructions or written,
        samples=samples,
        layout=layout and msgspec.structs.asdict(layout),
        **place(source, output),
        **settings,
    )


def _settled(model: str | ModelSpec) -> ModelSpec:
    return (model if isinstance(model, ModelSpec) else ModelSpec(name=model)).settled()


def _varied(spec: ModelSpec, samples: int) -> ModelSpec:
    """Several samples of the likeliest answer would be one: ask for some variety, unless it was set."""
    return msgspec.structs.replace(spec, temperature=VARIED) if samples > 1 and spec.temperature == 0.0 else spec


def _absolute(path: Path | str | None) -> str:
    return str(Path(path).absolute()) if path else ""


def _placed(source: Path | str, output: Path | str | None) -> dict[str, str]:
    source = Path(source).absolute()
    return {"source": str(source), "output": _absolute(output) or str(beside(source, "scored"))}


def _of_sheet(source: Path | str, output: Path | str | None) -> dict[str, str]:
    return {"source": str(source), "output": _absolute(output)}
