"""What a spreadsheet says about itself: its title and its tabs."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import msgspec

from penstock.errors import InputError

FIELDS = (
    "properties.title,sheets(properties(sheetId,title,gridProperties(rowCount,columnCount)),merges,"
    "protectedRanges(range,requestingUserCanEdit,warningOnly,unprotectedRanges))"
)
_OPEN = 20_000_000  # more than there can be rows: a range without an end goes on to the last one


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Some cells of a tab; rows and columns are counted from 1, the last ones included."""

    row: int
    column: int
    last_row: int
    last_column: int

    def meets(self, other: Area) -> bool:
        """Whether they have a cell in common."""
        rows = self.row <= other.last_row and other.row <= self.last_row
        return rows and self.column <= other.last_column and other.column <= self.last_column


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One sheet of a spreadsheet.

    Attributes:
        title: Its name.
        gid: Its number, which stays the same when it is renamed.
        rows: Rows of its grid, empty ones included.
        columns: Columns of its grid, empty ones included.
        merges: Cells that are shown as one.
        closed: Cells that this account may not edit.
    """

    title: str
    gid: int
    rows: int
    columns: int
    merges: tuple[Area, ...] = ()
    closed: tuple[Area, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A spreadsheet.

    Attributes:
        title: Its name.
        tabs: Its tabs of cells, in order; those that hold only a chart are left out.
    """

    title: str
    tabs: tuple[Tab, ...]

    def tab(self, title: str = "", *, gid: int | None = None) -> Tab:
        """Find a tab by its name, else by its number, else take the first one.

        Raises:
            InputError: There is no such tab; names those that there are.
        """
        if not self.tabs:
            raise InputError(f"The spreadsheet '{self.title}' has no tab with cells.")
        if title:
            found = [tab for tab in self.tabs if tab.title == title]
        elif gid is not None:
            found = [tab for tab in self.tabs if tab.gid == gid]
        else:
            found = [self.tabs[0]]
        if found:
            return found[0]
        raise InputError(
            f"The spreadsheet '{self.title}' has no tab {self._asked(title, gid)}: it has {self.listed()}."
        )

    def listed(self) -> str:
        """Name its tabs."""
        shown = ", ".join(f"'{tab.title}'" for tab in self.tabs[:20])
        return shown if len(self.tabs) <= 20 else f"{shown} and {len(self.tabs) - 20} more"

    def _asked(self, title: str, gid: int | None) -> str:
        if not title:
            return f"with the number {gid}"
        near = get_close_matches(title, [tab.title for tab in self.tabs], n=1, cutoff=0.5)
        return f"'{title}' (did you mean '{near[0]}'?)" if near else f"'{title}'"


class _Grid(msgspec.Struct, rename="camel"):
    row_count: int = 0
    column_count: int = 0


class _Properties(msgspec.Struct, rename="camel"):
    title: str = ""
    sheet_id: int = 0
    grid_properties: _Grid | None = None


class _Range(msgspec.Struct, rename="camel"):
    """Cells as Google writes them: from 0, without the end; an end that is left out is that of the tab."""

    start_row_index: int = 0
    end_row_index: int = _OPEN
    start_column_index: int = 0
    end_column_index: int = _OPEN

    def area(self) -> Area:
        return Area(
            row=self.start_row_index + 1,
            column=self.start_column_index + 1,
            last_row=self.end_row_index,
            last_column=self.end_column_index,
        )


class _Protected(msgspec.Struct, rename="camel"):
    range: _Range = msgspec.field(default_factory=_Range)
    requesting_user_can_edit: bool = False
    warning_only: bool = False
    unprotected_ranges: list[_Range] = msgspec.field(default_factory=list)

    @property
    def closed(self) -> bool:
        """Whether all of it is closed to this account; a part that is open is left to the first write to find out."""
        return not (self.requesting_user_can_edit or self.warning_only or self.unprotected_ranges)


class _Sheet(msgspec.Struct, rename="camel"):
    properties: _Properties
    merges: list[_Range] = msgspec.field(default_factory=list)
    protected_ranges: list[_Protected] = msgspec.field(default_factory=list)


class _Title(msgspec.Struct):
    title: str = ""


class _Book(msgspec.Struct):
    properties: _Title = msgspec.field(default_factory=_Title)
    sheets: list[_Sheet] = msgspec.field(default_factory=list)


def read_book(told: Any) -> Book:
    """Read the answer of `spreadsheets.get`.

    Raises:
        msgspec.ValidationError: It is something else.
    """
    book = msgspec.convert(told, _Book)
    return Book(title=book.properties.title, tabs=tuple(_tab(sheet) for sheet in book.sheets if _has_cells(sheet)))


def _has_cells(sheet: _Sheet) -> bool:
    grid = sheet.properties.grid_properties
    return grid is not None and grid.row_count > 0 and grid.column_count > 0


def _tab(sheet: _Sheet) -> Tab:
    properties = sheet.properties
    grid = properties.grid_properties or _Grid()
    return Tab(
        title=properties.title,
        gid=properties.sheet_id,
        rows=grid.row_count,
        columns=grid.column_count,
        merges=tuple(one.area() for one in sheet.merges),
        closed=tuple(one.range.area() for one in sheet.protected_ranges if one.closed),
    )
