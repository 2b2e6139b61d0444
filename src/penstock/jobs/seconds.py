"""Quantiles of durations in little memory, however many there are.

They are counted in bins that grow by 4 %, which keeps every quantile within 2 % (DDSketch: Masson, Rim and Lee, VLDB
2019).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_FINEST = 0.001  # seconds; all below are one bin
_GROWTH = math.log(1.04)


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
