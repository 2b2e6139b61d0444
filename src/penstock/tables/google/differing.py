"""Compares what a sheet holds with what it should hold."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from penstock.tables.google.a1 import area
from penstock.tables.google.cells import fit
from penstock.tables.google.client import OutsideGrid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from penstock.tables.google.client import SheetsClient
    from penstock.tables.google.scoring import ScoringSheet

PAGE_ROWS = 5_000
PAGE_CELLS = 100_000
TOLERANCE = 1e-9


async def differing(
    client: SheetsClient, sheet: ScoringSheet | str, wanted: Iterable[tuple[int, Mapping[int, Any]]]
) -> dict[tuple[int, int], Any]:
    """Read cells back and find those that do not hold what they should.

    Args:
        client: Of the spreadsheet.
        sheet: The scoring sheet, or the name of a tab.
        wanted: Rows, counted from 1 and ascending, each with its values by column, counted from 1. A value of None
            asks for nothing; an empty text asks for an empty cell.

    Returns:
        The wanted values of the cells that differ, by `(row, column)`.

    Raises:
        InputError: The sheet cannot be read; says why.
    """
    tab = sheet if isinstance(sheet, str) else sheet.tab
    different: dict[tuple[int, int], Any] = {}
    for page in _pages(wanted):
        columns = sorted(set(chain.from_iterable(values for _, values in page)))
        if not columns:
            continue
        first_row, first_column = page[0][0], columns[0]
        page_area = area(tab, row=first_row, column=first_column, last_row=page[-1][0], last_column=columns[-1])
        found = await _read(client, page_area)
        for row, values in page:
            cells = found[row - first_row] if row - first_row < len(found) else []
            different |= {
                (row, column): value
                for column, value in values.items()
                if not same(value, cells[column - first_column] if column - first_column < len(cells) else None)
            }
    return different


async def _read(client: SheetsClient, page_area: str) -> list[list[Any]]:
    """Read a range; one that lies outside its tab is empty, as the tab grows when it is written."""
    try:
        return (await client.get([page_area]))[0]
    except OutsideGrid:
        return []


def same(wanted: Any, found: Any) -> bool:
    """Say whether a cell holds what was written into it: numbers to 1e-9, an empty text is an empty cell."""
    if wanted is None:
        return True
    wanted, found = fit(wanted), "" if found is None else found
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        return abs(wanted - found) <= TOLERANCE * max(1.0, abs(wanted))
    if isinstance(wanted, str) and isinstance(found, str):
        return _plain(wanted) == _plain(found)
    return False


def _plain(text: str) -> str:
    """A text with one kind of line ends, as a sheet keeps them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _pages(
    wanted: Iterable[tuple[int, Mapping[int, Any]]],
) -> Iterator[Sequence[tuple[int, Mapping[int, Any]]]]:
    """Divide rows into pages of at most so many rows and cells, gaps included."""
    page: list[tuple[int, Mapping[int, Any]]] = []
    low, high = 0, 0
    for row, values in wanted:
        lowest = min([low, *values]) if page else min(values, default=0)
        highest = max([high, *values]) if page else max(values, default=0)
        rows = row - page[0][0] + 1 if page else 1
        if page and (rows > PAGE_ROWS or rows * (highest - lowest + 1) > PAGE_CELLS):
            yield page
            page, lowest, highest = [], min(values, default=0), max(values, default=0)
        page.append((row, values))
        low, high = lowest, highest
    if page:
        yield page
