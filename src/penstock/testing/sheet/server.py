"""A Google Sheets server on loopback, with Google's quotas and faults on demand, for rehearsals and tests."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import TYPE_CHECKING, Any

from penstock.errors import InputError, JobError
from penstock.testing.sheet.behaviour import SheetBehaviour
from penstock.testing.sheet.desk import SheetDesk, sheet_url
from penstock.testing.sheet.sample import SAMPLE, sample_book

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from aiohttp.web import AppRunner

    from penstock.testing.sheet.book import SheetBook
    from penstock.testing.sheet.tally import SheetStats
    from penstock.testing.sheet.web import SheetSite

HOST = "127.0.0.1"


class SheetServer:
    """Google Sheets as one program sees it, in this loop; `async with` starts and stops it.

    It speaks the Sheets API v4, the part of Drive that downloads files, and the token endpoint of OAuth. Its books lie
    in memory.

    Args:
        books: By id; without any, a sample under the id `rehearsal`.
        behaviour: How it behaves; by default with Google's quotas and without faults.
        files: Bytes, or where they lie, by id: served as Google Drive would.
        port: 0 takes a free one.
        clock: Tells the seconds; must not go backwards.
    """

    def __init__(
        self,
        books: Mapping[str, SheetBook] | None = None,
        *,
        behaviour: SheetBehaviour | None = None,
        files: Mapping[str, bytes | Path] | None = None,
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        held = {SAMPLE: sample_book()} if books is None else dict(books)
        self._desk = SheetDesk(behaviour or SheetBehaviour(), books=held, files=dict(files or {}))
        self._clock = clock
        self._port = port
        self._site: SheetSite | None = None
        self._runner: AppRunner | None = None
        self._origin = ""

    async def __aenter__(self) -> Self:
        from aiohttp import web

        from penstock.testing.sheet.web import SheetSite

        self._site = SheetSite(self._desk, clock=self._clock, origin=lambda: self._origin)
        self._runner = web.AppRunner(self._site.application(), access_log=None, shutdown_timeout=2.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self._port, backlog=1024).start()
        except (OSError, OverflowError) as error:
            await self._runner.cleanup()
            why = getattr(error, "strerror", error)
            message = f"Port {self._port} cannot be used ({why}); choose another, or 0 for a free one."
            raise InputError(message) from error
        self._origin = f"http://{HOST}:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """Where it serves: `http://127.0.0.1:PORT`."""
        if not self._origin:
            raise JobError("The sheet server is not running; enter it with `async with`.")
        return self._origin

    @property
    def token_url(self) -> str:
        """Where access tokens are issued."""
        return f"{self.url}/token"

    def sheet_url(self, book: str = SAMPLE) -> str:
        """Return the address of a book, as a person would paste it."""
        return sheet_url(self.url, book)

    def file_url(self, file: str) -> str:
        """Return the link to a file, as a person would paste it."""
        return f"{self.url}/file/d/{file}/view"

    def book(self, book: str = SAMPLE) -> SheetBook:
        """Return a book, to look into it or to change it."""
        return self._desk.books[book]

    def stats(self) -> SheetStats:
        """Return what the server has counted."""
        return self._desk.stats(now=self._clock())

    def reset(self) -> None:
        """Forget what was counted; quotas begin anew, books stay."""
        self._desk.reset()

    def behave(self, behaviour: SheetBehaviour) -> None:
        """Behave differently from now on; requests in flight keep what they drew."""
        self._desk.behaviour = behaviour

    def service_account(self, path: Path) -> str:
        """Write the key file of a new service account of this server, for tests only; returns its e-mail address.

        Raises:
            MissingExtra: When `cryptography` is not installed.
        """
        account = self._desk.office.service_account(self.token_url)
        write_secret(path, account)
        return str(account["client_email"])

    def authorized_user(self, path: Path) -> None:
        """Write the file of a person's saved consent to this server, as `gcloud` would."""
        write_secret(path, self._desk.office.authorized_user(self.token_url))

    def expire_tokens(self) -> None:
        """End every access token that was issued, before its time."""
        self._desk.office.revoke()

    async def close(self) -> None:
        """Stop listening and drop every connection, hung ones included."""
        runner, self._runner = self._runner, None
        if runner is None or self._site is None:
            return
        self._site.closing.set()
        await asyncio.sleep(0)  # hung handlers wake and drop their connections
        await runner.cleanup()
        self._origin = ""


def write_secret(path: Path, values: Mapping[str, Any]) -> None:
    """Write JSON that only the owner may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(values, file, indent=2)
