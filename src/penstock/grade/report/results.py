"""What a grade job made: states, scores, questions, and what is left to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.page import Axis, Column, Layer, Mark, element, foreign, plot, section, table
from penstock.page.figures import NONE, count, decimal, percent, plural, short_count, steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.grade.summary import QuestionCount, ReviewRow, Summary
    from penstock.page import Markup

BIN = 5
"""Points that a column of the histogram is wide; the last one holds 100, too."""

MOST_QUESTIONS = 200
"""Questions listed."""

_MEANING = {
    "graded": "with a score",
    "offline": "with a score, without a model",
    "needs_review": "left to a person",
    "failed": "not graded",
}


def states(summary: Summary) -> Markup:
    """Show in which state the answers ended."""
    tiles = [
        element(
            "li",
            element("b", count(number)),
            f"{state.replace('_', ' ')}: {_MEANING[state]}",
            class_="some" if number else None,
        )
        for state, number in summary.states.items()
    ]
    return section("Answers", element("ul", *tiles, class_="states"), _why(summary))


def _why(summary: Summary) -> Markup | None:
    """Count the words that say why an answer is not simply graded."""
    if not summary.codes:
        return None
    columns: list[Column[tuple[tuple[str, str], int]]] = [
        Column("State", lambda one: one[0][0].replace("_", " "), words=True),
        Column("Why", lambda one: foreign(one[0][1]), words=True),
        Column("Answers", lambda one: count(one[1])),
    ]
    caption = "Why answers ended in their state, where a word was noted"
    return table(caption, columns, summary.codes.most_common())


def scores(summary: Summary, *, passing: float) -> Markup:
    """Show how the scores are spread; those of right answers are in colour."""
    total = summary.total
    if not total.scored:
        return section("Scores", element("p", "No answer has a score."))
    bins = [sum(summary.counts[step : step + BIN]) for step in range(0, 100, BIN)]
    bins[-1] += summary.counts[100]
    points = [(step + BIN / 2, number) for step, number in zip(range(0, 100, BIN), bins, strict=True)]
    layers = [
        Layer(kind="columns", tone="grey", width=BIN - 0.6, runs=[[one for one in points if one[0] < passing]]),
        Layer(kind="columns", tone="accent", width=BIN - 0.6, runs=[[one for one in points if one[0] >= passing]]),
    ]
    top = 1.05 * max(bins)
    chart = plot(
        f"Answers by score, in steps of {BIN} points",
        layers,
        x=Axis(low=0, high=100, ticks=[(place, str(place)) for place in range(0, 101, 20)]),
        y=Axis(low=0, high=top, ticks=[(level, short_count(level)) for level in steps(top, about=5, least=1)]),
        label=f"{plural(total.scored, 'score')} from 0 to 100, {decimal(total.mean, places=1)} on average",
        marks=[Mark(at=passing)],
        tall=True,
    )
    said = (
        f"Mean score {decimal(total.mean, places=1)}; {count(total.correct)} of {count(total.scored)} are right "
        f"({percent(total.rate or 0)}). The dashed line is the passing score of {passing:g}."
    )
    return section("Scores", element("p", said), element("div", chart, class_="charts"))


def questions(summary: Summary) -> Markup | None:
    """Show the questions, the hardest first."""
    found = sorted(summary.questions, key=lambda one: (one.mean is None, one.mean or 0, one.name))
    if not found:
        return None
    more = f"; the {MOST_QUESTIONS} hardest of {count(len(found))}" if len(found) > MOST_QUESTIONS else ""
    columns: list[Column[QuestionCount]] = [
        Column("Question", lambda one: foreign(one.name or NONE, longest=80), words=True),
        Column("Type", lambda one: foreign(one.kind.replace("_", " ") or NONE), words=True),
        Column("Answers", lambda one: count(one.answers)),
        Column("Mean", lambda one: decimal(one.mean, places=1)),
        Column("Right", lambda one: percent(one.rate) if one.rate is not None else NONE),
        Column("", _share, words=True),
        Column("For a person", lambda one: count(one.review)),
        Column("Failed", lambda one: count(one.failed)),
    ]
    caption = f"Questions by mean score, the hardest first{more}"
    return section("Questions", table(caption, columns, found[:MOST_QUESTIONS]))


def _share(question: QuestionCount) -> Markup | None:
    if question.mean is None:
        return None
    return element(
        "svg",
        element("path", d=f"M0 0h{question.mean:.1f}v1h-{question.mean:.1f}z"),
        class_="share",
        viewBox="0 0 100 1",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def reviews(summary: Summary) -> Markup | None:
    """List the first answers that a person has to decide on."""
    number = summary.states["needs_review"]
    if not number:
        return None
    found = summary.reviews
    columns: list[Column[ReviewRow]] = [
        Column("Row", lambda one: count(one.row + 1)),
        Column("Question", lambda one: foreign(one.question, longest=80), words=True),
        Column("Proposed", lambda one: decimal(one.proposed, places=1)),
        Column("Why", lambda one: foreign(one.reason), words=True),
    ]
    caption = "All of them" if len(found) == number else f"The first {len(found)} of {count(number)}"
    said = f"{plural(number, 'answer')} without a score: a person decides."
    return section("For a person", element("p", said), table(caption, columns, found))


def quality(found: Mapping[str, Any] | None) -> Markup | None:
    """Show how well the trained offline grader agrees with marks it had not seen."""
    if not found:
        return None
    columns: list[Column[tuple[str, str]]] = [
        Column("Measure", lambda pair: pair[0], words=True),
        Column("Value", lambda pair: pair[1]),
    ]
    error, stated = (found.get(name) for name in ("rmse", "expected_error"))
    rows = [
        ("Error of the score (RMSE), points", decimal(_times_100(error), places=1)),
        ("The same as the grader states it", decimal(_times_100(stated), places=1)),
        ("Right or wrong as people decided", _percent(found.get("accuracy"))),
        ("The same on the half it is surest of", _percent(found.get("accuracy_surest_half"))),
        ("Calibration error of its confidence", decimal(found.get("ece"), places=3)),
    ]
    examples = plural(int(found.get("n_examples", 0)), "graded answer")
    return section("The offline grader", table(f"On {examples}, each left out in turn", columns, rows))


def _times_100(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _percent(share: float | None) -> str:
    return NONE if share is None else percent(share)
