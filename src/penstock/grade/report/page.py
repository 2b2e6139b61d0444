"""The page itself: what happened in one line, then part by part.

It names no learner; rows are named by their number, from 1 for the first one below the heads. Of an answer it shows at
most the few words that a reason quotes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from penstock.grade.report import results
from penstock.jobs.report import conduct, outcomes
from penstock.jobs.report.course import trace
from penstock.jobs.report.head import effort, header, model_at, settings, style
from penstock.page import document, element, foreign
from penstock.page.figures import count, decimal, duration, plural

if TYPE_CHECKING:
    from penstock.grade.config import GradeConfig
    from penstock.grade.report.facts import ReportFacts
    from penstock.jobs.report.course import Course
    from penstock.page import Markup

ITEM = "answer"


def render(facts: ReportFacts) -> str:
    """Make the page: whole, without anything from outside."""
    course, summary, config = trace(facts.progress), facts.summary, facts.config
    sections = (
        results.states(summary),
        results.scores(summary, passing=config.passing),
        results.questions(summary),
        results.reviews(summary),
        outcomes.failures(summary.effort, item=ITEM),
        results.quality(facts.quality),
        outcomes.methods(summary.effort, item=ITEM, caption="What graded the answers"),
        conduct.over_the_run(course, item=ITEM),
        conduct.pace(facts.pace),
        conduct.slowest(summary.effort.seconds, summary.effort.slowest, item=ITEM),
        conduct.chunks(facts.chunks, chunk_rows=config.chunk_rows),
        conduct.stages(facts.stage_seconds, facts.queue_depths),
        _settings(config),
    )
    body = (_header(facts, course), element("main", *sections), _footer())
    return document(f"{facts.job.id}: {facts.job.status}", *body, style=style("penstock.grade.report"))


def _header(facts: ReportFacts, course: Course) -> Markup:
    config = facts.config
    keyed = ("the key ", foreign(Path(config.key).name)) if config.key else ("the key in its columns",)
    about = ("Answers of ", foreign(Path(config.source).name), " against ", *keyed, ", graded by ", _grader(config))
    return header(facts.job, *about, figures=_figures(facts, course), kept="What was graded is kept.")


def _grader(config: GradeConfig) -> Markup:
    trained = "the offline grader, trained on graded answers" if config.graded else "the offline grader"
    return foreign(config.models[0].name if config.models else trained)


def _figures(facts: ReportFacts, course: Course) -> list[tuple[str, str]]:
    summary, config = facts.summary, facts.config
    verdicts = summary.effort.verdicts
    waiting = facts.job.rows - summary.effort.rows
    cached = summary.effort.cached / verdicts if config.models and config.cache and verdicts else None
    mean = [(decimal(summary.total.mean, places=1), "points on average")] if summary.total.scored else []
    return [
        (count(facts.job.rows), "answer" if facts.job.rows == 1 else "answers"),
        (count(summary.total.scored), "with a score"),
        (count(summary.states["needs_review"]), "for a person"),
        (count(summary.states["failed"]), "failed"),
        *([(count(waiting), "still to do")] if waiting > 0 else []),
        *mean,
        *effort(course, summary.effort.usage, cached=cached),
    ]


def _settings(config: GradeConfig) -> Markup:
    pairs = {
        "Table": Path(config.source).name,
        "Key": Path(config.key).name if config.key else "in the table",
        "Rubric": Path(config.rubric).name if config.rubric else "none",
        "Overrides": Path(config.overrides).name if config.overrides else "none",
        "Output": Path(config.output).name,
        "Passing score": f"{config.passing:g}",
        **_grader_settings(config),
        "Chunk": f"{plural(config.chunk_rows, 'row')}, tried again up to {plural(config.retry_limit, 'time')}",
    }
    return settings(pairs)


def _grader_settings(config: GradeConfig) -> dict[str, str]:
    sure = f"confidence below {config.review_below:g}" if config.review_below else "none for low confidence"
    offline = {
        "Graded answers": Path(config.graded).name if config.graded else "none",
        "Left to a person": sure,
    }
    if not config.models:
        return {"Grader": "offline", **offline}
    first, *others = (model_at(spec.name, spec.base_url) for spec in config.models)
    kept = f"up to {count(config.cache_entries)} replies, good for {duration(config.cache_ttl)}"
    return {
        "Model": first,
        "Fallback": ", ".join(others) or "none",
        "Samples": f"{config.samples}, at most {config.max_spread:g} points apart",
        "No reply in time": "graded offline" if config.on_timeout == "offline" else "failed",
        "Asked": f"up to {plural(config.asks, 'time')} while a reply does not fit",
        "In flight": f"up to {plural(config.models[0].concurrency, 'call')}",
        "Cache": kept if config.cache else "off",
        **offline,
    }


def _footer() -> Markup:
    return element(
        "footer",
        element("p", "Row 1 is the first row below the heads. Learners are not named; a reason may quote an answer."),
        element("p", "All settings: ", element("code", "run_meta.json"), " in this folder."),
    )
