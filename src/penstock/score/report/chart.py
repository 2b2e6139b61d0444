"""Small charts as inline SVG: shapes are stretched to the page's width, their words stay HTML and keep their size."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal, TypeAlias

from penstock.score.report.figures import decimal, percent, short_count, steps, time_steps
from penstock.score.report.markup import Markup, element

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.score.distribution import Distribution
    from penstock.score.report.course import Course

Points: TypeAlias = "Sequence[tuple[float, float]]"

BINS = 20
"""Bars of a category's histogram, each 0.05 wide; the last one holds 1.00, too."""

_WIDE = 1000
_HIGH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One thing that is drawn over time.

    Attributes:
        kind: A line, a filled area, or bars.
        tone: Its colour.
        runs: Points (seconds, value) of each run; lines are not drawn from one run to the next.
        name: Its entry in the legend.
    """

    kind: Literal["line", "area", "bars"]
    tone: Literal["accent", "grey", "ink"]
    runs: Sequence[Points]
    name: str = ""

    @property
    def most(self) -> float:
        """The largest value."""
        return max((value for run in self.runs for _, value in run), default=0.0)


def over_time(title: str, layers: Sequence[Layer], course: Course, *, label: str, tall: bool = False) -> Markup:
    """Draw what changed in the course of a job.

    Args:
        title: Stands above it.
        layers: What is drawn, the first one at the back.
        course: Whose time is the axis; it must have taken some.
        label: What it shows, in words, for those who do not see it.
        tall: Whether it gets more height.
    """
    seconds = course.seconds
    top = 1.05 * max(layer.most for layer in layers) or 1.0
    levels = steps(top, about=5 if tall else 3, least=1.0)
    grid = "".join(f"M0 {_y(level, top)}H{_WIDE}" for level in levels)
    marks = "".join(f"M{_x(start, seconds)} 0V{_HIGH}" for start in course.resumed)
    drawing = element(
        "svg",
        element("path", class_="grid", d=grid),
        *(element("path", class_=f"{layer.kind} {layer.tone}", d=_shape(layer, seconds, top)) for layer in layers),
        element("path", class_="start", d=marks) if marks else None,
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
            *(element("span", short_count(level), class_="y", style=f"top:{_y(level, top)}%") for level in levels),
            *(_below(at, seconds, written) for at, written in time_steps(seconds)),
            class_="plot tall" if tall else "plot",
        ),
    )


def histogram(category: Distribution) -> Markup:
    """Draw the scores of one category, those from 0.50 on in the accent; heights go with the root of the counts."""
    bins = [sum(category.counts[step : step + 5]) for step in range(0, 5 * BINS, 5)]
    bins[-1] += category.counts[-1]
    most = max(bins)
    heights = [max(1, round(24 * (number / most) ** 0.5)) if number else 0 for number in bins]
    half = BINS // 2
    quantiles = (f"{percent(share)} up to {decimal(category.quantile(share))}" for share in (0.1, 0.5, 0.9))
    return element(
        "svg",
        element("title", ", ".join(quantiles)) if most else element("title", "no scores"),
        element("path", class_="low", d=_steps(heights[:half], 0)),
        element("path", d=_steps(heights[half:], half)),
        class_="histogram",
        viewBox=f"0 0 {BINS} 24",
        preserveAspectRatio="none",
        role="img",
    )


def _steps(heights: Sequence[int], first: int) -> str:
    """Outline bars of the width 1 that stand side by side; equal neighbours are one."""
    if not any(heights):
        return ""
    outline = "".join(f"V{24 - height}h{len(list(group))}" for height, group in groupby(heights))
    return f"M{first} 24{outline}V24z"


def _shape(layer: Layer, seconds: float, top: float) -> str:
    if layer.kind == "bars":
        return "".join(
            f"M{_x(at, seconds)} {_HIGH}V{_y(value, top)}" for run in layer.runs for at, value in run if value
        )
    return "".join(_line(run, seconds, top, closed=layer.kind == "area") for run in layer.runs if run)


def _line(points: Points, seconds: float, top: float, *, closed: bool) -> str:
    line = "L".join(f"{_x(at, seconds)} {_y(value, top)}" for at, value in points)
    if not closed:
        return f"M{line}"
    return f"M{_x(points[0][0], seconds)} {_HIGH}L{line}V{_HIGH}z"


def _below(at: float, seconds: float, written: str) -> Markup:
    return element("span", written, class_="x", style=f"left:{round(100 * at / seconds, 2):g}%")


def _x(at: float, seconds: float) -> str:
    return f"{round(_WIDE * at / seconds, 1):g}"


def _y(value: float, top: float) -> str:
    return f"{round(_HIGH * (1 - value / top), 1):g}"
