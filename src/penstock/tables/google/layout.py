"""Where in a sheet the texts, the categories and the scores stand."""

from __future__ import annotations

import msgspec

from penstock.errors import InputError
from penstock.tables.google.a1 import column_number

MOST_ROWS = 10_000_000  # cells of a spreadsheet


class SheetLayout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The places of a scoring sheet; rows are counted from 1 and columns named by their letters.

    Attributes:
        text: Column of the texts.
        first: Column of the first category; the others follow to its right.
        name_row: Row of the categories' names.
        definition_row: Row of their definitions; 0 where there are none.
        detail_row: Row of their details; 0 where there are none.
        first_row: Row of the first text.

    Raises:
        InputError: Two places are the same, or one cannot be.
    """

    text: str = "C"
    first: str = "D"
    name_row: int = 2
    definition_row: int = 3
    detail_row: int = 4
    first_row: int = 5

    def __post_init__(self) -> None:
        told = {"definition_row": self.definition_row, "detail_row": self.detail_row}
        rows = {"name_row": self.name_row} | {name: row for name, row in told.items() if row}
        for name, row in (*rows.items(), ("first_row", self.first_row)):
            if not 1 <= row <= MOST_ROWS:
                raise InputError(f"{name} is {row}, but the rows of a sheet are counted from 1.")
        if len(set(rows.values())) < len(rows):
            raise InputError("name_row, definition_row and detail_row must be different rows; 0 where there is none.")
        if self.first_row <= max(rows.values()):
            raise InputError(
                f"first_row is {self.first_row}, but the texts begin below the categories: give at least "
                f"{max(rows.values()) + 1}."
            )
        if self.text_column == self.first_column:
            raise InputError(f"Column {self.text.upper()} cannot hold both the texts and the scores.")

    @property
    def text_column(self) -> int:
        """Number of the column of the texts, counted from 1."""
        return column_number(self.text)

    @property
    def first_column(self) -> int:
        """Number of the first category's column, counted from 1."""
        return column_number(self.first)

    @property
    def header_rows(self) -> tuple[int, int, int]:
        """Rows of the names, the definitions and the details; 0 where there is none."""
        return self.name_row, self.definition_row, self.detail_row
