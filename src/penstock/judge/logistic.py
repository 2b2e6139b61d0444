"""Logistic regression over many features, many targets at once.

By the representer theorem the weights are a mix of the examples, w = X^T a, so everything is done in the space of the
examples: only K = X X^T is ever applied, never built. Each target is solved by Newton steps whose linear systems
are solved by conjugate gradients in the inner product of K (truncated Newton; Lin, Weng and Keerthi, JMLR 2008).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Kernel = Callable[[Floats], Floats]

_NEWTON_STEPS = 12
_CG_STEPS = 6
_SOLVED = 0.2  # how far a linear system's residual must fall (in norm)
_SETTLED = 1e-3  # the relative gain of a Newton step that is no longer worth the next
_HALVINGS = 2.0 ** -np.arange(6)


def fit(kernel: Kernel, targets: Floats, *, offset: Floats, l2: Floats) -> Floats:
    """Find the mix `a` that minimises, per target, the cross-entropy plus l2 / 2 x |w|^2.

    Args:
        kernel: Multiplies X X^T with a block of shape (n_examples, n_targets).
        targets: From 0 to 1, shape (n_examples, n_targets).
        offset: Log-odds before any evidence, shape (n_targets,).
        l2: Penalties, above 0, shape (n_targets,).

    Returns:
        The mix, shape (n_examples, n_targets); the log-odds of an example x are offset + x X^T a.
    """
    mix = np.zeros_like(targets)
    logits = np.zeros_like(targets)
    loss = _loss(logits + offset, targets, mix, logits, l2)
    for _ in range(_NEWTON_STEPS):
        chance = sigmoid(logits + offset)
        step, step_logits = _solve(kernel, chance * (1 - chance), l2, targets - chance - l2 * mix)
        tried = np.array(
            [
                _loss(logits + h * step_logits + offset, targets, mix + h * step, logits + h * step_logits, l2)
                for h in _HALVINGS.astype(np.float32)
            ]
        )
        size = np.where(tried.min(axis=0) < loss, _HALVINGS[tried.argmin(axis=0)], 0).astype(np.float32)
        mix += size * step
        logits += size * step_logits
        before, loss = loss, np.minimum(loss, tried.min(axis=0))
        if np.all(before - loss <= _SETTLED * np.abs(before)):
            break
    return mix


def sigmoid(logits: Floats) -> Floats:
    """Turn log-odds into chances, without overflow, in the precision given."""
    small = np.exp(-np.abs(logits))
    chance: Floats = np.where(logits >= 0, 1, small) / (1 + small)
    return chance


def _loss(logits: Floats, targets: Floats, mix: Floats, fitted: Floats, l2: Floats) -> Floats:
    entropy = np.logaddexp(0, logits) - targets * logits
    penalty = l2 / 2 * (mix * fitted).sum(axis=0, dtype=np.float64)
    loss: Floats = entropy.sum(axis=0, dtype=np.float64) + penalty
    return loss


def _solve(kernel: Kernel, curvature: Floats, l2: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Solve (curvature x K + l2) s = right for each target; returns s and K s."""
    solution, solution_k = np.zeros_like(right), np.zeros_like(right)
    residual, residual_k = right, kernel(right)
    way, way_k = residual, residual_k
    size = first = (residual * residual_k).sum(axis=0)
    for _ in range(_CG_STEPS):
        bent = curvature * way_k + l2 * way
        length = _divide(size, (way_k * bent).sum(axis=0))
        solution, solution_k = solution + length * way, solution_k + length * way_k
        residual = residual - length * bent
        residual_k = kernel(residual)
        before, size = size, (residual * residual_k).sum(axis=0)
        if np.all(size <= _SOLVED**2 * first):
            break
        turn = _divide(size, before)
        way, way_k = residual + turn * way, residual_k + turn * way_k
    return solution, solution_k


def _divide(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
