"""A server in a process of its own, which ends with this one: how it is started, told what to serve, and ended."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from select import select
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import InputError, JobError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

_START = 30.0  # seconds for the process to say its address
_GRACE = 5.0  # seconds for the process to end by itself


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
