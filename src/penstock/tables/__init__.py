"""Tables: rows are read from files and results are written to files, as a stream, whatever the format."""

from penstock.tables.added import beside, check_added
from penstock.tables.cell import text_of
from penstock.tables.open import open_table
from penstock.tables.table import Column, Row, Source, Table
from penstock.tables.write import Output, check_writable, same_file, writer

__all__ = [
    "Column",
    "Output",
    "Row",
    "Source",
    "Table",
    "beside",
    "check_added",
    "check_writable",
    "open_table",
    "same_file",
    "text_of",
    "writer",
]
