"""HTTP/1.1 as values: bytes in, requests out; responses in, bytes out. No sockets here."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_HEAD = 64 * 1024
MAX_BODY = 32 * 1024 * 1024
MAX_UPLOAD = 256 * 1024 * 1024

_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One whole request; header names are in lower case, the path is without its query."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str]
    body: bytes = b""
    keep_alive: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What is sent back, or how much of it.

    Attributes:
        ends: `whole`; `midway`: half of the body, then the connection closes; `before`: it closes without a byte.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"
    ends: Literal["whole", "midway", "before"] = "whole"

    def encode(self, *, keep_alive: bool = True) -> bytes:
        """Return the bytes for the socket, cut where the response ends early."""
        if self.ends == "before":
            return b""
        head = (
            f"HTTP/1.1 {self.status} {_PHRASES.get(self.status, 'Unknown')}\r\n"
            f"content-type: {self.content_type}\r\ncontent-length: {len(self.body)}\r\n"
        )
        head += "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        head += "\r\n" if keep_alive else "connection: close\r\n\r\n"
        body = self.body if self.ends == "whole" else self.body[: len(self.body) // 2]
        return head.encode("latin-1") + body


class Malformed(Exception):
    """What arrived is not a request that this server reads; `status` is the answer to it."""

    def __init__(self, reason: str, *, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    keep_alive: bool
    length: int | None  # None: the body comes in chunks

    @property
    def largest(self) -> int:
        """Bytes that the body may have."""
        return _largest(self.path)


class Inbox:
    """Collects the bytes of one connection and hands out the requests in them, however they were split.

    Feed it what arrives, then call `next` until it returns None. After `Malformed` the connection is of no more use.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: _Head | None = None
        self._chunks: bytearray = bytearray()
        self._continue = False

    def __len__(self) -> int:
        """Bytes waiting."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take in what a socket gave."""
        self._buffer += data

    def next(self) -> Request | None:
        """Return the next whole request, or None while more bytes are needed.

        Raises:
            Malformed: When these bytes can never become a request, or would become one that is too large.
        """
        if self._head is None:
            self._head = self._take_head()
        head = self._head
        if head is None:
            return None
        body = self._take_chunks(head.largest) if head.length is None else self._take(head.length)
        if body is None:
            return None
        self._head, self._continue = None, False
        return Request(
            method=head.method,
            path=head.path,
            query=head.query,
            headers=head.headers,
            body=body,
            keep_alive=head.keep_alive,
        )

    def wants_continue(self) -> bool:
        """Say, once per request, whether its sender waits for `100 Continue` before sending the body."""
        asked, self._continue = self._continue, False
        return asked

    def _take(self, length: int) -> bytes | None:
        if len(self._buffer) < length:
            return None
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    def _take_head(self) -> _Head | None:
        while self._buffer.startswith(b"\r\n"):  # RFC 9112, 2.2: blank lines before a request are ignored
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(self._buffer) >= MAX_HEAD:
                raise Malformed("The headers are too long.", status=431)
            return None
        head = _read_head(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        self._continue = head.headers.get("expect", "").lower() == "100-continue" and not self._buffer
        return head

    def _take_chunks(self, largest: int) -> bytes | None:
        while True:
            end = self._buffer.find(b"\r\n", 0, MAX_HEAD)
            if end < 0:
                if len(self._buffer) >= MAX_HEAD:
                    raise Malformed("A chunk has no size.")
                return None
            size = _number(bytes(self._buffer[:end]).split(b";")[0].strip(), base=16)
            if len(self._chunks) + size > largest:
                raise Malformed("The body is too large.", status=413)
            if size == 0:
                return self._end_chunks()
            if len(self._buffer) < end + 2 + size + 2:
                return None
            self._chunks += self._buffer[end + 2 : end + 2 + size]
            del self._buffer[: end + 2 + size + 2]

    def _end_chunks(self) -> bytes | None:
        end = self._buffer.find(b"\r\n\r\n", 0, MAX_HEAD)  # after the last chunk: trailers, then a blank line
        if end < 0:
            return None
        body, self._chunks = bytes(self._chunks), bytearray()
        del self._buffer[: end + 4]
        return body


def _read_head(raw: bytes) -> _Head:
    first, *lines = raw.decode("latin-1").split("\r\n")
    try:
        method, target, version = first.split(" ")
    except ValueError:
        raise Malformed("The first line is not `METHOD TARGET VERSION`.") from None
    if version not in {"HTTP/1.1", "HTTP/1.0"}:
        raise Malformed(f"{version[:20]!a} is not spoken here.", status=505)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise Malformed("A header line has no name.")
        headers[name.lower()] = value.strip()
    connection = headers.get("connection", "").lower()
    keep_alive = connection != "close" if version == "HTTP/1.1" else connection == "keep-alive"
    path, _, query = target.partition("?")
    return _Head(
        method=method,
        path=path,
        query=query,
        headers=headers,
        keep_alive=keep_alive,
        length=_length(headers, largest=_largest(path)),
    )


def _largest(path: str) -> int:
    return MAX_UPLOAD if path == "/v1/files" else MAX_BODY


def _length(headers: Mapping[str, str], *, largest: int) -> int | None:
    """Return how long the body is, or None when it comes in chunks."""
    coding = headers.get("transfer-encoding", "").lower()
    if coding:
        if coding != "chunked" or "content-length" in headers:
            raise Malformed("Only `chunked`, without a length, is read.", status=501)
        return None
    length = _number(headers.get("content-length", "0").encode("latin-1"), base=10)
    if length > largest:
        raise Malformed("The body is too large.", status=413)
    return length


def _number(digits: bytes, *, base: Literal[10, 16]) -> int:
    allowed = b"0123456789" if base == 10 else b"0123456789abcdefABCDEF"
    if not digits or len(digits) > 16 or digits.strip(allowed):
        raise Malformed("A length is not a number.")
    return int(digits, base)
