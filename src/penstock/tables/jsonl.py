"""JSON Lines: one object per line, its keys are the columns.

Objects may have different keys. The columns are all keys of the whole file, in the order in which they are first seen,
which takes one quick pass over it when it is opened; a key that an object lacks is None in its row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import msgspec

from penstock.errors import InputError
from penstock.tables.cell import is_whole, to_json
from penstock.tables.encoding import Encoding
from penstock.tables.lines import Lines
from penstock.tables.table import Row, check_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from penstock.tables.text import Text

_MOST = 16_384  # columns; as many as the largest sheet has
_FOREIGN = "it holds bytes that are not in the encoding of the file: save the whole file in one encoding."


@dataclass(frozen=True, slots=True, kw_only=True)
class Jsonl:
    """A file of JSON objects, opened for reading.

    Attributes:
        text: Its lines.
        columns: All keys of its objects, in the order in which they are first seen.
    """

    text: Text
    columns: tuple[str, ...]

    def rows(self) -> Iterator[Row]:
        """Yield every object as a row; a line that is none is broken and stands whole in the first cell."""
        number = 0
        empty = (None,) * (len(self.columns) - 1)
        for line, text in enumerate(self.text.lines(), start=1):
            if text.isspace():
                continue
            found = _object(text)
            if isinstance(found, str):
                yield Row(number, (text.rstrip("\r\n"), *empty), f"Line {line}: {found}")
            else:
                problem = "" if is_whole(text) else f"Line {line}: {_FOREIGN}"
                yield Row(number, tuple(map(found.get, self.columns)), problem)
            number += 1


def open_jsonl(text: Text) -> Jsonl:
    """Collect the keys of a file of JSON objects.

    Raises:
        InputError: When no line is an object, or the keys are no columns.
    """
    keys = msgspec.json.Decoder(dict[str, msgspec.Raw])
    columns: dict[str, None] = {}
    for line in text.lines():
        try:
            columns.update(dict.fromkeys(keys.decode(line)))
        except (ValueError, RecursionError):
            found = _object(line)
            columns.update({} if isinstance(found, str) else dict.fromkeys(found))
        if len(columns) > _MOST:
            raise InputError(f"The objects of {text.path} have more than {_MOST:,} different keys: give them columns.")
    if not columns:
        raise InputError(f"{text.path} has no JSON object: write one object per line.")
    return Jsonl(text=text, columns=check_columns(list(columns), path=text.path))


def _object(line: str) -> dict[str, Any] | str:
    """Read one object, NaN and halves of surrogate pairs allowed; a sentence when it is none."""
    try:
        found: Any = msgspec.json.decode(line)
    except (ValueError, RecursionError):  # strict and fast; what it refuses may still be JSON to many
        try:
            found = json.loads(line)
        except json.JSONDecodeError as error:
            return f"it is not valid JSON ({error.msg}): mend it."
        except (ValueError, RecursionError):
            return "its JSON is too deep or holds too long a number: mend it."
    if type(found) is not dict:
        return "it is JSON, but not an object: write one object per line."
    return cast("dict[str, Any]", found)


class JsonlWriter:
    """Writes rows as JSON objects, one per line, in UTF-8.

    Args:
        file: Where the bytes go; it is not closed.
        path: Under what name they will be published.
        columns: The keys.
    """

    def __init__(self, file: BinaryIO, *, path: Path, columns: Sequence[str]) -> None:
        self._lines = Lines(file, path=path, encoding=Encoding(name="utf-8"))
        self._columns = tuple(columns)
        self._plain = json.JSONEncoder(ensure_ascii=False, default=to_json)
        self._escaped = json.JSONEncoder(default=to_json)

    def write(self, cells: Sequence[Any]) -> None:
        """Write one row; None is null, dates are ISO texts."""
        row = dict(zip(self._columns, cells, strict=True))
        line = self._plain.encode(row)
        if not is_whole(line):  # what is not a character can stand in JSON as an escape only
            line = self._escaped.encode(row)
        self._lines.write(f"{line}\n")

    def finish(self) -> None:
        """Write what is still held back."""
        self._lines.finish()

    def abandon(self) -> None:
        """Let go; nothing lies anywhere else."""
