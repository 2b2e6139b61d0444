"""Runs of letters weighed by what they tell of the marks of one question.

A run's weight grows with how its presence goes together with the score, over the graded answers of the question; the
product of two answers so weighed says whether they are alike in what matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.grade.offline.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Doubles = NDArray[np.floating[Any]]
    Ints = NDArray[np.integer[Any]]

_ANYWAY = 0.3  # what a run counts that tells nothing
_DOUBT = 3.0  # answers that a run is believed to have had besides, telling nothing
_LEAST_SPREAD = 0.05
_LITTLE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relevance:
    """What each run of one question's graded answers tells.

    Attributes:
        columns: Runs, ascending, shape (n_runs,).
        factors: Of each, shape (n_runs,).
    """

    columns: Ints
    factors: Floats

    @classmethod
    def of(cls, runs: Rows, scores: Doubles) -> Relevance:
        """Measure the runs of graded answers."""
        columns, places, counts = np.unique(runs.columns, return_inverse=True, return_counts=True)
        off = np.repeat(scores - scores.mean(), np.diff(runs.starts))
        together = np.bincount(places, off, minlength=len(columns))
        tells = np.abs(together) / ((scores.std() + _LEAST_SPREAD) * np.sqrt(counts + _DOUBT))
        return cls(columns=columns, factors=(_ANYWAY + tells).astype(np.float32))

    def weigh(self, runs: Rows) -> Rows:
        """Weigh the runs of answers, leave out those never graded, and make each row's length 1."""
        if not self.columns.size:
            return runs
        places = np.minimum(np.searchsorted(self.columns, runs.columns), len(self.columns) - 1)
        values = runs.values * np.where(self.columns[places] == runs.columns, self.factors[places], np.float32(0))
        numbers = np.repeat(np.arange(len(runs)), np.diff(runs.starts))
        lengths = np.sqrt(np.bincount(numbers, values.astype(np.float64) ** 2, minlength=len(runs))) + _LITTLE
        values = (values / lengths[numbers]).astype(np.float32)
        return Rows(starts=runs.starts, columns=runs.columns, values=values, width=runs.width)
