"""Brings one file to Gemini's storage in chunks, over broken connections.

The server says how much it has: after a chunk that failed it is asked, and the upload goes on from there. An upload
that the server has lost begins anew; one whose last answer was lost is found by the name that was chosen for the file.

Source: https://ai.google.dev/gemini-api/docs/files; the same protocol in more words:
https://developers.google.com/photos/library/guides/resumable-uploads
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import msgspec

from penstock.errors import Later, PenstockError, Refused, Rejected, Unfit, Unreachable

if TYPE_CHECKING:
    from penstock.models.gemini_storage import RemoteFile, Storage
    from penstock.web.transport import Response

RESTARTS = 3
"""How often an upload is begun while the server loses it."""

_GRACE = 3.0  # seconds to tell the server that an upload is given up


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """An upload as the server keeps it; every chunk but the last must be a multiple of `step` bytes."""

    url: str
    step: int


class _Gone(Exception):
    """The server knows nothing of the upload any more."""


class Upload:
    """One file on its way; `run` brings it there."""

    def __init__(self, storage: Storage, file: int, *, size: int, mime_type: str, name: str, chunk: int) -> None:
        """Take an open file.

        Args:
            storage: Where it is brought.
            file: Descriptor, open for reading; its owner closes it.
            size: Bytes of the file.
            mime_type: Such as `video/mp4`.
            name: What the file will be called there.
            chunk: Bytes to send at a time.
        """
        self._storage = storage
        self._file = file
        self._size = size
        self._mime_type = mime_type
        self._name = name
        self._chunk = chunk

    async def run(self) -> RemoteFile:
        """Bring the file there; what was begun is given up on any error.

        Raises:
            Rejected: The server does not take the file.
            Later: The server cannot be reached.
            Refused: The key is turned down, or the storage is full.
        """
        for _ in range(RESTARTS):
            session = await self._start()
            if session is None:
                return await self._found()
            try:
                return await self._send(session)
            except _Gone:
                continue
            except BaseException:
                await self._abandon(session)
                raise
        raise Unreachable("the server lost the upload again and again")

    async def _start(self) -> _Session | None:
        """Begin an upload; None when the file is there already, as after an answer that was lost."""
        headers = {
            "Content-Type": "application/json",
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(self._size),
            "X-Goog-Upload-Header-Content-Type": self._mime_type,
        }
        body = msgspec.json.encode({"file": {"name": self._name, "mimeType": self._mime_type}})
        url = f"{self._storage.origin}/upload/v1beta/files"
        try:
            answer = await self._storage.ask("POST", url, headers=headers, body=body)
        except Rejected:
            if await self._storage.get(self._name) is not None:
                return None
            raise
        return self._session(answer)

    def _session(self, answer: Response | None) -> _Session:
        url = "" if answer is None else answer.headers.get("X-Goog-Upload-URL", "")
        if answer is None or urlsplit(url)[:2] != urlsplit(self._storage.origin)[:2]:
            raise Refused(f"{self._storage.origin} wants files sent to another host; check the base URL.")
        step = answer.headers.get("X-Goog-Upload-Chunk-Granularity", "")
        return _Session(url=url, step=max(1, int(step)) if step.isascii() and step.isdigit() else 1)

    async def _send(self, session: _Session) -> RemoteFile:
        """Send chunk after chunk; after a failure, go on from what the server has."""
        at = failures = 0
        while True:
            try:
                body = await self._read(at, self._length(session, at))
                answer = await self._put(session, at, body)
            except Later as error:
                failures += 1
                await self._storage.again.rest(failures, error)
                had, at = at, await self._received(session)
                failures = 0 if at > had else failures
            else:
                if _state(answer) == "final":
                    return self._storage.uploaded(answer)
                at, failures = at + len(body), 0
            if at < 0:  # everything is there, only the answer to the last chunk was lost
                return await self._found()

    def _length(self, session: _Session, at: int) -> int:
        whole = max(self._chunk // session.step, 1) * session.step
        return min(whole, self._size - at)

    async def _read(self, at: int, length: int) -> bytes:
        body = await anyio.to_thread.run_sync(os.pread, self._file, length, at)
        if len(body) < length:
            raise Unfit("the file was cut off while it was being sent")
        return body

    async def _put(self, session: _Session, at: int, body: bytes) -> Response:
        """Send a chunk; the last one ends the upload."""
        last = at + len(body) == self._size
        command = ", ".join(["upload"] * bool(body) + ["finalize"] * last)
        headers = {
            "Content-Type": "application/octet-stream",
            "X-Goog-Upload-Command": command,
            "X-Goog-Upload-Offset": str(at),
        }
        answer = await self._storage.send(session.url, headers=headers, body=body)
        if answer.status != 200:
            raise self._failed(answer)
        if last and _state(answer) != "final":
            raise Unreachable("the server did not say that the upload is complete", status=200)
        return answer

    def _failed(self, answer: Response) -> Exception:
        """Tell an upload that is lost or turned down from one that may go on."""
        if answer.status in {404, 410}:
            return _Gone()
        if answer.status in {400, 409, 412, 416} and _state(answer) != "final":
            return Unreachable(f"the server did not take a chunk (HTTP {answer.status})", status=answer.status)
        return self._storage.error(answer)

    async def _received(self, session: _Session) -> int:
        """Ask how many bytes have come; -1 when the file is complete."""
        answer = await self._storage.again.ask(partial(self._query, session))
        if _state(answer) == "final":
            return -1
        size = answer.headers.get("X-Goog-Upload-Size-Received", "")
        if _state(answer) != "active" or not (size.isascii() and size.isdigit()) or int(size) > self._size:
            raise _Gone
        return int(size)

    async def _query(self, session: _Session) -> Response:
        answer = await self._storage.send(session.url, headers={"X-Goog-Upload-Command": "query"})
        if answer.status == 200:
            return answer
        raise self._failed(answer)

    async def _found(self) -> RemoteFile:
        """Find the file by its name."""
        remote = await self._storage.get(self._name)
        if remote is None:
            raise Unreachable("the uploaded file is not there")
        return remote

    async def _abandon(self, session: _Session) -> None:
        """Tell the server that no more will come, so that a late chunk makes no file."""
        with anyio.move_on_after(_GRACE, shield=True), suppress(PenstockError):
            await self._storage.send(session.url, headers={"X-Goog-Upload-Command": "cancel"})


def _state(answer: Response) -> str:
    return answer.headers.get("X-Goog-Upload-Status", "").lower()
