"""A1 notation: `'My tab'!D5:F7`.

Source: https://developers.google.com/workspace/sheets/api/guides/concepts#cell
"""

from __future__ import annotations

import re

from penstock.errors import InputError

MOST_COLUMNS = 18_278  # ZZZ
_LETTERS = re.compile("[A-Z]{1,3}")


def letters(column: int) -> str:
    """Write the number of a column, counted from 1, as its letters: 1 is A, 27 is AA."""
    if not 1 <= column <= MOST_COLUMNS:
        raise ValueError(f"there is no column {column}")
    written = ""
    while column:
        column, rest = divmod(column - 1, 26)
        written = chr(ord("A") + rest) + written
    return written


def column_number(name: str) -> int:
    """Read the letters of a column as its number, counted from 1.

    Raises:
        InputError: They are no letters of a column.
    """
    if not _LETTERS.fullmatch(name.upper()):
        raise InputError(f"{name!r} is no column of a sheet: write its letters, such as C or AA.")
    number = 0
    for letter in name.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def cell_name(row: int, column: int) -> str:
    """Name a cell: row 5, column 4 is D5."""
    return f"{letters(column)}{row}"


def quoted(tab: str) -> str:
    """Write the name of a tab so that nothing in it is taken for a range."""
    doubled = tab.replace("'", "''")
    return f"'{doubled}'"


def area(tab: str, *, row: int, column: int, last_row: int, last_column: int) -> str:
    """Name a rectangle of a tab by its first and last cell."""
    first, last = cell_name(row, column), cell_name(last_row, last_column)
    return f"{quoted(tab)}!{first}" if first == last else f"{quoted(tab)}!{first}:{last}"
