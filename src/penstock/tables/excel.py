"""Excel workbooks: one sheet of one, its first filled row is the header.

Small sheets are read by calamine, which holds a sheet in memory (measured: 240 MB for a million rows of a number and a
short text); large ones of the .xlsx kind are streamed by `sheet`. Both give the same cells. Formulas count with the
value that was last computed; error values and empty cells are None.
"""

from __future__ import annotations

import math
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO

from penstock.errors import DeliveryError, InputError
from penstock.tables.cell import text_of, whole
from penstock.tables.sheet import Workbook
from penstock.tables.signature import not_text
from penstock.tables.table import Column, Row, check_columns, fit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_LARGE = 1 << 25  # bytes of XML of a sheet that calamine may hold
_MOST_ROWS = 1_048_576  # of a sheet, the header included
_MOST_COLUMNS = 16_384
_LONGEST = 32_767  # UTF-16 units of a cell


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
        number, empty = 0, 0
        width = len(self.columns)
        found = _filled(_raw(self.path, sheet=self.sheet, streamed=self.streamed))
        start = next(found)[1]
        for place, cells in found:
            ...
