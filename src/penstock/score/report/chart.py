"""The charts of a score job: what changed over time, and how the scores of a category are spread."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from penstock.page import Axis, Mark, Markup, element, plot
from penstock.page.figures import decimal, percent, short_count, steps, time_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.page import Layer
    from penstock.score.distribution import Distribution
    from penstock.score.report.course import Course

BINS = 20
"""Bars of a category's histogram, each 0.05 wide; the last one holds 1.00, too."""


def over_time(title: str, layers: Sequence[Layer], course: Course, *, label: str, tall: bool = False) -> Markup:
    """Draw what changed in the course of a job.

    Args:
        title: Stands above it.
        layers: What is drawn at seconds, the first one at the back.
        course: Whose time is the axis; it must have taken some.
        label: What it shows, in words, for those who do not see it.
        tall: Whether it gets more height.
    """
    top = 1.05 * max(layer.most for layer in layers) or 1.0
    levels = steps(top, about=5 if tall else 3, least=1.0)
    return plot(
        title,
        layers,
        x=Axis(low=0.0, high=course.seconds, ticks=time_steps(course.seconds)),
        y=Axis(low=0.0, high=top, ticks=[(level, short_count(level)) for level in levels]),
        label=label,
        marks=[Mark(at=start) for start in course.resumed],
        tall=tall,
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
