"""A1 notation as Google reads it: `Tab!A2:C`, `'It''s'!5:5`, `A:C`, or a tab's whole grid by its title alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_COLUMNS = 18_278
_CORNER = re.compile(r"\$?([A-Za-z]{1,3})?\$?([1-9][0-9]{0,7})?")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LIKE_A_CELL = re.compile(r"[A-Za-z]{1,3}[0-9]+|[Rr][0-9]*[Cc][0-9]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """Cells of a grid, counted from 1, both ends included; an open end is None.

    Attributes:
        top: First row.
        left: First column.
        bottom: Last row.
        right: Last column.
        lone: Written as a single cell, which for a write is only where it begins.
    """

    top: int = 1
    left: int = 1
    bottom: int | None = None
    right: int | None = None
    lone: bool = False

    def clipped(self, *, rows: int, columns: int) -> Rectangle:
        """Return the part inside a grid of this size; it must begin inside."""
        return replace(
            self,
            bottom=rows if self.bottom is None else min(self.bottom, rows),
            right=columns if self.right is None else min(self.right, columns),
        )

    def meets(self, row: int, column: int) -> bool:
        """Tell whether a cell lies inside."""
        return (
            self.top <= row
            and self.left <= column
            and (self.bottom is None or row <= self.bottom)
            and (self.right is None or column <= self.right)
        )

    def __str__(self) -> str:
        """Write it as Google does, without the tab."""
        first = f"{letters(self.left)}{self.top}"
        right = "" if self.right is None else letters(self.right)
        last = right + ("" if self.bottom is None else str(self.bottom))
        return first if last in {"", first} else f"{first}:{last}"


def letters(column: int) -> str:
    """Return the letters of a column, counted from 1: A, Z, AA."""
    written = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        written = chr(ord("A") + rest) + written
    return written


def number(column: str) -> int:
    """Return the number of a column by its letters, counted from 1."""
    found = 0
    for letter in column.upper():
        found = found * 26 + ord(letter) - ord("A") + 1
    return found


def in_a1(title: str, rectangle: Rectangle) -> str:
    """Write a range as Google's answers do: the title in quotes only where it needs them."""
    plain = _PLAIN.fullmatch(title) and not _LIKE_A_CELL.fullmatch(title)
    return f"{title if plain else quoted(title)}!{rectangle}"


def quoted(title: str) -> str:
    """Return a title in single quotes, those inside doubled."""
    doubled = title.replace("'", "''")
    return f"'{doubled}'"


def read_range(text: str, titles: Sequence[str]) -> tuple[str, Rectangle] | None:
    """Return the tab and the cells that a range means in a book with these tabs; None when it means nothing.

    Cells without a tab lie in the first one.
    """
    title, cells = _split(text)
    if title is None:
        found = read_cells(cells)
        if found is not None and titles:
            return titles[0], found
        return (cells, Rectangle()) if cells in titles else None
    if title not in titles:
        return None
    rectangle = Rectangle() if cells == "" else read_cells(cells)
    return None if rectangle is None else (title, rectangle)


def read_cells(text: str) -> Rectangle | None:
    """Return the cells that `A1`, `A2:C`, `A:C` or `5:5` means; None when it means nothing."""
    first, colon, last = text.partition(":")
    start, end = _corner(first), _corner(last if colon else first)
    if start is None or end is None or (not colon and None in start):
        return None
    left, right = _ordered(start[0], end[0])
    top, bottom = _ordered(start[1], end[1])
    return Rectangle(top=top, left=left, bottom=bottom, right=right, lone=not colon)


def _split(text: str) -> tuple[str | None, str]:
    """Part a title from the cells; a title alone in quotes leaves none."""
    if text.startswith("'"):
        title, closed, rest = text[1:].replace("''", "\0").partition("'")
        if closed and (rest == "" or (rest.startswith("!") and len(rest) > 1)):
            return title.replace("\0", "'"), rest[1:]
        return None, ""
    title, mark, cells = text.rpartition("!")
    return (title, cells or "!") if mark else (None, text)


def _corner(text: str) -> tuple[int | None, int | None] | None:
    """Return column and row, either of which may be missing, not both."""
    match = _CORNER.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    column = number(match.group(1)) if match.group(1) else None
    if column is not None and column > MOST_COLUMNS:
        return None
    return column, int(match.group(2)) if match.group(2) else None


def _ordered(start: int | None, end: int | None) -> tuple[int, int | None]:
    if start is not None and end is not None:
        return min(start, end), max(start, end)
    return start or end or 1, None
