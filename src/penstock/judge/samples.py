"""Several independent replies to one question: their mean, and how far they agree."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def combine(draws: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Sum up the scores of several replies.

    Args:
        draws: At least two replies with one score from 0 to 1 per category: `(n_draws, n_categories)`.

    Returns:
        Per category the mean, of two decimals, and the agreement from 0 to 1: one less the mean absolute difference
        between two replies (Gini's mean difference), so 1 where all say the same.
    """
    columns = list(zip(*draws, strict=True))
    return tuple(_mean(column) for column in columns), tuple(_agreement(column) for column in columns)


def _mean(scores: Sequence[float]) -> float:
    return round(sum(scores) / len(scores) + 1e-12, 2)


def _agreement(scores: Sequence[float]) -> float:
    pairs = [abs(one - other) for one, other in combinations(scores, 2)]
    return round(1.0 - sum(pairs) / len(pairs), 4)
