"""Serves the Gemini of the tests until it is told to stop: what the command line does."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from penstock.testing.gemini.server import GeminiServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.testing.gemini.behaviour import GeminiBehaviour


def serve_gemini(
    behaviour: GeminiBehaviour,
    *,
    port: int = 0,
    announce: Callable[[str], None] = lambda url: print(url, flush=True),  # noqa: T201 - what a caller waits for
) -> None:
    """Serve until SIGINT or SIGTERM, then return; hung calls do not delay it.

    Args:
        behaviour: How it behaves.
        port: 0 takes a free one.
        announce: Is given the base URL once the server listens; prints it on a line of its own by default.

    Raises:
        InputError: When the port cannot be used.
    """
    asyncio.run(_serve(behaviour, port=port, announce=announce))


async def _serve(behaviour: GeminiBehaviour, *, port: int, announce: Callable[[str], None]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with GeminiServer(behaviour, port=port) as server:
        announce(server.url)
        await stop.wait()
