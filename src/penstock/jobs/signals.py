"""Ctrl-C: once finishes what is in flight and keeps it, twice stops at once; both leave a job that resumes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

INTERRUPTED = 130
"""Exit code of a process that was stopped by Ctrl-C, as shells have it."""


@contextmanager
def stopping(stop: Callable[[], None], *, say: Callable[[str], None] = lambda _: None) -> Generator[None]:
    """Call `stop` at the first SIGINT or SIGTERM, and leave the process at the second.

    Leaving at once is safe: what the ledger has, it has. Outside the main thread, signals are somebody else's.

    Args:
        stop: Ends the work in order.
        say: Shown to the user.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[int] = []

    def received() -> None:
        if asked:
            sys.stdout.flush()
            os._exit(INTERRUPTED)
        asked.append(1)
        say("Stopping: finishing what is in flight. Once more to stop at once.")
        stop()

    loop = asyncio.get_running_loop()
    caught = (signal.SIGINT, signal.SIGTERM)
    for number in caught:
        loop.add_signal_handler(number, received)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
