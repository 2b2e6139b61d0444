"""From raw log-odds to scores that mean something: 0.70 is right about 70 % of the time.

Per category a small logistic regression (Platt, 1999) on log-odds that were made for texts the model had not seen:
the category's own log-odds, as they are and squashed (which bends the curve where they boast), its lexical score, and,
held back more, the log-odds of the other categories, since labels travel together. Its weights are drawn towards what
to believe before any example (own log-odds as they are, lexical evidence for the category), which is all that counts
when examples are few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penstock.judge.logistic import sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_NEWTON_STEPS = 25
_SIZES = (1.0, 0.5, 0.125, 0.02)  # of a Newton step
_SETTLED = 1e-6  # the gain in loss that is not worth a step
_LEXICAL = 4.0  # log-odds a full lexical score is believed to add
_BELIEVED = (0.0, 1.0, 0.0, _LEXICAL)  # bias, own log-odds, the same squashed, lexical score
_HELD = (0.01, 4.0, 1.0, 1.0)  # how firmly each is held to that
_OTHERS_HELD = 200.0  # how firmly the other categories' log-odds are held to 0
_OWN = len(_BELIEVED)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """Turns log-odds and lexical scores into calibrated scores.

    Attributes:
        weights: Bias, own log-odds, the same squashed, lexical score, then every category's log-odds (the own at 0),
            shape (n_categories, 4 + n_categories).
        centre: Means of the log-odds, shape (n_categories,).
        spread: Their standard deviations, shape (n_categories,).
    """

    weights: Floats
    centre: Floats
    spread: Floats

    @classmethod
    def fit(cls, logits: Floats, lexical: Floats, labels: Floats) -> Calibration:
        """Fit on log-odds, lexical scores and labels, each of shape (n_texts, n_categories)."""
        centre, spread = logits.mean(axis=0), logits.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        others = (logits - centre) / spread
        columns = range(logits.shape[1])
        fitted = [_fit(_design(logits, lexical, others, k), labels[:, k]) for k in columns]
        return cls(weights=np.array(fitted), centre=centre, spread=spread)

    def apply(self, logits: Floats, lexical: Floats) -> Floats:
        """Calibrate log-odds and lexical scores of shape (n_texts, n_categories); scores of the same shape."""
        bias, own, bent, words = self.weights[:, :_OWN].T
        others = ((logits - self.centre) / self.spread) @ self.weights[:, _OWN:].T
        scores = sigmoid(bias + own * logits + bent * np.tanh(logits / 2) + words * lexical + others)
        return scores.astype(np.float64)


def _design(logits: Floats, lexical: Floats, others: Floats, column: int) -> Floats:
    own = logits[:, column]
    design = np.column_stack([np.ones(len(logits)), own, np.tanh(own / 2), lexical[:, column], others])
    design[:, _OWN + column] = 0
    return design


def _fit(design: Floats, labels: Floats) -> Floats:
    """Fit one category by Newton's method; the penalty makes the problem strictly convex."""
    n_others = design.shape[1] - _OWN
    held = np.array([*_HELD, *[_OTHERS_HELD] * n_others])
    believed = np.array([*_BELIEVED, *[0.0] * n_others])

    def loss(weights: Floats) -> float:
        logits = design @ weights
        return float((np.logaddexp(0, logits) - labels * logits).sum() + (held * (weights - believed) ** 2).sum() / 2)

    weights = believed
    for _ in range(_NEWTON_STEPS):
        chance = sigmoid(design @ weights).astype(np.float64)
        slope = design.T @ (chance - labels) + held * (weights - believed)
        bend = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(held)
        step = np.asarray(np.linalg.solve(bend, slope), dtype=np.float64)
        tried = min((weights - size * step for size in _SIZES), key=loss)
        if loss(weights) - loss(tried) <= _SETTLED:
            break
        weights = tried
    return weights
