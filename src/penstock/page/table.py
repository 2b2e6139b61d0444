"""The parts of a page, and its tables: each column says how it is filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from penstock.page.markup import Markup, element

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from penstock.page.markup import Child

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column.

    Attributes:
        head: Its heading.
        cell: Makes its cell from what a row is about.
        words: Whether it holds words, not numbers, and is set flush left.
    """

    head: str
    cell: Callable[[Row], Child]
    words: bool = False


def section(title: str, *content: Child) -> Markup:
    """Make a part of the page with its heading."""
    return element("section", element("h2", title), *content)


def table(caption: str, columns: Sequence[Column[Row]], rows: Iterable[Row], *, class_: str | None = None) -> Markup:
    """Make a table; the first column names the rows. On a narrow screen it scrolls by itself."""
    heads = [element("th", column.head, scope="col", class_=_side(column)) for column in columns]
    body = [element("tr", *_cells(columns, row)) for row in rows]
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *heads)),
        element("tbody", *body),
        class_=class_,
    )
    return element("div", whole, class_="scroll", role="region", tabindex=0, aria_label=caption)


def _cells(columns: Sequence[Column[Row]], row: Row) -> list[Markup]:
    name, *others = columns
    return [
        element("th", name.cell(row), scope="row", class_=_side(name)),
        *(element("td", column.cell(row), class_=_side(column)) for column in others),
    ]


def _side(column: Column[Row]) -> str | None:
    return "w" if column.words else None
