"""The signature of a file: what its first bytes say it is, whatever its name says."""

from __future__ import annotations

_MAGIC = (
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive: if it is a workbook, name it .xlsx"),
    (b"PAR1", "a Parquet file: name it .parquet"),
    (b"\xd0\xcf\x11\xe0", "an old or password-protected Office file: save it as .xlsx or .csv"),
    (b"\x1f\x8b", "compressed with gzip: name it .csv.gz or .jsonl.gz"),
    (b"%PDF", "a PDF: export its table as CSV"),
    (b"\x89PNG", "a PNG picture: give a table"),
    (b"\xff\xd8\xff", "a JPEG picture: give a table"),
    (b"GIF8", "a GIF picture: give a table"),
    (b"SQLite format 3\x00", "an SQLite database: export its table as CSV"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"),
    (b"BZh", "compressed with bzip2: unpack it first"),
    (b"\xfd7zXZ\x00", "compressed with xz: unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive: unpack it first"),
)
_FEW = 100  # one NUL in so many bytes is a broken cell, more are a binary file


def not_text(head: bytes, *, marked: bool) -> str:
    """Say what a file is and what to do, where its first bytes are not those of a text table.

    Args:
        head: The first bytes, some thousands.
        marked: Whether a byte-order mark or the user named the encoding; NULs are part of the text then.

    Returns:
        The end of a sentence that begins "looks like"; empty for a text.
    """
    known = next((what for magic, what in _MAGIC if head.startswith(magic)), "")
    if known or marked:
        return known
    start = head[:1000].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page: download the table itself"
    return _binary(head)


def _binary(head: bytes) -> str:
    nuls = head.count(0)
    if nuls * _FEW <= len(head):
        return ""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if nuls * 4 > len(head) and min(even, odd) * 20 < max(even, odd):
        return f"UTF-16 without a byte-order mark: say --encoding utf-16-{'be' if even > odd else 'le'}"
    return "a binary file: give a table"
