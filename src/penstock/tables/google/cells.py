"""Cells as they are sent: made fit for a sheet, merged into rectangles, divided into requests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.tables.cell import text_of, whole
from penstock.tables.google.a1 import area

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

LONGEST_TEXT = 50_000  # UTF-16 units of a cell
CUT = "…[cut]"
LARGEST_PAYLOAD = 1_000_000  # bytes; Google recommends at most 2 MB, and aiohttp sends at most 1 MB without a pause

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class CellBlock:
    """A rectangle of values and where it belongs.

    Attributes:
        tab: Name of the tab.
        row: Its first row, counted from 1.
        column: Its first column, counted from 1.
        values: `(n_rows, n_columns)`; None leaves a cell as it is, an empty text clears it.
    """

    tab: str
    row: int
    column: int
    values: tuple[tuple[Any, ...], ...]

    @property
    def last_row(self) -> int:
        """Its last row."""
        return self.row + len(self.values) - 1

    @property
    def last_column(self) -> int:
        """Its last column."""
        return self.column + len(self.values[0]) - 1

    @property
    def range(self) -> str:
        """Its name in A1 notation."""
        return area(self.tab, row=self.row, column=self.column, last_row=self.last_row, last_column=self.last_column)

    @property
    def size(self) -> int:
        """Bytes it takes in a request, a little overestimated."""
        return len(_encoder.encode(self.values)) + len(self.tab.encode()) * 2 + 100

    def cells(self) -> Iterator[tuple[tuple[int, int], Any]]:
        """Yield every cell: `((row, column), value)`."""
        for row, values in enumerate(self.values, start=self.row):
            for column, value in enumerate(values, start=self.column):
                yield (row, column), value

    def wire(self) -> dict[str, Any]:
        """Write it as the API's ValueRange."""
        return {"range": self.range, "majorDimension": "ROWS", "values": self.values}


def fit(value: Any) -> Any:
    """Make a value one that a cell can hold: a number, a truth value, a text of at most 50,000 characters, or None.

    A longer text ends in a mark that says that it was cut; a number that is none becomes an empty text.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else ""
    return _shortened(whole(value) if isinstance(value, str) else text_of(value))


def is_cut(value: Any) -> bool:
    """Say whether a fitted value was cut."""
    return isinstance(value, str) and len(value) > LONGEST_TEXT // 4 and value.endswith(CUT)


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_TEXT // 2:  # no character takes more than two units
        return text
    units = text.encode("utf-16-le")
    if len(units) <= 2 * LONGEST_TEXT:
        return text
    return units[: 2 * (LONGEST_TEXT - len(CUT))].decode("utf-16-le", "ignore") + CUT


def merge(cells: Mapping[tuple[int, int], Any], tab: str) -> list[CellBlock]:
    """Put cells together into few rectangles: neighbours in a row, then rows of the same columns below each other.

    Args:
        cells: Values by `(row, column)`, both counted from 1; those that are None are left out.
        tab: Name of the tab.
    """
    blocks: list[CellBlock] = []
    growing: dict[tuple[int, int], list[tuple[Any, ...]]] = {}  # by first column and width
    last = 0
    for row, runs in _runs(cells):
        ended = growing if row != last + 1 else {key: rows for key, rows in growing.items() if key not in runs}
        blocks += _ended(ended, last, tab)
        growing = {key: [*([] if key in ended else growing.get(key, ())), values] for key, values in runs.items()}
        last = row
    return blocks + list(_ended(growing, last, tab))


def _ended(growing: Mapping[tuple[int, int], Sequence[tuple[Any, ...]]], last: int, tab: str) -> Iterator[CellBlock]:
    """Make blocks of the rectangles that end in row `last`."""
    for (column, _), rows in growing.items():
        yield CellBlock(tab=tab, row=last - len(rows) + 1, column=column, values=tuple(rows))


def _runs(cells: Mapping[tuple[int, int], Any]) -> Iterator[tuple[int, dict[tuple[int, int], tuple[Any, ...]]]]:
    """Yield each row, in order, with its runs of neighbours: by first column and width, their values."""
    by_row: dict[int, list[int]] = {}
    for (row, column), value in cells.items():
        if value is not None:
            by_row.setdefault(row, []).append(column)
    for row in sorted(by_row):
        runs: list[list[int]] = []
        for column in sorted(by_row[row]):
            if runs and column == runs[-1][-1] + 1:
                runs[-1].append(column)
            else:
                runs.append([column])
        yield row, {(run[0], len(run)): tuple(cells[row, column] for column in run) for run in runs}


def requests(blocks: Iterable[CellBlock], *, largest: int = LARGEST_PAYLOAD) -> Iterator[list[CellBlock]]:
    """Divide blocks into requests of at most `largest` bytes; only a single cell may be larger."""
    gathered: list[CellBlock] = []
    size = 0
    for block in blocks:
        for piece in _pieces(block, largest):
            if gathered and size + piece.size > largest:
                yield gathered
                gathered, size = [], 0
            gathered.append(piece)
            size += piece.size
    if gathered:
        yield gathered


def _pieces(block: CellBlock, largest: int) -> Iterator[CellBlock]:
    """Halve a block until its pieces are small enough: by rows, a single row by columns."""
    rows, columns = len(block.values), len(block.values[0])
    if block.size <= largest or rows == columns == 1:
        yield block
        return
    if rows > 1:
        half = rows // 2
        upper, lower = block.values[:half], block.values[half:]
        second = CellBlock(tab=block.tab, row=block.row + half, column=block.column, values=lower)
    else:
        half = columns // 2
        upper, lower = (block.values[0][:half],), (block.values[0][half:],)
        second = CellBlock(tab=block.tab, row=block.row, column=block.column + half, values=lower)
    yield from _pieces(CellBlock(tab=block.tab, row=block.row, column=block.column, values=upper), largest)
    yield from _pieces(second, largest)
