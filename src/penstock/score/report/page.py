"""The page itself: what happened in one line, then part by part.

It shows no text of the table; rows are named by their number, from 1 for the first one below the heads.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from penstock.page import Markup, document, element, foreign, join, section
from penstock.page.figures import count, duration, moment, percent, plural, short_count
from penstock.score.report import conduct, results
from penstock.score.report.course import trace

if TYPE_CHECKING:
    from penstock.ledger.ledger import Job
    from penstock.models.session import ModelSpec
    from penstock.score.config import ScoreConfig
    from penstock.score.report.course import Course
    from penstock.score.report.facts import ReportFacts


def render(facts: ReportFacts) -> str:
    """Make the page: whole, without anything from outside."""
    course = trace(facts.progress)
    sections = (
        results.scores(facts),
        results.failures(facts),
        results.agreement(facts),
        conduct.over_the_run(facts, course),
        conduct.pace(facts),
        conduct.slowest(facts),
        conduct.chunks(facts),
        results.methods(facts),
        conduct.stages(facts),
        _settings(facts.config),
    )
    style = files("penstock.score.report").joinpath("report.css").read_text(encoding="utf-8")
    title = f"{facts.job.id}: {facts.job.status}"
    return document(title, _header(facts, course), element("main", *sections), _footer(), style=style)


def _header(facts: ReportFacts, course: Course) -> Markup:
    job, config = facts.job, facts.config
    begun = join([". Begun ", element("time", moment(job.created_at)), "."]) if job.created_at else "."
    return element(
        "header",
        element("p", "Penstock score", class_="brand"),
        element("h1", foreign(job.id), " ", element("span", job.status, class_="status")),
        element(
            "p",
            *("Column ", element("q", foreign(config.text)), " of ", foreign(Path(config.source).name), " against "),
            *(_categories(len(config.categories)), ", judged by ", foreign(_judge(config)), begun),
        ),
        element("p", *_verdict(facts, course), class_="verdict"),
        element("p", foreign(job.error, longest=1_000), class_="error") if job.error else None,
        _going_on(job),
    )


def _categories(number: int) -> str:
    return "1 category" if number == 1 else f"{count(number)} categories"


def _judge(config: ScoreConfig) -> str:
    if config.models:
        return config.models[0].name
    return "the embedded judge, trained on examples" if config.examples else "the embedded judge"


def _going_on(job: Job) -> Markup | None:
    if job.status not in {"interrupted", "cancelled", "failed"}:
        return None
    command = element("code", f"penstock jobs resume {job.id}")
    return element("p", "What was scored is kept. Go on with ", command)


def _verdict(facts: ReportFacts, course: Course) -> list[Markup | str]:
    """Say how it went in one line; what does not apply is left out."""
    said = [*_rows(facts), *_effort(facts, course)]
    spoken = [element("span", element("b", figure), f" {words}" if words else "") for figure, words in said]
    return [join(spoken, by=", "), "."]


def _rows(facts: ReportFacts) -> list[tuple[str, str]]:
    summary = facts.summary
    waiting = facts.job.rows - summary.scored - summary.failed
    return [
        (count(facts.job.rows), "row" if facts.job.rows == 1 else "rows"),
        (count(summary.scored), "scored"),
        (count(summary.failed), "failed"),
        *([(count(waiting), "still to do")] if waiting > 0 else []),
    ]


def _effort(facts: ReportFacts, course: Course) -> list[tuple[str, str]]:
    """What it took: time, calls, refusals, answers from the cache, tokens."""
    summary, config = facts.summary, facts.config
    calls, refused = course.total("calls"), course.total("throttled")
    said: list[tuple[str, str]] = []
    if course.runs:
        said.append((duration(course.seconds), f"in {len(course.runs)} runs" if len(course.runs) > 1 else ""))
    if calls is not None:
        said.append((count(calls), "call" if calls == 1 else "calls"))
    if refused is not None:
        said.append((count(refused), "refused"))
    if config.models and config.cache and summary.verdicts:
        said.append((percent(summary.cached / summary.verdicts), "from the cache"))
    for tokens, way in ((summary.usage.tokens_in, "in"), (summary.usage.tokens_out, "out")):
        if tokens:
            said.append((short_count(tokens), f"tokens {way}"))
    return said


def _settings(config: ScoreConfig) -> Markup:
    pairs = {
        "Table": Path(config.source).name,
        "Text column": config.text,
        "Output": Path(config.output).name,
        **_judge_settings(config),
        "Chunk": f"{plural(config.chunk_rows, 'row')}, tried again up to {plural(config.retry_limit, 'time')}",
    }
    listed = [part for name, value in pairs.items() for part in (element("dt", name), element("dd", foreign(value)))]
    return section("Settings", element("dl", *listed))


def _judge_settings(config: ScoreConfig) -> dict[str, str]:
    if not config.models:
        examples = Path(config.examples).name if config.examples else "none"
        return {"Judge": "embedded", "Examples": examples}
    first, *others = (_model(spec) for spec in config.models)
    kept = f"{plural(config.cache_entries, 'answer')}, good for {duration(config.cache_ttl)}"
    return {
        "Model": first,
        "Fallback": ", ".join(others) or "none",
        "Block": f"up to {_categories(config.block)} per call",
        "Asked": f"up to {plural(config.asks, 'time')} while a reply does not fit",
        "In flight": f"up to {plural(config.models[0].concurrency, 'call')}",
        "Cache": kept if config.cache else "off",
    }


def _model(spec: ModelSpec) -> str:
    """Name a model and its server; the address may hold more than its host, which is nobody's business."""
    host = urlsplit(spec.base_url).hostname
    return f"{spec.name} at {host}" if host else spec.name


def _footer() -> Markup:
    return element(
        "footer",
        element("p", "Row 1 is the first row below the heads. No text of the table is shown."),
        element("p", "All settings: ", element("code", "run_meta.json"), " in this folder."),
    )
