"""A sheet to be scored: its texts and its categories, each with a name, a definition and a detail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.errors import InputError
from penstock.tables.cell import text_of
from penstock.tables.google.a1 import MOST_COLUMNS, area, cell_name, letters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from penstock.tables.google.address import SheetAddress
    from penstock.tables.google.book import Tab
    from penstock.tables.google.client import SheetsClient
    from penstock.tables.google.layout import SheetLayout

MOST_CATEGORIES = 200
PAGE_ROWS = 5_000
_GAP = 100  # rows between two texts that are read in one range
_LONGEST_PAGE = 200_000  # rows, where there was nothing on the pages before
_LARGEST_LOOK = 4_000_000  # characters of texts that one request looks at again
_MOST_SPANS = 50  # ranges in one address
_ERRORS = frozenset({"#REF!", "#NAME?", "#N/A", "#VALUE!", "#ERROR!", "#DIV/0!", "#NUM!", "#NULL!"})
_LOADING = "Loading..."  # what a formula shows until Google has worked it out


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringSheet:
    """What a sheet asks for.

    Attributes:
        book_title: Name of the spreadsheet.
        tab: Name of the tab.
        gid: Its number.
        categories: `name`, `definition` and `detail` of each, from the left.
        texts: From the first row on; empty ones between others included.
        layout: Where they stand.
    """

    book_title: str
    tab: str
    gid: int
    categories: list[dict[str, str]]
    texts: list[str]
    layout: SheetLayout

    def row(self, number: int) -> int:
        """Row of the sheet in which text `number` (from 0) stands."""
        return self.layout.first_row + number

    def column(self, number: int) -> int:
        """Column of the sheet in which the scores of category `number` (from 0) stand."""
        return self.layout.first_column + number

    def problem(self, number: int) -> str:
        """Why what stands in place of text `number` (from 0) is no text: a formula without a result; else empty."""
        shown = self.texts[number].strip()
        if shown not in _ERRORS and shown != _LOADING:
            return ""
        place = cell_name(self.row(number), self.layout.text_column)
        advice = "score it once its formula is done" if shown == _LOADING else "mend its formula"
        return f"{place} shows {shown}: {advice}"


async def read_scoring_sheet(
    client: SheetsClient, address: SheetAddress, layout: SheetLayout, *, tab: str = ""
) -> ScoringSheet:
    """Read the categories and the texts.

    Args:
        client: Of the spreadsheet.
        address: Its tab counts where `tab` is empty; else the first one.
        layout: Where they stand.
        tab: Name of the tab.

    Raises:
        InputError: It cannot be read, or is not laid out so; says what to change where.
    """
    book = await client.book()
    found = book.tab(tab, gid=address.gid)
    _check_grid(found, layout)
    last_column = min(found.columns, layout.first_column + MOST_CATEGORIES)
    headers = [
        area(found.title, row=row, column=layout.first_column, last_row=row, last_column=last_column)
        for row in layout.header_rows
        if row
    ]
    last_row = min(found.rows, layout.first_row + PAGE_ROWS - 1)
    *told, page = await client.get([*headers, _texts_range(found, layout, layout.first_row, last_row)])
    heads = iter(told)
    categories = _categories([next(heads) if row else [] for row in layout.header_rows], found, layout)
    texts = _page(page, last_row - layout.first_row + 1)
    texts += await _further_texts(client, found, layout, last_row + 1, blank=not any(texts))
    while texts and not texts[-1].strip():
        texts.pop()
    if not texts:
        raise InputError(
            f"Column {layout.text.upper()} of the tab '{found.title}' has no text from row {layout.first_row} on."
        )
    return ScoringSheet(
        book_title=book.title, tab=found.title, gid=found.gid, categories=categories, texts=texts, layout=layout
    )


async def moved(client: SheetsClient, sheet: ScoringSheet, rows: Sequence[int]) -> set[int]:
    """Look again whether texts still stand where they were read.

    Args:
        client: Of the spreadsheet.
        sheet: As it was read.
        rows: Numbers of texts, from 0.

    Returns:
        The numbers of those that do not.

    Raises:
        InputError: The names of the categories do not stand where they did, or the sheet cannot be read.
    """
    layout, width = sheet.layout, len(sheet.categories)
    head = area(
        sheet.tab,
        row=layout.name_row,
        column=layout.first_column,
        last_row=layout.name_row,
        last_column=sheet.column(width - 1),
    )
    column = layout.text_column
    found: dict[int, str] = {}
    for spans in _looks(rows, sheet.texts):
        ranges = [
            area(sheet.tab, row=sheet.row(first), column=column, last_row=sheet.row(last), last_column=column)
            for first, last in spans
        ]
        names, *pages = await client.get([head, *ranges])
        _check_same(names[0] if names else [], sheet)
        for (first, last), page in zip(spans, pages, strict=True):
            found |= dict(enumerate(_page(page, last - first + 1), start=first))
    return {row for row in rows if found[row] != sheet.texts[row]}


def _check_same(names: Sequence[Any], sheet: ScoringSheet) -> None:
    for number, category in enumerate(sheet.categories):
        found = text_of(names[number]).strip() if number < len(names) else ""
        if found != category["name"]:
            place = cell_name(sheet.layout.name_row, sheet.column(number))
            raise InputError(
                f"{place} of the tab '{sheet.tab}' said '{category['name']}' when the job began and says '{found}' now."
            )


def _looks(rows: Sequence[int], texts: Sequence[str]) -> Iterator[list[tuple[int, int]]]:
    """Cover rows with few spans, for few requests of a bounded size each; a gap of some rows is read as well."""
    spans: list[tuple[int, int]] = []
    size = 0
    for row in sorted(set(rows)):
        near = bool(spans) and row - spans[-1][1] <= _GAP
        first = spans[-1][1] + 1 if near else row
        more = sum(len(text) + 1 for text in texts[first : row + 1])
        if spans and (size + more > _LARGEST_LOOK or (not near and len(spans) == _MOST_SPANS)):
            yield spans
            spans, size, near = [], 0, False
        if near:
            spans[-1] = spans[-1][0], row
        else:
            spans.append((row, row))
        size += more
    if spans:
        yield spans


async def _further_texts(client: SheetsClient, tab: Tab, layout: SheetLayout, row: int, *, blank: bool) -> list[str]:
    """Read the pages after the first; pages grow while they are blank, for grids are often far larger than tables."""
    texts: list[str] = []
    size = PAGE_ROWS
    while row <= tab.rows:
        size = min(_LONGEST_PAGE, 2 * size) if blank else PAGE_ROWS
        last = min(tab.rows, row + size - 1)
        (page,) = await client.get([_texts_range(tab, layout, row, last)])
        texts += _page(page, last - row + 1)
        blank = not page
        row = last + 1
    return texts


def _texts_range(tab: Tab, layout: SheetLayout, row: int, last_row: int) -> str:
    column = layout.text_column
    return area(tab.title, row=row, column=column, last_row=last_row, last_column=column)


def _page(values: Sequence[Sequence[Any]], rows: int) -> list[str]:
    """Show a column of cells as texts, those at the end included that are left out because they are empty."""
    texts = [text_of(cells[0]) if cells else "" for cells in values]
    return texts + [""] * (rows - len(texts))


def _check_grid(tab: Tab, layout: SheetLayout) -> None:
    """Make sure that there is something at the places of the layout, and no merged cells in the header."""
    size = f"it ends at {cell_name(tab.rows, min(tab.columns, MOST_COLUMNS))}"
    if layout.first_column > tab.columns or layout.text_column > tab.columns:
        column = layout.first if layout.first_column > tab.columns else layout.text
        raise InputError(f"The tab '{tab.title}' has no column {column.upper()}: {size}.")
    if layout.first_row > tab.rows:
        raise InputError(f"The tab '{tab.title}' has no row {layout.first_row}, where the texts begin: {size}.")
    rows = layout.header_rows
    for one in tab.merges:
        across = one.last_column >= layout.first_column and one.last_column > one.column
        if across and any(one.row <= row <= one.last_row for row in rows):
            merged = f"{cell_name(one.row, one.column)}:{cell_name(one.last_row, one.last_column)}"
            raise InputError(f"The cells {merged} of the tab '{tab.title}' are merged: each category needs its own.")


def _categories(told: Sequence[Sequence[Sequence[Any]]], tab: Tab, layout: SheetLayout) -> list[dict[str, str]]:
    """Put names, definitions and details together, up to the last name."""
    names, definitions, details = ([text_of(cell).strip() for cell in rows[0]] if rows else [] for rows in told)
    while names and not names[-1]:
        names.pop()
    _check_names(names, tab, layout)
    return [
        {
            "name": name,
            "definition": definitions[number] if number < len(definitions) else "",
            "detail": details[number] if number < len(details) else "",
        }
        for number, name in enumerate(names)
    ]


def _check_names(names: Sequence[str], tab: Tab, layout: SheetLayout) -> None:
    def cell(number: int) -> str:
        return f"{cell_name(layout.name_row, layout.first_column + number)} of the tab '{tab.title}'"

    if not names:
        raise InputError(f"{cell(0)} is empty: write the names of the categories from there to the right.")
    if len(names) > MOST_CATEGORIES:
        raise InputError(f"The tab '{tab.title}' has more than {MOST_CATEGORIES} categories: divide them among tabs.")
    if layout.first_column <= layout.text_column < layout.first_column + len(names):
        raise InputError(f"Column {layout.text.upper()} of the tab '{tab.title}' holds the texts, and a category, too.")
    for number, name in enumerate(names):
        if not name:
            raise InputError(
                f"{cell(number)} is empty, but there are names to its right: name the category, or delete column "
                f"{letters(layout.first_column + number)}."
            )
        if name in _ERRORS:
            raise InputError(f"{cell(number)} shows {name}: mend its formula, or write the name itself.")
        if name in names[:number]:
            other = cell_name(layout.name_row, layout.first_column + names.index(name))
            raise InputError(f"{cell(number)} has the same name as {other}: '{name}'.")
