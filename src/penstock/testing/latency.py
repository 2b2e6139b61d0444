"""How long an answer takes: fixed, spread evenly, or with a long tail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from penstock.errors import InputError

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """A distribution of waiting times.

    Attributes:
        seconds: The middle: the mean of an even spread, the median of a long tail.
        share: Spreads evenly over `seconds` +- this share of it, 0 to 1.
        sigma: Makes it log-normal: the standard deviation of the logarithm. Not together with `share`.

    Raises:
        InputError: When a number is out of range.
    """

    seconds: float
    share: float = 0.0
    sigma: float = 0.0

    def __post_init__(self) -> None:
        if not (self.seconds >= 0 and math.isfinite(self.seconds)):
            raise InputError(f"`latency` must be 0 seconds or more, not {self.seconds}.")
        if not 0 <= self.share <= 1:
            raise InputError(f"`latency.share` must lie between 0 and 1, not {self.share}.")
        if not (self.sigma >= 0 and math.isfinite(self.sigma)):
            raise InputError(f"`latency.sigma` must be 0 or more, not {self.sigma}.")
        if self.share and self.sigma:
            raise InputError("`latency` takes `share` (even spread) or `sigma` (long tail), not both.")

    def at(self, draw: float) -> float:
        """Return the seconds at this quantile; `draw` lies strictly between 0 and 1."""
        if self.sigma:
            return self.seconds * math.exp(self.sigma * _NORMAL.inv_cdf(draw))
        return self.seconds * (1 + self.share * (2 * draw - 1))
