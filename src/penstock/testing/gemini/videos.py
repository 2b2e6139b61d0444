"""Small videos of our own making, and links to them as tables hold them: good, moved, missing, huge and slow ones.

A video here is the beginning of an MP4 file and noise that follows from its name. No player shows it; what looks at the
beginning of a file takes it for a video.
"""

from __future__ import annotations

import asyncio
import hashlib

from aiohttp import web

SAMPLES = ("ferry", "harbour", "kitchen", "market", "orchard", "rain", "station", "workshop")
_ROOM = 64 * 1024


def sample_video(name: str, *, size: int = 4096) -> bytes:
    """Make the video of this name, of `size` bytes, at least 64."""
    head = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
    noise = hashlib.shake_256(name.encode()).digest(max(64, size) - len(head) - 8)
    return head + (len(noise) + 8).to_bytes(4, "big") + b"mdat" + noise


def add_videos(app: web.Application) -> None:
    """Give an application the addresses of the videos."""
    app.router.add_get("/videos.csv", _table)
    app.router.add_get("/videos/{name}.mp4", _video)
    app.router.add_get("/redirect", _redirect)
    app.router.add_get("/huge.mp4", _huge)
    app.router.add_get("/slow.mp4", _slow)
    app.router.add_get("/page", _page)


async def _table(request: web.Request) -> web.Response:
    """A table of links, for a rehearsal."""
    origin = f"{request.scheme}://{request.host}"
    lines = ["video", *(f"{origin}/videos/{name}.mp4" for name in SAMPLES)]
    return web.Response(text="\n".join(lines) + "\n", content_type="text/csv")


async def _video(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name.startswith("missing"):
        raise web.HTTPNotFound
    size = min(int(request.query.get("bytes", "4096")), 64 * 1024**2)
    return web.Response(body=sample_video(name, size=size), content_type="video/mp4")


async def _redirect(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": request.query.get("to", "/redirect")})


async def _huge(request: web.Request) -> web.StreamResponse:
    """A video of any length, which does not say how long it is."""
    left = int(request.query.get("bytes", str(1024**4)))
    response = web.StreamResponse(headers={"Content-Type": "video/mp4"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    piece = sample_video("huge", size=_ROOM)
    while left > 0:
        await response.write(piece[:left])
        left -= len(piece)
    await response.write_eof()
    return response


async def _slow(request: web.Request) -> web.StreamResponse:
    """A video that takes its time."""
    seconds = float(request.query.get("seconds", "600"))
    video = sample_video("slow", size=1000)
    response = web.StreamResponse(headers={"Content-Type": "video/mp4", "Content-Length": str(len(video))})
    await response.prepare(request)
    for at in range(0, len(video), 10):
        await response.write(video[at : at + 10])
        await asyncio.sleep(seconds * 10 / len(video))
    return response


async def _page(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><title>Sign in</title>", content_type="text/html")
