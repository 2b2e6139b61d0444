"""A spreadsheet in memory: tabs, cells and the moments at which they were filled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from penstock.testing.sheet.ranges import Rectangle, read_cells, read_range
from penstock.testing.sheet.trouble import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

MOST_CELLS = 10_000_000
LONGEST_TITLE = 100


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that a text beginning with `=` became, as only USER_ENTERED does; it is not calculated."""

    text: str


Value: TypeAlias = "bool | int | float | str | Formula"


@dataclass(slots=True, kw_only=True)
class SheetTab:
    """One tab of a book: a grid of a fixed size that only changes when it is told to.

    Attributes:
        gid: Its number in the book.
        title: Its name.
        rows: Height of the grid.
        columns: Width of the grid.
        cells: Values by row and by column, both from 1; a blank cell has none.
        filled: When each cell first got a value, in seconds of the server's clock.
    """

    gid: int
    title: str
    rows: int = 1000
    columns: int = 26
    cells: dict[int, dict[int, Value]] = field(default_factory=dict[int, dict[int, Value]])
    filled: dict[tuple[int, int], float] = field(default_factory=dict[tuple[int, int], float])

    def within(self, rectangle: Rectangle, *, named: str) -> Rectangle:
        """Return the part of a range that lies in the grid.

        Raises:
            Trouble: When it begins outside.
        """
        if rectangle.top > self.rows or rectangle.left > self.columns:
            raise self.too_small(named)
        return rectangle.clipped(rows=self.rows, columns=self.columns)

    def too_small(self, named: str) -> Exception:
        """Return the error of a range that the grid does not hold."""
        return invalid(f"Range ({named}) exceeds grid limits. Max rows: {self.rows}, max columns: {self.columns}")

    def set(self, row: int, column: int, value: Value, *, now: float = 0.0) -> None:
        """Fill a cell; an empty text empties it."""
        if value == "":
            line = self.cells.get(row, {})
            line.pop(column, None)
            if not line:
                self.cells.pop(row, None)
            return
        self.cells.setdefault(row, {})[column] = value
        self.filled.setdefault((row, column), now)

    def read(self, rectangle: Rectangle) -> list[list[Value]]:
        """Return the rows of a range, without blank cells at the end of a row and blank rows at the end."""
        right = rectangle.right or self.columns
        rows: list[list[Value]] = []
        for row in range(rectangle.top, min(rectangle.bottom or self.rows, self.last_row()) + 1):
            line = self.cells.get(row, {})
            width = max((column for column in line if column <= right), default=0)
            rows.append([line.get(column, "") for column in range(rectangle.left, width + 1)])
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def last_row(self, rectangle: Rectangle | None = None) -> int:
        """Return the last row with a value, anywhere or in the columns of a range; 0 when all are blank."""
        if rectangle is None:
            return max(self.cells, default=0)
        right = rectangle.right or self.columns
        held = (row for row, line in self.cells.items() if any(rectangle.left <= each <= right for each in line))
        return max(held, default=0)


class SheetBook:
    """A spreadsheet that a test fills, lets a client write to, and looks into.

    Args:
        tabs: Rows of values by the title of the tab, from A1 on; without any, one empty tab.
        title: The book's name.
        rows: Height of each grid; more where the values need it.
        columns: Width of each grid; more where the values need it.
    """

    def __init__(
        self,
        tabs: Mapping[str, Sequence[Sequence[Any]]] | None = None,
        *,
        title: str = "Rehearsal",
        rows: int = 1000,
        columns: int = 26,
    ) -> None:
        self.title = title
        self.tabs: dict[str, SheetTab] = {}
        for name, lines in (tabs or {"Sheet1": ()}).items():
            width = max((len(line) for line in lines), default=0)
            self.add(name, rows=max(rows, len(lines)), columns=max(columns, width))
            self.put(name, "A1", lines)

    def add(self, title: str, *, rows: int = 1000, columns: int = 26, gid: int | None = None) -> SheetTab:
        """Add an empty tab at the end; without a `gid` it gets the next free one, 0 for the first.

        Raises:
            Trouble: When the title is taken or none, or the book would have too many cells.
        """
        if title in self.tabs:
            raise invalid(f'A sheet with the name "{title}" already exists. Please enter another name.')
        if not 0 < len(title) <= LONGEST_TITLE:
            raise invalid("The sheet name cannot be empty or longer than 100 characters.")
        taken = {tab.gid for tab in self.tabs.values()}
        if gid in taken:
            raise invalid(f"A sheet with ID {gid} already exists.")
        free = next(number for number in range(len(taken) + 1) if number not in taken) if gid is None else gid
        tab = SheetTab(gid=free, title=title, rows=0, columns=0)
        self.resize(tab, rows=rows, columns=columns)
        self.tabs[title] = tab
        return tab

    def resize(self, tab: SheetTab, *, rows: int, columns: int) -> None:
        """Give a tab another size; cells beyond it are lost.

        Raises:
            Trouble: When the size is none, or the book would have too many cells.
        """
        if rows < 1 or columns < 1:
            raise invalid("You can't delete all the rows or columns on the sheet.")
        others = sum(each.rows * each.columns for each in self.tabs.values() if each is not tab)
        if others + rows * columns > MOST_CELLS:
            raise invalid(
                f"This action would increase the number of cells in the workbook above the limit of {MOST_CELLS} cells."
            )
        tab.rows, tab.columns = rows, columns
        for row in [row for row in tab.cells if row > rows]:
            del tab.cells[row]
        for row, line in list(tab.cells.items()):
            for column in [column for column in line if column > columns]:
                tab.set(row, column, "")

    def by_gid(self, gid: int) -> SheetTab | None:
        """Return the tab of this number."""
        return next((tab for tab in self.tabs.values() if tab.gid == gid), None)

    def find(self, text: str) -> tuple[SheetTab, Rectangle]:
        """Return the tab and the cells that a range means.

        Raises:
            Trouble: When it means nothing here.
        """
        found = read_range(text, list(self.tabs))
        if found is None:
            raise invalid(f"Unable to parse range: {text}")
        return self.tabs[found[0]], found[1]

    # --- for tests ---

    def put(self, tab: str, at: str, rows: Sequence[Sequence[Any]]) -> None:
        """Fill cells from `at` on, as a person at the sheet would; None leaves a cell, an empty text empties it."""
        corner = _cells(at)
        for row, line in enumerate(rows, corner.top):
            for column, value in enumerate(line, corner.left):
                if value is not None:
                    self.tabs[tab].set(row, column, value)

    def cell(self, tab: str, at: str) -> Value | None:
        """Return what a cell holds, None when it is blank; a formula comes as a `Formula`."""
        corner = _cells(at)
        return self.tabs[tab].cells.get(corner.top, {}).get(corner.left)

    def values(self, tab: str, cells: str = "") -> list[list[Value]]:
        """Return all rows of a tab, or those of a range of it, as a reader gets them: without blank ends."""
        held = self.tabs[tab]
        return held.read(_cells(cells) if cells else Rectangle())

    def filled_at(self, tab: str, at: str) -> float | None:
        """Return when a cell first got a value, in seconds of the server's clock; None when it never had one."""
        corner = _cells(at)
        return self.tabs[tab].filled.get((corner.top, corner.left))

    def formulas(self) -> list[str]:
        """Return every formula in the book, with its tab and cell: none, where all was written RAW."""
        return [
            f"{title}!{Rectangle(top=row, left=column, bottom=row, right=column)}{value.text}"
            for title, tab in self.tabs.items()
            for row, line in sorted(tab.cells.items())
            for column, value in sorted(line.items())
            if isinstance(value, Formula)
        ]

    # --- as JSON, for a server in another process ---

    def plain(self) -> dict[str, Any]:
        """Return the book as JSON can hold it; a formula becomes its text."""
        return {"title": self.title, "tabs": [_plain(tab) for tab in self.tabs.values()]}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Return the book that `plain` described."""
        book = cls(title=plain["title"])
        book.tabs.clear()
        for tab in plain["tabs"]:
            book.add(tab["title"], rows=tab["rows"], columns=tab["columns"], gid=tab["gid"])
            book.put(tab["title"], "A1", tab["values"])
        return book


def _cells(text: str) -> Rectangle:
    found = read_cells(text)
    if found is None:
        raise ValueError(f"{text!r} is no cell or range, such as D5 or D5:M20.")
    return found


def _plain(tab: SheetTab) -> dict[str, Any]:
    values = [[cell.text if isinstance(cell, Formula) else cell for cell in row] for row in tab.read(Rectangle())]
    return {"title": tab.title, "gid": tab.gid, "rows": tab.rows, "columns": tab.columns, "values": values}


def known(ranges: Sequence[str], book: SheetBook) -> list[tuple[str, Rectangle]]:
    """Find those of some ranges that a book has: the title of the tab, and the cells."""
    found = (read_range(each, list(book.tabs)) for each in ranges)
    return [each for each in found if each is not None]
