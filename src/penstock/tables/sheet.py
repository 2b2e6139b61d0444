"""A sheet of an .xlsx workbook as a stream: its XML is parsed block by block, its shared strings wait on the disk.

Memory does not grow with the rows (8 bytes per shared string excepted). The format is ISO/IEC 29500-1, part 18
(SpreadsheetML); dates are days since 1899-12-30, or 1904-01-01 in workbooks that say so.
"""

from __future__ import annotations

import posixpath
import re
import tempfile
import zipfile
import zlib
from array import array
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias
from xml.parsers import expat

from penstock.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from pathlib import Path
    from typing import IO

_BLOCK = 1 << 18
_STRINGS = "xl/sharedStrings.xml"
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
# What may surround the letters of a number format: a literal, an escaped or padding sign, a colour or a language.
_ORNAMENT = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)

Clock: TypeAlias = Literal["moment", "span"]
# Number formats that every workbook has, those of East Asian settings included; 46 is [h]:mm:ss.
_MOMENTS = (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))
_BUILT_IN: Mapping[int, Clock] = {**dict.fromkeys(_MOMENTS, "moment"), 46: "span"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbook:
    """What an .xlsx workbook says about itself.

    Attributes:
        path: Where it lies.
        parts: Where each worksheet lies inside, by its name, in order, hidden ones last.
        sizes: Bytes of XML that it takes to read each worksheet.
        clocks: For each cell style, what kind of time its numbers are, if any.
        epoch: The day that dates are counted from.
    """

    path: Path
    parts: Mapping[str, str]
    sizes: Mapping[str, int]
    clocks: tuple[Clock | None, ...]
    epoch: datetime

    def grid(self, sheet: str) -> Iterator[list[Any]]:
        """Yield the rows of a worksheet from its first to its last, each from column A to its last cell.

        Raises:
            InputError: When the workbook is damaged.
        """
        with _unzipped(self.path) as archive, _strings(archive) as strings:
            reader = _Reader(strings=strings, clocks=self.clocks, epoch=self.epoch)
            with archive.open(self.parts[sheet]) as file:
                for _ in _parsed(file, start=reader.start, end=reader.end, data=reader.data):
                    yield from reader.taken()


def open_workbook(path: Path) -> Workbook:
    """Read what a workbook says about its sheets, styles and dates.

    Raises:
        InputError: When it is damaged.
    """
    with _unzipped(path) as archive:
        sheets, epoch = _sheets(archive)
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        return Workbook(
            path=path,
            parts=sheets,
            sizes={name: sizes.get(part, 0) + sizes.get(_STRINGS, 0) for name, part in sheets.items()},
            clocks=_clocks(archive) if "xl/styles.xml" in sizes else (),
            epoch=epoch,
        )


@contextmanager
def _unzipped(path: Path) -> Generator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_encrypted(archive)
            yield archive
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        expat.ExpatError,
        LookupError,
        ValueError,
        NotImplementedError,
    ) as error:
        raise InputError(f"{path} is not an Excel workbook, or a damaged one ({error}): save it again.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}).") from error


def _refuse_encrypted(archive: zipfile.ZipFile) -> None:
    if any(info.flag_bits & 1 for info in archive.infolist()):
        raise ValueError("a part of it is encrypted")


def _sheets(archive: zipfile.ZipFile) -> tuple[dict[str, str], datetime]:
    targets = {
        attributes["Id"]: posixpath.normpath(posixpath.join("/xl", attributes["Target"])).lstrip("/")
        for name, attributes in _elements(archive, "xl/_rels/workbook.xml.rels")
        if name == "Relationship" and attributes["Type"].endswith("/worksheet")
    }
    shown: dict[str, str] = {}
    hidden: dict[str, str] = {}
    epoch = datetime(1899, 12, 30)  # noqa: DTZ001 - sheets know no time zone
    for name, attributes in _elements(archive, "xl/workbook.xml"):
        if name == "workbookPr" and attributes.get("date1904") in {"1", "true"}:
            epoch = datetime(1904, 1, 1)  # noqa: DTZ001
        relation = next((value for key, value in attributes.items() if key.endswith(":id")), "")
        if name == "sheet" and relation in targets:
            place = shown if attributes.get("state", "visible") == "visible" else hidden
            place[attributes["name"]] = targets[relation]
    return shown | hidden, epoch


def _clocks(archive: zipfile.ZipFile) -> tuple[Clock | None, ...]:
    formats: dict[int, Clock | None] = dict(_BUILT_IN)
    clocks: list[Clock | None] = []
    within = ""
    for name, attributes in _elements(archive, "xl/styles.xml"):
        if name in {"cellXfs", "cellStyleXfs", "dxfs", "cellStyles"}:
            within = name
        if name == "numFmt" and not within:
            formats[int(attributes["numFmtId"])] = clock_of(attributes["formatCode"])
        if name == "xf" and within == "cellXfs":
            clocks.append(formats.get(int(attributes.get("numFmtId", "0"))))
    return tuple(clocks)


def clock_of(code: str) -> Clock | None:
    """Say what kind of time a number format shows: a moment, a span ("[h]:mm"), or None for a plain number."""
    bare = _ORNAMENT.sub("", code).partition(";")[0].lower()
    if "[" in bare:
        return "span"
    return "moment" if set("dmyhs") & set(bare.replace("general", "")) else None


def value_of(number: float, *, clock: Clock | None, epoch: datetime) -> Any:
    """Turn the number of a cell into the value it shows: whole numbers are int, moments dates, times or both."""
    if clock == "span":
        with suppress(OverflowError):
            return timedelta(milliseconds=round(number * 86_400_000))
    if clock == "moment" and number >= 0:
        with suppress(OverflowError):  # beyond the year 9999 Excel shows no date either
            return _moment(number, epoch=epoch)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _moment(number: float, *, epoch: datetime) -> datetime | date | time:
    # Excel takes 1900 for a leap year: up to its 29 February, day numbers are one behind.
    behind = 1 if epoch.year == 1899 and number < 60 else 0
    moment = epoch + timedelta(days=behind, milliseconds=round(number * 86_400_000))
    if number < 1:
        return moment.time()
    return moment.date() if number.is_integer() else moment


class _Reader:
    """Builds rows of cells from the elements of a worksheet; one stands for one pass over it."""

    def __init__(self, *, strings: Callable[[int], str], clocks: tuple[Clock | None, ...], epoch: datetime) -> None:
        self._strings = strings
        self._clocks = clocks
        self._epoch = epoch
        self._rows: list[list[Any]] = []
        self._row: list[Any] = []
        self._number = 0
        self._kind = ""
        self._style = 0
        self._column = 0
        self._text: list[str] = []
        self._wanted = False
        self._aside = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the beginning of an element."""
        if name == "c":
            self._kind = attributes.get("t", "n")
            self._style = int(attributes.get("s", "0"))
            self._column = column_of(attributes["r"]) if "r" in attributes else len(self._row)
            self._text.clear()
        elif name in {"v", "t"}:
            self._wanted = not self._aside
        elif name == "rPh":  # how a Japanese word is read aloud is not part of the cell
            self._aside = True
        elif name == "row":
            number = int(attributes.get("r", self._number + 1))
            self._rows.extend([] for _ in range(number - self._number - 1))
            self._number = number
            self._row = []

    def data(self, text: str) -> None:
        """Take characters."""
        if self._wanted:
            self._text.append(text)

    def end(self, name: str) -> None:
        """Take the end of an element."""
        if name in {"v", "t"}:
            self._wanted = False
        elif name == "c":
            if self._text:
                row = self._row
                if self._column > len(row):
                    row.extend([None] * (self._column - len(row)))
                row.append(self._value("".join(self._text)))
        elif name == "row":
            self._rows.append(self._row)
        elif name == "rPh":
            self._aside = False

    def taken(self) -> list[list[Any]]:
        """Hand over the rows that are complete."""
        rows, self._rows = self._rows, []
        return rows

    def _value(self, text: str) -> Any:
        if self._kind == "n":
            clock = self._clocks[self._style] if self._style < len(self._clocks) else None
            return value_of(float(text), clock=clock, epoch=self._epoch)
        if self._kind == "s":
            return self._strings(int(text)) or None
        if self._kind == "b":
            return text.strip() in {"1", "true"}
        if self._kind == "e":
            return None
        if self._kind == "d":
            return datetime.fromisoformat(text)
        return _unescaped(text)


def column_of(reference: str) -> int:
    """Number of the column, from 0, that a cell such as "AB12" stands in."""
    number = 0
    for sign in reference:
        if sign.isdigit():
            break
        number = number * 26 + ord(sign) - 64
    return number - 1


@contextmanager
def _strings(archive: zipfile.ZipFile) -> Generator[Callable[[int], str]]:
    """Put the shared strings of a workbook on the disk; gives what looks one up by its number."""
    with tempfile.TemporaryFile() as store:
        offsets = array("Q", [0])
        if _STRINGS in archive.namelist():
            with archive.open(_STRINGS) as file:
                _store_strings(file, store=store, offsets=offsets)

        def look_up(number: int) -> str:
            if not 0 <= number < len(offsets) - 1:
                raise ValueError(f"it has no shared string {number}")
            store.seek(offsets[number])
            return store.read(offsets[number + 1] - offsets[number]).decode("utf-8", "surrogatepass")

        yield look_up


class _Strings:
    """Gathers the shared strings from their elements."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._wanted = False
        self._aside = False
        self.complete: list[str] = []

    def start(self, name: str, _: dict[str, str]) -> None:
        """Take the beginning of an element."""
        if name == "t":
            self._wanted = not self._aside
        elif name == "rPh":
            self._aside = True

    def data(self, text: str) -> None:
        """Take characters."""
        if self._wanted:
            self._words.append(text)

    def end(self, name: str) -> None:
        """Take the end of an element."""
        if name == "t":
            self._wanted = False
        elif name == "rPh":
            self._aside = False
        elif name == "si":
            self.complete.append(_unescaped("".join(self._words)))
            self._words.clear()


def _store_strings(file: IO[bytes], *, store: BinaryIO, offsets: array[int]) -> None:
    found = _Strings()
    for _ in _parsed(file, start=found.start, end=found.end, data=found.data):
        for text in found.complete:
            offsets.append(offsets[-1] + store.write(text.encode("utf-8", "surrogatepass")))
        found.complete.clear()


def _unescaped(text: str) -> str:
    """Put back the control characters that XML cannot hold, written _x000D_ in sheets."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _elements(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the beginnings of all elements of a small part."""
    found: list[tuple[str, dict[str, str]]] = []
    with archive.open(part) as file:
        for _ in _parsed(file, start=lambda name, attributes: found.append((name, attributes))):
            yield from found
            found.clear()


def _parsed(
    file: IO[bytes],
    *,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    data: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Parse XML block by block, yielding after each; names come without the prefix that the first one has.

    A document type is refused, for it could make a small file grow without end.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type")

    parser.StartDoctypeDeclHandler = refuse

    def begin(name: str, attributes: dict[str, str]) -> None:
        prefixed = ":" in name
        handle = _bare(start) if prefixed else start
        handle(name, attributes)
        parser.StartElementHandler = handle
        parser.EndElementHandler = _bare(end) if end and prefixed else end

    parser.StartElementHandler = begin
    if data:
        parser.CharacterDataHandler = data
    while block := file.read(_BLOCK):
        parser.Parse(block)
        yield
    parser.Parse(b"", True)
    yield


def _bare(handler: Callable[..., None]) -> Callable[..., None]:
    def bare(name: str, *more: Any) -> None:
        handler(name.rpartition(":")[2], *more)

    return bare
