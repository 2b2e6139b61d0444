"""Takes some rows of a source for a first look: the first ones, or some at random, the same ones each time.

Rows keep their numbers, so what is judged now need not be judged again when the whole table is. A row that is not taken
has no items. The random rows are those whose numbers have the smallest hashes: a table that grows keeps most of them.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from penstock.jobs.run import Source
    from penstock.records import Item

_MASK = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Picked:
    """A source of which only some rows are taken.

    Attributes:
        source: All rows.
        rows_taken: Numbers of the rows that are taken.
        count: How many those are.
        length: Rows that have to be read: up to the last one that is taken.
    """

    source: Source
    rows_taken: Container[int]
    count: int
    length: int

    @property
    def parts(self) -> int:
        """Items per row that is taken."""
        return self.source.parts

    def has(self, row: int) -> bool:
        """Whether a row is taken."""
        return row in self.rows_taken

    def rows(self) -> Iterator[Sequence[Item]]:
        """Give the items of each row up to the last one that is taken; none for the others."""
        for number, row in enumerate(islice(self.source.rows(), self.length)):
            yield row if number in self.rows_taken else ()


def pick(source: Source, *, rows: int, limit: int | None = None, sample: int | None = None, seed: int = 0) -> Picked:
    """Take some rows of a source.

    Args:
        source: All rows.
        rows: How many those are.
        limit: Only the first rows, so many.
        sample: Only so many rows at random, of those that the limit leaves.
        seed: Another number gives other random rows.
    """
    length = rows if limit is None else min(limit, rows)
    if sample is None or sample >= length:
        return Picked(source, range(length), length, length)
    taken = frozenset(heapq.nsmallest(sample, range(length), key=lambda row: mixed(row, seed=seed)))
    return Picked(source, taken, len(taken), max(taken, default=-1) + 1)


def mixed(number: int, *, seed: int = 0) -> int:
    """Hash a number to 64 bits (SplitMix64: Steele, Lea and Flood, OOPSLA 2014); the same on every machine."""
    z = (number + 1 + seed * 0xD1342543DE82EF95) * 0x9E3779B97F4A7C15 & _MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _MASK
    return z ^ z >> 31
