"""A Gemini on loopback: its storage for files, its models, and small videos to look at; it misbehaves on demand.

`GeminiServer` speaks the API as clients see it (https://ai.google.dev/api): uploads in chunks that can be broken off
and gone on with, files that are processed, fail and expire, prompts with text and with files.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from penstock.errors import InputError, JobError
from penstock.testing.faults import draw
from penstock.testing.gemini.answers import generate
from penstock.testing.gemini.behaviour import GeminiBehaviour, parse_gemini_behaviour
from penstock.testing.gemini.store import GeminiStore, HeldFile
from penstock.testing.gemini.trouble import GeminiTrouble, busy, no_key, unknown_model, wrong_key
from penstock.testing.gemini.videos import add_videos

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType
    from typing import Self

    Answer = Callable[[], Awaitable[web.StreamResponse]]

HOST = "127.0.0.1"
_MOST = 64 * 1024**2  # bytes of one request


class GeminiStats(msgspec.Struct, frozen=True, kw_only=True):
    """What the server has counted.

    Attributes:
        requests: By what they were for.
        by_status: Answers by status; a connection that was closed counts as 0.
        faults: How often each fault was met.
        uploads: Files that came whole.
        deleted: Files that were deleted by request.
        held: Files that are there now.
        held_bytes: Their bytes.
        peak_bytes: The most bytes that were there at once.
        answered: Prompts that got an answer.
        with_files: Those of them that had a file.
        answered_again: Those that had been answered before.
        in_flight: Prompts being answered now.
        peak_in_flight: The most at once.
        refused: Prompts turned away because of the capacity.
        tokens_in: Of the prompts that were answered.
        tokens_out: Of the answers.
    """

    requests: dict[str, int]
    by_status: dict[int, int]
    faults: dict[str, int]
    uploads: int
    deleted: int
    held: int
    held_bytes: int
    peak_bytes: int
    answered: int
    with_files: int
    answered_again: int
    in_flight: int
    peak_in_flight: int
    refused: int
    tokens_in: int
    tokens_out: int


class _Name(msgspec.Struct):
    name: str = ""


class _Announced(msgspec.Struct):
    file: _Name = msgspec.field(default_factory=_Name)


@dataclass(slots=True)
class _Counts:
    requests: Counter[str] = field(default_factory=Counter[str])
    by_status: Counter[int] = field(default_factory=Counter[int])
    faults: Counter[str] = field(default_factory=Counter[str])
    totals: Counter[str] = field(default_factory=Counter[str])
    asked: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    answered: Counter[str] = field(default_factory=Counter[str])
    in_flight: int = 0
    peak_in_flight: int = 0


class GeminiServer:
    """A Gemini in this loop; `async with` starts and stops it.

    Args:
        behaviour: How it behaves; without one it takes and answers everything at once.
        port: 0 takes a free one.
        clock: Tells the seconds; must not go backwards.
    """

    def __init__(
        self,
        behaviour: GeminiBehaviour | None = None,
        *,
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = GeminiStore(behaviour or GeminiBehaviour())
        self._clock = clock
        self._port = port
        self._counts = _Counts()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_MOST, middlewares=[self._edge])
        self._route(app)
        add_videos(app)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.05)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self._port).start()
        except (OSError, OverflowError) as error:
            await self._runner.cleanup()
            why = getattr(error, "strerror", error)
            message = f"Port {self._port} cannot be used ({why}); choose another, or 0 for a free one."
            raise InputError(message) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    @property
    def url(self) -> str:
        """The base URL for clients: `http://127.0.0.1:PORT`."""
        if self._runner is None or not self._runner.addresses:
            raise JobError("The Gemini server is not running; enter it with `async with`.")
        return f"http://{HOST}:{self._runner.addresses[0][1]}"

    @property
    def files(self) -> Mapping[str, HeldFile]:
        """The files that are held now, by name."""
        self._store.expire(self._clock())
        return self._store.files

    def stats(self) -> GeminiStats:
        """Return what the server has counted."""
        counts, total = self._counts, self._counts.totals
        return GeminiStats(
            requests=dict(counts.requests),
            by_status=dict(counts.by_status),
            faults=dict(counts.faults),
            uploads=total["uploads"],
            deleted=total["deleted"],
            held=len(self.files),
            held_bytes=self._store.held_bytes,
            peak_bytes=self._store.peak_bytes,
            answered=counts.answered.total(),
            with_files=total["with_files"],
            answered_again=sum(times - 1 for times in counts.answered.values()),
            in_flight=counts.in_flight,
            peak_in_flight=counts.peak_in_flight,
            refused=total["refused"],
            tokens_in=total["tokens_in"],
            tokens_out=total["tokens_out"],
        )

    def reset(self) -> None:
        """Forget what was counted; files stay."""
        self._counts = _Counts()

    def behave(self, behaviour: GeminiBehaviour) -> None:
        """Behave differently from now on."""
        self._store.behaviour = behaviour

    # --- the way of a request ---

    def _route(self, app: web.Application) -> None:
        add = app.router.add_route
        add("POST", "/upload/v1beta/files", self._upload)
        add("GET", "/v1beta/files", self._list)
        add("GET", "/v1beta/files/{name}", self._get)
        add("DELETE", "/v1beta/files/{name}", self._delete)
        add("GET", "/v1beta/models", self._models)
        add("POST", "/v1beta/models/{model}:generateContent", self._generate)
        add("GET", "/stats", self._tell_stats)
        add("POST", "/reset", self._take_reset)
        add("POST", "/behaviour", self._take_behaviour)
        add("GET", "/health", self._health)

    @web.middleware
    async def _edge(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Turn errors into answers, and count them."""
        try:
            response = await handler(request)
        except GeminiTrouble as trouble:
            response = web.json_response(trouble.body(), status=trouble.code)
        except msgspec.DecodeError as error:
            response = web.json_response(
                GeminiTrouble(400, f"Invalid JSON payload received. {error}").body(), status=400
            )
        self._counts.by_status[response.status if request.transport is not None else 0] += 1
        return response

    def _admit(self, request: web.Request) -> None:
        """Check the key."""
        wanted = self._store.behaviour.api_key
        given = request.headers.get("x-goog-api-key") or request.query.get("key", "")
        if wanted is not None and given != wanted:
            raise wrong_key() if given else no_key()

    async def _met(self, request: web.Request, place: str, content: str, answer: Answer) -> web.StreamResponse:
        """Answer, unless a fault comes in between."""
        self._counts.requests[place] += 1
        nth = self._counts.asked[place, content]
        self._counts.asked[place, content] += 1
        behaviour = self._store.behaviour
        fault = behaviour.fault(place, draw(behaviour.seed, content.encode(), nth=nth, purpose=place))
        if not fault or fault in {"half", "lost"}:
            return await answer()
        self._counts.faults[f"{place}_{fault}"] += 1
        if fault == "applied_then_503":
            await answer()
        if fault in {"hang", "reset"}:
            if fault == "hang":
                await asyncio.sleep(behaviour.hang_seconds)
            return _cut(request)
        raise GeminiTrouble(500 if fault == "500" else 503, "The service is currently unavailable.")

    # --- files ---

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        commands = {each.strip() for each in request.headers.get("X-Goog-Upload-Command", "").lower().split(",")}
        number = request.query.get("upload_id", "")
        if "start" in commands:
            return await self._begin(request)
        if "query" in commands:
            return await self._met(request, "query", number, lambda: self._query(number))
        if "cancel" in commands:
            self._store.upload(number).state = "cancelled"
            return web.Response(headers={"X-Goog-Upload-Status": "cancelled"})
        if not commands & {"upload", "finalize"}:
            raise GeminiTrouble(400, "X-Goog-Upload-Command is missing or unknown.")
        name = self._store.upload(number).name
        content = f"{name} {request.headers.get('X-Goog-Upload-Offset', '0')}"
        return await self._met(
            request, "upload", content, lambda: self._take(request, number, content, last="finalize" in commands)
        )

    async def _begin(self, request: web.Request) -> web.StreamResponse:
        self._admit(request)
        name = msgspec.json.decode(await request.read() or b"{}", type=_Announced).file.name
        size = request.headers.get("X-Goog-Upload-Header-Content-Length", "0")
        mime_type = request.headers.get("X-Goog-Upload-Header-Content-Type", "")

        async def begin() -> web.StreamResponse:
            length = int(size) if size.isdigit() else 0
            number = self._store.start(name=name, mime_type=mime_type, size=length, now=self._clock())
            headers = {
                "X-Goog-Upload-URL": f"{self.url}/upload/v1beta/files?upload_id={number}&upload_protocol=resumable",
                "X-Goog-Upload-Status": "active",
                "X-Goog-Upload-Chunk-Granularity": str(self._store.behaviour.granularity),
            }
            return web.Response(headers=headers)

        return await self._met(request, "start", name, begin)

    async def _query(self, number: str) -> web.StreamResponse:
        upload = self._store.upload(number)
        headers = {"X-Goog-Upload-Status": upload.state}
        if upload.state == "active":
            headers["X-Goog-Upload-Size-Received"] = str(upload.got)
        return web.Response(headers=headers)

    async def _take(self, request: web.Request, number: str, content: str, *, last: bool) -> web.StreamResponse:
        """Take a chunk; what arrived before a connection broke is kept."""
        upload, behaviour = self._store.upload(number), self._store.behaviour
        offset = request.headers.get("X-Goog-Upload-Offset", "")
        if upload.state != "active" or offset != str(upload.got):
            raise GeminiTrouble(400, f"The upload is {upload.state} and has {upload.got} bytes, not {offset}.")
        length = request.content_length or 0
        if not last and length % behaviour.granularity:
            raise GeminiTrouble(400, f"A chunk must be a multiple of {behaviour.granularity} bytes.")
        nth = self._counts.asked["upload", content] - 1
        fault = behaviour.fault("upload", draw(behaviour.seed, content.encode(), nth=nth, purpose="upload"))
        if fault in {"half", "lost"}:
            self._counts.faults[f"upload_{fault}"] += 1
        if fault == "lost":
            del self._store.uploads[number]
            raise GeminiTrouble(404, "Upload not found.")
        async for piece in request.content.iter_any():
            upload.add(piece)
            if fault == "half" and upload.got - int(offset) >= length // 2:
                return _cut(request)
        if not last:
            return web.Response(headers={"X-Goog-Upload-Status": "active"})
        return self._finished(number, upload.name)

    def _finished(self, number: str, name: str) -> web.StreamResponse:
        behaviour, now = self._store.behaviour, self._clock()
        odds = draw(behaviour.seed, name.encode(), nth=0, purpose="processing")
        file = self._store.finish(number, now=now, failed=odds < behaviour.faults.get("processing_failed", 0.0))
        self._counts.totals["uploads"] += 1
        return web.json_response({"file": self._described(file)}, headers={"X-Goog-Upload-Status": "final"})

    def _described(self, file: HeldFile) -> dict[str, Any]:
        return self._store.described(file, url=self.url, now=self._clock(), at=time.time())

    async def _list(self, request: web.Request) -> web.StreamResponse:
        self._admit(request)
        size, start = int(request.query.get("pageSize", "10")), int(request.query.get("pageToken") or "0")
        held = list(self.files.values())
        more = {"nextPageToken": str(start + size)} if start + size < len(held) else {}
        return web.json_response({"files": [self._described(file) for file in held[start : start + size]], **more})

    async def _get(self, request: web.Request) -> web.StreamResponse:
        self._admit(request)
        name = f"files/{request.match_info['name']}"

        async def get() -> web.StreamResponse:
            return web.json_response(self._described(self._store.file(name, now=self._clock())))

        return await self._met(request, "get", name, get)

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        self._admit(request)
        name = f"files/{request.match_info['name']}"

        async def delete() -> web.StreamResponse:
            self._store.file(name, now=self._clock())
            del self._store.files[name]
            self._counts.totals["deleted"] += 1
            return web.json_response({})

        return await self._met(request, "delete", name, delete)

    # --- prompts ---

    async def _models(self, request: web.Request) -> web.StreamResponse:
        self._admit(request)
        names = self._store.behaviour.models or ("gemini-rehearsal",)
        methods = ["generateContent"]
        return web.json_response(
            {"models": [{"name": f"models/{name}", "supportedGenerationMethods": methods} for name in names]}
        )

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        self._admit(request)
        model, behaviour = request.match_info["model"], self._store.behaviour
        body = msgspec.json.decode(await request.read(), type=dict[str, Any])
        if behaviour.models and model not in behaviour.models:
            raise unknown_model(model)
        if behaviour.capacity is not None and self._counts.in_flight >= behaviour.capacity:
            self._counts.totals["refused"] += 1
            raise busy(retry_after=behaviour.retry_after)
        counts = self._counts
        counts.in_flight += 1
        counts.peak_in_flight = max(counts.peak_in_flight, counts.in_flight)
        try:
            done = generate(body, file=self._ready, scores_from=behaviour.scores_from)

            async def answer() -> web.StreamResponse:
                await asyncio.sleep(behaviour.latency)
                counts.answered[done.key] += 1
                counts.totals.update(
                    tokens_in=done.tokens_in, tokens_out=done.tokens_out, with_files=int(done.tokens_files > 0)
                )
                return web.json_response(done.body(model))

            return await self._met(request, "generate", done.key, answer)
        finally:
            counts.in_flight -= 1

    def _ready(self, address: str) -> HeldFile:
        """Find the file that a prompt points at."""
        name = f"files/{address.partition('files/')[2]}"
        file = self._store.file(name, now=self._clock())
        if self._store.state(file, now=self._clock()) != "ACTIVE":
            short = name.removeprefix("files/")
            raise GeminiTrouble(400, f"The File {short} is not in an ACTIVE state and usage is not allowed.")
        return file

    # --- for its user ---

    async def _tell_stats(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=msgspec.json.encode(self.stats()), content_type="application/json")

    async def _take_reset(self, _: web.Request) -> web.StreamResponse:
        self.reset()
        return web.json_response({})

    async def _take_behaviour(self, request: web.Request) -> web.StreamResponse:
        try:
            self.behave(parse_gemini_behaviour(msgspec.json.decode(await request.read(), type=dict[str, Any])))
        except InputError as error:
            raise GeminiTrouble(400, str(error)) from error
        return web.json_response({})

    async def _health(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "ok"})


def _cut(request: web.Request) -> web.StreamResponse:
    """Close the connection without another byte."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)
