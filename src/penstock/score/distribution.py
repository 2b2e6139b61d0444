"""Distributions in little memory, however many values they are made of.

Scores have two decimals, so 101 counts per category hold every quantile exactly. Seconds have no such steps: they are
counted in bins that grow by 4 %, which keeps every quantile within 2 % (DDSketch: Masson, Rim and Lee, VLDB 2019).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

STEPS = 100
"""Score steps: a count for each of 0.00, 0.01 ... 1.00."""

_FINEST = 0.001  # seconds; all below are one bin
_GROWTH = math.log(1.04)


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


class Seconds:
    """Quantiles of durations, within 2 %, from counts alone."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.longest = 0.0

    @property
    def n(self) -> int:
        """Durations taken."""
        return self._counts.total()

    def take(self, seconds: Sequence[float]) -> None:
        """Count durations."""
        self.longest = max(self.longest, *seconds, 0.0)
        self._counts.update(math.ceil(math.log(max(one, _FINEST)) / _GROWTH) for one in seconds)

    def quantile(self, share: float) -> float:
        """Give the duration that `share` of all do not exceed; NaN where there is none."""
        bins = sorted(self._counts)
        if not bins:
            return math.nan
        reached = list(accumulate(self._counts[one] for one in bins))
        place = math.floor((reached[-1] - 1) * share)
        upper = math.exp(bins[bisect_right(reached, place)] * _GROWTH)
        return min(upper * 2 / (1 + math.exp(_GROWTH)), self.longest)

    def as_dict(self) -> dict[str, Any]:
        """Write it as JSON can hold it."""
        quantiles = {f"p{percent}": _known(self.quantile(percent / 100)) for percent in (50, 90, 99)}
        return {"n": self.n, **quantiles, "max": self.longest}


def _known(value: float) -> float | None:
    """Leave out what is not a number: JSON has no word for it."""
    return None if math.isnan(value) else round(value, 6)
