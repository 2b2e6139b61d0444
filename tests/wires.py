"""Loopback servers that give the answers they are told, and remember what they were asked."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as it came."""

    path: str
    query: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wire:
    """Where the server listens, and what came."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@asynccontextmanager
async def answering(*answers):
    """Serve answers, one after the other and then the last one again; each is a status, a body and maybe headers."""
    wire: list[Wire] = []

    async def handle(request):
        headers = {name.lower(): value for name, value in request.headers.items()}
        wire[0].asked.append(
            Asked(path=request.raw_path, query=request.query_string, headers=headers, body=await request.json())
        )
        status, body, *more = answers[min(len(wire[0].asked), len(answers)) - 1]
        if isinstance(body, bytes):
            return web.Response(status=status, body=body, headers=more[0] if more else {})
        return web.json_response(body, status=status, headers=more[0] if more else {})

    app = web.Application()
    app.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(app, handle_signals=False, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        wire.append(Wire(url=f"http://{host}:{port}"))
        yield wire[0]
    finally:
        await runner.cleanup()
