"""Google Sheets: rows are read from a sheet and cells are written into it while a job runs."""

from penstock.tables.google.account import Authorizer
from penstock.tables.google.address import SheetAddress, is_sheet
from penstock.tables.google.book import Book, Tab
from penstock.tables.google.cells import LONGEST_TEXT, CellBlock, merge
from penstock.tables.google.client import SheetsClient
from penstock.tables.google.credentials import DRIVE_SCOPE, SHEETS_SCOPE, credentials
from penstock.tables.google.differing import differing
from penstock.tables.google.layout import SheetLayout
from penstock.tables.google.scoring import ScoringSheet, moved, read_scoring_sheet
from penstock.tables.google.stats import SheetStats

__all__ = [
    "DRIVE_SCOPE",
    "LONGEST_TEXT",
    "SHEETS_SCOPE",
    "Authorizer",
    "Book",
    "CellBlock",
    "ScoringSheet",
    "SheetAddress",
    "SheetLayout",
    "SheetStats",
    "SheetsClient",
    "Tab",
    "credentials",
    "differing",
    "is_sheet",
    "merge",
    "moved",
    "read_scoring_sheet",
]
