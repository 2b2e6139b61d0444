"""After `kill -9` at any point, the next start leaves nothing of a video behind."""

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from filming import downloads, storing
from penstock.score.video import Videos
from penstock.testing.gemini.behaviour import GeminiBehaviour

pytestmark = pytest.mark.anyio

SCRIPT = Path(__file__).parents[1] / "filmed.py"
LASTING = {"hang_seconds": 3600}


@asynccontextmanager
async def working(server, folder, *paths):
    """A process that opens these videos; it is killed at the end."""
    links = [f"{server.url}{path}" for path in paths]
    process = await asyncio.create_subprocess_exec(sys.executable, str(SCRIPT), server.url, str(folder), *links)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def until(happened):
    async with asyncio.timeout(60):
        while not happened():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("path", "behaviour", "reached"),
    [
        ("/slow.mp4", GeminiBehaviour(), lambda server, folder: downloads(folder)),
        (
            "/videos/a.mp4",
            GeminiBehaviour(faults={"upload_hang": 1.0}, **LASTING),
            lambda server, _: server.stats().requests.get("upload"),
        ),
        ("/videos/a.mp4", GeminiBehaviour(processing_s=3600), lambda server, _: server.stats().requests.get("get")),
        ("/videos/a.mp4", GeminiBehaviour(), lambda server, folder: server.files and not downloads(folder)),
    ],
    ids=["while it is downloaded", "while it is uploaded", "while it is processed", "while it is looked at"],
)
async def test_a_run_that_was_killed_is_swept_by_the_next_start(tmp_path, path, behaviour, reached):
    dead = tmp_path / "dead" / "videos"
    async with storing(behaviour, key="k") as (server, files):
        async with working(server, dead, path):
            await until(lambda: reached(server, dead))
        assert server.files or downloads(dead)
        server.behave(GeminiBehaviour())
        async with Videos(files, tmp_path / "next" / "videos") as videos:
            assert await videos.sweep(tmp_path) >= 1
        assert not server.files
        assert not downloads(dead)
