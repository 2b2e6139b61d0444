"""Decides what becomes of each request; it owns no socket and no timer, and time is an argument.

A request is answered at once (`Response`), or becomes a `Call`. A call with a `delay` is in flight: its answer is due
after so many seconds (`finish`). One without waits for a place; `ready` names it when there is one.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import InputError
from penstock.testing.answers import score_prompt, score_text
from penstock.testing.behaviour import parse_behaviour
from penstock.testing.chat import Chat, tokens
from penstock.testing.completions import Completion, failed, listed, retry_after, spoil
from penstock.testing.faults import draw, fate
from penstock.testing.limits import Limits, Refusal
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

    body: dict[str, Any]
    chat: Chat
    content: bytes
    asked: Asked
    delay: float | None = None
    fault: Fault | None = None
    nth: int = 0


class Desk:
    """The misbehaving model behind the server."""

    def __init__(self, behaviour: Behaviour, *, answer: Callable[[dict[str, Any]], str] | None = None) -> None:
        self._behaviour = behaviour
        self._own_answer = answer
        self._limits = Limits(behaviour)
        self._tally = Tally()
        self._in_flight = 0
        self._waiting: deque[Call] = deque()
        self._routes: dict[str, tuple[str, Callable[[Request, float], Response | Call]]] = {
            "/v1/chat/completions": ("POST", self._complete),
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
        self._behaviour = behaviour
        self._limits = Limits(behaviour)
        self.open(now)

    def reset(self, *, now: float) -> None:
        """Forget what was counted; the limits begin anew."""
        self._tally = Tally()
        self.behave(self._behaviour, now=now)

    def stats(self, *, now: float) -> Stats:
        """Return what was counted."""
        return self._tally.stats(now=now, in_flight=self._in_flight, waiting=len(self._waiting))

    def receive(self, request: Request, *, now: float) -> Response | Call:
        """Answer a request at once, or take it on as a call."""
        route = self._routes.get(request.path)
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
        return self._sent(replace(response, headers=response.headers + self._told(now)))

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

    def _complete(self, request: Request, now: float) -> Response | Call:
        try:
            call = self._count(request.body, now=now)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return self._sent(failed(400, f"We could not parse the JSON body of your request: {error}."))
        refused = self._turn_away(request) or self._unfit(call) or self._limit(call, now=now)
        if refused is not None:
            return self._sent(refused)
        if self._limits.room(self._in_flight, now=now) and not self._waiting:
            return self._start(call)
        self._waiting.append(call)
        return call

    # --- steps of a call ---

    def _count(self, raw: bytes, *, now: float) -> Call:
        body = msgspec.json.decode(raw)
        chat = msgspec.convert(body, type=Chat)
        content = chat.key
        self._limits.begin(now)
        return Call(body=body, chat=chat, content=content, asked=self._tally.receive(content, now=now))

    def _turn_away(self, request: Request) -> Response | None:
        """Refuse an account without the key."""
        key = self._behaviour.api_key
        if key is None or request.headers.get("authorization") == f"Bearer {key}":
            return None
        return failed(401, "Incorrect API key provided.", code="invalid_api_key")

    def _unfit(self, call: Call) -> Response | None:
        """Refuse what this server cannot do."""
        chat = call.chat
        if self._behaviour.models and chat.model not in self._behaviour.models:
            return failed(404, f"The model `{chat.model}` does not exist.", code="model_not_found", param="model")
        if chat.stream:
            return failed(400, "Streaming is not supported by this server.", param="stream")
        for name in self._behaviour.unsupported:
            if name in call.body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                return failed(400, message, code="unsupported_parameter", param=name)
        if chat.wants not in _STRUCTURED[self._behaviour.structured]:
            message = f"response_format is not supported: {chat.wants}."
            return failed(400, message, code="unsupported_parameter", param="response_format")
        return None

    def _limit(self, call: Call, *, now: float) -> Response | None:
        """Refuse what is beyond the limits."""
        queues = self._behaviour.overflow == "wait"
        if not queues and not self._limits.room(self._in_flight, now=now):
            refusal: Refusal | None = Refusal(reason="Too many concurrent requests.")
        else:
            refusal = self._limits.refusal(self._size(call), now=now)
        if refusal is None:
            return None
        self._tally.refuse(now=now)
        headers = retry_after(self._wait(refusal)) + self._told(now)
        return failed(429, refusal.reason, kind=refusal.kind, code="rate_limit_exceeded", headers=headers)

    def _size(self, call: Call) -> int:
        """Return the tokens of a call, its answer included, where they matter."""
        if not self._limits.counts_tokens:
            return 0
        try:
            return call.chat.tokens + tokens(self._answer(call.body))
        except InputError:  # it is let in, and told what is wrong instead of an answer
            return 0

    def _answer(self, body: dict[str, Any]) -> str:
        if self._own_answer is not None:
            return self._own_answer(body)
        return score_prompt(body) if self._behaviour.scores_from == "prompt" else score_text(body)

    def _wait(self, refusal: Refusal) -> float | None:
        wanted = self._behaviour.retry_after
        if wanted != "exact":
            return wanted
        return None if refusal.wait is None else math.ceil(refusal.wait)

    def _start(self, call: Call) -> Call:
        """Let a call in: its fate and its delay are drawn from its content and how often it was let in before."""
        behaviour = self._behaviour
        self._in_flight += 1
        call.nth = self._tally.admit(call.asked, in_flight=self._in_flight)
        call.fault = fate(behaviour.seed, call.content, nth=call.nth, faults=behaviour.faults, sticky=behaviour.sticky)
        if call.fault is not None:
            self._tally.faults[call.fault] += 1
        call.delay = self._delay(call)
        return call

    def _delay(self, call: Call) -> float:
        if call.fault == "hang":
            return self._behaviour.hang_seconds
        if call.fault == "quota":
            return 0.0
        return self._behaviour.waits.at(draw(self._behaviour.seed, call.content, nth=call.nth, purpose="latency"))

    def _respond(self, call: Call) -> Response:
        try:
            completion = self._completion(call)
            response = self._spoiled(completion, call.fault)
        except InputError as error:
            return failed(400, str(error))
        if response.status == 200 and response.ends == "whole":
            self._tally.answer(call.asked, tokens_in=completion.tokens_in, tokens_out=completion.tokens_out)
        return response

    def _completion(self, call: Call) -> Completion:
        content = self._answer(call.body)
        return Completion(
            content=content,
            model=call.chat.model,
            name=f"{call.content.hex()[:16]}-{call.nth}",
            tokens_in=call.chat.tokens,
            tokens_out=tokens(content),
        )

    def _spoiled(self, completion: Completion, fault: Fault | None) -> Response:
        if fault is None:
            return completion.response()
        named = self._behaviour.retry_after
        return spoil(completion, fault, wait=named if isinstance(named, int | float) else 1.0)

    def _told(self, now: float) -> tuple[tuple[str, str], ...]:
        return self._limits.headers(now) if self._behaviour.rate_headers else ()

    def _sent(self, response: Response) -> Response:
        if response.ends == "whole":
            self._tally.statuses[response.status] += 1
        return response


_STRUCTURED = {
    "json_schema": {"text", "json_object", "json_schema"},
    "json_object": {"text", "json_object"},
    "none": {"text"},
}
