"""Reads the tables that lie beside the answers: the key, graded examples, marks that people gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.errors import InputError
from penstock.tables import open_table, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from penstock.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """An opened table whose rows must all be readable.

    Attributes:
        path: Where it lies.
        what: What messages call it, such as `the key`.
        table: The table.
    """

    path: Path
    what: str
    table: Table

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns, in order."""
        return self.table.columns

    def require(self, *names: str) -> None:
        """Make sure that columns are there.

        Raises:
            InputError: One is missing; names those that there are.
        """
        for name in names:
            self.table.column(name)

    def rows(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Give the number of each row, from 1, with its cells by column.

        Raises:
            InputError: A row cannot be read.
        """
        for row in self.table.rows():
            if row.problem:
                raise self.wrong(row.number + 1, row.problem)
            yield row.number + 1, dict(zip(self.columns, row.cells, strict=True))

    def wrong(self, number: int, problem: str) -> InputError:
        """Make the error of a row."""
        return InputError(f"Row {number} of {self.what} {self.path} cannot be used: {problem.rstrip('.')}.")


def open_sheet(path: Path, *, what: str) -> Sheet:
    """Open such a table.

    Raises:
        InputError: It cannot be read.
    """
    return Sheet(path=path, what=what, table=open_table(path))


def name_in(cells: Mapping[str, Any], column: str) -> str:
    """Read a name out of a row; empty where the column or the cell is."""
    return text_of(cells[column]).strip() if column in cells else ""
