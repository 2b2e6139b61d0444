"""The format of a table, told by the ending of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from penstock.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

Format: TypeAlias = Literal["csv", "tsv", "jsonl", "parquet", "excel"]

_WRITTEN: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "excel",
}
_READ: dict[str, Format] = {**_WRITTEN, ".xlsm": "excel", ".xls": "excel", ".xlsb": "excel", ".ods": "excel"}


def format_of(path: Path, *, written: bool = False) -> Format:
    """Return the format that a name stands for; `.gz` may follow the ending of a text format.

    Args:
        path: The name.
        written: Whether the file is to be written, for which there are fewer formats.

    Raises:
        InputError: When the ending is unknown; names those that are known.
    """
    known = _WRITTEN if written else _READ
    packed = path.suffix.lower() == ".gz"
    suffix = (path.with_suffix("") if packed else path).suffix.lower()
    form = known.get(suffix)
    if form is None or (packed and form in {"parquet", "excel"}):
        verb = "written" if written else "read"
        raise InputError(
            f"{path} cannot be {verb}: its name must end in one of {' '.join(known)}, or .csv.gz, .jsonl.gz."
        )
    return form
