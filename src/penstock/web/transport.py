"""The one place where requests leave the process."""

from __future__ import annotations

import urllib.request
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import aiohttp

from penstock.errors import NoConnection, TimedOut, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Mapping
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType
    from typing import Self

    from aiohttp.abc import AbstractResolver


LARGEST_BODY = 8 * 1024 * 1024
"""Bytes; a model's reply is a few kilobytes, and an endless one must not fill the memory."""

_HOSTS = 256  # whose proxy is remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Sends one request and brings back one response."""

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes, timeout: float) -> Response:
        """Send `body` within `timeout` seconds.

        Raises:
            Unreachable: No complete answer came.
        """
        ...


class Http(Transport, Protocol):
    """Sends requests of every kind."""

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        timeout: float,
        body: bytes | AsyncIterable[bytes] = b"",
        largest: int = LARGEST_BODY,
    ) -> Response:
        """Send a request and bring the whole answer, of at most `largest` bytes.

        Raises:
            Unreachable: No complete answer came.
        """
        ...

    def stream(self, url: str, *, headers: Mapping[str, str], timeout: float) -> AbstractAsyncContextManager[Streamed]:
        """Get what lies at an address, piece by piece.

        Raises:
            Unreachable: No complete answer came.
        """
        ...


class Streamed:
    """An answer whose body is still to come.

    Attributes:
        status: HTTP status.
        headers: Of the answer.
    """

    def __init__(self, answer: aiohttp.ClientResponse, *, url: str, timeout: float) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self._answer = answer
        self._url = url
        self._timeout = timeout

    def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises:
            Unreachable: It broke off, or did not come in time.
        """
        return _Pieces(self._answer.content.iter_any(), url=self._url, timeout=self._timeout)


class _Pieces:
    """The pieces of a body; only what goes wrong with them is translated, not what their reader does in between."""

    def __init__(self, pieces: AsyncIterator[bytes], *, url: str, timeout: float) -> None:
        self._pieces = pieces
        self._url = url
        self._timeout = timeout

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        with _translated(self._url, self._timeout):
            return await anext(self._pieces)


class HttpTransport:
    """One pooled HTTP session; how many calls run at once is the pace's business, not the pool's.

    Honours `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. Redirects are answers, not followed: a key must not
    travel to another host.
    """

    def __init__(self, *, resolver: AbstractResolver | None = None) -> None:
        """Open nothing yet.

        Args:
            resolver: Finds the addresses of hosts, in the place of the system's own way.
        """
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None
        # once per host: reading the environment costs more than a call
        self._proxy_of = lru_cache(maxsize=_HOSTS)(_proxy_of)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, resolver=self._resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes, timeout: float) -> Response:
        """Send `body` within `timeout` seconds.

        Raises:
            Unreachable: No complete answer came.
            NoConnection: There was nobody to ask.
        """
        return await self.send("POST", url, headers=headers, body=body, timeout=timeout)

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        timeout: float,
        body: bytes | AsyncIterable[bytes] = b"",
        largest: int = LARGEST_BODY,
    ) -> Response:
        """Send a request and bring the whole answer, of at most `largest` bytes.

        Raises:
            Unreachable: No complete answer came.
            NoConnection: There was nobody to ask.
        """
        with _translated(url, timeout):
            async with self._open.request(
                method,
                url,
                data=body or None,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=timeout),
                allow_redirects=False,
                proxy=self._proxy(url),
            ) as answer:
                content = await _read(answer, largest)
                return Response(status=answer.status, headers=answer.headers, body=content)

    @asynccontextmanager
    async def stream(self, url: str, *, headers: Mapping[str, str], timeout: float) -> AsyncGenerator[Streamed]:
        """Get what lies at an address, piece by piece.

        Raises:
            Unreachable: No complete answer came.
            NoConnection: There was nobody to ask.
        """
        with _translated(url, timeout):
            answer = await self._open.get(
                url,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=timeout),
                allow_redirects=False,
                proxy=self._proxy(url),
            )
        async with answer:
            yield Streamed(answer, url=url, timeout=timeout)

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("HttpTransport is used outside `async with`.")
        return self._session

    def _proxy(self, url: str) -> str | None:
        parts = urlsplit(url)
        return self._proxy_of(parts.scheme, parts.hostname or "")


def _proxy_of(scheme: str, host: str) -> str | None:
    return None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(scheme)


@contextmanager
def _translated(url: str, timeout: float) -> Generator[None]:
    """Turn the library's errors into ours, which say what to do next."""
    try:
        yield
    except TimeoutError:
        raise TimedOut(f"no answer within {timeout:g} s") from None
    except aiohttp.InvalidURL as error:
        which = f"{url!r}" if str(error.url) == url else "what HTTP_PROXY or HTTPS_PROXY names"
        raise Unreachable(f"{which} is not an address") from None
    except aiohttp.ClientConnectorError as error:
        raise NoConnection(_describe(error)) from error
    except OSError as error:
        raise Unreachable(_describe(error)) from error
    except aiohttp.ClientError as error:  # not chained: its words may hold the proxy's password, or bytes of the answer
        raise Unreachable(_describe(error)) from None


async def _read(answer: aiohttp.ClientResponse, largest: int) -> bytes:
    """Read a body of at most `largest` bytes."""
    declared = answer.content_length
    if declared is not None and declared <= largest and "Content-Encoding" not in answer.headers:
        return await answer.read()
    pieces: list[bytes] = []
    size = 0
    async for piece in answer.content.iter_any():
        size += len(piece)
        if size > largest:
            raise Unreachable(f"the answer is larger than {largest // 2**20} MB")
        pieces.append(piece)
    return b"".join(pieces)


def _describe(error: Exception) -> str:
    """Say what happened on the wire, without the noise of the library's own words.

    Neither a proxy's address, which may hold a password, nor bytes of an answer, which may hold anything, is quoted.
    """
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy refused the connection (HTTP {error.status})"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the connection failed: the answer was no HTTP"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the connection failed: the answer broke off"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection failed: the server hung up"
    if isinstance(error, OSError) and error.strerror:
        return f"the connection failed: {error.strerror}"
    return f"the connection failed: {str(error) or type(error).__name__}"
