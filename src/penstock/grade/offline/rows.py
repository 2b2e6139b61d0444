"""Sparse rows of weighted features, and the products between them, with numpy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Ints = NDArray[np.integer[Any]]

_OFTEN = 64  # rows from which a feature is multiplied as a dense column
_AT_ONCE = 2048  # dense columns in one block
_PAIRS = 2_000_000  # products that are added in one go


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """A sparse matrix, row after row.

    Attributes:
        starts: Where each row begins, and where the last ends, shape (n_rows + 1,).
        columns: The feature of each entry, ascending in a row and each once.
        values: Its value.
        width: How many features there are.
    """

    starts: Ints
    columns: NDArray[np.integer[Any]]
    values: Floats
    width: int

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.starts) - 1

    def take(self, rows: Ints) -> Rows:
        """Copy some of the rows, in the order given."""
        lengths = (self.starts[1:] - self.starts[:-1])[rows]
        ends = np.cumsum(lengths)
        entries = np.repeat(self.starts[rows] - (ends - lengths), lengths) + np.arange(int(lengths.sum()))
        starts = np.r_[0, ends].astype(np.intp)
        return Rows(starts=starts, columns=self.columns[entries], values=self.values[entries], width=self.width)

    def scaled(self, columns: Floats) -> Rows:
        """Multiply every column by its factor, shape (width,)."""
        return Rows(
            starts=self.starts, columns=self.columns, values=self.values * columns[self.columns], width=self.width
        )

    def between(self, first: int, end: int) -> Rows:
        """Keep the columns from the first up to the end, numbered as before."""
        kept = (self.columns >= first) & (self.columns < end)
        counts = np.r_[0, np.cumsum(kept)]
        return Rows(starts=counts[self.starts], columns=self.columns[kept], values=self.values[kept], width=self.width)

    def times(self, column: Floats) -> Floats:
        """Multiply with one column of shape (width,); shape (n_rows,)."""
        products = np.zeros(len(self), np.float32)
        filled = np.flatnonzero(self.starts[1:] > self.starts[:-1])
        if filled.size:
            products[filled] = np.add.reduceat(self.values * column.take(self.columns), self.starts[filled])
        return products

    def mixed(self, weights: Floats) -> Floats:
        """Add the rows up, each times its weight; shape (width,)."""
        lengths = self.starts[1:] - self.starts[:-1]
        mixed = np.bincount(self.columns, self.values * np.repeat(weights, lengths), minlength=self.width)
        return mixed.astype(np.float32)

    def gram(self) -> Floats:
        """Multiply every row with every row; shape (n_rows, n_rows).

        Features of few rows are multiplied pair by pair, the others as dense columns: each where it is cheaper.
        """
        n_rows = len(self)
        rows = np.repeat(np.arange(n_rows), self.starts[1:] - self.starts[:-1])
        order = np.argsort(self.columns, kind="stable")
        columns, rows, values = self.columns[order], rows[order], self.values[order]
        counts = np.bincount(columns, minlength=self.width)
        firsts = np.cumsum(counts) - counts
        gram = np.zeros(n_rows * n_rows, np.float32)
        for count in range(1, _OFTEN):
            self._add_pairs(gram, firsts[counts == count], count, rows, values)
        square = gram.reshape(n_rows, n_rows)
        often = np.flatnonzero(counts >= _OFTEN)
        for start in range(0, often.size, _AT_ONCE):
            block = np.zeros((n_rows, min(_AT_ONCE, often.size - start)), np.float32)
            for place, column in enumerate(often[start : start + _AT_ONCE].tolist()):
                entries = slice(firsts[column], firsts[column] + counts[column])
                block[rows[entries], place] = values[entries]
            square += block @ block.T
        return square

    def _add_pairs(self, gram: Floats, firsts: Ints, count: int, rows: Ints, values: Floats) -> None:
        step = max(1, _PAIRS // (count * count))
        for start in range(0, firsts.size, step):
            entries = firsts[start : start + step, None] + np.arange(count)
            places, weights = rows[entries], values[entries]
            pairs = places[:, :, None] * len(self) + places[:, None, :]
            np.add.at(gram, pairs.ravel(), (weights[:, :, None] * weights[:, None, :]).ravel())
