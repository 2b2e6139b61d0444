"""Serves the Gemini of the tests until it is told to stop: what the command line does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from penstock.testing.child import until_stopped
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
    server = GeminiServer(behaviour, port=port)
    asyncio.run(until_stopped(server, lambda opened: announce(opened.url)))
