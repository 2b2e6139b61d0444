"""What tests of videos share: a Gemini that keeps nothing, and videos that are brought without waiting."""

import asyncio
import random
from contextlib import asynccontextmanager

from penstock.models.gemini_files import GeminiFiles
from penstock.score.video import Videos
from penstock.testing.gemini.behaviour import GeminiBehaviour
from penstock.testing.gemini.server import GeminiServer
from penstock.web.again import Again
from penstock.web.transport import HttpTransport

KEY = "AIza-a-key-that-nobody-may-see"


async def no_wait(_seconds):
    await asyncio.sleep(0)


def eager(attempts=8):
    """Try again at once."""
    return Again(attempts=attempts, refusals=attempts, sleep=no_wait, rng=random.Random(1))


@asynccontextmanager
async def storing(behaviour=None, *, key=KEY, **settings):
    """A Gemini that behaves so, and its files."""
    async with GeminiServer(behaviour) as server, HttpTransport() as http:
        settings = {"again": eager(), "timeout": 5.0, "chunk": 256 * 1024, **settings}
        yield server, GeminiFiles(http, base_url=server.url, key=key, **settings)


@asynccontextmanager
async def filming(folder, behaviour=None, *, files=None, **settings):
    """A Gemini that behaves so, and the videos of a run."""
    async with storing(behaviour, **(files or {})) as (server, stored):
        settings = {"allow_private": True, "again": eager(3), **settings}
        async with Videos(stored, folder, **settings) as videos:
            yield server, videos


def slow(**settings):
    """A behaviour in which a video is not ready at once."""
    return GeminiBehaviour(processing_s=0.05, **settings)


def downloads(folder):
    """The videos that lie in a folder."""
    return list(folder.glob("*.video"))
