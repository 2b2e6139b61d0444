"""CSV and TSV: cells between delimiters, a quote around those that hold one.

Reading is strict about quotes, because a lenient reader drops characters or swallows the rest of the file after one
stray quote. A record that breaks the rules becomes one broken row made of its first line, and reading goes on with the
next line.
"""

from __future__ import annotations

import csv
import math
from collections import deque
from dataclasses import KW_ONLY, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from penstock.errors import InputError
from penstock.tables.cell import harmless, is_whole, text_of
from penstock.tables.lines import Lines
from penstock.tables.table import Row, check_columns, fit
from penstock.tables.text import LONGEST, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from penstock.tables.encoding import Encoding

# The limit of the csv module is one for the whole process and too low for long texts (131,072 characters). It is set
# here and nowhere else; the length of a record is bounded below.
csv.field_size_limit(2 * LONGEST)

_REREAD = 1 << 28  # characters that may be read again after broken quotes, in one file
_SAMPLE = 50  # records that the delimiter is told from
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How cells are set apart.

    Attributes:
        delimiter: The sign between two cells.
        quoted: Whether a quote at the beginning of a cell opens a quoted one.
        newline: The ending of a row.
    """

    delimiter: str = ","
    quoted: bool = True
    newline: str = "\n"


class Record(NamedTuple):
    """One record as it was read.

    Attributes:
        line: Where it begins, from 1.
        cells: What it holds; a broken record is its first line, split at the delimiters.
        problem: What is wrong with it, if anything.
    """

    line: int
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimited:
    """A CSV or TSV file, opened for reading.

    Attributes:
        text: Its lines.
        dialect: How its cells are set apart.
        columns: Its header.
    """

    text: Text
    dialect: Dialect
    columns: tuple[str, ...]

    def rows(self) -> Iterator[Row]:
        """Yield every row; blank lines are none, except as empty cells of a table of one column."""
        found = records(self.text, dialect=self.dialect)
        next(found)
        width = len(self.columns)
        for number, record in enumerate(found):
            cells, uneven = fit(record.cells, width=width, joint=self.dialect.delimiter)
            problem = record.problem or uneven
            yield Row(number, cells, f"Line {record.line}: {problem}" if problem else "")


def open_delimited(text: Text, *, delimiter: str | None) -> Delimited:
    """Read the header of a CSV or TSV file.

    Args:
        text: Its lines.
        delimiter: The sign between two cells; None tells it from the first records.

    Raises:
        InputError: When the header is broken or there is no row.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
        raise InputError(f"The delimiter {delimiter!r} is not one sign: give one such as ',' or ';'.")
    dialect = _told(text, delimiters=delimiter or _DELIMITERS)
    found = records(text, dialect=dialect)
    header = next(found, None)
    if header is None:
        raise InputError(f"{text.path} is empty: give a table with a header and at least one row.")
    if header.problem:
        raise InputError(f"The header of {text.path} is broken: {header.problem}")
    columns = check_columns(header.cells, path=text.path)
    if next(found, None) is None:
        raise InputError(f"{text.path} has a header and no rows: give a table with at least one row.")
    return Delimited(text=text, dialect=dialect, columns=columns)


def records(text: Text, *, dialect: Dialect) -> Iterator[Record]:
    """Yield every record of a file, the header first; a broken one does not end them.

    Raises:
        InputError: When the file cannot be read on.
    """
    feed = _Feed(text)
    reader = _reader(feed, dialect=dialect)
    width, blanks = 0, 0
    while True:
        feed.held.clear()
        record = _next_record(reader, feed, dialect=dialect)
        if record is None:
            return
        if not record.cells:
            blanks += 1
            continue
        if width == 1:  # a blank line is an empty cell when others follow
            yield from (Record(line=record.line - back, cells=[""]) for back in range(blanks, 0, -1))
        blanks, width = 0, width or len(record.cells)
        yield record


class _Feed:
    """Hands lines to the csv reader and remembers those of the record at hand."""

    def __init__(self, text: Text) -> None:
        self._path = text.path
        self._lines = text.lines()
        self._again: deque[str] = deque()
        self._reread = 0
        self._given = 0
        self._size = 0
        self.held: list[str] = []

    @property
    def first(self) -> int:
        """Number of the line that the record at hand begins with, from 1."""
        return self._given - len(self.held) + 1

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self._given += 1
        self._size = self._size + len(line) if self.held else len(line)
        self.held.append(line)
        if self._size > LONGEST:
            raise csv.Error
        return line

    def take_back(self) -> str:
        """Return the first line of the record at hand and have the others read again."""
        first, *others = self.held
        self._again.extendleft(reversed(others))
        self._given -= len(others)
        self._reread += sum(map(len, others))
        if self._reread > _REREAD:
            raise InputError(
                f"{self._path} has too many quotes that never close, from line {self._given} on: mend them."
            )
        self.held = [first]
        return first


def _next_record(reader: Iterator[list[str]], feed: _Feed, *, dialect: Dialect) -> Record | None:
    try:
        cells = next(reader, None)
    except csv.Error as error:
        inside = "expected after" in str(error) and len(feed.held) == 1
        line = feed.take_back()
        cells = next(csv.reader([line], delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE), [line])
        problem = (
            "a quote stands inside a quoted cell: double it."
            if inside
            else "a quote is opened and not closed, or the cell is too long: close it."
        )
        return Record(line=feed.first, cells=cells, problem=problem)
    return None if cells is None else Record(line=feed.first, cells=cells, problem=_bad_signs(feed.held))


def _bad_signs(lines: list[str]) -> str:
    for line in lines:
        if not is_whole(line):
            return "it holds bytes that are not in the encoding of the file: save the whole file in one encoding."
        if "\0" in line:
            return "it holds a NUL byte: remove it."
    return ""


def _reader(lines: Iterator[str], *, dialect: Dialect) -> Iterator[list[str]]:
    if dialect.quoted:
        return csv.reader(lines, delimiter=dialect.delimiter, strict=True)
    return csv.reader(lines, delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE)


def _told(text: Text, *, delimiters: str) -> Dialect:
    """Tell the dialect from the first records."""
    first = next(text.lines(), "")
    newline = next((end for end in ("\r\n", "\n", "\r") if first.endswith(end)), "\n")
    known = [Dialect(delimiter=sign, newline=newline) for sign in delimiters]
    best = max(known, key=lambda dialect: _evenness(text, dialect=dialect))
    bare = Dialect(delimiter="\t", quoted=False, newline=newline)
    if best.delimiter == "\t" and _evenness(text, dialect=bare) > _evenness(text, dialect=best):
        return bare
    return best


def _evenness(text: Text, *, dialect: Dialect) -> tuple[float, int]:
    """Share of the first records that are whole and as wide as the header, then the width; none for one column."""
    header, *others = [*islice(records(text, dialect=dialect), _SAMPLE)] or [Record(line=1, cells=[])]
    width = len(header.cells)
    if width < 2:
        return 0.0, 0
    even = sum(len(record.cells) == width and not record.problem for record in others)
    return round(even / max(len(others), 1), 1), width


class DelimitedWriter:
    """Writes rows as CSV or TSV; no text cell can be taken for a formula.

    Args:
        file: Where the bytes go; it is not closed.
        path: Under what name they will be published.
        columns: The header.
        dialect: How cells are set apart.
        encoding: How characters are kept, as long as they can be.
    """

    def __init__(
        self, file: BinaryIO, *, path: Path, columns: Sequence[str], dialect: Dialect, encoding: Encoding
    ) -> None:
        self._lines = Lines(file, path=path, encoding=encoding)
        # The csv module quotes a lone CR or LF only when both end its rows; the true ending is put in afterwards.
        ending = _Ending(self._lines, newline=dialect.newline)
        self._csv = csv.writer(ending, delimiter=dialect.delimiter, lineterminator="\r\n")
        self.write(columns)

    def write(self, cells: Sequence[Any]) -> None:
        """Write one row."""
        self._csv.writerow([_field(cell) for cell in cells])

    def finish(self) -> None:
        """Write what is still held back."""
        self._lines.finish()

    def abandon(self) -> None:
        """Let go; nothing lies anywhere else."""


@dataclass(frozen=True, slots=True)
class _Ending:
    """Gives every row that the csv module writes the ending it should have."""

    lines: Lines
    _: KW_ONLY
    newline: str

    def write(self, row: str) -> None:
        self.lines.write(row[:-2] + self.newline)


def _field(cell: Any) -> Any:
    if isinstance(cell, str):
        return harmless(cell)
    if isinstance(cell, float):
        return "NaN" if math.isnan(cell) else cell
    if cell is None or (isinstance(cell, int) and not isinstance(cell, bool)):
        return cell
    return harmless(text_of(cell))
