"""The picture of how the scores of a category are spread."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from penstock.page import Markup, element
from penstock.page.figures import decimal, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.score.distribution import Distribution

BINS = 20
"""Bars of a category's histogram, each 0.05 wide; the last one holds 1.00, too."""


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
