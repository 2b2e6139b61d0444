"""Figures with intervals, one below the other on a common axis (a forest plot), and a bar of shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.page import Markup, element, foreign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.page import Axis
    from penstock.page.chart import Tone

_WIDE = 1000
_HIGH = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One figure with its interval.

    Attributes:
        name: What it is about.
        figure: Figure and interval in writing.
        at: The figure on the axis; None where there is none.
        low: Lower end on the axis; None where it is beyond the axis.
        high: Upper end.
        drawn: Whether there is an interval at all.
        strong: Whether it is the one to look at.
        tone: Its colour.
    """

    name: str
    figure: str
    at: float | None
    low: float | None = None
    high: float | None = None
    drawn: bool = True
    strong: bool = False
    tone: Tone = "accent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a whole.

    Attributes:
        name: What it is.
        number: How much of it there is.
        tone: Its colour.
    """

    name: str
    number: int
    tone: Tone


def spans(title: str, rows: Sequence[Span], axis: Axis, *, reference: float | None = None, note: str = "") -> Markup:
    """Draw figures with their intervals on a common axis; each row says in writing what it shows.

    Args:
        title: Stands above.
        rows: From top to bottom.
        axis: What is measured.
        reference: A value that all are compared with; drawn through.
        note: Stands beside the title.
    """
    return element(
        "figure",
        element("figcaption", element("strong", title), foreign(note) if note else None),
        element(
            "div",
            *(part for row in rows for part in _row(row, axis, reference)),
            _ticks(axis),
            class_="spans",
        ),
        class_="flat",
    )


def whole(title: str, parts: Sequence[Part]) -> Markup:
    """Draw the parts of a whole as one bar; the legend says how much each is."""
    total = sum(part.number for part in parts) or 1
    edges = [0.0]
    for part in parts:
        edges.append(edges[-1] + _WIDE * part.number / total)
    said = [f"{part.name}: {part.number:,} ({part.number / total:.1%})" for part in parts]
    keys = [element("span", foreign(words), class_=f"key {part.tone}") for words, part in zip(said, parts, strict=True)]
    drawing = element(
        "svg",
        *(
            element("path", class_=part.tone, d=f"M{left:.1f} 0H{right:.1f}V{_HIGH}H{left:.1f}z")
            for part, left, right in zip(parts, edges, edges[1:], strict=False)
            if part.number
        ),
        viewBox=f"0 0 {_WIDE} {_HIGH}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{title}: {', '.join(said)}",
        class_="whole",
    )
    return element("figure", element("figcaption", element("strong", title), *keys), drawing, class_="flat")


def _row(row: Span, axis: Axis, reference: float | None) -> tuple[Markup, Markup, Markup]:
    strong = " strong" if row.strong else ""
    drawing = element(
        "svg",
        element("path", class_="zero", d=_upright(reference, axis)) if reference is not None else None,
        element("path", class_=f"reach {row.tone}", d=_reach(row, axis)) if row.at is not None and row.drawn else None,
        element("path", class_=f"at {row.tone}", d=f"M{_x(row.at, axis)} 12h0") if row.at is not None else None,
        viewBox=f"0 0 {_WIDE} {_HIGH}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{row.name}: {row.figure}",
        class_=f"track{strong}",
    )
    return (
        element("span", foreign(row.name), class_=f"name{strong}"),
        drawing,
        element("span", row.figure, class_=f"figure{strong}"),
    )


def _reach(row: Span, axis: Axis) -> str:
    left = axis.low if row.low is None else row.low
    right = axis.high if row.high is None else row.high
    return f"M{_x(left, axis)} 12H{_x(right, axis)}"


def _upright(value: float, axis: Axis) -> str:
    return f"M{_x(value, axis)} 0V{_HIGH}"


def _ticks(axis: Axis) -> Markup:
    ticks = (element("span", words, class_="x", style=f"left:{_percent(at, axis)}%") for at, words in axis.ticks)
    return element("div", *ticks, class_="ticks")


def _percent(value: float, axis: Axis) -> str:
    return f"{round(100 * _inside(value, axis), 2):g}"


def _x(value: float, axis: Axis) -> str:
    return f"{round(_WIDE * _inside(value, axis), 1):g}"


def _inside(value: float, axis: Axis) -> float:
    """The share of the axis, at its end where a value is beyond it."""
    return min(1.0, max(0.0, axis.share(value)))
