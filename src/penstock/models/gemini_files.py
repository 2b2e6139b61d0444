"""Files that Gemini looks at: uploaded, awaited, deleted.

A file's name is chosen here, before a byte is sent. So whoever wrote the name down first can delete the file, whatever
happened in between, and an upload whose last answer was lost is found again instead of made twice.

Source: https://ai.google.dev/gemini-api/docs/files: a file may have 2 GB, a project 20 GB, and after 48 hours files go.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from penstock.errors import Rejected, TimedOut, Unfit, Unreachable
from penstock.models.gemini_storage import Storage
from penstock.models.gemini_upload import Upload
from penstock.models.model import Media
from penstock.web.again import Again

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from penstock.models.gemini_storage import RemoteFile
    from penstock.web.transport import Http

LARGEST = 2 * 1024**3
"""Bytes of one file that the server takes."""

KEPT = 48 * 3600.0
"""Seconds after which the server deletes a file by itself."""

CHUNK = 8 * 1024**2


def new_name() -> str:
    """Choose the name of a file to come, of at most 40 of the characters that the server takes."""
    return f"files/penstock-{secrets.token_hex(14)}"


class GeminiFiles:
    """The files of one account; many tasks may use it at once."""

    def __init__(
        self,
        http: Http,
        *,
        base_url: str,
        key: str,
        timeout: float = 60.0,
        patience: float = 300.0,
        chunk: int = CHUNK,
        again: Again | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        """Remember where to ask; nothing is sent yet.

        Args:
            http: What sends the requests; its owner closes it.
            base_url: Address of the API, such as `https://generativelanguage.googleapis.com`.
            key: Sent as a header, with everything but the chunks.
            timeout: Seconds for one request.
            patience: Seconds until an uploaded file must be ready.
            chunk: Bytes to send at a time; rounded to what the server wants.
            again: How failures that may pass are met.
            clock: Seconds, monotonic.
            sleep: Waits between two looks at a file.
        """
        self._storage = Storage(
            http, base_url=base_url, key=key, timeout=timeout, again=again if again is not None else Again(sleep=sleep)
        )
        self._patience = patience
        self._chunk = chunk
        self._clock = clock
        self._sleep = sleep

    @property
    def origin(self) -> str:
        """Where the API is: scheme, host and port."""
        return self._storage.origin

    @property
    def account(self) -> str:
        """Tells accounts apart in what is written down; no key can be found from it."""
        return self._storage.account

    async def upload(self, path: Path, mime_type: str, name: str, *, digest: str = "") -> Media:
        """Send a file; it may be used when `wait_active` has said so.

        Args:
            path: Of the file, which must not change meanwhile.
            mime_type: Such as `video/mp4`.
            name: From `new_name`, and written down where a crash does not reach it.
            digest: SHA-256 of its content in hex; found out when it is not given.

        Raises:
            Unfit: It cannot be read, is empty or larger than the server takes.
            Rejected: The server does not take it.
            Later: The server cannot be reached.
            Refused: The key is turned down, or the account's storage is full.
        """
        file = await anyio.to_thread.run_sync(_open, path)
        try:
            size = os.fstat(file).st_size
            check_size(size)
            digest = digest or await anyio.to_thread.run_sync(_digest, file)
            upload = Upload(self._storage, file, size=size, mime_type=mime_type, name=name, chunk=self._chunk)
            remote = await upload.run()
        finally:
            os.close(file)
        return Media(uri=remote.uri, mime_type=remote.mime_type or mime_type, digest=digest)

    async def wait_active(self, name: str) -> RemoteFile:
        """Wait until a file can be used.

        Raises:
            Rejected: The server could not make anything of it.
            TimedOut: It is still not ready.
            Later: The server cannot be reached.
            Refused: The key is turned down.
        """
        until, pause = self._clock() + self._patience, 0.25
        while True:
            remote = await self._storage.get(name)
            if remote is None:
                raise Unreachable("the uploaded file is not there any more")
            if remote.state == "ACTIVE":
                return remote
            if remote.state == "FAILED":
                why = self._storage.plain(remote.error.message if remote.error else "")
                raise Rejected(f"the server could not read the file{f' ({why})' if why else ''}")
            if self._clock() + pause > until:
                raise TimedOut(f"the uploaded file was not ready within {self._patience:g} s")
            await self._sleep(pause)
            pause = min(5.0, 1.5 * pause)

    async def delete(self, name: str) -> bool:
        """Delete a file; says whether it was there.

        Raises:
            Later: The server cannot be reached.
            Refused: The key is turned down.
        """
        return await self._storage.delete(name)


def check_size(size: int) -> None:
    """Make sure that the server takes a file of so many bytes.

    Raises:
        Unfit: It does not.
    """
    if not size:
        raise Unfit("the file is empty")
    if size > LARGEST:
        raise Unfit("the file is larger than the 2 GB that Gemini takes")


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise Unfit(f"the file {path.name!r} cannot be read ({error.strerror})") from None


def _digest(file: int) -> str:
    with os.fdopen(os.dup(file), "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
