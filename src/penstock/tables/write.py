"""Writing a table, whatever its format, whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from penstock.tables.delimited import Delimited, DelimitedWriter, Dialect
from penstock.tables.encoding import Encoding
from penstock.tables.excel import ExcelWriter
from penstock.tables.format import format_of
from penstock.tables.jsonl import JsonlWriter
from penstock.tables.parquet import ParquetWriter, arrow
from penstock.tables.publish import check_place, delivering, publishing, undelivered

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from penstock.tables.table import Column, Table


class Writer(Protocol):
    """Writes rows in one format."""

    def write(self, cells: Sequence[Any]) -> None:
        """Write one row, a value per column; None is an empty cell."""
        ...

    def finish(self) -> None:
        """Write what is still held back; called once, at the end."""
        ...

    def abandon(self) -> None:
        """Let go of everything without finishing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A table that is being written.

    Attributes:
        path: Where it will appear.
        columns: Names of its columns.
    """

    path: Path
    columns: tuple[str, ...]
    _writer: Writer

    def write(self, cells: Sequence[Any]) -> None:
        """Write one row, a value per column; None is an empty cell.

        Raises:
            DeliveryError: When the disk is full or the format has no room for it.
            ValueError: When there are more or fewer values than columns.
        """
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells for {len(self.columns)} columns")
        try:
            self._writer.write(cells)
        except OSError as error:
            raise undelivered(error, path=self.path) from error


@contextmanager
def writer(
    path: str | os.PathLike[str], columns: Sequence[str | Column], *, like: Table | None = None
) -> Generator[Output]:
    """Open a table for writing, in the format that the ending of its name stands for.

    The file appears under its name when the block is left without an error, and not at all otherwise; what stood there
    before stays until then. Equal rows make equal bytes. Text cells that a spreadsheet would take for formulas get an
    apostrophe in CSV and TSV, and are plain texts in Excel.

    Args:
        path: Where the table shall appear.
        columns: Names of columns of the source, and added ones.
        like: The source, whose types, encoding, delimiter and newline style are kept where the format has them.

    Raises:
        InputError: When the format cannot be written.
        DeliveryError: When the file cannot be written.
        MissingExtra: When Parquet needs pyarrow.
    """
    path = Path(path)
    format_of(path, written=True)
    with publishing(path) as file:
        with delivering(path):
            inner = _writer(file, path.resolve(), columns=columns, like=like)
        try:
            yield Output(path=path, columns=_names(columns), _writer=inner)
            with delivering(path):
                inner.finish()
        except BaseException:
            with suppress(OSError):
                inner.abandon()
            raise


def check_writable(path: str | os.PathLike[str]) -> None:
    """See that a table can be written, before any work is done for it.

    Raises:
        InputError: When the ending is unknown, the folder is missing or closed, or the target is a folder, read-only or
            open elsewhere.
        MissingExtra: When Parquet needs pyarrow.
    """
    path = Path(path)
    if format_of(path, written=True) == "parquet":
        arrow()
    check_place(path)


def same_file(first: str | os.PathLike[str], second: str | os.PathLike[str]) -> bool:
    """Say whether two names stand for one file, by whatever links."""
    try:
        return os.path.samefile(first, second)  # noqa: PTH121 - takes names of either kind
    except OSError:
        return Path(first).resolve() == Path(second).resolve()


def _names(columns: Sequence[str | Column]) -> tuple[str, ...]:
    return tuple(column if isinstance(column, str) else column.name for column in columns)


def _writer(file: BinaryIO, path: Path, *, columns: Sequence[str | Column], like: Table | None) -> Writer:
    form = format_of(path, written=True)
    names = _names(columns)
    if form == "parquet":
        return ParquetWriter(file, path=path, columns=columns, like=like)
    if form == "excel":
        return ExcelWriter(file, path=path, columns=names)
    if form == "jsonl":
        return JsonlWriter(file, path=path, columns=names)
    source = like.source if like else None
    dialect = Dialect(delimiter="\t" if form == "tsv" else ",")
    encoding = Encoding(name="utf-8")
    if like and isinstance(source, Delimited):
        alike = format_of(like.path) == form
        dialect = replace(dialect, newline=source.dialect.newline)
        dialect = replace(dialect, delimiter=source.dialect.delimiter) if alike else dialect
        encoding = source.text.encoding
    return DelimitedWriter(file, path=path, columns=names, dialect=dialect, encoding=encoding)
