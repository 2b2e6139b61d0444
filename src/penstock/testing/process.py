"""The test server in a process of its own: for the command line, and for tests that need their own core."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from penstock.errors import InputError, JobError
from penstock.testing.child import child
from penstock.testing.server import ModelServer
from penstock.testing.tally import Stats

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from penstock.testing.behaviour import Behaviour


def serve(
    behaviour: Behaviour,
    *,
    port: int = 0,
    announce: Callable[[str], None] = lambda url: print(url, flush=True),  # noqa: T201 - what a caller waits for
    lifeline: IO[bytes] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then return; hung calls do not delay it.

    Args:
        behaviour: How it behaves.
        port: 0 takes a free one.
        announce: Is given the base URL once the server listens; prints it on a line of its own by default.
        lifeline: A pipe whose other end the parent holds: when it closes, the server ends.

    Raises:
        InputError: When the port cannot be used.
    """
    asyncio.run(_serve(behaviour, port=port, announce=announce, lifeline=lifeline))


async def _serve(
    behaviour: Behaviour, *, port: int, announce: Callable[[str], None], lifeline: IO[bytes] | None
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if lifeline is not None:
        _watch(lifeline, loop, stop)
    async with ModelServer(behaviour, port=port) as server:
        announce(server.url)
        await stop.wait()


def _watch(lifeline: IO[bytes], loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def read() -> None:
        if not os.read(lifeline.fileno(), 4096):
            loop.remove_reader(lifeline)
            stop.set()

    loop.add_reader(lifeline, read)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProcess:
    """A test server in another process, as its parent sees it."""

    url: str
    pid: int

    def stats(self) -> Stats:
        """Return what the server has counted."""
        return msgspec.json.decode(self._send("GET", "/stats"), type=Stats)

    def reset(self) -> None:
        """Forget what was counted; limits and schedules begin anew."""
        self._send("POST", "/reset")

    def behave(self, behaviour: Behaviour) -> None:
        """Behave differently from now on; calls in flight keep what they drew."""
        self._send("POST", "/behaviour", msgspec.json.encode(behaviour))

    def _send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        server = HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        try:
            server.request(method, path, body=body)
            response = server.getresponse()
            read = response.read()
        except (OSError, HTTPException) as error:
            raise JobError(f"The test server at {self.url} does not answer ({error!r}).") from error
        finally:
            server.close()
        if response.status != HTTPStatus.OK:
            raise InputError(f"The test server refused {path}: {read.decode()}")
        return read


@contextmanager
def serve_in_process(
    behaviour: Behaviour | None = None, *, port: int = 0, cpu: int | None = None
) -> Generator[ServerProcess]:
    """Run a test server in a process of its own until the block ends; it also ends when this process does.

    Args:
        behaviour: How it behaves; without one it answers everything at once.
        port: 0 takes a free one.
        cpu: Core to keep the server on, where the system can (Linux).

    Raises:
        InputError: When the server cannot start.
    """
    setup: dict[str, Any] = {"behaviour": behaviour or {}, "port": port, "cpu": cpu}
    with child("penstock.testing", setup) as (url, pid):
        yield ServerProcess(url=url, pid=pid)
