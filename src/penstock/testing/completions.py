"""The bodies of the OpenAI protocol: completions, errors, lists of models; and what each fault makes of them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from penstock.errors import InputError
from penstock.testing.wire import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.testing.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """An answer before it is written: what a chat completion says."""

    payload: ClassVar[str] = "choices"

    content: str
    model: str
    name: str = "0"
    finish: str = "stop"
    tokens_in: int = 0
    tokens_out: int = 0

    def response(self) -> Response:
        """Write it as a 200."""
        return Response(status=200, body=msgspec.json.encode(self.body()))

    def body(self) -> dict[str, Any]:
        """Everything that is sent."""
        message = {"role": "assistant", "content": self.content, "refusal": None}
        return {
            "id": f"chatcmpl-{self.name}",
            "object": "chat.completion",
            "created": 0,
            "model": self.model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish}],
            "usage": {
                "prompt_tokens": self.tokens_in,
                "completion_tokens": self.tokens_out,
                "total_tokens": self.tokens_in + self.tokens_out,
            },
        }


def failed(
    status: int,
    message: str,
    *,
    kind: str = "invalid_request_error",
    code: str | None = None,
    param: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Response:
    """Write an error as OpenAI does; `kind` is its `type`."""
    error = {"message": message, "type": kind, "param": param, "code": code}
    return Response(status=status, body=msgspec.json.encode({"error": error}), headers=headers)


def listed(models: tuple[str, ...]) -> Response:
    """Write the list of models."""
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "penstock"} for name in models]
    return Response(status=200, body=msgspec.json.encode({"object": "list", "data": data}))


def retry_after(seconds: float | None) -> tuple[tuple[str, str], ...]:
    """Return the header, or none."""
    return () if seconds is None else (("retry-after", f"{seconds:g}"),)


def spoil(completion: Completion, fault: Fault, *, wait: float) -> Response:
    """Return what is sent instead of the answer when it meets this fault; a hang is not sent at all.

    `wait` is the number of seconds in the `Retry-After` of `http_503_retry_after`.

    Raises:
        InputError: When a fault in the numbers is wanted but the answer holds no list of numbers.
    """
    if fault in _CONTENTS:
        return _CONTENTS[fault](completion).response()
    return SPOILT_RESPONSES[fault](completion, wait)


# --- instead of the answer ---------------------------------------------------------------------------------------


def _server_error(status: int) -> Callable[[Completion, float], Response]:
    return lambda _, __: failed(status, "The server had an error.", kind="server_error")


def _overloaded(_: Completion, wait: float) -> Response:
    return failed(503, "The engine is overloaded.", kind="overloaded_error", headers=retry_after(wait))


def _quota(_: Completion, __: float) -> Response:
    message = "You exceeded your current quota, please check your plan and billing details."
    return failed(429, message, kind="insufficient_quota", code="insufficient_quota")


def _policy(_: Completion, __: float) -> Response:
    return failed(400, "The prompt was rejected by the content policy.", code="content_policy_violation")


def _html(_: Completion, __: float) -> Response:
    page = b"<!doctype html><title>Just a moment...</title><p>Checking your browser.</p>"
    return Response(status=200, body=page, content_type="text/html; charset=utf-8")


def _error_body(_: Completion, __: float) -> Response:
    return replace(failed(500, "Upstream error.", kind="server_error"), status=200)


def _truncated_body(completion: Completion, _: float) -> Response:
    whole = completion.response()
    return replace(whole, body=whole.body[: len(whole.body) // 2])


def _no_choices(completion: Completion, _: float) -> Response:
    whole = completion.response()
    body: dict[str, Any] = msgspec.json.decode(whole.body)
    del body[completion.payload]
    return replace(whole, body=msgspec.json.encode(body))


SPOILT_RESPONSES: Mapping[Fault, Callable[[Completion, float], Response]] = {
    "http_500": _server_error(500),
    "http_502": _server_error(502),
    "http_503": _server_error(503),
    "http_503_retry_after": _overloaded,
    "http_529": lambda _, __: failed(529, "Overloaded", kind="overloaded_error"),
    "quota": _quota,
    "policy": _policy,
    "drop": lambda completion, _: replace(completion.response(), ends="before"),
    "drop_midway": lambda completion, _: replace(completion.response(), ends="midway"),
    "html_body": _html,
    "truncated_body": _truncated_body,
    "error_body": _error_body,
    "no_choices": _no_choices,
}


# --- another content ---------------------------------------------------------------------------------------------


def _fenced(completion: Completion) -> Completion:
    content = f"Sure! Here are the scores:\n\n```json\n{completion.content}\n```\n\nLet me know if you need more."
    return replace(completion, content=content)


def _truncated(completion: Completion) -> Completion:
    cut = completion.content[: max(1, len(completion.content) * 2 // 3)]
    return replace(completion, content=cut, finish="length")


def _renumber(change: Callable[[list[Any]], list[Any]]) -> Callable[[Completion], Completion]:
    """Return what changes the lists of numbers, and the analyses, in an answer, which is a JSON object."""

    def apply(completion: Completion) -> Completion:
        return replace(completion, content=_with_lists(completion.content, change))

    return apply


def _with_lists(content: str, change: Callable[[list[Any]], list[Any]]) -> str:
    message = "This fault needs an answer that holds lists of numbers; the `answer` given to the server has others."
    try:
        value = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InputError(message) from error
    changed = {name: change(given) for name, given in value.items() if _is_numbers(given) or name == "analyses"}
    if not changed:
        raise InputError(message)
    # json, not msgspec: it writes NaN as models do.
    return json.dumps(value | changed, ensure_ascii=False)


def _is_numbers(given: Any) -> bool:
    try:
        msgspec.convert(given, type=list[float])
    except msgspec.ValidationError:
        return False
    return True


def _count_wrong(numbers: list[Any]) -> list[Any]:
    # One too few for one half of the answers, one too many for the other.
    few = len(numbers) > 1 and sum(map(_hundredths, numbers)) % 2 == 0
    return numbers[:-1] if few else [*numbers, 0.5]


def _hundredths(number: Any) -> int:
    return round(number * 100) if isinstance(number, int | float) else len(number)


_CONTENTS: Mapping[Fault, Callable[[Completion], Completion]] = {
    "content_filter": lambda completion: replace(completion, content="", finish="content_filter"),
    "empty": lambda completion: replace(completion, content=""),
    "truncated": _truncated,
    "prose": lambda completion: replace(completion, content="I would rate this text as rather positive overall."),
    "fenced": _fenced,
    "wrong_count": _renumber(_count_wrong),
    "nan": _renumber(lambda numbers: [*numbers[:-1], math.nan]),
    "string": _renumber(lambda numbers: [*numbers[:-1], "high"]),
    "out_of_range": _renumber(lambda numbers: [*map(_hundredths, numbers[:-1]), 85]),
}
