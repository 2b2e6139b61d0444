"""Tail probabilities of the distributions that the tests need, to about nine digits.

Everything follows from two functions: the regularised incomplete beta function, by its continued fraction, and the
regularised incomplete gamma function, by its series or its continued fraction (both with the modified method of Lentz
1976; DLMF 8.17.22, 8.7.1, 8.9.2).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_STEPS = 10_000  # terms of a fraction or series, at the most; a few dozen are usual
_NEAR = 1e-15
_TINY = 1e-300


def student_p(t: float, freedom: float) -> float:
    """Give the chance that Student's t is further from 0 than `t`, on either side.

    Args:
        t: The statistic.
        freedom: Degrees of freedom, above 0.
    """
    return beta_share(freedom / (freedom + t * t), freedom / 2, 0.5)


@lru_cache(maxsize=4096)  # the same few are asked for again and again
def student_quantile(confidence: float, freedom: float) -> float:
    """Give the t that Student's t stays within, on both sides, with the chance `confidence` (0 to 1, exclusive)."""
    outside = 1 - confidence
    low, high = 0.0, 1.0
    while student_p(high, freedom) > outside:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        if student_p(middle, freedom) > outside:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def chi_square_p(statistic: float, freedom: float) -> float:
    """Give the chance that a chi-square with `freedom` degrees of freedom is above `statistic`."""
    return gamma_tail(freedom / 2, statistic / 2)


def beta_share(x: float, a: float, b: float) -> float:
    """Give the regularised incomplete beta function I_x(a, b): how much of a beta distribution lies below `x`."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side
        return 1 - beta_share(1 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return min(1.0, math.exp(front) / (a * _lentz(1.0, _beta_terms(x, a, b))))


def gamma_tail(a: float, x: float) -> float:
    """Give the regularised upper incomplete gamma function Q(a, x)."""
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        return max(0.0, 1 - front * _gamma_series(a, x))
    return front / _lentz(x + 1 - a, ((-i * (i - a), x + 2 * i + 1 - a) for i in range(1, _STEPS)))


def _gamma_series(a: float, x: float) -> float:
    term = total = 1 / a
    for i in range(1, _STEPS):
        term *= x / (a + i)
        total += term
        if term < total * _NEAR:
            break
    return total


def _beta_terms(x: float, a: float, b: float) -> Iterable[tuple[float, float]]:
    for step in range(1, _STEPS):
        m, odd = divmod(step, 2)
        if odd:
            yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1.0
        else:
            yield m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), 1.0


def _lentz(first: float, terms: Iterable[tuple[float, float]]) -> float:
    """Evaluate the continued fraction `first + a1 / (b1 + a2 / (b2 + ...))` from its terms (a, b)."""
    value = c = first or _TINY
    d = 0.0
    for a, b in terms:
        d = 1 / ((b + a * d) or _TINY)
        c = (b + a / c) or _TINY
        value *= c * d
        if abs(c * d - 1) < _NEAR:
            break
    return value
