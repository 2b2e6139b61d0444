"""The page itself: what happened in one line, then part by part.

It shows no text of the table; rows are named by their number, from 1 for the first one below the heads.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from penstock.jobs.report import conduct, outcomes
from penstock.jobs.report.course import trace
from penstock.jobs.report.head import effort, header, model_at, settings, style
from penstock.page import document, element, foreign
from penstock.page.figures import count, duration, plural
from penstock.score.report import results, sheet

if TYPE_CHECKING:
    from penstock.jobs.report.course import Course
    from penstock.page import Markup
    from penstock.score.config import ScoreConfig
    from penstock.score.report.facts import ReportFacts
    from penstock.tables.google import SheetLayout


def render(facts: ReportFacts) -> str:
    """Make the page: whole, without anything from outside."""
    course, summary, item = trace(facts.progress), facts.summary, facts.item
    layout = facts.config.layout
    first = layout.first_row if layout else 1
    sections = (
        results.scores(facts),
        outcomes.failures(summary.effort, item=item, parts=facts.parts, first=first),
        results.agreement(facts),
        sheet.delivery(facts.progress) if layout else None,
        conduct.over_the_run(course, item=item),
        conduct.pace(facts.pace),
        conduct.slowest(summary.seconds, summary.slowest, item=item, parts=facts.parts, first=first),
        conduct.chunks(facts.chunks, chunk_rows=facts.config.chunk_rows),
        outcomes.methods(summary.effort, item=item, caption="What made the scores"),
        conduct.stages(facts.stage_seconds, facts.queue_depths),
        _settings(facts.config),
    )
    title = f"{facts.job.id}: {facts.job.status}"
    return document(
        title, _header(facts, course), element("main", *sections), _footer(layout), style=style("penstock.score.report")
    )


def _header(facts: ReportFacts, course: Course) -> Markup:
    config = facts.config
    about = (
        *("Column ", element("q", foreign(config.text)), " of ", foreign(config.source_name), " against "),
        *(_categories(len(config.categories)), ", judged by ", foreign(_judge(config))),
    )
    return header(facts.job, *about, figures=_figures(facts, course), kept="What was scored is kept.")


def _categories(number: int) -> str:
    return "1 category" if number == 1 else f"{count(number)} categories"


def _judge(config: ScoreConfig) -> str:
    if config.models:
        return config.models[0].name
    return "the embedded judge, trained on examples" if config.examples else "the embedded judge"


def _figures(facts: ReportFacts, course: Course) -> list[tuple[str, str]]:
    summary, config = facts.summary, facts.config
    looked_up = config.models and config.cache and summary.verdicts
    cached = summary.cached / summary.verdicts if looked_up else None
    return [*_rows(facts), *effort(course, summary.usage, cached=cached)]


def _rows(facts: ReportFacts) -> list[tuple[str, str]]:
    summary, sample = facts.summary, facts.config.sample
    rows = min(facts.job.rows, sample) if sample else facts.job.rows  # read are all up to the last one that was drawn
    waiting = rows - summary.scored - summary.failed
    over = facts.job.status == "completed"  # then rows without an outcome have no text
    return [
        (count(rows), "row" if rows == 1 else "rows"),
        (count(summary.scored), "scored"),
        (count(summary.failed), "failed"),
        *([(count(waiting), "without a text" if over else "still to do")] if waiting > 0 else []),
    ]


def _settings(config: ScoreConfig) -> Markup:
    pairs = {
        "Table": config.source_name,
        "Text column": config.text,
        "Output": Path(config.output).name or "the sheet itself",
        **_rows_settings(config),
        **_judge_settings(config),
        "Chunk": f"{plural(config.chunk_rows, 'row')}, tried again up to {plural(config.retry_limit, 'time')}",
    }
    return settings(pairs)


def _rows_settings(config: ScoreConfig) -> dict[str, str]:
    if not (config.limit or config.sample):
        return {}
    first = f"the first {count(config.limit)}" if config.limit else ""
    drawn = f"{count(config.sample)} drawn by lot" if config.sample else ""
    return {"Rows": ", of these ".join(part for part in (first, drawn) if part)}


def _judge_settings(config: ScoreConfig) -> dict[str, str]:
    if not config.models:
        examples = Path(config.examples).name if config.examples else "none"
        return {"Judge": "embedded", "Examples": examples}
    first, *others = (model_at(spec.name, spec.base_url) for spec in config.models)
    kept = f"{plural(config.cache_entries, 'answer')}, good for {duration(config.cache_ttl)}"
    return {
        "Model": first,
        **_price(config),
        "Fallback": ", ".join(others) or "none",
        "Block": f"up to {_categories(config.block)} per call",
        **_ways(config),
        "Asked": f"up to {plural(config.asks, 'time')} while a reply does not fit",
        "In flight": f"up to {plural(config.models[0].concurrency, 'call')}",
        "Cache": kept if config.cache else "off",
    }


def _price(config: ScoreConfig) -> dict[str, str]:
    price = config.price(config.models[0])
    if price is None:
        return {}
    seen = f", seen on {price.as_of}" if price.as_of else ""
    return {"Price": f"{price.usd_in:g} USD per million tokens in, {price.usd_out:g} USD out{seen}"}


def _ways(config: ScoreConfig) -> dict[str, str]:
    """How is judged, where that is not one text, one call, one list of numbers."""
    ways: dict[str, str] = {}
    if config.mode == "anchored":
        embeddings = config.embeddings.name if config.embeddings else "local vectors"
        ways["Rationales"] = f"anchored, placed by {embeddings}"
    if config.samples > 1:
        ways["Samples"] = f"{config.samples} per call, means are kept"
    if config.video:
        ways["Videos"] = f"uploaded for each row, at most {count(config.video_mb)} MB"
    if config.batch:
        ways["Batches"] = f"of the provider, up to {plural(config.batch_lines, 'request')} each"
    return ways


def _footer(layout: SheetLayout | None) -> Markup:
    rows = (
        f"Rows are those of the sheet; in the chunks, row 1 is row {layout.first_row} of it."
        if layout
        else "Row 1 is the first row below the heads."
    )
    return element(
        "footer",
        element("p", f"{rows} No text of the table is shown."),
        element("p", "All settings: ", element("code", "run_meta.json"), " in this folder."),
    )
