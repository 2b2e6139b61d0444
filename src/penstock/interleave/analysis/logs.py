"""The log of an experiment, read line by line from wherever it was put.

A line is taken when it holds a record of this log, however it is packed: plain, behind a prefix (a logger's time and
level), as the `message` of another JSON object or in its `logEvents` (CloudWatch, Firehose), several objects on one
line, or with metrics beside its fields (EMF). Anything else in the file is somebody else's and is only counted. Parquet
files have one record per row, `items` nested.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isnan
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import msgspec

from penstock.errors import InputError
from penstock.interleave.record import SCHEMA
from penstock.interleave.returned import key
from penstock.interleave.settings import INTERLEAVE
from penstock.tables.parquet import open_parquet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_MARK = b"penstock.interleave/"
_DEPTH = 4  # objects within messages within objects


class Item(msgspec.Struct, frozen=True, gc=False):
    """One item of a page; its ranks and its credit come from the columns of the record."""

    item_id: str | int | float
    position: int
    source_ranker: str
    ranks: tuple[int | None, ...] = ()
    credit: float | None = None


class Page(msgspec.Struct, frozen=True):
    """One line of the log: a ranking, or a page of one."""

    schema: str
    time: str
    experiment: str
    ranking_id: str
    mode: str
    rankers: tuple[str, ...]
    items: tuple[Item, ...] = ()
    ranks: tuple[tuple[int | None, ...], ...] = ()
    credits: tuple[float, ...] = ()
    setting: str | None = None
    method: str | None = None
    user: str | int | None = None
    bucket: int | None = None
    offset: int = 0
    competitive: bool | None = None
    fallback_reason: str | None = None
    settings: str = "fresh"
    ms: dict[str, float] = {}

    @property
    def intended(self) -> str:
        """The mode that was set, whatever was done."""
        return self.setting or self.mode

    @property
    def merged(self) -> bool:
        """Whether it was interleaved in the end."""
        return self.mode == INTERLEAVE and self.fallback_reason is None


class Logs:
    """The pages in a number of files; to be read once, and its counts are right after that.

    Args:
        paths: Files, or folders that are searched for files, in the order of their names.

    Attributes:
        files: Files found.
        lines: Lines and rows read.
        foreign: Lines of something else.
        broken: Records that cannot be read.
        first_broken: Where the first of them is, and why.

    Raises:
        InputError: A path is not there, or a folder has no files.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = list(found_files(paths))
        self.files = len(self._paths)
        self.lines = 0
        self.foreign = 0
        self.broken = 0
        self.first_broken = ""

    def __iter__(self) -> Iterator[tuple[Page, float]]:
        """Give every page with its time in seconds since 1970.

        Raises:
            InputError: A file cannot be read.
            MissingExtra: A Parquet file needs pyarrow.
        """
        for path in self._paths:
            yield from self._rows(path) if is_parquet(path) else self._lines(path)

    def _lines(self, path: Path) -> Iterator[tuple[Page, float]]:
        decode = msgspec.json.Decoder(Page).decode
        for number, line in enumerate(lines_of(path), start=1):
            if _MARK not in line:
                self.lines += not line.isspace()
                self.foreign += not line.isspace()
                continue
            self.lines += 1
            try:
                yield _timed(decode(line))
            except (ValueError, RecursionError):  # packed, or broken
                yield from self._packed(line, path=path, number=number)

    def _packed(self, line: bytes, *, path: Path, number: int) -> Iterator[tuple[Page, float]]:
        found = list(_records(line.decode("utf-8", "replace"), _DEPTH))
        for record in found:
            try:
                yield _timed(msgspec.convert(record, Page))
            except ValueError as error:
                self._note(f"{path}, line {number}: {error}")
        if not found:
            self._note(f"{path}, line {number}: it is cut off or not JSON")

    def _rows(self, path: Path) -> Iterator[tuple[Page, float]]:
        table = open_parquet(path)
        if "schema" not in table.columns or "ranking_id" not in table.columns:
            raise InputError(f"{path} lacks the columns schema and ranking_id: it is not a log of rankings.")
        for row in table.rows():
            self.lines += 1
            record = _plain(dict(zip(table.columns, row.cells, strict=True)))
            if not _is_record(record):
                self.foreign += 1
                continue
            try:
                yield _timed(msgspec.convert(record, Page, strict=False))
            except ValueError as error:
                self._note(f"{path}, row {row.number + 1}: {error}")

    def _note(self, problem: str) -> None:
        self.broken += 1
        self.first_broken = self.first_broken or problem


def found_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Find the files of paths; in folders, hidden ones and those that begin with an underscore are not data.

    Raises:
        InputError: A path is not there, or a folder has no files.
    """
    for path in paths:
        if not path.is_dir():
            if not path.is_file():
                raise InputError(f"There is no file {path}: check its name and folder.")
            yield path
            continue
        inside = [each for each in sorted(path.rglob("*")) if each.is_file() and not _is_aside(each.relative_to(path))]
        if not inside:
            raise InputError(f"The folder {path} has no files: check its name.")
        yield from inside


def is_parquet(path: Path) -> bool:
    """Tell from its first bytes whether a file is Parquet."""
    return _beginning(path) == b"PAR1"


def lines_of(path: Path) -> Iterator[bytes]:
    """Read the lines of a file, unpacked where it is compressed by gzip, whatever its name.

    Raises:
        InputError: It cannot be read to its end.
    """
    packed = _beginning(path)[:2] == b"\x1f\x8b"
    try:
        with cast("BinaryIO", gzip.open(path) if packed else path.open("rb")) as file:
            yield from file
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read to its end ({reason}): get it again.") from error


def word(item: str | float) -> str:
    """Write the id of an item as the request path does: 7, 7.0 and "7" are the same."""
    return key(item) or ""


def seconds(time: str) -> float:
    """Turn a time as in the log (ISO 8601; UTC where it has no zone) into seconds since 1970.

    Raises:
        ValueError: It is no time.
    """
    moment = datetime.fromisoformat(time)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error


def _is_aside(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _timed(page: Page) -> tuple[Page, float]:
    """Check what the types do not say.

    Raises:
        ValueError: The page cannot be counted.
    """
    if page.schema != SCHEMA:
        raise ValueError(f"its layout is {page.schema}, and only {SCHEMA} is known")
    return _checked(page) if page.merged else page, seconds(page.time)


def _checked(page: Page) -> Page:
    """Check an interleaved page, and give it with the ranks and the credit at each item."""
    if page.method is None:
        raise ValueError("it is interleaved by no method")
    stray = next((item.source_ranker for item in page.items if item.source_ranker not in page.rankers), None)
    if stray is not None:
        raise ValueError(f"an item is from {stray!r}, which is none of its rankers")
    count = len(page.items)
    if count and [len(each) for each in page.ranks] != [count] * len(page.rankers):
        raise ValueError("its ranks are not one list for each ranker, each with one rank for each item")
    if page.credits and len(page.credits) != count:
        raise ValueError("its credits are not one for each item")
    columns = zip(page.items, zip(*page.ranks, strict=True), page.credits or (None,) * count, strict=True)
    items = tuple(
        [Item(item.item_id, item.position, item.source_ranker, ranks, worth) for item, ranks, worth in columns]
    )
    return msgspec.structs.replace(page, items=items)


def _records(text: str, depth: int) -> Iterator[Mapping[str, Any]]:
    """Find the records in a text, whatever is around them."""
    decoder = json.JSONDecoder()
    place = text.find("{")
    while place >= 0:
        try:
            found, after = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            after = place + 1  # a brace of something else
        else:
            yield from _within(found, depth)
        place = text.find("{", after)


def _within(found: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if _is_record(found):
        yield found
    elif depth and isinstance(found, Mapping):
        inside = cast("Mapping[str, Any]", found)
        for each in (inside.get("message"), *_listed(inside.get("logEvents"))):
            if isinstance(each, str):
                yield from _records(each, depth - 1)
            else:
                yield from _within(each, depth - 1)


def _listed(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list) else ()


def _is_record(found: Any) -> bool:
    schema = cast("Mapping[str, Any]", found).get("schema") if isinstance(found, Mapping) else None
    return isinstance(schema, str) and schema.startswith(_MARK.decode())


def _plain(value: Any) -> Any:
    """Turn a row of Parquet into what JSON would have: no dates, no NaN, no maps as pairs, no missing fields."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {name: _plain(each) for name, each in fields.items() if each is not None}
    if isinstance(value, list):
        entries = cast("Sequence[Any]", value)
        if entries and all(isinstance(each, tuple) for each in entries):
            return _plain(dict(entries))
        return [_plain(each) for each in entries]
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and isnan(value) else value
