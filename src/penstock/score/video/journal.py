"""Writes down which files are about to be uploaded, so that a crash leaves none behind for good.

A line stands on the disk before the first byte of its upload is sent, and another one after the file was deleted. What
has only the first is looked for at the next start.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from penstock.errors import DeliveryError

if TYPE_CHECKING:
    from pathlib import Path


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A file that may be there still.

    Attributes:
        name: What it is called on the server.
        origin: Of the server.
        account: Whose file it is; no key can be found from it.
        at: Seconds since 1970 at which its upload began.
    """

    name: str
    origin: str
    account: str
    at: float


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    begun: Left | None = None
    gone: str = ""


class VideoJournal:
    """One file of lines; the processes that write to it take turns by a lock of their own."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is made by the first line."""
        self.path = path
        self._made = False

    def begin(self, left: Left) -> None:
        """Write down that an upload begins; it is on the disk when this returns.

        Raises:
            DeliveryError: It cannot be written.
        """
        self._add(_Line(begun=left))

    def end(self, name: str) -> None:
        """Write down that a file is gone.

        Raises:
            DeliveryError: It cannot be written.
        """
        self._add(_Line(gone=name))

    def left(self) -> list[Left]:
        """List the files that may be there still, oldest first; a line that a crash cut off was never acted on."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DeliveryError(f"{self.path} cannot be read: {error.strerror}; mend that, then resume.") from error
        found: dict[str, Left] = {}
        for line in map(_decoded, content.split(b"\n")):
            if line.begun is not None:
                found[line.begun.name] = line.begun
            found.pop(line.gone, None)
        return list(found.values())

    def clear(self) -> None:
        """Begin anew, when nothing is left."""
        if not self.left():
            self.path.unlink(missing_ok=True)
            self._made = False

    def _add(self, line: _Line) -> None:
        written = b"\n" + msgspec.json.encode(line) + b"\n"  # the first break ends a line that a crash cut off
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                os.write(file, written)
                os.fsync(file)
            finally:
                os.close(file)
            if not self._made:
                self._keep_name()
        except OSError as error:
            raise DeliveryError(f"{self.path} cannot be written: {error.strerror}; make room, then resume.") from error

    def _keep_name(self) -> None:
        """Bring the file's name to the disk, too."""
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._made = True


def _decoded(line: bytes) -> _Line:
    try:
        return msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Line()
