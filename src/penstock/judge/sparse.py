"""A sparse matrix that multiplies dense blocks, with numpy alone.

Rows are multiplied side by side: first the first entry of every row, then the second of every row that has one, and so
on, which numpy does in long strides. The few rows longer than that are finished one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ints = NDArray[np.intp]

_WIDE = 64  # entries of a row that are worked on side by side


class Sparse:
    """A sparse matrix of shape (n_rows, n_columns), given as one (row, column, value) per entry; entries may repeat."""

    def __init__(self, rows: Ints, columns: Ints, values: Floats, shape: tuple[int, int]) -> None:
        self.shape = shape
        order = np.argsort(rows, kind="stable")
        self._columns, self._values = columns[order], values[order].astype(np.float32)[:, None]
        lengths = np.bincount(rows, minlength=shape[0])
        starts = np.cumsum(lengths) - lengths
        self._order = np.argsort(-lengths, kind="stable")
        ends = np.searchsorted(-lengths[self._order], -np.arange(min(_WIDE, int(lengths.max(initial=0)))))
        self._strides = [starts[self._order[:end]] + place for place, end in enumerate(ends)]
        long = np.flatnonzero(lengths > _WIDE)
        self._long = [(row, slice(starts[row] + _WIDE, starts[row] + lengths[row])) for row in long]

    def dot(self, block: Floats) -> Floats:
        """Multiply a dense block of shape (n_columns, width); the result has shape (n_rows, width)."""
        total = np.zeros((self.shape[0], block.shape[1]), np.float32)
        for entries in self._strides:
            total[: len(entries)] += block.take(self._columns[entries], axis=0) * self._values[entries]
        product = np.empty_like(total)
        product[self._order] = total
        for row, rest in self._long:
            product[row] += self._values[rest, 0] @ block.take(self._columns[rest], axis=0)
        return product
