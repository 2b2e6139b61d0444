"""The test server in a process of its own: for the command line, and for tests that need their own core."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import msgspec

from penstock.testing.child import child, send, until_stopped
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
    server = ModelServer(behaviour, port=port)
    asyncio.run(until_stopped(server, lambda opened: announce(opened.url), lifeline=lifeline))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProcess:
    """A test server in another process, as its parent sees it."""

    url: str
    pid: int

    def stats(self) -> Stats:
        """Return what the server has counted."""
        return msgspec.json.decode(send(self.url, "GET", "/stats"), type=Stats)

    def reset(self) -> None:
        """Forget what was counted; limits and schedules begin anew."""
        send(self.url, "POST", "/reset")

    def behave(self, behaviour: Behaviour) -> None:
        """Behave differently from now on; calls in flight keep what they drew."""
        send(self.url, "POST", "/behaviour", msgspec.json.encode(behaviour))


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
