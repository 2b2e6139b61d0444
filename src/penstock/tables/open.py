"""Opening a table, whatever its format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from penstock.errors import InputError
from penstock.tables.delimited import open_delimited
from penstock.tables.excel import open_excel
from penstock.tables.format import Format, format_of
from penstock.tables.jsonl import open_jsonl
from penstock.tables.parquet import open_parquet
from penstock.tables.table import Table
from penstock.tables.text import open_text

if TYPE_CHECKING:
    import os

    from penstock.tables.table import Source


def open_table(
    path: str | os.PathLike[str], *, encoding: str | None = None, delimiter: str | None = None, sheet: str | None = None
) -> Table:
    """Open a CSV, TSV, JSON Lines, Parquet or Excel file by the ending of its name; `.gz` may follow for text files.

    Only its beginning is read, except for JSON Lines, whose keys are collected from the whole file. No file stays open.

    Args:
        path: The file.
        encoding: Of a text file; None tells it from the bytes.
        delimiter: Of a CSV or TSV file; None tells it from the first rows.
        sheet: Of a workbook; None takes the first.

    Raises:
        InputError: When the file is missing, empty, of another format, or an option does not suit it.
        MissingExtra: When Parquet needs pyarrow.
    """
    path = Path(path)
    _check_file(path)
    form = format_of(path)
    _check_options(form, path=path, encoding=encoding, delimiter=delimiter, sheet=sheet)
    if form == "excel":
        return Table(path=path, source=open_excel(path, sheet=sheet))
    if form == "parquet":
        return Table(path=path, source=open_parquet(path))
    text = open_text(path, encoding=encoding)
    source: Source
    if form == "jsonl":
        source = open_jsonl(text)
    else:
        source = open_delimited(text, delimiter=delimiter or ("\t" if form == "tsv" else None))
    return Table(path=path, source=source, encoding=text.encoding.name)


def _check_options(form: Format, *, path: Path, encoding: str | None, delimiter: str | None, sheet: str | None) -> None:
    if encoding and form in {"excel", "parquet"}:
        raise InputError(f"{path} keeps its encoding itself: leave --encoding away.")
    if delimiter is not None and form not in {"csv", "tsv"}:
        raise InputError(f"{path} has no delimiter: leave --delimiter away.")
    if sheet is not None and form != "excel":
        raise InputError(f"{path} has no sheets: leave --sheet away.")


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder: give the name of a file.")
        if not path.exists() and path.parts[:1] in {("http:",), ("https:",)}:
            raise InputError(f"{path} is an address, and this reads files: save the table as one first.")
        if not path.exists():
            raise InputError(f"There is no file {path}: check its name and folder.")
        if not path.is_file():
            raise InputError(f"{path} is not a regular file: save it as one, it is read more than once.")
        with path.open("rb"):
            pass
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty: give a table with a header and at least one row.")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}).") from error
