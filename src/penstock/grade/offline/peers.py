"""How an answer compares with the graded answers of its own question: 16 figures that know their marks.

Which of its words stand in right answers and which in wrong ones, how much of what right answers say it says, and how
near it is to the nearest of either. A graded answer's own mark never counts in its own figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penstock.grade.offline.rows import Rows

    Floats = NDArray[np.floating[Any]]
    Doubles = NDArray[np.floating[Any]]
    Ints = NDArray[np.integer[Any]]

N_FIGURES = 16
"""How many figures there are of one answer."""

_FEWEST = 3  # graded answers from which there is something to compare with
_MOST = 4_000  # features of a question that are compared, those of most answers
_AT_ONCE = 128
_RIGHT, _WRONG = 0.75, 0.25  # scores that clearly are
_CLOSE = 8.0  # how steeply near answers count more
_LITTLE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Peers:
    """The graded answers of one question.

    Attributes:
        columns: Features that are compared, ascending, shape (n_columns,).
        weights: Of those features.
        scores: Marks, shape (n,).
        lengths: Logarithms of how many features each answer has, shape (n,).
        in_right: Sum of the marks of the answers that have a feature, shape (n_columns,).
        in_all: How many answers have it.
    """

    columns: Ints
    weights: Doubles
    scores: Doubles
    lengths: Doubles
    in_right: Doubles
    in_all: Doubles

    @classmethod
    def of(cls, rows: Rows, scores: Doubles, weights: Floats) -> Peers:
        """Gather graded answers; only features with a weight are compared, the first of the rows' columns."""
        columns, numbers = _entries(rows, len(weights))
        counts = np.bincount(columns, minlength=len(weights))
        kept = np.flatnonzero(counts)
        if kept.size > _MOST:
            kept = np.sort(kept[np.argsort(-counts[kept], kind="stable")[:_MOST]])
        right = np.bincount(columns, scores[numbers], minlength=len(weights))
        return cls(
            columns=kept,
            weights=weights[kept].astype(np.float64),
            scores=scores,
            lengths=_lengths(rows, len(weights)),
            in_right=right[kept].astype(np.float64),
            in_all=counts[kept].astype(np.float64),
        )

    def measure(self, rows: Rows, shared: Floats, *, n_terms: int, own: Ints | None = None) -> Doubles:
        """Measure answers beside the graded ones; shape (m, 16), zeros where too few are graded.

        Args:
            rows: Bags of the answers.
            shared: Cosines with the graded answers, shape (m, n).
            n_terms: Features that are compared at all.
            own: The place of each answer among the graded ones, when it is one of them.
        """
        n_others = len(self.scores) - (own is not None)
        if n_others < _FEWEST:
            return np.zeros((len(rows), N_FIGURES))
        lengths = _lengths(rows, n_terms)
        found: list[Doubles] = [np.empty((0, N_FIGURES))]
        for start in range(0, len(rows), _AT_ONCE):
            places = np.arange(start, min(start + _AT_ONCE, len(rows)))
            mine = None if own is None else own[places]
            has, strange = self._has(rows.take(places), n_terms)
            figures = self._words(has, strange, mine) + self._lengths(lengths[places], mine)
            found.append(np.column_stack([*figures, *self._nearest(shared[places].astype(np.float64), mine)]))
        return np.concatenate(found)

    def _has(self, rows: Rows, n_terms: int) -> tuple[Doubles, Doubles]:
        """Tell which features each answer has, shape (m, n_columns), and how many others."""
        columns, numbers = _entries(rows, n_terms)
        has = np.zeros((len(rows), len(self.columns)))
        if not self.columns.size:
            return has, np.bincount(numbers, minlength=len(rows)).astype(np.float64)
        places = np.minimum(np.searchsorted(self.columns, columns), len(self.columns) - 1)
        hit = self.columns[places] == columns
        has[numbers[hit], places[hit]] = 1
        return has, np.bincount(numbers[~hit], minlength=len(rows)).astype(np.float64)

    def _words(self, has: Doubles, strange: Doubles, own: Ints | None) -> list[Doubles]:
        """Compare words with those of right and of wrong answers."""
        mark = np.zeros((len(has), 1)) if own is None else self.scores[own][:, None]
        me = has if own is not None else np.zeros_like(has)
        n_others = len(self.scores) - (own is not None)
        n_right = self.scores.sum() - mark
        n_wrong = n_others - n_right
        usual = (self.in_all + 0.5) / (len(self.scores) + 1)
        in_right, in_all = self.in_right - mark * me, self.in_all - me
        right = (in_right + usual) / (n_right + 1)
        wrong = (in_all - in_right + usual) / (n_wrong + 1)
        anywhere = in_all / n_others
        tells = right - wrong
        says = np.minimum(anywhere, 0.3) * (np.log(right + 0.02) - np.log(wrong + 0.02))
        size = has.sum(axis=1) + strange + 1

        def covers(table: Doubles) -> Doubles:
            weighed = table * self.weights
            return np.asarray((has * weighed).sum(axis=1) / (weighed.sum(axis=1) + _LITTLE))

        return [
            covers(right),
            covers(right * right),
            covers(np.where(right > 0.5, right, 0)),
            (has * tells).sum(axis=1),
            (has * tells * self.weights).sum(axis=1),
            (has * says).sum(axis=1) / np.sqrt(size),
            np.maximum(has * tells, 0).sum(axis=1) / (np.maximum(tells, 0).sum(axis=1) + _LITTLE),
            np.minimum(has * tells, 0).sum(axis=1),
            (strange + (has * (anywhere < _LITTLE)).sum(axis=1)) / size,
            (has * right).sum(axis=1) / size,
        ]

    def _lengths(self, lengths: Doubles, own: Ints | None) -> list[Doubles]:
        mark = 0.0 if own is None else self.scores[own]
        mine = 0.0 if own is None else self.lengths[own]
        n_others = len(self.scores) - (own is not None)
        usual = (self.lengths.sum() - mine) / n_others
        right = (self.scores @ self.lengths - mark * mine) / np.maximum(self.scores.sum() - mark, _LITTLE)
        return [lengths - np.where(self.scores.sum() - mark > 0.1, right, usual), lengths - usual]

    def _nearest(self, shared: Doubles, own: Ints | None) -> list[Doubles]:
        """Compare with the nearest right and wrong answers, and with their mean."""
        others = np.ones_like(shared)
        if own is not None:
            others[np.arange(len(shared)), own] = 0
        right = _top(np.where(self.scores >= _RIGHT, shared, 0) * others, 3)
        wrong = _top(np.where(self.scores <= _WRONG, shared, 0) * others, 2)
        marks, misses = others * self.scores, others * (1 - self.scores)
        gap = (marks * shared).sum(axis=1) / np.maximum(marks.sum(axis=1), _LITTLE)
        gap -= (misses * shared).sum(axis=1) / np.maximum(misses.sum(axis=1), _LITTLE)
        close = others * np.exp(_CLOSE * shared)
        return [right, wrong, gap, (close @ self.scores) / close.sum(axis=1)]


def _entries(rows: Rows, n_terms: int) -> tuple[Ints, Ints]:
    numbers = np.repeat(np.arange(len(rows)), rows.starts[1:] - rows.starts[:-1])
    kept = rows.columns < n_terms
    return rows.columns[kept].astype(np.intp), numbers[kept]


def _lengths(rows: Rows, n_terms: int) -> Doubles:
    _, numbers = _entries(rows, n_terms)
    return np.log1p(np.bincount(numbers, minlength=len(rows)))


def _top(values: Doubles, count: int) -> Doubles:
    count = min(count, values.shape[1])
    return np.asarray(np.partition(values, values.shape[1] - count, axis=1)[:, -count:].mean(axis=1))
