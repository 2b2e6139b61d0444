"""The sockets of the sheet server: takes requests, waits as long as the desk says, and answers."""

from __future__ import annotations

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from penstock.errors import InputError
from penstock.testing.sheet.behaviour import parse_sheet_behaviour
from penstock.testing.sheet.book import SheetBook
from penstock.testing.sheet.calls import read_address
from penstock.testing.sheet.desk import JSON, Reply, SheetDesk, Ticket
from penstock.testing.sheet.page import HEADERS, book_page, file_page, list_page
from penstock.testing.sheet.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from penstock.testing.sheet.files import DriveFile

Handler: TypeAlias = "Callable[[web.Request], Awaitable[web.StreamResponse]]"
LARGEST_REQUEST = 64 * 1024 * 1024  # bytes
_LINGER_NOT = struct.pack("ii", 1, 0)  # closing sends a reset
_HOSTS = {"127.0.0.1", "localhost"}


class SheetSite:
    """The addresses of a sheet server.

    Args:
        desk: Decides.
        clock: Tells the seconds.
        origin: Tells the server's own address, once it listens.
    """

    def __init__(self, desk: SheetDesk, *, clock: Callable[[], float], origin: Callable[[], str]) -> None:
        self._desk = desk
        self._clock = clock
        self._origin = origin
        self.closing = asyncio.Event()

    def application(self) -> web.Application:
        """Return what aiohttp serves."""
        app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=[_only_here])
        app.add_routes(
            [
                web.get("/", self._list),
                web.get("/health", _health),
                web.get("/stats", self._stats),
                web.post("/reset", self._reset),
                web.post("/behaviour", self._behave),
                web.post("/accounts", self._account),
                web.post("/users", self._consent),
                web.get("/books/{id}", self._look),
                web.put("/books/{id}", self._place),
                web.post("/token", self._token),
                web.get("/spreadsheets/d/{id}{rest:(/.*)?}", self._book),
                web.get("/file/d/{id}{rest:(/.*)?}", self._file_page),
                web.get("/uc", self._download),
                web.get("/drive/v3/files/{id}", self._file),
                web.route("*", "/{rest:.*}", self._call),
            ]
        )
        return app

    # --- what Google serves ---

    async def _call(self, request: web.Request) -> web.StreamResponse:
        asked = read_address(request.method, request.rel_url.raw_path, request.rel_url.raw_query_string)
        if asked is None:
            return _plain(HTTPStatus.NOT_FOUND, f"There is nothing at {request.method} {request.path}.")
        body = await request.read()
        decided = self._desk.receive(asked, body, token=_token_of(request), now=self._clock())
        if isinstance(decided, Reply):
            return _response(decided)
        if not await self._wait(decided.before):
            return _reset(request)
        reply = self._desk.finish(decided, url=self._origin(), now=self._clock())
        if not await self._wait(decided.after) or reply is None:
            return _reset(request)
        return _response(reply)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        ticket = self._desk.ticket(b"token " + body, on="token")
        form = dict(parse_qsl(body.decode("latin-1")))
        audience = f"{request.scheme}://{request.host}/token"
        return await self._meet(request, ticket, lambda: self._desk.grant(form, audience=audience, now=self._clock()))

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return await self._drive(request, request.match_info["id"], media=request.query.get("alt") == "media")

    async def _download(self, request: web.Request) -> web.StreamResponse:
        return await self._drive(request, request.query.get("id", ""), media=True)

    async def _drive(self, request: web.Request, file: str, *, media: bool) -> web.StreamResponse:
        ticket = self._desk.ticket(f"drive {file} {media}".encode(), on="drive")
        try:
            found = self._desk.file(file, token=_token_of(request), now=self._clock(), media=media)
            if not media:
                told = Reply(status=200, body=msgspec.json.encode(found.told(request.query.get("fields", ""))))
                return await self._meet(request, ticket, lambda: told)
        except Trouble as error:
            return _response(self._desk.refuse(error))
        failed = await self._meet(request, ticket, lambda: Reply(status=200, body=b""))
        return _content(found) if ticket.applies and failed.status == HTTPStatus.OK else failed

    async def _meet(self, request: web.Request, ticket: Ticket, do: Callable[[], Reply]) -> web.StreamResponse:
        """Answer after the ticket's delay, or as its fault demands."""
        if not await self._wait(ticket.before):
            return _reset(request)
        reply = self._desk.answer(ticket, do() if ticket.applies else None)
        if not await self._wait(ticket.after) or reply is None:
            return _reset(request)
        return _response(reply)

    # --- for people ---

    async def _list(self, _: web.Request) -> web.Response:
        return _html(list_page(self._desk.books))

    async def _book(self, request: web.Request) -> web.Response:
        book = self._desk.books.get(request.match_info["id"])
        if book is None:
            return _plain(HTTPStatus.NOT_FOUND, "There is no such sheet.")
        gid = request.query.get("gid", "0")
        return _html(book_page(book, request.match_info["id"], gid=int(gid) if gid.isdecimal() else 0))

    async def _file_page(self, request: web.Request) -> web.Response:
        file = request.match_info["id"]
        if file not in self._desk.files:
            return _plain(HTTPStatus.NOT_FOUND, "There is no such file.")
        return _html(file_page(file, file))

    # --- for the test that started it ---

    async def _stats(self, _: web.Request) -> web.Response:
        return _json(self._desk.stats(now=self._clock()))

    async def _reset(self, _: web.Request) -> web.Response:
        self._desk.reset()
        return _json({})

    async def _behave(self, request: web.Request) -> web.Response:
        try:
            self._desk.behaviour = parse_sheet_behaviour(msgspec.json.decode(await request.read(), type=dict[str, Any]))
        except (msgspec.DecodeError, InputError) as error:
            return _plain(HTTPStatus.BAD_REQUEST, str(error))
        return _json({})

    async def _account(self, _: web.Request) -> web.Response:
        return _json(await asyncio.to_thread(self._desk.office.service_account, f"{self._origin()}/token"))

    async def _consent(self, _: web.Request) -> web.Response:
        return _json(self._desk.office.authorized_user(f"{self._origin()}/token"))

    async def _look(self, request: web.Request) -> web.Response:
        book = self._desk.books.get(request.match_info["id"])
        return _json(book.plain()) if book else _plain(HTTPStatus.NOT_FOUND, "There is no such sheet.")

    async def _place(self, request: web.Request) -> web.Response:
        self._desk.books[request.match_info["id"]] = SheetBook.of(msgspec.json.decode(await request.read()))
        return _json({})

    async def _wait(self, seconds: float) -> bool:
        """Let the seconds pass; False when the server closes meanwhile."""
        if seconds <= 0:
            return True
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return True
        return False


@web.middleware
async def _only_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn away pages of other sites whose name was made to lead here."""
    if request.url.host not in _HOSTS:
        return _plain(HTTPStatus.FORBIDDEN, "This server is for this machine only.")
    return await handler(request)


async def _health(_: web.Request) -> web.Response:
    return _json({"status": "ok"})


def _token_of(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers={**reply.headers, "Content-Type": reply.kind})


def _content(file: DriveFile) -> web.StreamResponse:
    headers = {"Content-Type": file.mime_type}
    if isinstance(file.content, bytes):
        return web.Response(body=file.content, headers=headers)
    return web.FileResponse(file.content, headers=headers)


def _reset(request: web.Request) -> web.Response:
    """Drop the connection without a word."""
    transport = request.transport
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()
    return web.Response(status=HTTPStatus.BAD_GATEWAY)


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), headers={"Content-Type": JSON})


def _html(page: str) -> web.Response:
    return web.Response(text=page, content_type="text/html", headers=HEADERS)


def _plain(status: HTTPStatus, why: str) -> web.Response:
    return web.Response(status=status, text=why)
