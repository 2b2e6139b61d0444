"""A table: named columns and rows that can be read again and again."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from penstock.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Kind: TypeAlias = Literal["text", "number", "any"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        number: Position among the rows, from 0; the header does not count.
        cells: One value per column, in the order of the columns and of the types of the file.
        problem: One sentence, where this row is broken; its cells then hold what could be saved of it.
    """

    number: int
    cells: tuple[Any, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column that is added to a table.

    Attributes:
        name: Its heading.
        kind: What its cells hold: `text`, `number`, or `any` (written as text where a format needs one type).
    """

    name: str
    kind: Kind = "any"


class Source(Protocol):
    """A file of one format, opened for reading: it knows its columns and starts its rows anew on demand."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        ...

    def rows(self) -> Iterator[Row]:
        """Yield every row from the first one, reading as it goes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file of rows under named columns.

    Attributes:
        path: Where it lies.
        source: What reads it; a writer takes types, encoding and newline style from here.
        encoding: How its characters are kept, where that was given or told from the bytes; else empty.
    """

    path: Path
    source: Source
    encoding: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return self.source.columns

    def rows(self) -> Iterator[Row]:
        """Yield every row from the first one; each call reads the file anew, without holding it in memory.

        Raises:
            InputError: When the file cannot be read on.
        """
        return self.source.rows()

    def column(self, name: str) -> int:
        """Find a column by its name.

        Returns:
            Its position in `columns` and in the cells of a row.

        Raises:
            InputError: When there is no such column; names those that there are.
        """
        if name in self.columns:
            return self.columns.index(name)
        near = get_close_matches(name, self.columns, n=1, cutoff=0.5)
        hint = f" did you mean '{near[0]}'?" if near else ""
        raise InputError(f"{self.path} has no column '{name}':{hint} it has {_listed(self.columns)}.")


def check_columns(names: Sequence[str], *, path: Path) -> tuple[str, ...]:
    """Return the names of a header as they are.

    Raises:
        InputError: When there is none, one is blank, or one comes twice.
    """
    for number, name in enumerate(names, start=1):
        if not name.strip():
            raise InputError(f"Column {number} of {path} has no name: give every column a heading.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise InputError(f"Column '{twice}' comes twice in {path}: give every column a name of its own.")
    return tuple(names)


def fit(cells: Sequence[Any], *, width: int, joint: str) -> tuple[tuple[Any, ...], str]:
    """Give a row as many cells as there are columns, without losing any text.

    Missing cells become None; those too many are joined to the last one, as they stood in the file.

    Returns:
        The cells, and one sentence when there were too few or too many.
    """
    count = len(cells)
    if count == width:
        return tuple(cells), ""
    have = f"The row has {count} {'cell' if count == 1 else 'cells'} where the header has {width}"
    if count < width:
        return (*cells, *[None] * (width - count)), f"{have}: add the missing cells."
    last = joint.join(str(cell) for cell in cells[width - 1 :])
    return (*cells[: width - 1], last), f"{have}: quote the cell that holds a separator."


def _listed(names: Sequence[str], *, most: int = 20) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
