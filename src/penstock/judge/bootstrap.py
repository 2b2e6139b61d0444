"""Intervals by resampling: how far a figure would move if other people, alike, had been asked.

The answers of one learner depend on each other, so learners are drawn, with all their answers (Cameron, Gelbach and
Miller, 2008). A statistic is a function of sums over answers; a resample is therefore a count per learner times the
learner's sums, and thousands of them are one product of matrices. Ends are corrected for bias and skewness (BCa:
Efron, 1987), which matters for measures that cannot exceed 1.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Statistic = Callable[[Floats], Floats]

RESAMPLES = 2_000
_BLOCK = 2_000_000  # draws held at a time
_DEFINED = 0.9  # share of the resamples in which a statistic must be defined
_NORMAL = NormalDist()


def intervals(
    terms: ArrayLike,
    statistic: Statistic,
    *,
    groups: ArrayLike | None = None,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
) -> Floats:
    """Give the lower and the upper end of each figure, shape (n_figures, 2).

    NaN where there is no interval: fewer than two groups, a figure that is not defined in enough resamples, or one that
    never moves.

    Args:
        terms: What each answer adds to the sums, shape (n_answers, n_terms).
        statistic: Turns sums of shape (n, n_terms) into figures of shape (n, n_figures), NaN where not defined.
        groups: The learner of each answer, shape (n_answers,), of any type; None takes every answer for one's own.
        resamples: Draws.
        confidence: Share of all cases in which such an interval holds the true figure.
        seed: Equal seeds give equal intervals.
    """
    sums = _by_group(np.asarray(terms, dtype=np.float64), groups)
    total = sums.sum(axis=0, keepdims=True)
    estimate = statistic(total)[0]
    if len(sums) < 2:
        return np.full((len(estimate), 2), np.nan)
    drawn = np.concatenate([statistic(each) for each in _resampled(sums, resamples, seed)])
    without = statistic(total - sums)  # the jackknife
    ends = [_ends(estimate[k], drawn[:, k], without[:, k], confidence) for k in range(len(estimate))]
    return np.array(ends, dtype=np.float64).reshape(-1, 2)


def _by_group(terms: Floats, groups: ArrayLike | None) -> Floats:
    if groups is None:
        return terms
    _, place = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.zeros((int(place.max(initial=-1)) + 1, terms.shape[1]))
    np.add.at(sums, place, terms)
    return sums


def _resampled(sums: Floats, resamples: int, seed: int) -> Iterator[Floats]:
    """Draw as many groups as there are, with replacement, and add them up; blocks of shape (n, n_terms)."""
    random, n = np.random.default_rng(seed), len(sums)
    at_once = max(1, _BLOCK // n)
    for first in range(0, resamples, at_once):
        rows = min(at_once, resamples - first)
        draws = random.integers(0, n, size=(rows, n), dtype=np.int64)
        draws += n * np.arange(rows)[:, None]
        counts = np.bincount(draws.ravel(), minlength=rows * n).reshape(rows, n)
        yield counts.astype(np.float64) @ sums


def _ends(estimate: float, drawn: Floats, without: Floats, confidence: float) -> tuple[float, float]:
    known = drawn[~np.isnan(drawn)]
    if np.isnan(estimate) or known.size < _DEFINED * drawn.size or np.ptp(known) <= 1e-12 * abs(estimate):
        return np.nan, np.nan
    below = (np.sum(known < estimate) + np.sum(known == estimate) / 2) / known.size
    shift = _NORMAL.inv_cdf(min(max(float(below), 0.5 / known.size), 1 - 0.5 / known.size))
    bend = _skew(without[~np.isnan(without)])
    tail = _NORMAL.inv_cdf((1 + confidence) / 2)
    levels = [_corrected(shift, bend, side) for side in (-tail, tail)]
    low, high = np.quantile(known, levels)
    return float(low), float(high)


def _skew(without: Floats) -> float:
    """The acceleration: a sixth of the skewness of the figures that leave one group out."""
    away = without.mean() - without if without.size else without
    spread = float((away**2).sum()) ** 1.5
    return float((away**3).sum()) / (6 * spread) if spread > 0 else 0.0


def _corrected(shift: float, bend: float, side: float) -> float:
    """The share of the resamples below an end."""
    moved = shift + side
    return _NORMAL.cdf(shift + moved / max(1 - bend * moved, 0.1))
