"""Lines of text on their way into a file: encoded, compressed where the name says so."""

from __future__ import annotations

import gzip
import io
import shutil
import tempfile
import zlib
from typing import TYPE_CHECKING, BinaryIO

from penstock.tables.cell import whole
from penstock.tables.encoding import Encoding

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1 << 20


class Lines:
    """Writes lines in an encoding for as long as every character has a place in it, then in UTF-8.

    A table in Shift_JIS stays in Shift_JIS; the first character that it lacks turns the whole file into UTF-8 with a
    byte-order mark, so that spreadsheets open it. Bytes that were no characters go back as they were.

    Args:
        file: Where the bytes go; readable, too, for the change of encoding. It is not closed.
        path: Under what name they will be published; `.gz` compresses them, without a date inside.
        encoding: How characters are kept.
    """

    def __init__(self, file: BinaryIO, *, path: Path, encoding: Encoding) -> None:
        self._file = file
        self._path = path
        self._packed = path.suffix.lower() == ".gz"
        self._start(encoding)

    def write(self, line: str) -> None:
        """Write one line, its ending included."""
        try:
            data = line.encode(self._encoding.name, self._encoding.errors)
        except UnicodeEncodeError:
            if not self._encoding.name.startswith("utf"):
                self._widen()
            data = _encoded(line, self._encoding)
        self._put(data)

    def finish(self) -> None:
        """Write what is still held back."""
        if self._packer:
            self._file.write(self._packer.flush())

    def _start(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._packer = zlib.compressobj(6, zlib.DEFLATED, 31) if self._packed else None
        if encoding.mark:
            self._put("\ufeff".encode(encoding.name))

    def _put(self, data: bytes) -> None:
        self._file.write(self._packer.compress(data) if self._packer else data)

    def _widen(self) -> None:
        """Write again as UTF-8 what was written so far."""
        before = self._encoding
        self.finish()
        with tempfile.TemporaryFile(dir=self._path.parent) as old:
            self._file.seek(0)
            shutil.copyfileobj(self._file, old)
            old.seek(0)
            self._file.seek(0)
            self._file.truncate()
            self._start(Encoding(name="utf-8", mark=True))
            plain = gzip.GzipFile(fileobj=old) if self._packed else old
            text = io.TextIOWrapper(plain, before.name, before.errors, newline="")
            while block := text.read(_BLOCK):
                self._put(_encoded(block, self._encoding))


def _encoded(text: str, encoding: Encoding) -> bytes:
    try:
        return text.encode(encoding.name, encoding.errors)
    except UnicodeEncodeError:
        return whole(text).encode(encoding.name, "replace")
