"""Distributions of scores in little memory, however many there are.

Scores have two decimals, so 101 counts per category hold every quantile exactly.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

STEPS = 100
"""Score steps: a count for each of 0.00, 0.01 ... 1.00."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """The scores of one category.

    Attributes:
        name: The category.
        counts: How often each of the 101 scores 0.00, 0.01 ... 1.00 was given.
    """

    name: str
    counts: tuple[int, ...] = (0,) * (STEPS + 1)

    @property
    def n(self) -> int:
        """Scores given."""
        return sum(self.counts)

    @property
    def mean(self) -> float:
        """Mean score; NaN where there is none."""
        return sum(step * count for step, count in enumerate(self.counts)) / STEPS / self.n if self.n else math.nan

    @property
    def median(self) -> float:
        """The score in the middle; NaN where there is none."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> float:
        """Give the score that `share` of the scores do not exceed, from 0 to 1; NaN where there is none.

        Between two scores it lies on the straight line, as in numpy and spreadsheets (Hyndman and Fan, 1996, type 7).
        """
        reached = list(accumulate(self.counts))
        if not reached[-1]:
            return math.nan
        place = (reached[-1] - 1) * share
        low, high = (bisect_right(reached, end(place)) for end in (math.floor, math.ceil))
        return (low + (high - low) * (place % 1)) / STEPS

    def share(self, least: float) -> float:
        """Give the share of the scores that are at least `least`; NaN where there is none."""
        return sum(self.counts[math.ceil(round(least * STEPS, 6)) :]) / self.n if self.n else math.nan

    def as_dict(self) -> dict[str, Any]:
        """Write it as JSON can hold it."""
        return {
            "name": self.name,
            "n": self.n,
            "mean": _known(self.mean),
            "median": _known(self.median),
            "p10": _known(self.quantile(0.1)),
            "p90": _known(self.quantile(0.9)),
            "share_from_half": _known(self.share(0.5)),
            "counts": list(self.counts),
        }


def _known(value: float) -> float | None:
    """Leave out what is not a number: JSON has no word for it."""
    return None if math.isnan(value) else round(value, 6)
