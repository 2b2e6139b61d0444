"""What tests about secrets share: secrets that are easy to find in every spelling, and servers that say them back."""

from __future__ import annotations

import asyncio
import base64
import html
import json
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping
    from pathlib import Path

KEYS = {
    "OPENAI_API_KEY": 'sk-o"p\\e/n+a<i&%41-planted',
    "GEMINI_API_KEY": 'AIza"g\\e/m+i<n&%42-planted',
    "ANTHROPIC_API_KEY": 'sk-a"n\\t/h+r<o&%43-planted',
}
"""Keys of characters that every way of escaping changes."""

TOKENS = {
    "GOOGLE_OAUTH_ACCESS_TOKEN": "ya29.planted-of-a-real-person",
    "CLOUDSDK_AUTH_ACCESS_TOKEN": "ya29.planted-of-gcloud-itself",
}
"""Tokens of Google's that nobody but Google may be sent."""

_HOP = {"connection", "transfer-encoding", "host", "content-length", "keep-alive", "server", "date"}
_CREDENTIAL = ("authorization", "x-goog-api-key", "x-api-key")


def spellings(secret: str) -> Iterator[bytes]:
    """Every way in which a secret may stand in a file: plain, escaped, or in base64 behind anything else."""
    raw = secret.encode()
    for text in (
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        html.escape(secret),
        raw.hex(),
        raw.hex().upper(),
    ):
        yield text.encode()
    yield secret.encode("utf-16-le")
    yield from (core for shift in range(3) for core in _base64(raw, shift))


def _base64(raw: bytes, shift: int) -> Iterator[bytes]:
    """The letters of base64 that a secret alone decides, `shift` bytes behind the beginning."""
    start, stop = -(-8 * shift // 6), 8 * (shift + len(raw)) // 6
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(b"\0" * shift + raw + b"\0\0")[start:stop]


def pieces(account: Mapping[str, Any]) -> dict[str, str]:
    """The secrets of a Google account's file; some lines of its private key among them."""
    found = {
        name: str(account[name]) for name in ("private_key_id", "refresh_token", "client_secret") if name in account
    }
    lines = [line for line in str(account.get("private_key", "")).splitlines() if len(line) > 30 and "-" not in line]
    return {**found, **{f"private_key line {number}": line for number, line in enumerate(lines[1::8])}}


def leaks(secrets: Mapping[str, str], places: Mapping[str, bytes]) -> list[str]:
    """Where a secret stands, in any spelling."""
    return [
        f"{name} in {place}: {content[max(0, at - 80) : at + 80]!r}"
        for name, secret in secrets.items()
        for spelling in dict.fromkeys(spellings(secret))
        for place, content in places.items()
        if (at := content.find(spelling)) >= 0
    ]


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, its name included; a database as its bytes and as what it says."""
    found = {str(path): f"{path}\n".encode() + path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in folder.rglob("*.db"):
        with sqlite3.connect(path) as database:
            found[f"{path} as SQL"] = "\n".join(database.iterdump()).encode()
        database.close()
    return found


@dataclass(kw_only=True)
class Heard:
    """A request as it came.

    Attributes:
        line: Method and path.
        headers: By their names in lower case.
        body: As it was sent.
    """

    line: str
    headers: dict[str, str]
    body: bytes

    def whole(self) -> bytes:
        """Everything that was sent."""
        return "\n".join([self.line, *self.headers.values()]).encode() + b"\n" + self.body


@dataclass(kw_only=True)
class Gateway:
    """A server in front of another one: it remembers what it is sent, and passes it on or says it back.

    Attributes:
        target: Address of the server behind.
        says: Status of an answer that repeats the caller's credentials; None passes requests on.
        only: Part of the paths that get this answer.
        form: Makes the body of it.
        heard: What came.
        url: Where it serves.
    """

    target: str
    says: int | None = None
    only: str = ""
    form: Callable[[str], bytes] = lambda said: json.dumps({"error": {"message": said, "code": said}}).encode()
    heard: list[Heard] = field(default_factory=list)
    url: str = ""

    def sent(self) -> dict[str, bytes]:
        """What every request held, by number."""
        return {f"request {number} to {self.url}": one.whole() for number, one in enumerate(self.heard)}


def repeated(headers: Mapping[str, str]) -> str:
    """Say credentials back, in every way that servers do."""
    told = next((headers[name] for name in _CREDENTIAL if name in headers), "nobody").removeprefix("Bearer ")
    ways = (told, base64.b64encode(told.encode()).decode(), quote(told, safe=""), told.encode().hex())
    return f"Wrong: {' '.join(ways)}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gateway: Gateway

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        gateway = self.gateway
        gateway.heard.append(Heard(line=f"{self.command} {self.path}", headers=headers, body=body))
        if gateway.says is not None and gateway.only in self.path:
            self._send(gateway.says, {"Content-Type": "application/json"}, gateway.form(repeated(headers)))
        else:
            self._send(*self._pass_on(body))

    def _pass_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        behind = HTTPConnection(urlsplit(self.gateway.target).netloc, timeout=30)
        try:
            kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP - {"host"}}
            behind.request(self.command, self.path, body=body, headers=kept)
            answer = behind.getresponse()
            content = answer.read()
            told = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
            return answer.status, {name: self._here(value) for name, value in told.items()}, content
        finally:
            behind.close()

    def _here(self, value: str) -> str:
        """Let whoever is sent elsewhere come back through the gateway."""
        return value.replace(self.gateway.target, self.gateway.url)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names of `http.server`

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@contextmanager
def before(target: str, **settings: Any) -> Generator[Gateway]:
    """Open a gateway in front of a server."""
    gateway = Gateway(target=target, **settings)
    handler = type("Handler", (_Handler,), {"gateway": gateway})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    gateway.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


class Town:
    """An event loop in a thread, for the servers that a test talks to from outside."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._open: list[Any] = []

    def run(self, act: Coroutine[Any, Any, Any]) -> Any:
        """Run something in the loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(30)

    def open(self, server: Any) -> Any:
        """Start a server."""
        self._open.append(server)
        return self.run(server.__aenter__())

    def close(self) -> None:
        """Stop all servers, and the loop."""
        for server in reversed(self._open):
            self.run(server.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
