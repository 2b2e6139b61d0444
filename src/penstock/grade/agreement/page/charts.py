"""The pictures of the page about agreement."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from penstock.grade.agreement.slices import FEW
from penstock.page import Axis, Column, Layer, Mark, element, plot, table
from penstock.page.figures import count, decimal, percent, steps, steps_between

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.grade.agreement.compare import Agreement, Crossing
    from penstock.grade.agreement.slices import Slice
    from penstock.grade.agreement.trust import Calibration, Curve
    from penstock.page import Markup
    from penstock.page.chart import Points

_MOST_CELLS = 6  # steps up to which counts are written
_STRONGEST = 50  # per cent of colour in a cell that holds its whole row
_SIZES = 4  # of dots
_BOTTOM, _TOP = 0.0, 100.0

_Row = tuple[int, tuple[int, ...]]


def crossing(found: Crossing) -> Markup:
    """Show which marks of people met which marks of the machine: a table of counts, or dots where there are many."""
    return _table(found) if found.steps <= _MOST_CELLS else _dots(found)


def bias_by_band(found: Agreement) -> Markup:
    """Draw how far the machine is above or below people, by the mark that they gave."""
    parts, whole = found.bands, range(len(found.bands))
    biases = [_bias(part) for part in parts]
    ends = [(at, *_ends(part)) for at, part in zip(whole, parts, strict=True)]
    high = max(10.0, *biases, *(end for _, _, end in ends)) * 1.08
    low = min(-10.0, *biases, *(end for _, end, _ in ends)) * 1.08
    layers = [
        Layer(kind="columns", tone="accent", name="machine above people", width=0.5, runs=[_some(biases, 1)]),
        Layer(kind="columns", tone="second", name="below", width=0.5, runs=[_some(biases, -1)]),
        Layer(kind="line", tone="ink", name="interval", runs=[[(at, least), (at, most)] for at, least, most in ends]),
    ]
    told = ", ".join(f"{part.name}: {bias:+.1f}" for part, bias in zip(parts, biases, strict=True))
    return plot(
        "Bias in points",
        layers,
        x=Axis(low=-0.6, high=len(parts) - 0.4, ticks=[(at, part.name) for at, part in zip(whole, parts, strict=True)]),
        y=Axis(low=low, high=high, ticks=[(at, f"{at:+g}" if at else "0") for at in steps_between(low, high, about=5)]),
        label=f"Bias by the mark that people gave: {told}",
        marks=[Mark(at=0.0, across=True, class_="zero")],
        tall=True,
    )


def surest(curve: Curve) -> list[Markup]:
    """Draw accuracy and error over the share of marks that is kept; few marks at the left are not drawn."""
    points = [point for point in curve.points if point.pairs >= FEW] or list(curve.points)
    accuracy = [(point.coverage, point.accuracy) for point in points]
    rmse = [(point.coverage, point.rmse) for point in points]
    low = min(0.9, *(value for _, value in accuracy)) - 0.02
    most = max(10.0, *(value for _, value in rmse)) * 1.08
    kept = Axis(low=0.0, high=1.0, ticks=[(share, f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)])
    marks = [Mark(at=curve.target, across=True)]
    if curve.reached is not None:
        marks.append(Mark(at=curve.reached.coverage))
    return [
        plot(
            "Accuracy of the surest marks",
            [_line(accuracy)],
            x=kept,
            y=Axis(low=low, high=1.005, ticks=[(at, f"{at:.0%}") for at in steps_between(low, 1.0)]),
            label=f"From {percent(accuracy[0][1])} of the surest to {percent(accuracy[-1][1])} of all marks",
            marks=marks,
            tall=True,
        ),
        plot(
            "RMSE of the surest marks, points",
            [_line(rmse)],
            x=kept,
            y=Axis(low=0.0, high=most, ticks=[(at, f"{at:g}") for at in steps(most)]),
            label=f"From {rmse[0][1]:.1f} points for the surest to {rmse[-1][1]:.1f} for all marks",
        ),
    ]


def reliability(found: Calibration) -> Markup:
    """Draw the share that came true over the stated chance; on the line, statements are right."""
    places = [(each.stated, each.seen) for each in found.bins]
    low = max(0.0, min(0.5, *(value for place in places for value in place)) - 0.05)
    axis = Axis(low=low, high=1.0, ticks=[(at, f"{at:.0%}") for at in steps_between(low, 1.0)])
    told = ", ".join(f"stated {percent(stated)}: {percent(seen)} came true" for stated, seen in places)
    return _square("Came true, by stated chance", places, axis, told)


def errors(found: Calibration) -> Markup:
    """Draw the error seen over the stated one; on the line, statements are right."""
    places = [(each.stated, each.seen) for each in found.bins]
    high = max(10.0, *(value for place in places for value in place)) * 1.08
    axis = Axis(low=0.0, high=high, ticks=[(at, f"{at:g}") for at in steps(high)])
    told = ", ".join(f"stated {decimal(stated, places=1)}: {decimal(seen, places=1)}" for stated, seen in places)
    return _square("Error seen, by stated error; points", places, axis, told)


def _square(title: str, places: Points, axis: Axis, label: str) -> Markup:
    """Draw dots against the line on which both axes are equal."""
    line = Layer(kind="line", tone="ink", runs=[[(axis.low, axis.low), (axis.high, axis.high)]])
    dots = Layer(kind="dots", tone="accent", runs=[places])
    return element("div", plot(title, [line, dots], x=axis, y=axis, label=label, tall=True), class_="square")


def _table(found: Crossing) -> Markup:
    heads = [f"{_TOP * step / found.steps:.3g}" for step in range(found.steps + 1)]
    columns: list[Column[_Row]] = [Column("People ↓ machine →", lambda row: heads[row[0]], words=True)]
    columns += [Column(head, _cell(at)) for at, head in enumerate(heads)]
    rows = [row for row in enumerate(found.counts) if sum(row[1])]
    caption = "Answers by the mark of people (rows) and of the machine (columns), rounded to the same steps"
    return table(caption, columns, rows, class_="crossing")


def _cell(at: int) -> Callable[[_Row], Markup]:
    def made(row: _Row) -> Markup:
        share = row[1][at] / sum(row[1])
        shade = f"--share:{round(_STRONGEST * share)}%"
        look = "cell same" if row[0] == at else "cell"
        return element("span", count(row[1][at]), class_=look, style=shade)

    return made


def _dots(found: Crossing) -> Markup:
    """Draw a dot per pair of marks, the larger the more answers."""
    most = max(max(row) for row in found.counts)
    edges = [round(most * (size / _SIZES) ** 2) for size in range(_SIZES + 1)]
    layers = [_diagonal()]
    for low, high in pairwise(edges):
        if high > low:
            places = _places(found, low, high)
            layers.append(Layer(kind="dots", tone="accent", runs=[places], name=_range(low + 1, high)))
    axis = Axis(low=-3.0, high=103.0, ticks=[(at, f"{at:g}") for at in (0.0, 25.0, 50.0, 75.0, 100.0)])
    label = f"Marks of people and of the machine in steps of {_TOP / found.steps:.3g}; larger dots are more answers"
    drawn = plot("Machine (upwards) against people; answers:", layers, x=axis, y=axis, label=label, tall=True)
    return element("div", drawn, class_="square dots")


def _places(found: Crossing, low: int, high: int) -> Points:
    return [
        (_TOP * i / found.steps, _TOP * j / found.steps)
        for i, row in enumerate(found.counts)
        for j, number in enumerate(row)
        if low < number <= high
    ]


def _range(low: int, high: int) -> str:
    return count(low) if low == high else f"{count(low)}–{count(high)}"


def _diagonal() -> Layer:
    return Layer(kind="line", tone="ink", runs=[[(_BOTTOM, _BOTTOM), (_TOP, _TOP)]])


def _line(places: Points) -> Layer:
    return Layer(kind="line", tone="accent", runs=[places])


def _bias(part: Slice) -> float:
    return part.measures["bias"].value or 0.0


def _ends(part: Slice) -> tuple[float, float]:
    """The interval, or the figure itself where there is none."""
    bias = part.measures["bias"]
    middle = _bias(part)
    return (middle if bias.low is None else bias.low), (middle if bias.high is None else bias.high)


def _some(biases: Sequence[float], sign: Literal[1, -1]) -> Points:
    return [(at, bias) for at, bias in enumerate(biases) if sign * bias > 0]
