"""How well two raters agree on the same answers: the usual measures, from sums over the answers.

Every measure here is a function of a few sums, such as that of the squares. `terms` gives what each answer adds to
them, and `measures` turns sums into measures, for one or for thousands of resamples at once.

Rounded to equal steps, the quadratic weighted kappa (Cohen, 1968) needs no table of counts: with the weights
(i - j)^2 it is 1 - sum of squared differences / what it would be if the raters were independent, which is a matter of
means and mean squares (Fleiss and Cohen, 1973).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

MEASURES = ("qwk", "accuracy", "kappa", "macro_f1", "rmse", "mae", "bias", "pearson")
"""What `measures` gives, in this order.

`qwk`: quadratic weighted kappa of the rounded scores, at most 1. `accuracy`: share of answers that both call right or
both wrong. `kappa`: the same beyond chance (Cohen, 1960). `macro_f1`: mean of the F1 of right and of wrong answers.
`rmse`, `mae`: root mean squared and mean absolute difference, in units of the scores. `bias`: mean of machine less
human. `pearson`: correlation of the scores as they are.
"""

_MOST_STEPS = 20
_NEAR = 0.005  # of a scale from 0 to 1: marks are written with two decimals
_NOTHING = 1e-12  # a variance, as a share of the mean square, that is only rounding


def steps_of(scores: ArrayLike, *, most: int = _MOST_STEPS) -> int:
    """Find the coarsest grid of equal steps that all scores, from 0 to 1, lie on: thirds are 3, fifths are 5.

    Args:
        scores: At least one.
        most: Steps that are taken where no grid up to this fineness fits.
    """
    levels = np.unique(np.asarray(scores, dtype=np.float64))
    for steps in range(1, most):
        if np.all(np.abs(levels - np.rint(levels * steps) / steps) <= _NEAR):
            return steps
    return most


def to_steps(scores: ArrayLike, *, steps: int) -> Floats:
    """Round scores from 0 to 1 to whole numbers from 0 to `steps`, halves upwards."""
    return np.floor(np.asarray(scores, dtype=np.float64) * steps + 0.5)


def terms(
    human: ArrayLike, machine: ArrayLike, *, human_right: ArrayLike, machine_right: ArrayLike, most: float, steps: int
) -> Floats:
    """List what each answer adds to the sums that `measures` needs, shape (n_answers, 15).

    Args:
        human: Scores of the first rater, from 0 to `most`, shape (n_answers,).
        machine: Scores of the second rater.
        human_right: What the first one calls right.
        machine_right: What the second one calls right.
        most: The highest possible score.
        steps: Equal steps that scores are rounded to for the quadratic weighted kappa.
    """
    x, y = np.asarray(human, dtype=np.float64), np.asarray(machine, dtype=np.float64)
    a, b = np.asarray(human_right, dtype=np.float64), np.asarray(machine_right, dtype=np.float64)
    i, j = to_steps(x / most, steps=steps), to_steps(y / most, steps=steps)
    return np.column_stack(
        [np.ones(len(x)), x, y, x * x, y * y, x * y, np.abs(x - y), i, j, i * i, j * j, i * j, a, b, a * b]
    )


def measures(sums: Floats) -> Floats:
    """Turn sums of terms, shape (..., 15), into the `MEASURES`, shape (..., 8); NaN where one is not defined."""
    n, x, y, xx, yy, xy, distance, i, j, ii, jj, ij, a, b, ab = np.moveaxis(sums, -1, 0)
    right = _ratio(n - a - b + 2 * ab, n)
    found = [
        _weighted(n, i, j, ii, jj, ij),
        right,
        _kappa(n, a, b, right),
        _macro_f1(n, a, b, ab),
        np.sqrt(np.maximum(_ratio(xx + yy - 2 * xy, n), 0)),
        _ratio(distance, n),
        _ratio(y - x, n),
        _pearson(n, x, y, xx, yy, xy),
    ]
    return np.stack(found, axis=-1)


def quadratic_weighted_kappa(first: ArrayLike, second: ArrayLike) -> float:
    """Agreement of two ratings on equal steps beyond chance, larger differences counting more (Cohen, 1968).

    NaN where both raters always give the same one rating.
    """
    i, j = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    sums = (float(len(i)), i.sum(), j.sum(), (i * i).sum(), (j * j).sum(), (i * j).sum())
    return float(_weighted(*(np.asarray(each, dtype=np.float64) for each in sums)))


def _weighted(n: Floats, i: Floats, j: Floats, ii: Floats, jj: Floats, ij: Floats) -> Floats:
    seen, chance = ii + jj - 2 * ij, ii + jj - 2 * _ratio(i * j, n)
    return 1 - _ratio(seen, np.where(chance > _NOTHING * (ii + jj), chance, 0))


def _kappa(n: Floats, a: Floats, b: Floats, right: Floats) -> Floats:
    chance = _ratio(a * b + (n - a) * (n - b), n * n)
    return _ratio(right - chance, np.where(1 - chance > _NOTHING, 1 - chance, 0))


def _macro_f1(n: Floats, a: Floats, b: Floats, ab: Floats) -> Floats:
    """Leave a side out that neither rater has ever taken."""
    each = np.stack([_ratio(2 * ab, a + b), _ratio(2 * (n - a - b + ab), 2 * n - a - b)])
    known = ~np.isnan(each)
    return _ratio(np.where(known, each, 0).sum(axis=0), known.sum(axis=0))


def _pearson(n: Floats, x: Floats, y: Floats, xx: Floats, yy: Floats, xy: Floats) -> Floats:
    x_spread, y_spread = n * xx - x * x, n * yy - y * y
    alike = (x_spread <= _NOTHING * n * xx) | (y_spread <= _NOTHING * n * yy)
    together = np.sqrt(np.maximum(x_spread, 0) * np.maximum(y_spread, 0))
    return np.clip(_ratio(n * xy - x * y, np.where(alike, 0, together)), -1, 1)


def _ratio(above: ArrayLike, below: ArrayLike) -> Floats:
    over, under = np.broadcast_arrays(np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64))
    ratio: Floats = np.divide(over, under, out=np.full(over.shape, np.nan), where=under != 0)
    return ratio
