"""Books to rehearse with: one of our own, and one made of a table."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from penstock.errors import InputError
from penstock.testing.sheet.book import SheetBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from penstock.judge.category import Category

SAMPLE = "rehearsal"
TAB = "Comments"
FIRST_ROW = 5  # of the texts, in column C; names, definitions and details stand above, from column D on
MOST_ROWS = 100_000
_CATEGORIES = (
    ("opening hours", "The comment is about when the library is open.", "evenings, weekends, holidays, closing time"),
    ("staff", "The comment is about how the people at the desk behave.", "helpful, rude, patient, knew the answer"),
    (
        "collection",
        "The comment is about the books and films that can be borrowed.",
        "missing, out of date, new titles",
    ),
    (
        "building",
        "The comment is about rooms, seats, light, noise or the lift.",
        "cold, loud, toilets, stairs, sockets",
    ),
)
_TEXTS = (
    "Open until eight at last, so I can come after work.",
    "The woman at the desk found the song book I had only half remembered.",
    "Nothing about heat pumps is younger than ten years.",
    "Third floor, no lift, and a pram.",
    "Why is the reading room closed on the one day it rains?",
    "Two sockets for forty seats; bring a long cable.",
    "They let my son pay his fine in coins and counted them with him.",
    "The new graphic novels are gone within an hour, please buy two of each.",
    "It is so quiet upstairs that one hears the pigeons.",
    "=SUM of all complaints: the heating.",
    "Schade, dass samstags schon um zwölf geschlossen wird.",
    "司書さんが親切で、探していた地図をすぐ出してくれました。",
)


def sample_book() -> SheetBook:
    """Return a small book in the layout that `penstock score` expects: what visitors of a library said."""
    return lay_out(_TEXTS, _CATEGORIES, title="Library comments", tab=TAB)


def lay_out(
    texts: Iterable[str], categories: Sequence[tuple[str, str, str]], *, title: str = "Rehearsal", tab: str = TAB
) -> SheetBook:
    """Return a book with texts in column C from row 5, and name, definition, detail of categories from column D on."""
    held = list(texts)
    width = 3 + len(categories)
    rows: list[list[Any]] = [[""] * width for _ in range(FIRST_ROW - 1)]
    for label, row in zip(("Category", "Definition", "Detail"), (1, 2, 3), strict=True):
        rows[row][2] = label
    for column, category in enumerate(categories, start=3):
        for row, part in enumerate(category, start=1):
            rows[row][column] = part
    rows += [[number, "", text] for number, text in enumerate(held, start=1)]
    return SheetBook({tab: rows}, title=title, rows=max(1000, len(rows)))


def book_of_table(table: Path, *, text: str, categories: Sequence[Category]) -> SheetBook:
    """Return a book with the texts of a table's column, at most the first 100,000 rows.

    Raises:
        InputError: When the table cannot be read, or has no such column; without a name it takes the only one.
    """
    from penstock.tables import open_table, text_of

    opened = open_table(table)
    if not text and len(opened.columns) > 1:
        raise InputError(f"{table} has the columns {', '.join(opened.columns)}: say which holds the texts with --text.")
    column = opened.column(text) if text else 0
    texts = (text_of(row.cells[column]) for row in islice(opened.rows(), MOST_ROWS))
    named = [(each.name, each.definition, each.detail) for each in categories] or list(_CATEGORIES)
    return lay_out(texts, named, title=table.name)
