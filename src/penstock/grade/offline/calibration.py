"""What a prediction is worth: the chance that an answer is right, and by how much its score may be off.

Both are fitted on predictions for answers that were left out, and so say what will hold for new ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.floating[Any]]
    Ints = NDArray[np.integer[Any]]

_NEWTON_STEPS = 40
_FOLDS = 5
_CHANCE_BELIEVED = np.array([0.0, 2.0, 2.0, 0.0, 0.0, 0.0])  # what holds before there are examples
_CHANCE_HELD = np.array([0.3, 1.0, 1.0, 1.0, 1.0, 3.0])  # and how firmly
_SCORE_HELD = np.array([3.0, 3.0, 3.0, 3.0, 3.0, 3.0])  # the same for how scores bend
_ERROR_HELD = np.array([0.3, 1.0, 1.0, 1.0, 1.0])
_LEAST, _MOST = 0.005, 0.995  # chances that are ever stated
_LEAST_ERROR = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """Raw predictions, and how well the grader knows what it is looking at.

    Attributes:
        score: Predicted scores, shape (n,).
        right: Predicted rightness, about 0 to 1, shape (n,).
        nearest: Largest cosine to a graded answer of the same question, shape (n,); 0 without any.
    """

    score: Doubles
    right: Doubles
    nearest: Doubles

    def some(self, places: NDArray[np.bool_]) -> Outlook:
        """Keep some."""
        return Outlook(score=self.score[places], right=self.right[places], nearest=self.nearest[places])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """Turns raw predictions into chances and expected errors.

    Attributes:
        score_weights: Of a regression of what the raw score is off by, shape (6,).
        chance_weights: Of a logistic regression, shape (6,).
        error_weights: Of a regression of the logarithm of the squared error, shape (5,).
    """

    score_weights: Doubles
    chance_weights: Doubles
    error_weights: Doubles

    @classmethod
    def fit(cls, outlook: Outlook, *, score: Doubles, right: Doubles) -> Calibration:
        """Learn from predictions for answers left out, and from what was right."""
        weights = _logistic(_chance_design(outlook), right)
        design = _score_design(outlook)
        bend = design.T @ design + np.diag(_SCORE_HELD)
        bent = np.linalg.solve(bend, design.T @ (score - np.clip(outlook.score, 0, 1)))
        squares = (_score(outlook, bent) - score) ** 2
        errors = _log_linear(_error_design(outlook, _chance(outlook, weights)), squares)
        return cls(score_weights=bent, chance_weights=weights, error_weights=errors)

    def score(self, outlook: Outlook) -> Doubles:
        """State the score, from 0 to 1."""
        return _score(outlook, self.score_weights)

    def cautious(self) -> Calibration:
        """Say less, where there are too few questions to know how others would be graded."""
        wider = self.error_weights + np.log(2.5) * (np.arange(len(self.error_weights)) == 0)
        return Calibration(
            score_weights=self.score_weights, chance_weights=self.chance_weights / 3, error_weights=wider
        )

    def chance(self, outlook: Outlook) -> Doubles:
        """State the chance that each answer is right."""
        return _chance(outlook, self.chance_weights)

    def error(self, outlook: Outlook) -> Doubles:
        """State the root mean square error that is expected of each score."""
        logarithm = _error_design(outlook, self.chance(outlook)) @ self.error_weights
        return np.clip(np.exp(np.clip(logarithm, -10, 0) / 2), _LEAST_ERROR, 1)


def cross_fitted(
    outlook: Outlook, *, score: Doubles, right: Doubles, blocks: Ints, seed: int
) -> tuple[Doubles, Doubles, Doubles]:
    """State scores, chances and errors of each answer by a calibration that has not seen its block."""
    names, numbers = np.unique(blocks, return_inverse=True)
    folds = (np.random.default_rng(seed).permutation(len(names)) % _FOLDS)[numbers]
    given, chance, error = np.empty((3, len(score)))
    for fold in range(_FOLDS):
        held = folds == fold
        fitted = Calibration.fit(outlook.some(~held), score=score[~held], right=right[~held])
        some = outlook.some(held)
        given[held], chance[held], error[held] = fitted.score(some), fitted.chance(some), fitted.error(some)
    return given, chance, error


def calibration_error(stated: Doubles, happened: Doubles, *, bins: int = 10) -> float:
    """Mean gap between stated and observed shares, over bins of equally many (expected calibration error)."""
    order = np.argsort(stated, kind="stable")
    parts = [part for part in np.array_split(order, bins) if part.size]
    gaps = [part.size * abs(stated[part].mean() - happened[part].mean()) for part in parts]
    return float(sum(gaps) / max(len(stated), 1))


def _score(outlook: Outlook, weights: Doubles) -> Doubles:
    return np.asarray(np.clip(np.clip(outlook.score, 0, 1) + _score_design(outlook) @ weights, 0, 1))


def _score_design(outlook: Outlook) -> Doubles:
    score, right = np.clip(outlook.score, 0, 1) - 0.5, np.clip(outlook.right, 0, 1) - 0.5
    nearest = outlook.nearest
    return np.column_stack([np.ones(len(score)), score, right, score**3, nearest, nearest * score])


def _chance(outlook: Outlook, weights: Doubles) -> Doubles:
    logits = np.clip(_chance_design(outlook) @ weights, -30, 30)
    return np.clip(1 / (1 + np.exp(-logits)), _LEAST, _MOST)


def _chance_design(outlook: Outlook) -> Doubles:
    right, score = np.clip(outlook.right, -0.5, 1.5) - 0.5, np.clip(outlook.score, -0.5, 1.5) - 0.5
    nearest = outlook.nearest
    return np.column_stack([np.ones(len(right)), right, score, nearest, nearest * right, right**3])


def _error_design(outlook: Outlook, chance: Doubles) -> Doubles:
    score = np.clip(outlook.score, 0, 1)
    doubt = 4 * chance * (1 - chance)
    return np.column_stack([np.ones(len(score)), 4 * score * (1 - score), doubt, outlook.nearest, score])


def _logistic(design: Doubles, right: Doubles) -> Doubles:
    """Fit a logistic regression by damped Newton steps, held towards what is believed."""
    weights = _CHANCE_BELIEVED.copy()
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (chance - right) + _CHANCE_HELD * (weights - _CHANCE_BELIEVED)
        bend = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(_CHANCE_HELD)
        step = np.linalg.solve(bend, slope)
        weights = weights - step * min(1.0, 4 / (np.abs(step).max() + 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return weights


def _log_linear(design: Doubles, squares: Doubles) -> Doubles:
    """Fit the logarithm of a mean square by its gamma likelihood, held towards the same for all."""
    believed = np.zeros(design.shape[1])
    believed[0] = np.log(squares.mean() + 1e-4)
    weights = believed.copy()
    for _ in range(_NEWTON_STEPS):
        ratio = (squares + 1e-4) / np.exp(np.clip(design @ weights, -12, 2))
        slope = design.T @ (1 - ratio) + _ERROR_HELD * (weights - believed)
        bend = (design * np.maximum(ratio, 0.5)[:, None]).T @ design + np.diag(_ERROR_HELD)
        step = np.linalg.solve(bend, slope)
        weights = weights - step * min(1.0, 1 / (np.abs(step).max() + 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return weights
