"""Brings what lies behind a stranger's link into a private folder, and nothing else.

The body goes to disk as it comes, so that a video takes no memory; it is cut off as soon as it is larger than allowed.
Redirects are followed here, each one checked like the first link, and credentials stay with the host that they are for.
"""

from __future__ import annotations

import hashlib
import os
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio.to_thread

from penstock.errors import DeliveryError, InputError, PenstockError, Throttled, TimedOut, Unfit, Unreachable
from penstock.flow.ratelimits import read_limits
from penstock.web.addresses import PublicResolver, check_link, shown
from penstock.web.transport import HttpTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from yarl import URL

    from penstock.web.transport import Http, Streamed

HOPS = 5
"""Redirects that are followed."""

LARGEST = 2 * 1024**3
"""Bytes of one file, as long as nobody says otherwise."""

_PIECE = 1024 * 1024
_SAID = 16 * 1024


class WebPage(Unfit):
    """A web page came where a file was expected: the link leads to a page about it, or to a place to sign in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file that was brought.

    Attributes:
        path: Where it lies.
        size: Bytes.
        digest: SHA-256 of its content, in hex.
        content_type: What the server calls it, without parameters; may be empty.
        url: Where it came from at last.
    """

    path: Path
    size: int
    digest: str
    content_type: str
    url: str


def open_downloads(*, allow_private: bool = False) -> HttpTransport:
    """Make the HTTP session for downloads: it connects to public addresses alone.

    Behind a proxy it is the proxy that connects; which addresses it lets through is its own affair.
    """
    return HttpTransport(resolver=None if allow_private else PublicResolver(trusted=_proxies()))


async def fetch(
    link: str,
    *,
    into: Path,
    http: Http,
    timeout: float = 120.0,
    largest: int = LARGEST,
    allow_private: bool = False,
    headers: Mapping[str, str] | None = None,
    explain: Callable[[int, bytes], Exception | None] = lambda _status, _body: None,
    clock: Callable[[], float] = time.monotonic,
) -> Fetched:
    """Bring what lies behind a link into a new file, which only this user can read.

    Whatever goes wrong, and when the task is cancelled, no file is left.

    Args:
        link: An http(s) address.
        into: The file to make; its folder must be there, the file must not.
        http: What sends the requests; from `open_downloads`, so that no private address is connected to.
        timeout: Seconds for everything, redirects included.
        largest: Bytes of the file at most.
        allow_private: Whether links into private networks are followed.
        headers: Sent to the host of the link; no other host gets them.
        explain: Turns a status other than 200 and what was said with it into a better error, where it can.
        clock: Seconds, monotonic.

    Raises:
        Unfit: There is no such file, it may not be read, or it is too large; the link or a redirect leads where it
            must not.
        WebPage: What lies there is a web page.
        Later: The connection failed, or the server had an error.
        DeliveryError: The file cannot be written.
    """
    url = check_link(link, allow_private=allow_private)
    trip = _Trip(http=http, until=clock() + timeout, clock=clock, largest=largest, allow_private=allow_private)
    file = _File(into)
    try:
        kind, url = await trip.go(url, dict(headers or {}), file, explain=explain)
    except BaseException as error:
        file.close(keep=False)
        if isinstance(error, TimedOut):
            raise TimedOut(f"{shown(link)} did not come within {timeout:g} s") from None
        if isinstance(error, Unreachable) and error.status is None:
            raise type(error)(f"{shown(link)} could not be downloaded: {error}") from error
        raise
    file.close(keep=True)
    return Fetched(path=into, size=file.size, digest=file.digest, content_type=kind, url=str(url))


def make_private(folder: Path) -> Path:
    """Make a folder that only this user can enter.

    Raises:
        InputError: It cannot be made, or what is there is no folder of this user.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.lstat()
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made: {error.strerror}; mend that, then run again.") from error
    if folder.is_symlink() or about.st_uid != os.getuid():
        raise InputError(f"{folder} must be a folder of your own, for files that nobody else may read; remove it.")
    folder.chmod(0o700)
    return folder


class _File:
    """A new file, written a large piece at a time in a thread."""

    def __init__(self, path: Path) -> None:
        self.size = 0
        self._path = path
        self._waiting = bytearray()
        self._digest = hashlib.sha256()
        with _writing(path):
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    async def write(self, piece: bytes) -> None:
        self.size += len(piece)
        self._waiting += piece
        if len(self._waiting) >= _PIECE:
            await self.flush()

    async def flush(self) -> None:
        waiting, self._waiting = self._waiting, bytearray()
        await anyio.to_thread.run_sync(self._put, waiting)

    def _put(self, data: bytearray) -> None:
        with _writing(self._path), memoryview(data) as left:
            self._digest.update(left)
            at = 0
            while at < len(left):
                at += os.write(self._file, left[at:])

    def close(self, *, keep: bool) -> None:
        os.close(self._file)
        if not keep:
            with suppress(OSError):
                self._path.unlink()

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trip:
    """The way from a link, over redirects, to a file."""

    http: Http
    until: float
    clock: Callable[[], float]
    largest: int
    allow_private: bool

    async def go(
        self, url: URL, sent: Mapping[str, str], file: _File, *, explain: Callable[[int, bytes], Exception | None]
    ) -> tuple[str, URL]:
        """Fill a file; returns what its content is called and where it came from."""
        first = url
        for _ in range(HOPS + 1):
            _refuse_proxies(url, allow_private=self.allow_private)
            left = self.until - self.clock()
            if left <= 0:
                raise TimedOut("the time is up")
            headers = {"Accept-Encoding": "identity", **sent}
            async with self.http.stream(str(url), headers=headers, timeout=left) as answer:
                if answer.status == 200:
                    return await self._keep(answer, url, file), url
                target = self._target(answer, url)
                if target is None:
                    raise explain(answer.status, await _said(answer)) or _refused(answer, url)
            sent = sent if target.origin() == url.origin() else {}
            url = target
        raise Unfit(f"{shown(str(first))} leads from redirect to redirect; give the address of the file itself")

    async def _keep(self, answer: Streamed, url: URL, file: _File) -> str:
        """Write the body of an answer to a file."""
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in {"text/html", "application/xhtml+xml"}:
            raise WebPage(f"what lies at {shown(str(url))} is a web page")
        self._check_size(_declared(answer), url)
        async for piece in answer.pieces():
            self._check_size(file.size + len(piece), url)
            await file.write(piece)
        await file.flush()
        return kind

    def _check_size(self, size: int, url: URL) -> None:
        if size > self.largest:
            raise Unfit(f"the file at {shown(str(url))} is larger than {in_words(self.largest)}")

    def _target(self, answer: Streamed, url: URL) -> URL | None:
        """Where a redirect leads; None when the answer is none."""
        place = answer.headers.get("Location", "")
        if answer.status not in {301, 302, 303, 307, 308} or not place:
            return None
        try:
            target = str(url.join(type(url)(place)))
        except ValueError:
            raise Unfit(f"{shown(str(url))} leads to something that is no address") from None
        return check_link(target, allow_private=self.allow_private)


def _declared(answer: Streamed) -> int:
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def in_words(size: int) -> str:
    """Write a size the way people do."""
    for unit, name in ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size} bytes"


async def _said(answer: Streamed) -> bytes:
    """Read the beginning of what came with an error."""
    said = b""
    async for piece in answer.pieces():
        said += piece
        if len(said) >= _SAID:
            break
    return said[:_SAID]


def _refused(answer: Streamed, url: URL) -> PenstockError:
    """Turn a status into the error that says what to do next."""
    status, place = answer.status, shown(str(url))
    if status == 429 or (status == 503 and "Retry-After" in answer.headers):
        limits = read_limits(answer.headers, now=datetime.now(UTC))
        return Throttled(
            f"{url.host} asked for fewer downloads (HTTP {status})",
            status=status,
            retry_after=limits.retry_after if limits else None,
            limits=limits,
        )
    if status >= 500 or status in {408, 425}:
        return Unreachable(f"{url.host} had an error (HTTP {status})", status=status)
    if status in {401, 403, 407}:
        return Unfit(f"{place} may not be read without signing in (HTTP {status}); share it", status=status)
    if status in {404, 410}:
        return Unfit(f"there is nothing at {place} (HTTP {status})", status=status)
    return Unfit(f"{place} does not give a file (HTTP {status})", status=status)


@contextmanager
def _writing(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise DeliveryError(f"{path} cannot be written: {error.strerror}; make room, then resume.") from error


def _proxies() -> frozenset[str]:
    hosts = (urlsplit(proxy).hostname for proxy in urllib.request.getproxies().values())
    return frozenset(host for host in hosts if host)


def _refuse_proxies(url: URL, *, allow_private: bool) -> None:
    """Keep links from the proxy itself, which may lie in a private network."""
    if not allow_private and url.raw_host in _proxies():
        raise Unfit(f"{url.raw_host} is this machine's proxy, which links must not reach")
