"""Decides what becomes of each request; it owns no socket and no timer, and time is an argument.

A request is answered at once (`Response`), or becomes a `Call`. A call with a `delay` is in flight: its answer is due
after so many seconds (`finish`). One without waits for a place; `ready` names it when there is one.
"""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import InputError
from penstock.testing.batch_desk import BatchDesk
from penstock.testing.behaviour import parse_behaviour
from penstock.testing.completions import failed, listed, retry_after
from penstock.testing.dialect import DIALECTS, Dialect, Unreadable
from penstock.testing.faults import draw
from penstock.testing.limits import Limits, Refusal
from penstock.testing.reply import Question, Replies, read_question
from penstock.testing.tally import Asked, Stats, Tally
from penstock.testing.wire import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.testing.behaviour import Behaviour
    from penstock.testing.faults import Fault
    from penstock.testing.wire import Request


@dataclass(slots=True, eq=False, kw_only=True)
class Call:
    """One call between its request and its answer.

    Attributes:
        delay: Seconds from being let in to the answer; None while it waits for a place.
    """

    question: Question
    asked: Asked
    delay: float | None = None
    fault: Fault | None = None
    nth: int = 0


class Desk:
    """The misbehaving model behind the server."""

    def __init__(
        self,
        behaviour: Behaviour,
        *,
        answer: Callable[[dict[str, Any]], str] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Take no call yet.

        Args:
            behaviour: How it behaves.
            answer: Returns the content of an answer from the JSON of its chat.
            wall: Seconds since 1970, for the dates in answers.
        """
        self._behaviour = behaviour
        self._wall = wall
        self._replies = Replies(behaviour, answer=answer)
        self._limits = Limits(behaviour)
        self._tally = Tally()
        self._batches = BatchDesk(self._replies, wall=wall)
        self._in_flight = 0
        self._waiting: deque[Call] = deque()
        self._routes: dict[str, tuple[str, Callable[[Request, float], Response | Call]]] = {
            **{path: ("POST", partial(self._complete, dialect)) for path, dialect in DIALECTS.items()},
            "/v1/models": ("GET", self._models),
            "/stats": ("GET", self._stats),
            "/reset": ("POST", self._reset),
            "/behaviour": ("POST", self._behave),
            "/health": ("GET", self._health),
        }

    def open(self, now: float) -> None:
        """Say that the server has started."""
        if self._behaviour.since == "start":
            self._limits.begin(now)

    def behave(self, behaviour: Behaviour, *, now: float) -> None:
        """Behave differently from now on; the counts go on, the limits begin anew."""
        self._behaviour = self._replies.behaviour = behaviour
        self._limits = Limits(behaviour)
        self.open(now)

    def reset(self, *, now: float) -> None:
        """Forget what was counted; the limits begin anew."""
        self._tally = Tally()
        self.behave(self._behaviour, now=now)

    def stats(self, *, now: float) -> Stats:
        """Return what was counted."""
        return self._tally.stats(
            now=now, in_flight=self._in_flight, waiting=len(self._waiting), files=self._batches.files
        )

    def receive(self, request: Request, *, now: float) -> Response | Call:
        """Answer a request at once, or take it on as a call."""
        route = self._routes.get(request.path)
        if route is None and self._behaviour.batches and self._batches.knows(request.path):
            return self._sent(self._turn_away(request) or self._batches.receive(request, self._tally, now=now))
        if route is None:
            return failed(404, f"Unknown request URL: {request.method} {request.path}.", code="unknown_url")
        method, handle = route
        if request.method != method:
            return failed(405, f"Not allowed to {request.method} on {request.path}.", code="method_not_supported")
        return handle(request, now)

    def finish(self, call: Call, *, now: float) -> Response | None:
        """Return the answer that is due, None where the connection just closes; the call's place is free again."""
        self._in_flight -= 1
        if call.fault == "hang":
            return None
        response = self._respond(call)
        if response.ends == "before":
            return None
        told = self._told(call.question.dialect, now)
        return self._sent(replace(response, headers=response.headers + told) if told else response)

    def abandon(self, call: Call) -> None:
        """Let go of a call whose client has gone."""
        self._tally.abandon()
        if call.delay is None:
            self._waiting.remove(call)
        else:
            self._in_flight -= 1

    def ready(self, *, now: float) -> list[Call]:
        """Let in the calls that waited and now have a place, in the order in which they came."""
        found: list[Call] = []
        while self._waiting and self._limits.room(self._in_flight, now=now):
            found.append(self._start(self._waiting.popleft()))
        return found

    def next_look(self, *, now: float) -> float | None:
        """Return the seconds after which to ask `ready` again even if no call has finished."""
        return self._limits.next_step(now) if self._waiting else None

    # --- the pages ---

    def _health(self, _: Request, __: float) -> Response:
        return Response(status=200, body=b'{"status":"ok"}')

    def _stats(self, _: Request, now: float) -> Response:
        return Response(status=200, body=msgspec.json.encode(self.stats(now=now)))

    def _reset(self, _: Request, now: float) -> Response:
        self.reset(now=now)
        return Response(status=200, body=b"{}")

    def _behave(self, request: Request, now: float) -> Response:
        try:
            self.behave(parse_behaviour(msgspec.json.decode(request.body, type=dict[str, Any])), now=now)
        except (msgspec.DecodeError, UnicodeDecodeError, InputError) as error:
            return failed(400, str(error))
        return Response(status=200, body=b"{}")

    def _models(self, request: Request, _: float) -> Response:
        return self._turn_away(request) or listed(self._behaviour.models)

    def _complete(self, dialect: Dialect, request: Request, now: float) -> Response | Call:
        try:
            call = self._count(dialect, request, now=now)
        except Unreadable as error:
            return self._sent(dialect.worded(failed(400, str(error))))
        refused = self._turn_away(request) or self._replies.unfit(call.question) or self._limit(call, now=now)
        if refused is not None:
            return self._sent(dialect.worded(refused))
        if self._limits.room(self._in_flight, now=now) and not self._waiting:
            return self._start(call)
        self._waiting.append(call)
        return call

    # --- steps of a call ---

    def _count(self, dialect: Dialect, request: Request, *, now: float) -> Call:
        question = read_question(dialect, request)
        self._limits.begin(now)
        return Call(question=question, asked=self._tally.receive(question.content, now=now))

    def _turn_away(self, request: Request) -> Response | None:
        """Refuse an account without the key."""
        key = self._behaviour.api_key
        given = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if key is None or given == key:
            return None
        return failed(401, "Incorrect API key provided.", code="invalid_api_key")

    def _limit(self, call: Call, *, now: float) -> Response | None:
        """Refuse what is beyond the limits."""
        queues = self._behaviour.overflow == "wait"
        if not queues and not self._limits.room(self._in_flight, now=now):
            refusal: Refusal | None = Refusal(reason="Too many concurrent requests.")
        else:
            size = self._replies.size(call.question) if self._limits.counts_tokens else 0
            refusal = self._limits.refusal(size, now=now)
        if refusal is None:
            return None
        self._tally.refuse(now=now)
        headers = retry_after(self._wait(refusal)) + self._told(call.question.dialect, now)
        return failed(429, refusal.reason, kind=refusal.kind, code="rate_limit_exceeded", headers=headers)

    def _wait(self, refusal: Refusal) -> float | None:
        wanted = self._behaviour.retry_after
        if wanted != "exact":
            return wanted
        return None if refusal.wait is None else math.ceil(refusal.wait)

    def _start(self, call: Call) -> Call:
        """Let a call in: its fate and its delay are drawn from its content and how often it was let in before."""
        self._in_flight += 1
        call.nth = self._tally.admit(call.asked, in_flight=self._in_flight)
        call.fault = self._replies.fault(call.question, nth=call.nth)
        if call.fault is not None:
            self._tally.faults[call.fault] += 1
        call.delay = self._delay(call)
        return call

    def _delay(self, call: Call) -> float:
        if call.fault == "hang":
            return self._behaviour.hang_seconds
        if call.fault == "quota":
            return 0.0
        return self._behaviour.waits.at(
            draw(self._behaviour.seed, call.question.content, nth=call.nth, purpose="latency")
        )

    def _respond(self, call: Call) -> Response:
        replied = self._replies.reply(call.question, call.fault, nth=call.nth)
        if replied.good:
            self._tally.answer(call.asked, tokens_in=replied.tokens_in, tokens_out=replied.tokens_out)
        return replied.response

    def _told(self, dialect: Dialect, now: float) -> tuple[tuple[str, str], ...]:
        return dialect.limits(self._limits.levels(now), self._wall()) if self._behaviour.rate_headers else ()

    def _sent(self, response: Response) -> Response:
        if response.ends == "whole":
            self._tally.statuses[response.status] += 1
        return response
