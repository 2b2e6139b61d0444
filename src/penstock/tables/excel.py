"""Excel workbooks: one sheet of one, its first filled row is the header.

Small sheets are read by calamine, which holds a sheet in memory (measured: 240 MB for a million rows of a number and a
short text); large ones of the .xlsx kind are streamed by `sheet`. Both give the same cells. Formulas count with the
value that was last computed; error values and empty cells are None.
"""

from __future__ import annotations

import math
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from penstock.errors import DeliveryError, InputError
from penstock.tables.cell import text_of, whole
from penstock.tables.sheet import open_workbook
from penstock.tables.signature import not_text
from penstock.tables.table import Row, check_columns, fit

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

_LARGE = 1 << 25  # bytes of XML of a sheet that calamine may hold
_MOST_ROWS = 1_048_576  # of a sheet, the header included
_MOST_COLUMNS = 16_384
_LONGEST = 32_767  # UTF-16 units of a cell


_SHOWN = {datetime: "yyyy-mm-dd hh:mm:ss", date: "yyyy-mm-dd", time: "hh:mm:ss", timedelta: "[h]:mm:ss"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Excel:
    """A sheet of a workbook, opened for reading.

    Attributes:
        path: Where the workbook lies.
        sheet: Name of the sheet.
        columns: Its header.
        streamed: Whether it is too large to be held in memory.
    """

    path: Path
    sheet: str
    columns: tuple[str, ...]
    streamed: bool = False

    def rows(self) -> Iterator[Row]:
        """Yield every row up to the last filled one; empty rows between are rows."""
        grid = _filled(self.grid())
        top, header = next(grid)
        left, width = _first(header), len(self.columns)
        empty = (None,) * width
        below = top + 1
        for place, cells in grid:
            for number in range(below, place):
                yield Row(number - top - 1, empty)
            below = place + 1
            yield _row(place - top - 1, cells=cells, left=left, width=width, place=place)

    def grid(self) -> Iterator[list[Any]]:
        """Yield the rows of the sheet from its first one, empty ones included, each from the first column."""
        if self.streamed:
            return open_workbook(self.path).grid(self.sheet)
        return _held(self.path, sheet=self.sheet)


def open_excel(path: Path, *, sheet: str | None) -> Excel:
    """Read the header of a sheet; without a name, the first one that is not hidden.

    Raises:
        InputError: When the workbook is damaged or protected, or the sheet is missing or empty.
    """
    _check_signature(path)
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        workbook = open_workbook(path)
        name = _chosen(list(workbook.parts), sheet=sheet, path=path)
        streamed = workbook.sizes[name] > _LARGE
    else:
        from python_calamine import SheetVisibleEnum

        with _calamine(path) as book:
            known = sorted(book.sheets_metadata, key=lambda known: known.visible is not SheetVisibleEnum.Visible)
            name = _chosen([page.name for page in known], sheet=sheet, path=path)
        streamed = False
    found = Excel(path=path, sheet=name, columns=(), streamed=streamed)
    grid = _filled(found.grid())
    first = next(grid, None)
    if first is None:
        raise InputError(f"Sheet '{name}' of {path} is empty: give a table with a header and at least one row.")
    if next(grid, None) is None:
        raise InputError(f"Sheet '{name}' of {path} has a header and no rows: give at least one row.")
    names = [text_of(cell) for cell in first[1][_first(first[1]) :]]
    return replace(found, columns=check_columns(names, path=path))


def _check_signature(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error
    if path.suffix.lower() == ".xls" or head.startswith(b"PK"):
        return
    what = not_text(head, marked=False) or "a text file: if it is a table, name it .csv"
    raise InputError(f"{path} is not an Excel workbook, it looks like {what}.")


def _chosen(names: Sequence[str], *, sheet: str | None, path: Path) -> str:
    if not names:
        raise InputError(f"{path} has no worksheet: give a workbook with a table.")
    if sheet is None:
        return names[0]
    if sheet not in names:
        raise InputError(f"{path} has no sheet '{sheet}': it has {', '.join(names)}.")
    return sheet


@contextmanager
def _calamine(path: Path) -> Generator[Any]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    library: Any = CalamineWorkbook
    try:
        with library.from_path(path) as book:
            yield book
    except PasswordError as error:
        raise InputError(f"{path} is protected by a password: save it without one.") from error
    except CalamineError as error:
        raise InputError(f"{path} is not an Excel workbook, or a damaged one ({error}): save it again.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}).") from error


def _held(path: Path, *, sheet: str) -> Iterator[list[Any]]:
    with _calamine(path) as book:
        for cells in book.get_sheet_by_name(sheet).iter_rows():
            yield [_plain(cell) for cell in cells]


def _plain(cell: Any) -> Any:
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() and abs(cell) < 2**53 else cell
    return None if cell == "" else cell


def _filled(grid: Iterator[list[Any]]) -> Iterator[tuple[int, list[Any]]]:
    """Yield the rows that hold anything, cut after their last filled cell, with their places from 0."""
    for place, cells in enumerate(grid):
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            yield place, cells


def _first(cells: Sequence[Any]) -> int:
    return next(place for place, cell in enumerate(cells) if cell is not None)


def _row(number: int, *, cells: list[Any], left: int, width: int, place: int) -> Row:
    within = cells[left:]
    problem = "it has a cell to the left of the header: move it." if any(cells[:left]) else ""
    if len(within) > width:
        kept, _ = fit(within, width=width, joint=" ")
        return Row(number, kept, f"Row {place + 1}: it has a cell to the right of the header: name its column.")
    kept = (*within, *[None] * (width - len(within)))
    return Row(number, kept, f"Row {place + 1}: {problem}" if problem else "")


class ExcelWriter:
    """Writes rows to the one sheet of a new .xlsx workbook; texts are never formulas or links.

    Args:
        file: Where the bytes go; it is not closed.
        path: Under what name they will be published.
        columns: The header.
    """

    def __init__(self, file: BinaryIO, *, path: Path, columns: Sequence[str]) -> None:
        import xlsxwriter

        if len(columns) > _MOST_COLUMNS:
            raise DeliveryError(f"{path} cannot have {len(columns):,} columns: write CSV or Parquet.")
        self._path = path
        self._count = 0
        self._files = ExitStack()
        with ExitStack() as files:
            options = {"constant_memory": True, "tmpdir": files.enter_context(_folder(path)), "use_zip64": True}
            outlet = _Outlet(file)
            files.callback(outlet.shut)
            book: Any = xlsxwriter.Workbook(cast("Any", outlet), options)
            # The date of the work would make two equal tables two different files.
            book.set_properties({"created": datetime(2000, 1, 1)})  # noqa: DTZ001 - sheets know no time zone
            self._book = book
            self._sheet = book.add_worksheet()
            files.callback(self._sheet.row_data_fh.close)
            self._formats: dict[type, Any] = {
                kind: book.add_format({"num_format": code}) for kind, code in _SHOWN.items()
            }
            self.write(columns)
            self._files = files.pop_all()

    def write(self, cells: Sequence[Any]) -> None:
        """Write one row.

        Raises:
            DeliveryError: When the sheet is full or a cell is too long for one.
        """
        if self._count == _MOST_ROWS:
            raise DeliveryError(f"{self._path} cannot have more than {_MOST_ROWS:,} rows: write CSV or Parquet.")
        for column, cell in enumerate(cells):
            if cell is not None:
                self._put(column, cell)
        self._count += 1

    def finish(self) -> None:
        """Put the workbook together."""
        from xlsxwriter.exceptions import FileCreateError

        try:
            self._book.close()
        except FileCreateError as error:
            raise error.args[0] if isinstance(error.args[0], OSError) else error from error
        self._files.close()

    def abandon(self) -> None:
        """Remove what was written on the way."""
        self._files.close()

    def _put(self, column: int, cell: Any) -> None:
        if isinstance(cell, str):
            self._put_text(column, cell)
        elif isinstance(cell, bool):
            self._sheet.write_boolean(self._count, column, cell)
        elif isinstance(cell, int | float):
            self._put_number(column, cell)
        elif isinstance(cell, datetime | date | time | timedelta) and _is_shown(cell):
            shown = next(kind for kind in self._formats if isinstance(cell, kind))
            self._sheet.write_datetime(self._count, column, cell, self._formats[shown])
        else:
            self._put_text(column, text_of(cell))

    def _put_number(self, column: int, number: float) -> None:
        if abs(number) < 2**53:  # NaN and infinity are not, either: a sheet has no number for them
            self._sheet.write_number(self._count, column, number)
        else:
            self._put_text(column, "NaN" if math.isnan(number) else str(number))

    def _put_text(self, column: int, text: str) -> None:
        text = whole(text)
        if len(text) > _LONGEST // 2 and len(text.encode("utf-16-le")) > 2 * _LONGEST:
            where = f"The cell in row {self._count + 1}, column {column + 1} of {self._path}"
            raise DeliveryError(f"{where} is longer than {_LONGEST:,} characters: write CSV or Parquet.")
        self._sheet.write_string(self._count, column, text)


class _Outlet:
    """Passes bytes on to a file until it is shut; what comes later goes nowhere.

    The zip archive of a workbook that failed writes its end when Python clears it away, to a file long closed.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._open = True

    def write(self, data: bytes) -> int:
        return self._file.write(data) if self._open else len(data)

    def tell(self) -> int:
        return self._file.tell() if self._open else 0

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence) if self._open else 0

    def flush(self) -> None:
        if self._open:
            self._file.flush()

    def shut(self) -> None:
        self._open = False


@contextmanager
def _folder(path: Path) -> Generator[str]:
    """Make a folder beside a file that is being published, for sheets on their way into it.

    Its name is fixed and the lock on the file guards it, so the one of a process that was killed is taken over.
    """
    folder = path.with_name(f".{path.name}.sheets")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_shown(cell: datetime | date | time | timedelta) -> bool:
    """Say whether a sheet has a number for a date or time: from March 1900, without a time zone, to milliseconds."""
    if isinstance(cell, timedelta):
        return cell >= timedelta(0) and cell.microseconds % 1000 == 0
    if isinstance(cell, time):
        return cell.tzinfo is None and cell.microsecond % 1000 == 0
    if isinstance(cell, datetime):
        return cell.tzinfo is None and cell.year > 1900 and cell.microsecond % 1000 == 0
    return cell.year > 1900
