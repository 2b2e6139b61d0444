"""A table with columns added: what it is called, and whether they would overwrite what is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from penstock.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.tables.table import Table


def beside(source: Path, word: str) -> Path:
    """Name a table where nobody did: `a.csv.gz` becomes `a.WORD.csv.gz`, `b.xls` becomes `b.WORD.xlsx`."""
    packed = source.suffix if source.suffix.lower() == ".gz" else ""
    plain = Path(source.stem) if packed else Path(source.name)
    workbook = plain.suffix.lower() in {".xls", ".xlsm", ".xlsb", ".ods"}
    return source.with_name(f"{plain.stem}.{word}{'.xlsx' if workbook else plain.suffix}{packed}")


def check_added(table: Table, added: Sequence[str], *, otherwise: str) -> None:
    """Make sure that nothing of the source would be overwritten.

    Args:
        table: The source.
        added: Names of the columns that are added.
        otherwise: What else can be done than to give them a prefix.

    Raises:
        InputError: A column of that name is there already, or two are called alike.
    """
    taken = [name for name in added if name in table.columns]
    if taken:
        raise InputError(
            f"The table already has a column {taken[0]!r}; give the added columns a prefix (--prefix), or {otherwise}."
        )
    if len(set(added)) < len(added):
        twice = next(name for name in added if list(added).count(name) > 1)
        raise InputError(f"Two added columns would be called {twice!r}; {otherwise}.")
