"""The sheet server in a process of its own: for the command line, and for tests that need their own core."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from penstock.testing.child import child, send, until_stopped
from penstock.testing.sheet.book import SheetBook
from penstock.testing.sheet.desk import sheet_url
from penstock.testing.sheet.sample import SAMPLE
from penstock.testing.sheet.server import SheetServer, write_secret
from penstock.testing.sheet.tally import SheetStats

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from penstock.testing.sheet.behaviour import SheetBehaviour


def serve_sheet(
    behaviour: SheetBehaviour,
    *,
    books: Mapping[str, SheetBook] | None = None,
    files: Mapping[str, bytes | Path] | None = None,
    port: int = 0,
    announce: Callable[[SheetServer], None] = lambda server: print(server.url, flush=True),  # noqa: T201 - what a caller waits for
    lifeline: IO[bytes] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then return; hung requests do not delay it.

    Args:
        behaviour: How it behaves.
        books: By id; without any, the sample.
        files: By id, as Drive serves them.
        port: 0 takes a free one.
        announce: Is given the server once it listens; prints its address on a line of its own by default.
        lifeline: A pipe whose other end the parent holds: when it closes, the server ends.

    Raises:
        InputError: When the port cannot be used.
    """
    server = SheetServer(books, behaviour=behaviour, files=files, port=port)
    asyncio.run(until_stopped(server, announce, lifeline=lifeline))


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetProcess:
    """A sheet server in another process, as its parent sees it."""

    url: str
    pid: int

    def sheet_url(self, book: str = SAMPLE) -> str:
        """Return the address of a book, as a person would paste it."""
        return sheet_url(self.url, book)

    def file_url(self, file: str) -> str:
        """Return the link to a file, as a person would paste it."""
        return f"{self.url}/file/d/{file}/view"

    def book(self, book: str = SAMPLE) -> SheetBook:
        """Return a copy of a book as it is now; formulas come as their text."""
        return SheetBook.of(msgspec.json.decode(send(self.url, "GET", f"/books/{quote(book, safe='')}")))

    def place(self, book: str, held: SheetBook) -> None:
        """Put a book under an id, in the place of what was there."""
        send(self.url, "PUT", f"/books/{quote(book, safe='')}", msgspec.json.encode(held.plain()))

    def stats(self) -> SheetStats:
        """Return what the server has counted."""
        return msgspec.json.decode(send(self.url, "GET", "/stats"), type=SheetStats)

    def reset(self) -> None:
        """Forget what was counted; quotas begin anew, books stay."""
        send(self.url, "POST", "/reset")

    def behave(self, behaviour: SheetBehaviour) -> None:
        """Behave differently from now on; requests in flight keep what they drew."""
        send(self.url, "POST", "/behaviour", msgspec.json.encode(behaviour))

    def service_account(self, path: Path) -> str:
        """Write the key file of a new service account of this server, for tests only; returns its e-mail address."""
        account = msgspec.json.decode(send(self.url, "POST", "/accounts"), type=dict[str, Any])
        write_secret(path, account)
        return str(account["client_email"])


@contextmanager
def serve_sheet_in_process(
    books: Mapping[str, SheetBook] | None = None,
    *,
    behaviour: SheetBehaviour | None = None,
    files: Mapping[str, Path] | None = None,
    port: int = 0,
    cpu: int | None = None,
) -> Generator[SheetProcess]:
    """Run a sheet server in a process of its own until the block ends; it also ends when this process does.

    Args:
        books: By id; without any, the sample.
        behaviour: How it behaves; by default with Google's quotas and without faults.
        files: Where files lie, by id: served as Google Drive would.
        port: 0 takes a free one.
        cpu: Core to keep the server on, where the system can (Linux).

    Raises:
        InputError: When the server cannot start.
    """
    setup: dict[str, Any] = {
        "behaviour": behaviour or {},
        "books": None if books is None else {name: book.plain() for name, book in books.items()},
        "files": {name: str(path) for name, path in (files or {}).items()},
        "port": port,
        "cpu": cpu,
    }
    with child("penstock.testing.sheet.main", setup) as (url, pid):
        yield SheetProcess(url=url, pid=pid)
