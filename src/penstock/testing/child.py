"""A server in a process of its own: how it is started, asked and ended, and how it serves until then."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from select import select
from typing import IO, TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from penstock.errors import InputError, JobError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from contextlib import AbstractAsyncContextManager

Server = TypeVar("Server")

_START = 30.0  # seconds for the process to say its address
_GRACE = 5.0  # seconds for the process to end by itself
_PATIENCE = 30.0  # seconds for an answer of the process


@contextmanager
def child(module: str, setup: Mapping[str, Any]) -> Generator[tuple[str, int]]:
    """Run a module of this package as a server until the block ends; gives its address and its process id.

    Args:
        module: Reads its set-up as one line of JSON, prints its address, and serves until its input closes.
        setup: What it is to serve.

    Raises:
        InputError: It did not start.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C is for the parent, who then closes the lifeline
    )
    with process:
        try:
            yield _greet(process, setup), process.pid
        finally:
            _end(process)


def send(url: str, method: str, path: str, body: bytes | None = None) -> bytes:
    """Ask a server that runs in another process, and return what it answers.

    Raises:
        InputError: It refuses.
        JobError: It does not answer.
    """
    server = HTTPConnection(urlsplit(url).netloc, timeout=_PATIENCE)
    try:
        server.request(method, path, body=body)
        response = server.getresponse()
        read = response.read()
    except (OSError, HTTPException) as error:
        raise JobError(f"The test server at {url} does not answer ({error!r}).") from error
    finally:
        server.close()
    if response.status != HTTPStatus.OK:
        raise InputError(f"The test server refused {path}: {read.decode()}")
    return read


async def until_stopped(
    server: AbstractAsyncContextManager[Server],
    announce: Callable[[Server], None],
    *,
    lifeline: IO[bytes] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, or until the lifeline closes.

    Args:
        server: What is entered and left.
        announce: Is given the server once it listens.
        lifeline: A pipe whose other end the parent holds.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if lifeline is not None:
        _watch(lifeline, loop, stop)
    async with server as opened:
        announce(opened)
        await stop.wait()


def _watch(lifeline: IO[bytes], loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def read() -> None:
        if not os.read(lifeline.fileno(), 4096):
            loop.remove_reader(lifeline)
            stop.set()

    loop.add_reader(lifeline, read)


def stay_on(cpu: int) -> None:
    """Keep this process on one core.

    Raises:
        InputError: The system cannot, or has no such core.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise InputError("`cpu` needs Linux; leave it out.")
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError as error:
        raise InputError(f"Core {cpu} cannot be used ({error.strerror}); leave `cpu` out.") from error


def _greet(process: subprocess.Popen[bytes], setup: Mapping[str, Any]) -> str:
    """Tell the process what to do, and wait for its address or its end."""
    if process.stdin is None or process.stdout is None:
        raise JobError("The server process was started without pipes.")
    with suppress(BrokenPipeError):  # it ended early, and said why on stderr
        process.stdin.write(msgspec.json.encode(setup) + b"\n")
        process.stdin.flush()
    ready, _, _ = select([process.stdout], [], [], _START)
    url = process.stdout.readline().decode().strip() if ready else ""
    if not url:
        raise InputError("The test server did not start; what it said stands on the standard error stream.")
    return url


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
