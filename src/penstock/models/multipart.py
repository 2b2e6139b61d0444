"""A form with a file in it (RFC 7578), streamed from disk: its length is known beforehand, its content never in memory.

Servers differ in whether they take a body without a length, so it is always sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

PIECE = 256 * 1024
"""Bytes that are read and sent at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileForm:
    """A form of a few short fields and one file.

    Attributes:
        path: The file.
        size: Its bytes.
        name: What it is called at the server; ASCII without quotes.
        fields: The other fields.
        boundary: What divides the parts; nothing in the file may look like it, so it holds a digest.
    """

    path: Path
    size: int
    name: str
    fields: Mapping[str, str]
    boundary: str

    @property
    def headers(self) -> dict[str, str]:
        """What the request needs."""
        length = len(self._head) + self.size + len(self._tail)
        return {"Content-Type": f"multipart/form-data; boundary={self.boundary}", "Content-Length": str(length)}

    @property
    def _head(self) -> bytes:
        parts = [
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in self.fields.items()
        ]
        parts.append(
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="file"; filename="{self.name}"\r\n'
            "Content-Type: application/jsonl\r\n\r\n"
        )
        return "".join(parts).encode()

    @property
    def _tail(self) -> bytes:
        return f"\r\n--{self.boundary}--\r\n".encode()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body piece by piece."""
        yield self._head
        async with await anyio.open_file(self.path, "rb") as file:
            while piece := await file.read(PIECE):
                yield piece
        yield self._tail
