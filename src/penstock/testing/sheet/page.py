"""A book as a plain page, so that a person sees the cells fill while a rehearsal runs."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from penstock.testing.sheet.book import Formula
from penstock.testing.sheet.ranges import Rectangle, letters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.testing.sheet.book import SheetBook, SheetTab, Value

MOST_ROWS = 500
MOST_COLUMNS = 60
_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:1rem}table{border-collapse:collapse}"
    "td,th{border:1px solid #ccc;padding:.15rem .4rem;max-width:28rem;vertical-align:top}"
    "th{background:#f3f3f3;font-weight:400}td.n{text-align:right}nav a,nav b{margin-right:1rem}"
)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def book_page(book: SheetBook, book_id: str, *, gid: int) -> str:
    """Return the page of one tab; every cell is text to it, whatever it holds."""
    tab = book.by_gid(gid) or next(iter(book.tabs.values()))
    tabs = " ".join(
        f"<b>{escape(each.title)}</b>"
        if each is tab
        else f'<a href="/spreadsheets/d/{quote(book_id, safe="")}/edit?gid={each.gid}">{escape(each.title)}</a>'
        for each in book.tabs.values()
    )
    head = f"<h1>{escape(book.title)}</h1><nav>{tabs}</nav>"
    return _page(book.title, head + _table(tab), refresh=True)


def list_page(books: Mapping[str, SheetBook]) -> str:
    """Return the page that lists the books."""
    links = "".join(
        f'<li><a href="/spreadsheets/d/{quote(name, safe="")}/edit?gid=0">{escape(book.title)}</a></li>'
        for name, book in books.items()
    )
    return _page("Sheets on this machine", f"<h1>Sheets on this machine</h1><ul>{links}</ul>")


def file_page(name: str, file_id: str) -> str:
    """Return the page of a file in Drive."""
    link = f"/uc?export=download&amp;id={quote(file_id, safe='')}"
    return _page(name, f'<h1>{escape(name)}</h1><p><a href="{link}">Download</a></p>')


def _page(title: str, body: str, *, refresh: bool = False) -> str:
    again = '<meta http-equiv="refresh" content="2">' if refresh else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">{again}<title>{escape(title)}</title>'
        f"<style>{_STYLE}</style>{body}</html>"
    )


def _table(tab: SheetTab) -> str:
    rows = tab.read(Rectangle(bottom=min(tab.rows, MOST_ROWS), right=min(tab.columns, MOST_COLUMNS)))
    width = max((len(row) for row in rows), default=0)
    head = "".join(f"<th>{letters(column)}</th>" for column in range(1, width + 1))
    lines = "".join(_line(number, row, width) for number, row in enumerate(rows, start=1))
    more = tab.last_row() - len(rows)
    below = f"<p>{more:,} more rows are not shown.</p>" if more > 0 else ""
    return f"<table><tr><th></th>{head}</tr>{lines}</table>{below}"


def _line(number: int, row: list[Value], width: int) -> str:
    blank = "<td></td>" * (width - len(row))
    return f"<tr><th>{number}</th>{''.join(map(_cell, row))}{blank}</tr>"


def _cell(value: Value) -> str:
    if isinstance(value, Formula):
        return f"<td>{escape(value.text)}</td>"
    if isinstance(value, str):
        return f"<td>{escape(value)}</td>"
    return f'<td class="n">{escape(str(value))}</td>'
