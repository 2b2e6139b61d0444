"""The files that the Gemini of the tests holds, and the uploads on their way to it; time is an argument."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from penstock.testing.gemini.trouble import GeminiTrouble, missing_file, storage_full

if TYPE_CHECKING:
    from penstock.testing.gemini.behaviour import GeminiBehaviour

_NAME = re.compile(r"files/[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(slots=True, kw_only=True)
class HeldFile:
    """A file that the server holds; of its content only the digest is kept.

    Attributes:
        name: `files/` and what was chosen.
        mime_type: As its sender calls it.
        size: Bytes.
        digest: SHA-256 of its content, in hex.
        since: Seconds of the server's clock at which it came.
        failed: Whether nothing could be made of it.
    """

    name: str
    mime_type: str
    size: int
    digest: str
    since: float
    failed: bool = False


@dataclass(slots=True, kw_only=True)
class Incoming:
    """An upload under way."""

    name: str
    mime_type: str
    size: int
    got: int = 0
    state: str = "active"
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, piece: bytes) -> None:
        """Keep the next bytes."""
        if self.got + len(piece) > self.size:
            raise GeminiTrouble(400, "More bytes were uploaded than announced.")
        self.got += len(piece)
        self.digest.update(piece)


class GeminiStore:
    """Holds files by name, and uploads by a number that nobody can guess."""

    def __init__(self, behaviour: GeminiBehaviour) -> None:
        self.behaviour = behaviour
        self.files: dict[str, HeldFile] = {}
        self.uploads: dict[str, Incoming] = {}
        self.peak_bytes = 0

    def start(self, *, name: str, mime_type: str, size: int, now: float) -> str:
        """Begin an upload; returns its number.

        Raises:
            GeminiTrouble: The name is taken or no name, the file too large, or the storage full.
        """
        self.expire(now)
        name = name or f"files/{secrets.token_hex(6)}"
        if not _NAME.fullmatch(name):
            raise GeminiTrouble(400, f"Invalid file name: {name[:80]}.")
        if name in self.files:
            raise GeminiTrouble(409, f"The File {name.removeprefix('files/')} already exists.")
        if not 0 < size <= self.behaviour.largest_bytes:
            raise GeminiTrouble(400, f"File size {size} is not between 1 and {self.behaviour.largest_bytes} bytes.")
        if self.held_bytes + size > self.behaviour.storage_bytes:
            raise storage_full(self.behaviour.storage_bytes)
        number = secrets.token_urlsafe(24)
        self.uploads[number] = Incoming(name=name, mime_type=mime_type or "application/octet-stream", size=size)
        return number

    def upload(self, number: str) -> Incoming:
        """Find an upload.

        Raises:
            GeminiTrouble: There is none.
        """
        if number not in self.uploads:
            raise GeminiTrouble(404, "Upload not found.")
        return self.uploads[number]

    def finish(self, number: str, *, now: float, failed: bool) -> HeldFile:
        """Make a file of an upload.

        Raises:
            GeminiTrouble: Bytes are missing.
        """
        upload = self.upload(number)
        if upload.got < upload.size:
            raise GeminiTrouble(400, f"{upload.size - upload.got} bytes of the upload are missing.")
        upload.state = "final"
        file = HeldFile(
            name=upload.name,
            mime_type=upload.mime_type,
            size=upload.size,
            digest=upload.digest.hexdigest(),
            since=now,
            failed=failed,
        )
        self.files[file.name] = file
        self.peak_bytes = max(self.peak_bytes, self.held_bytes)
        return file

    def file(self, name: str, *, now: float) -> HeldFile:
        """Find a file.

        Raises:
            GeminiTrouble: It is not there.
        """
        self.expire(now)
        if name not in self.files:
            raise missing_file(name)
        return self.files[name]

    def state(self, file: HeldFile, *, now: float) -> str:
        """`PROCESSING`, `ACTIVE` or `FAILED`."""
        if now - file.since < self.behaviour.processing_s:
            return "PROCESSING"
        return "FAILED" if file.failed else "ACTIVE"

    def expire(self, now: float) -> None:
        """Let go of the files whose time is over."""
        kept = self.behaviour.kept_s
        self.files = {name: file for name, file in self.files.items() if now - file.since < kept}

    @property
    def held_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files.values())

    def described(self, file: HeldFile, *, url: str, now: float, at: float) -> dict[str, Any]:
        """Write a file as the API does.

        Args:
            file: The file.
            url: Of the server.
            now: Seconds of the server's clock.
            at: Seconds since 1970.
        """
        state = self.state(file, now=now)
        made = at - (now - file.since)
        return {
            "name": file.name,
            "mimeType": file.mime_type,
            "sizeBytes": str(file.size),
            "createTime": _written(made),
            "updateTime": _written(made),
            "expirationTime": _written(made + self.behaviour.kept_s),
            "sha256Hash": file.digest,
            "uri": f"{url}/v1beta/{file.name}",
            "state": state,
            "source": "UPLOADED",
            **({"error": {"code": 13, "message": "The file could not be processed."}} if state == "FAILED" else {}),
        }


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
