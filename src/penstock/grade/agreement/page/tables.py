"""The tables of the page about agreement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.grade.agreement.wording import MEASURES, STATES, ends, figure
from penstock.page import Column, element, foreign, join, table
from penstock.page.figures import NONE, count, decimal, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.grade.agreement.compare import Agreement
    from penstock.grade.agreement.marked import MarkedAnswer
    from penstock.grade.agreement.pairs import StateCount
    from penstock.grade.agreement.slices import Estimate, Slice
    from penstock.grade.agreement.trust import Curve, Point
    from penstock.page import Child, Markup

MOST_QUESTIONS = 50
"""Questions that are listed."""

_LONGEST = 240  # characters of an answer
_KEPT = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
_MEANINGS = {
    "qwk": "Agreement on the mark beyond chance; far off counts more",
    "accuracy": "Share of answers that both call right, or both wrong",
    "kappa": "The same beyond chance",
    "macro_f1": "Mean F1 of right answers and of wrong ones",
    "rmse": "Root mean square of the difference, points of 100",
    "mae": "Mean size of the difference, points of 100",
    "bias": "Mean of machine less people, points of 100",
    "pearson": "Of the marks as they are",
}


def measures(found: Agreement) -> Markup:
    """List all measures with their intervals."""
    confidence, resamples = found.resampling.confidence, found.resampling.resamples
    drawn = f"learners ({found.columns.group})" if found.columns.group else "answers"
    rough = " They are rough: there are few of them." if found.overall.few else ""
    caption = f"Intervals: {confidence:.0%}, from {count(resamples)} resamples of {drawn}.{rough}"
    columns: list[Column[tuple[str, Estimate]]] = [
        Column("Measure", lambda row: MEASURES[row[0]], words=True),
        Column("Figure", lambda row: figure(*row)),
        Column("Interval", lambda row: ends(*row)),
        Column("What it is", lambda row: _MEANINGS[row[0]], words=True),
    ]
    return table(caption, columns, found.overall.measures.items())


def bands(found: Agreement) -> Markup:
    """List how far off the machine is by the mark that people gave."""
    columns: list[Column[Slice]] = [
        Column("People gave", lambda one: one.name, words=True),
        *_sizes(),
        Column("Bias", lambda one: figure("bias", one.measures["bias"])),
        Column("Interval", lambda one: ends("bias", one.measures["bias"])),
        Column("RMSE", lambda one: figure("rmse", one.measures["rmse"])),
        Column("Accuracy", lambda one: _share(one.measures["accuracy"])),
    ]
    return table("Marks in points of 100; bias is machine less people", columns, found.bands)


def slices(caption: str, head: str, parts: Sequence[Slice]) -> Markup:
    """List parts of the answers."""
    columns: list[Column[Slice]] = [
        Column(head or "Part", lambda one: foreign(STATES.get(one.name, one.name), longest=80), words=True),
        *_sizes(),
        Column("RMSE", lambda one: figure("rmse", one.measures["rmse"])),
        Column("Interval", lambda one: ends("rmse", one.measures["rmse"])),
        Column("Bias", lambda one: figure("bias", one.measures["bias"])),
        Column("Accuracy", lambda one: _share(one.measures["accuracy"])),
        Column("κ weighted", lambda one: figure("qwk", one.measures["qwk"])),
    ]
    return table(caption, columns, parts)


def kept(curve: Curve) -> Markup:
    """List what holds when parts of the marks are kept."""
    rows = [next(point for point in curve.points if point.coverage >= share - 1e-9) for share in _KEPT]
    columns: list[Column[Point]] = [
        Column("Kept", lambda point: percent(point.coverage)),
        Column("Answers", lambda point: count(point.pairs)),
        Column("Confidence from", lambda point: decimal(point.confidence)),
        Column("Accuracy", lambda point: percent(point.accuracy)),
        Column("RMSE", lambda point: decimal(point.rmse, places=1)),
    ]
    left = f"; {count(curve.unstated)} compared marks state none" if curve.unstated else ""
    return table(f"The surest of {count(curve.pairs)} marks with a stated confidence{left}", columns, _distinct(rows))


def states(found: Agreement) -> Markup:
    """List what became of all answers."""
    columns: list[Column[StateCount]] = [
        Column("How grading ended", lambda one: foreign(STATES.get(one.state, one.state)), words=True),
        Column("Answers", lambda one: count(one.rows)),
        Column("Marked by people", lambda one: count(one.marked)),
        Column("Compared", lambda one: count(one.compared)),
    ]
    return table("Answers without a score are in no figure; they never count as 0", columns, found.states)


def review(doubtful: Sequence[MarkedAnswer]) -> Markup:
    """List answers that a person should look at."""
    columns: list[Column[MarkedAnswer]] = [
        Column("Row", lambda one: count(one.row)),
        Column("Answer", _answer, words=True),
        Column("Why", _why, words=True),
        Column("Score", _score),
        Column("Error", lambda one: decimal(one.expected_error, places=0)),
    ]
    caption = (
        "Row 1 is the first one below the heads. Scores in brackets are proposals; errors are those to be expected"
    )
    return table(caption, columns, doubtful, class_="review")


def _sizes() -> list[Column[Slice]]:
    return [
        Column("Answers", lambda one: join([count(one.pairs), element("i", " few") if one.few else None])),
        Column("People", lambda one: decimal(one.human, places=1)),
        Column("Machine", lambda one: decimal(one.machine, places=1)),
    ]


def _share(estimate: Estimate) -> str:
    return NONE if estimate.value is None else percent(estimate.value)


def _answer(one: MarkedAnswer) -> Markup:
    whose = " · ".join(part for part in (one.group, one.question) if part)
    text = foreign(" ".join(one.answer[: 4 * _LONGEST].split()), longest=_LONGEST)
    return join([text, element("span", foreign(whose, longest=80), class_="subject") if whose else None])


def _why(one: MarkedAnswer) -> Child:
    said = foreign(one.reason, longest=160) if one.reason else None
    state = STATES.get(one.state, one.state)
    return join([foreign(state), element("span", said, class_="subject") if said else None])


def _score(one: MarkedAnswer) -> str:
    if one.score is None:
        return NONE if one.proposed is None else f"({one.proposed:.0f})"
    return f"{one.score:.0f}"


def _distinct(points: Sequence[Point]) -> list[Point]:
    return [point for at, point in enumerate(points) if not at or point.pairs > points[at - 1].pairs]
