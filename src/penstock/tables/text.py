"""A text file of lines, plain or compressed, in whatever encoding it is."""

from __future__ import annotations

import gzip
import io
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from penstock.errors import InputError
from penstock.tables import encoding as encodings
from penstock.tables.signature import not_text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

_BLOCK = 1 << 20
LONGEST = 1 << 23  # characters of one line; more is a file without lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Where the text of a table lies and how it is kept.

    Attributes:
        path: The file; `.gz` at its end says that it is compressed.
        encoding: How its characters are kept.
    """

    path: Path
    encoding: encodings.Encoding

    def lines(self) -> Iterator[str]:
        """Yield every line with its ending.

        Bytes that are no characters come as lone surrogates (PEP 383).

        Raises:
            InputError: When the file cannot be read on, or a line is longer than `LONGEST`.
        """
        with _reading(self.path) as file:
            text = io.TextIOWrapper(file, self.encoding.name, self.encoding.errors, newline="")
            line = text.readline(LONGEST)
            line = line.removeprefix("\ufeff") if self.encoding.mark else line
            while line:
                if len(line) == LONGEST:
                    raise InputError(
                        f"{self.path} has a line of more than {LONGEST:,} characters: give a table of rows."
                    )
                yield line
                line = text.readline(LONGEST)


def open_text(path: Path, *, encoding: str | None) -> Text:
    """Find out how a text file is kept.

    Raises:
        InputError: When it is missing, empty, not a text, or its encoding cannot be told.
    """
    with _reading(path) as file:
        head = file.read(_BLOCK)
        if not head.strip():
            raise InputError(f"{path} is empty: give a table with a header and at least one row.")
        what = not_text(head[:65536], marked=bool(encoding or encodings.of_mark(head)))
        if what:
            raise InputError(f"{path} looks like {what}.")
        if encoding:
            return Text(path=path, encoding=encodings.named(encoding, head=head))
        return Text(path=path, encoding=encodings.detect(_blocks(head, file), path=path))


def _blocks(head: bytes, file: BinaryIO) -> Iterator[bytes]:
    while head:
        yield head
        head = file.read(_BLOCK)


@contextmanager
def _reading(path: Path) -> Generator[BinaryIO]:
    try:
        with path.open("rb") as plain:
            if path.suffix.lower() != ".gz":
                yield plain
                return
            with gzip.GzipFile(fileobj=plain) as file:
                yield cast("BinaryIO", file)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} cannot be read as {error.encoding}: it is cut off or in another encoding.") from error
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path} is cut off or damaged: download or copy it again.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}).") from error
