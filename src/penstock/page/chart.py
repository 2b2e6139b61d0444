"""Small charts as inline SVG: shapes are stretched to the page's width, their words stay HTML and keep their size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from penstock.page.markup import Markup, element

if TYPE_CHECKING:
    from collections.abc import Sequence

Point: TypeAlias = tuple[float, float]
Points: TypeAlias = "Sequence[Point]"

Tone: TypeAlias = Literal["accent", "second", "grey", "ink"]

_WIDE = 1000
_HIGH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What one direction of a chart measures.

    Attributes:
        low: Value at the left or at the bottom.
        high: Value at the right or at the top; above `low`.
        ticks: Values that are marked, with what is written there.
    """

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]

    def share(self, value: float) -> float:
        """Give the place of a value, 0 at the low end and 1 at the high end."""
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One thing that is drawn.

    Attributes:
        kind: A line; a filled area down to the bottom; bars up from the bottom, a stroke each; columns up or down from
            0, with a width; dots; or a band: its upper edge from left to right, then its lower one back.
        tone: Its colour.
        runs: Points (x, y) of each run; lines are not drawn from one run to the next.
        name: Its entry in the legend.
        width: Of a column, in the units of x.
    """

    kind: Literal["line", "area", "bars", "columns", "dots", "band"]
    tone: Tone
    runs: Sequence[Points]
    name: str = ""
    width: float = 1.0

    @property
    def most(self) -> float:
        """The largest value."""
        return max((value for run in self.runs for _, value in run), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A straight line across a chart.

    Attributes:
        at: Where it stands, on the axis that it crosses.
        across: Whether it goes from left to right, at a height; else from top to bottom.
        class_: Its look: `start` is dashed, `zero` is drawn through.
    """

    at: float
    across: bool = False
    class_: Literal["start", "zero"] = "start"


def plot(
    title: str,
    layers: Sequence[Layer],
    *,
    x: Axis,
    y: Axis,
    label: str,
    marks: Sequence[Mark] = (),
    tall: bool = False,
) -> Markup:
    """Draw layers over each other in one frame.

    Args:
        title: Stands above it.
        layers: What is drawn, the first one at the back.
        x: The axis from left to right.
        y: The axis from bottom to top.
        label: What it shows, in words, for those who do not see it.
        marks: Lines across it, in front.
        tall: Whether it gets more height.
    """
    grid = "".join(f"M0 {_y(level, y)}H{_WIDE}" for level, _ in y.ticks)
    drawing = element(
        "svg",
        element("path", class_="grid", d=grid),
        *(element("path", class_=f"{layer.kind} {layer.tone}", d=_shape(layer, x, y)) for layer in layers),
        *(element("path", class_=look, d=lines) for look, lines in _lines(marks, x, y).items()),
        viewBox=f"0 0 {_WIDE} {_HIGH}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )
    named = [layer for layer in layers if layer.name]
    legend = [element("span", layer.name, class_=f"key {layer.kind} {layer.tone}") for layer in named]
    return element(
        "figure",
        element("figcaption", element("strong", title), *legend),
        element(
            "div",
            drawing,
            *(element("span", words, class_="y", style=f"top:{_y(level, y)}%") for level, words in y.ticks),
            *(element("span", words, class_="x", style=f"left:{_percent(at, x)}%") for at, words in x.ticks),
            class_="plot tall" if tall else "plot",
        ),
    )


def _shape(layer: Layer, x: Axis, y: Axis) -> str:
    if layer.kind == "bars":
        return "".join(f"M{_x(at, x)} {_HIGH}V{_y(value, y)}" for run in layer.runs for at, value in run if value)
    if layer.kind == "columns":
        return "".join(_column(at, value, layer.width, x, y) for run in layer.runs for at, value in run if value)
    if layer.kind == "dots":  # a line of no length has round ends, which stay round however the drawing is stretched
        return "".join(f"M{_x(at, x)} {_y(value, y)}h0" for run in layer.runs for at, value in run)
    return "".join(_run(run, layer.kind, x, y) for run in layer.runs if run)


def _run(points: Points, kind: str, x: Axis, y: Axis) -> str:
    line = "L".join(f"{_x(at, x)} {_y(value, y)}" for at, value in points)
    if kind == "area":
        return f"M{_x(points[0][0], x)} {_HIGH}L{line}V{_HIGH}z"
    return f"M{line}z" if kind == "band" else f"M{line}"


def _column(at: float, value: float, width: float, x: Axis, y: Axis) -> str:
    left, right = _x(at - width / 2, x), _x(at + width / 2, x)
    return f"M{left} {_y(0, y)}V{_y(value, y)}H{right}V{_y(0, y)}z"


def _lines(marks: Sequence[Mark], x: Axis, y: Axis) -> dict[str, str]:
    """Join the marks of one look to one path."""
    found: dict[str, str] = {}
    for mark in marks:
        line = f"M0 {_y(mark.at, y)}H{_WIDE}" if mark.across else f"M{_x(mark.at, x)} 0V{_HIGH}"
        found[mark.class_] = found.get(mark.class_, "") + line
    return found


def _percent(value: float, axis: Axis) -> str:
    return f"{round(100 * axis.share(value), 2):g}"


def _x(value: float, axis: Axis) -> str:
    return f"{round(_WIDE * axis.share(value), 1):g}"


def _y(value: float, axis: Axis) -> str:
    return f"{round(_HIGH * (1 - axis.share(value)), 1):g}"
