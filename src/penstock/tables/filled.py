"""Whether a person has written into a table that lies there, so that it must not be replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.tables.cell import text_of
from penstock.tables.open import open_table

if TYPE_CHECKING:
    from pathlib import Path


def is_filled(path: Path, column: str) -> bool:
    """Say whether a table is there and has something in a column.

    Raises:
        InputError: What lies there is no table that can be read.
    """
    if not path.exists():
        return False
    table = open_table(path)
    if column not in table.columns:
        return False
    place = table.column(column)
    return any(text_of(row.cells[place]).strip() for row in table.rows())
