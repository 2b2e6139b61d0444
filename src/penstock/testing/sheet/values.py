"""Reading and writing cells as `spreadsheets.values` does.

Source: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from penstock.testing.sheet.book import Formula, known
from penstock.testing.sheet.ranges import Rectangle, in_a1, letters, quoted
from penstock.testing.sheet.trouble import PROTECTED, Trouble, invalid
from penstock.testing.sheet.wire import lines_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from penstock.testing.sheet.book import SheetBook, SheetTab, Value

LONGEST_CELL = 50_000
_UNCALCULATED = "#N/A"  # what a formula shows here: this server does not calculate
_RENDERINGS = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
_DIMENSIONS = ("ROWS", "COLUMNS")
_INPUTS = ("RAW", "USER_ENTERED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Cells about to be filled, found to fit.

    Attributes:
        tab: Where.
        covered: The part of the grid that the values cover.
        cells: Row, column and value, without those that stay as they are.
    """

    tab: SheetTab
    covered: Rectangle
    cells: list[tuple[int, int, Value]]

    def apply(self, *, now: float) -> None:
        """Fill them."""
        for row, column, value in self.cells:
            self.tab.set(row, column, value, now=now)

    def told(self, book_id: str) -> dict[str, Any]:
        """Return what the answer says of it."""
        return {
            "spreadsheetId": book_id,
            "updatedRange": in_a1(self.tab.title, self.covered),
            "updatedRows": len({row for row, _, _ in self.cells}),
            "updatedColumns": len({column for _, column, _ in self.cells}),
            "updatedCells": len(self.cells),
        }


class Protection:
    """Cells that nobody may edit."""

    def __init__(self, ranges: Sequence[str], book: SheetBook) -> None:
        self._kept = [(book.tabs[title], cells) for title, cells in known(ranges, book)]

    def check(self, write: Write) -> None:
        """Refuse a write that touches one.

        Raises:
            Trouble: With Google's words.
        """
        for tab, cells in self._kept:
            if tab is write.tab and any(cells.meets(row, column) for row, column, _ in write.cells):
                raise invalid(PROTECTED)


def read_values(book: SheetBook, text: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value range of a read.

    Raises:
        Trouble: When the range or an option is wrong.
    """
    rendering = choice(options, "valueRenderOption", _RENDERINGS, usual="FORMATTED_VALUE")
    dimension = choice(options, "majorDimension", _DIMENSIONS, usual="ROWS")
    tab, rectangle = book.find(text)
    inside = tab.within(rectangle, named=in_a1(tab.title, rectangle))
    rows = [[_shown(value, rendering) for value in row] for row in tab.read(inside)]
    told: dict[str, Any] = {"range": in_a1(tab.title, inside), "majorDimension": dimension}
    if rows:
        told["values"] = rows if dimension == "ROWS" else _turned(rows)
    return told


def plan(book: SheetBook, body: Mapping[str, Any], *, text: str, entered: str) -> Write:
    """Find out what a value range would change, without changing it.

    Args:
        book: Where.
        body: The value range: `values`, `majorDimension`.
        text: The range in A1 notation.
        entered: `RAW` or `USER_ENTERED`.

    Raises:
        Trouble: When the range is wrong, the values do not fit it, or one cannot be a cell's.
    """
    tab, rectangle = book.find(text)
    dimension = choice(body, "majorDimension", _DIMENSIONS, usual="ROWS")
    given = _checked(lines_at(body, "values"))
    rows: list[list[Any]] = given if dimension == "ROWS" else [list(row) for row in zip_longest(*given)]
    start = Rectangle(top=rectangle.top, left=rectangle.left) if rectangle.lone else rectangle
    tab.within(start, named=in_a1(tab.title, rectangle))
    height, width = len(rows), max((len(row) for row in rows), default=0)
    bottom, right = start.top + max(height, 1) - 1, start.left + max(width, 1) - 1
    _check_inside(tab, rectangle, bottom=bottom, right=right, text=f"{quoted(tab.title)}!{rectangle}")
    enter = _entered if entered == "USER_ENTERED" else _raw
    return Write(
        tab=tab,
        covered=Rectangle(top=start.top, left=start.left, bottom=bottom, right=right),
        cells=_filled(rows, start, enter),
    )


def plan_clear(book: SheetBook, text: str) -> Write:
    """Find out which cells a clear would empty.

    Raises:
        Trouble: When the range is wrong.
    """
    tab, rectangle = book.find(text)
    inside = tab.within(rectangle, named=in_a1(tab.title, rectangle))
    cells: list[tuple[int, int, Value]] = [
        (row, column, "") for row, line in tab.cells.items() for column in line if inside.meets(row, column)
    ]
    return Write(tab=tab, covered=inside, cells=cells)


def choice(options: Mapping[str, Any], name: str, known: Sequence[str], *, usual: str) -> str:
    """Return an option that must be one of these.

    Raises:
        Trouble: When it is another.
    """
    value = str(options.get(name) or usual)
    if value.endswith("_UNSPECIFIED"):
        return usual
    if value not in known:
        raise invalid(f"Invalid value at '{name}' (type.googleapis.com/google.apps.sheets.v4.{name}), \"{value}\"")
    return value


def input_option(options: Mapping[str, Any]) -> str:
    """Return how values are entered, which must be said.

    Raises:
        Trouble: When it is not.
    """
    if not options.get("valueInputOption"):
        raise invalid("'valueInputOption' is required but not specified")
    return choice(options, "valueInputOption", _INPUTS, usual="RAW")


def prefixed(error: Trouble, place: str) -> Trouble:
    """Return the error of one part of a batch."""
    return Trouble(error.code, f"Invalid {place}: {error.message}", details=error.details)


def _checked(lines: list[list[Any]]) -> list[list[Any]]:
    """Return the lines of values, each of which is one that a cell can hold."""
    for row, line in enumerate(lines):
        for column, value in enumerate(line):
            if isinstance(value, list | dict):
                kind = "list_value" if isinstance(value, list) else "struct_value"
                raise invalid(f"Invalid values[{row}][{column}]: {kind} {{\n}}\n")
    return lines


def _check_inside(tab: SheetTab, rectangle: Rectangle, *, bottom: int, right: int, text: str) -> None:
    """Refuse values that reach beyond their range, or beyond the grid."""
    within = f"Requested writing within range [{text}], but tried writing to"
    if not rectangle.lone and rectangle.bottom is not None and bottom > rectangle.bottom:
        raise invalid(f"{within} row [{rectangle.bottom + 1}]")
    if not rectangle.lone and rectangle.right is not None and right > rectangle.right:
        raise invalid(f"{within} column [{letters(rectangle.right + 1)}]")
    if bottom > tab.rows or right > tab.columns:
        whole = Rectangle(top=rectangle.top, left=rectangle.left, bottom=bottom, right=right)
        raise tab.too_small(in_a1(tab.title, whole))


def _filled(rows: list[list[Any]], start: Rectangle, enter: Callable[[Any], Value]) -> list[tuple[int, int, Value]]:
    return [
        (row, column, enter(value))
        for row, line in enumerate(rows, start.top)
        for column, value in enumerate(line, start.left)
        if value is not None
    ]


def _raw(value: Any) -> Value:
    """Return a value as RAW stores it: what it is, a number as a double."""
    if isinstance(value, str):
        if len(value) > LONGEST_CELL:
            raise invalid(f"Your input contains more than the maximum of {LONGEST_CELL} characters in a single cell.")
        return value
    if isinstance(value, bool):
        return value
    return _number(float(value))


def _entered(value: Any) -> Value:
    """Return a value as if it had been typed: formulas, numbers and truth values are recognised."""
    kept = _raw(value)
    if not isinstance(kept, str):
        return kept
    if kept.startswith("=") and len(kept) > 1:
        return Formula(kept)
    if kept.startswith("'"):
        return kept[1:]
    if kept.upper() in {"TRUE", "FALSE"}:
        return kept.upper() == "TRUE"
    try:
        typed = float(kept.replace("_", "x"))
    except ValueError:
        return kept
    return _number(typed) if math.isfinite(typed) else kept


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def _shown(value: Value, rendering: str) -> Any:
    if isinstance(value, Formula):
        return value.text if rendering == "FORMULA" else _UNCALCULATED
    if rendering != "FORMATTED_VALUE" or isinstance(value, str):
        return value
    return str(value).upper() if isinstance(value, bool) else f"{value:.10g}"


def _turned(rows: list[list[Any]]) -> list[list[Any]]:
    """Return the columns of rows, without blank cells at their ends."""
    columns = [list(column) for column in zip_longest(*rows, fillvalue="")]
    for column in columns:
        while column and column[-1] == "":
            column.pop()
    return columns
