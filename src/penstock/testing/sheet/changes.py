"""Making books and changing their tabs, as `spreadsheets.get`, `create` and `batchUpdate` do.

Source: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from penstock.testing.sheet.book import SheetBook, known
from penstock.testing.sheet.mask import masked
from penstock.testing.sheet.trouble import Trouble, invalid
from penstock.testing.sheet.values import prefixed
from penstock.testing.sheet.wire import count_at, object_at, objects_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from penstock.testing.sheet.book import SheetTab
    from penstock.testing.sheet.ranges import Rectangle

_NO_SHEET = "No sheet with id: {}"


def described(book: SheetBook, book_id: str, *, url: str, protected: Sequence[str] = ()) -> dict[str, Any]:
    """Return a book as `spreadsheets.get` tells it, without its cells; with the ranges that nobody may edit."""
    kept = known(protected, book)
    return {
        "spreadsheetId": book_id,
        "properties": {
            "title": book.title,
            "locale": "en_US",
            "autoRecalc": "ON_CHANGE",
            "timeZone": "Etc/GMT",
        },
        "sheets": [_sheet(tab, index, kept) for index, tab in enumerate(book.tabs.values())],
        "spreadsheetUrl": url,
    }


def created(body: Mapping[str, Any]) -> SheetBook:
    """Return the new book that a request describes.

    Raises:
        Trouble: When a tab's title or size is wrong.
    """
    book = SheetBook(title=str(object_at(body, "properties").get("title") or "Untitled spreadsheet"))
    sheets = objects_at(body, "sheets")
    if sheets:
        book.tabs.clear()
    for sheet in sheets:
        _add(book, object_at(sheet, "properties"))
    return book


def change(book: SheetBook, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Apply requests in order, all or none; returns their replies.

    Raises:
        Trouble: When one of them is wrong; its place is named.
    """
    before = {title: _copy(tab) for title, tab in book.tabs.items()}
    replies: list[dict[str, Any]] = []
    for place, request in enumerate(requests):
        kind = next(iter(request), "")
        try:
            replies.append(_apply(book, kind, request))
        except Trouble as error:
            book.tabs = before
            raise prefixed(error, f"requests[{place}].{kind}" if kind else f"requests[{place}]") from error
    return replies


def _apply(book: SheetBook, kind: str, request: Mapping[str, Any]) -> dict[str, Any]:
    if kind not in _CHANGES:
        known = ", ".join(_CHANGES)
        raise invalid(f"No request set, or one that this test server does not know; it knows {known}.")
    return _CHANGES[kind](book, object_at(request, kind))


def _add_sheet(book: SheetBook, request: Mapping[str, Any]) -> dict[str, Any]:
    tab = _add(book, object_at(request, "properties"))
    return {"addSheet": _sheet(tab, len(book.tabs) - 1, ())}


def _delete_sheet(book: SheetBook, request: Mapping[str, Any]) -> dict[str, Any]:
    tab = _tab(book, count_at(request, "sheetId", 0))
    if len(book.tabs) == 1:
        raise invalid("You can't remove all the sheets in a document.")
    del book.tabs[tab.title]
    return {}


def _append_dimension(book: SheetBook, request: Mapping[str, Any]) -> dict[str, Any]:
    tab = _tab(book, count_at(request, "sheetId", 0))
    length, dimension = count_at(request, "length", 0), str(request.get("dimension"))
    if length < 1 or dimension not in {"ROWS", "COLUMNS"}:
        raise invalid("A dimension and a length of at least 1 are needed.")
    wider = {"rows": tab.rows, "columns": tab.columns}
    wider[dimension.lower()] += length
    book.resize(tab, **wider)
    return {}


def _update_sheet_properties(book: SheetBook, request: Mapping[str, Any]) -> dict[str, Any]:
    given, named = object_at(request, "properties"), str(request.get("fields", "")).replace(" ", "")
    if not named:
        raise invalid("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    tab, kept = _tab(book, count_at(given, "sheetId", 0)), masked(given, named)
    grid = object_at(kept, "gridProperties")
    rows, columns = count_at(grid, "rowCount", tab.rows), count_at(grid, "columnCount", tab.columns)
    book.resize(tab, rows=rows, columns=columns)
    if kept.get("title", tab.title) != tab.title:
        _rename(book, tab, str(kept["title"]))
    return {}


def _update_spreadsheet_properties(book: SheetBook, request: Mapping[str, Any]) -> dict[str, Any]:
    book.title = str(object_at(request, "properties").get("title") or book.title)
    return {}


_CHANGES: dict[str, Callable[[SheetBook, Mapping[str, Any]], dict[str, Any]]] = {
    "addSheet": _add_sheet,
    "deleteSheet": _delete_sheet,
    "appendDimension": _append_dimension,
    "updateSheetProperties": _update_sheet_properties,
    "updateSpreadsheetProperties": _update_spreadsheet_properties,
}


def _rename(book: SheetBook, tab: SheetTab, title: str) -> None:
    if title in book.tabs:
        raise invalid(f'A sheet with the name "{title}" already exists. Please enter another name.')
    book.tabs = {title if each is tab else name: each for name, each in book.tabs.items()}
    tab.title = title


def _add(book: SheetBook, properties: Mapping[str, Any]) -> SheetTab:
    grid = object_at(properties, "gridProperties")
    number = len(book.tabs) + 1
    free = next(name for each in range(number, 2 * number) if (name := f"Sheet{each}") not in book.tabs)
    return book.add(
        str(properties.get("title") or free),
        rows=count_at(grid, "rowCount", 1000),
        columns=count_at(grid, "columnCount", 26),
        gid=count_at(properties, "sheetId", 0) if "sheetId" in properties else None,
    )


def _copy(tab: SheetTab) -> SheetTab:
    return replace(tab, cells={row: dict(line) for row, line in tab.cells.items()}, filled=dict(tab.filled))


def _tab(book: SheetBook, gid: int) -> SheetTab:
    tab = book.by_gid(gid)
    if tab is None:
        raise invalid(_NO_SHEET.format(gid))
    return tab


def _sheet(tab: SheetTab, index: int, kept: Sequence[tuple[str, Rectangle]]) -> dict[str, Any]:
    protected = [_protected(tab, cells, number) for number, (title, cells) in enumerate(kept) if title == tab.title]
    return {
        **({"protectedRanges": protected} if protected else {}),
        "properties": {
            "sheetId": tab.gid,
            "title": tab.title,
            "index": index,
            "sheetType": "GRID",
            "gridProperties": {"rowCount": tab.rows, "columnCount": tab.columns},
        },
    }


def _protected(tab: SheetTab, cells: Rectangle, number: int) -> dict[str, Any]:
    """Tell a protected range; that the asking user cannot edit it is told by leaving `requestingUserCanEdit` out."""
    ends = {"endRowIndex": cells.bottom, "endColumnIndex": cells.right}
    begins = {"sheetId": tab.gid, "startRowIndex": cells.top - 1, "startColumnIndex": cells.left - 1}
    return {
        "protectedRangeId": number + 1,
        "range": {**begins, **{name: end for name, end in ends.items() if end is not None}},
    }
