"""A model server on loopback that speaks the OpenAI protocol and misbehaves on demand.

It serves on the running loop, with one protocol object per connection and one timer per call: no tasks, so thousands
of calls a second fit on one core, and closing it leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

from penstock.errors import InputError, JobError
from penstock.testing.behaviour import Behaviour
from penstock.testing.completions import failed
from penstock.testing.desk import Call, Desk
from penstock.testing.wire import Inbox, Malformed, Response

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from penstock.testing.tally import Stats

HOST = "127.0.0.1"
_READ_AHEAD = 64 * 1024  # bytes a client may send beyond the request that is being answered


class ModelServer:
    """An OpenAI-compatible model server in this loop; `async with` starts and stops it.

    Args:
        behaviour: How it behaves; without one it answers everything at once.
        answer: Returns the content of an answer from the JSON of its request; must be quick. By default scores that
            `expected_scores` predicts.
        port: 0 takes a free one.
        clock: Tells the seconds; must not go backwards.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        answer: Callable[[dict[str, Any]], str] | None = None,
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._desk = Desk(behaviour or Behaviour(), answer=answer)
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._alone = asyncio.Event()  # set while there is no connection
        self._alone.set()
        self._calls: dict[Call, _Connection] = {}
        self._alarm: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(self), HOST, self._port, backlog=4096)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", error)
            message = f"Port {self._port} cannot be used ({why}); choose another, or 0 for a free one."
            raise InputError(message) from error
        self._desk.open(self._clock())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """The base URL for clients: `http://127.0.0.1:PORT/v1`."""
        if self._server is None or not self._server.sockets:
            raise JobError("The model server is not running; enter it with `async with`.")
        return f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}/v1"

    def stats(self) -> Stats:
        """Return what the server has counted."""
        return self._desk.stats(now=self._clock())

    def reset(self) -> None:
        """Forget what was counted; limits and schedules begin anew."""
        self._desk.reset(now=self._clock())
        self._look()

    def behave(self, behaviour: Behaviour) -> None:
        """Behave differently from now on; calls in flight keep what they drew."""
        self._desk.behave(behaviour, now=self._clock())
        self._look()

    async def close(self) -> None:
        """Stop listening and drop every connection, hung calls included."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for connection in tuple(self._connections):
            connection.abort()
        await self._alone.wait()
        await server.wait_closed()
        if self._alarm is not None:
            self._alarm.cancel()

    # --- for its connections ---

    def opened(self, connection: _Connection) -> None:
        """Take note of a connection; one that comes while the server closes is dropped."""
        self._connections.add(connection)
        self._alone.clear()
        if self._server is None:
            connection.abort()

    def closed(self, connection: _Connection, call: Call | None) -> None:
        """Forget a connection, and the call that it carried."""
        self._connections.discard(connection)
        if not self._connections:
            self._alone.set()
        if call is not None:
            del self._calls[call]
            self._desk.abandon(call)
            self._look()

    def handle(self, connection: _Connection) -> Response | Call | None:
        """Decide about the next request of a connection; None while there is none."""
        request = connection.inbox.next()
        if request is None:
            return None
        connection.keep_alive = request.keep_alive
        decided = self._desk.receive(request, now=self._clock())
        if isinstance(decided, Call):
            self._calls[decided] = connection
            self._set_alarm()
        else:
            self._look()
        return decided

    def finish(self, call: Call) -> Response | None:
        """Return the answer that is due."""
        del self._calls[call]
        response = self._desk.finish(call, now=self._clock())
        self._look()
        return response

    def _look(self) -> None:
        """Start the calls that waited and now have a place."""
        for call in self._desk.ready(now=self._clock()):
            self._calls[call].start(call)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._set_alarm()

    def _set_alarm(self) -> None:
        """Look again when the capacity changes, while calls wait for it."""
        if self._alarm is not None:
            return
        wait = self._desk.next_look(now=self._clock())
        if wait is not None:
            self._alarm = asyncio.get_running_loop().call_later(wait, self._look)


class _Connection(asyncio.Protocol):
    """One connection: reads requests, one at a time, and writes each answer when it is due."""

    def __init__(self, server: ModelServer) -> None:
        self.inbox = Inbox()
        self.keep_alive = True
        self._server = server
        self._call: Call | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._clogged = False
        self._ended = False

    def start(self, call: Call) -> None:
        """Answer this call when its delay has passed."""
        self._timer = asyncio.get_running_loop().call_later(call.delay or 0.0, self._due, call)

    def abort(self) -> None:
        """Close at once, without another byte."""
        self._ended = True
        if self._transport is not None:
            self._transport.abort()

    # --- what the loop tells ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self._timer is not None:
            self._timer.cancel()
        call, self._call, self._transport = self._call, None, None
        self._server.closed(self, call)

    def data_received(self, data: bytes) -> None:
        self.inbox.feed(data)
        self._advance()

    def pause_writing(self) -> None:
        self._clogged = True

    def resume_writing(self) -> None:
        self._clogged = False
        self._advance()

    # --- steps ---

    def _advance(self) -> None:
        """Take requests while the client listens and none is being answered."""
        while not (self._ended or self._clogged or self._call):
            decided = self._next()
            if decided is None:
                break
            if isinstance(decided, Response):
                self._write(decided)
            else:
                self._take_on(decided)
        self._throttle()

    def _next(self) -> Response | Call | None:
        try:
            return self._server.handle(self)
        except Malformed as error:
            self.keep_alive = False
            return failed(error.status, str(error))

    def _take_on(self, call: Call) -> None:
        self._call = call
        if call.delay == 0:  # without a turn of the loop, so that an instant model costs little
            self._finish(call)
        elif call.delay is not None:
            self.start(call)

    def _throttle(self) -> None:
        """Stop reading from a client that sends far ahead of its answers."""
        if self._transport is None:
            return
        if self.inbox.wants_continue():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        ahead = self._call is not None or self._clogged
        if ahead and len(self.inbox) > _READ_AHEAD:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _due(self, call: Call) -> None:
        self._timer = None
        self._finish(call)
        self._advance()

    def _finish(self, call: Call) -> None:
        self._call = None
        try:
            response = self._server.finish(call)
        except BaseException:  # a bug in `answer`: its client must not wait for ever, and the traceback must be seen
            self.abort()
            raise
        if response is None:
            self.abort()
        else:
            self._write(response)

    def _write(self, response: Response) -> None:
        if self._transport is None:
            return
        self._ended = not self.keep_alive or response.ends != "whole"
        self._transport.write(response.encode(keep_alive=not self._ended))
        if self._ended:
            self._transport.close()
