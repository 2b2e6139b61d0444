"""A Google Sheets server on loopback that misbehaves on demand, for tests and rehearsals."""

from penstock.testing.sheet.behaviour import (
    SHEET_FAULTS,
    SheetBehaviour,
    parse_sheet_behaviour,
    read_sheet_behaviour,
)
from penstock.testing.sheet.book import SheetBook
from penstock.testing.sheet.process import SheetProcess, serve_sheet, serve_sheet_in_process
from penstock.testing.sheet.server import SheetServer
from penstock.testing.sheet.tally import SheetStats

__all__ = [
    "SHEET_FAULTS",
    "SheetBehaviour",
    "SheetBook",
    "SheetProcess",
    "SheetServer",
    "SheetStats",
    "parse_sheet_behaviour",
    "read_sheet_behaviour",
    "serve_sheet",
    "serve_sheet_in_process",
]
