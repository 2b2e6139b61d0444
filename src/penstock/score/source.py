"""Rows of a table as items to judge."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from penstock.records import Item, Key
from penstock.tables import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from penstock.tables import Row, Table


class TableSource:
    """Makes one item per row and block of categories."""

    def __init__(self, table: Table, *, text: str, parts: int, skip_blank: bool = False) -> None:
        """Find the column.

        Args:
            table: Read from its first row at each call of `rows`.
            text: Name of the column that is judged.
            parts: Blocks of categories.
            skip_blank: Whether rows without a text are no rows, instead of rows that cannot be judged.

        Raises:
            InputError: There is no such column.
        """
        self._table = table
        self._column = table.column(text)
        self._parts = parts
        self._skip_blank = skip_blank

    @property
    def parts(self) -> int:
        """Items per row."""
        return self._parts

    def rows(self) -> Iterator[Sequence[Item]]:
        """Give the items of each row, in order."""
        for row in self._table.rows():
            yield self._items(row)

    def _items(self, row: Row) -> list[Item]:
        text = "" if row.problem else text_of(row.cells[self._column])
        if self._skip_blank and not row.problem and not text.strip():
            return []
        digest = hashlib.blake2b(f"{row.problem}\0{text}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        fields = {"text": text}
        return [
            Item(key=Key(row.number, part), fields=fields, digest=digest, problem=row.problem)
            for part in range(self._parts)
        ]
