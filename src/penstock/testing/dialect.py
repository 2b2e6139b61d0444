"""How the same model is asked and answers in different protocols: the desk decides, a dialect reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.testing import embeddings, messages
from penstock.testing.completions import SPOILT_RESPONSES, Completion
from penstock.testing.faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from penstock.testing.limits import Level
    from penstock.testing.wire import Request, Response


class Unreadable(Exception):
    """The request is not what its address wants; the message is the server's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One protocol.

    Attributes:
        read: Turns a request into the JSON of a chat with all the fields it had; raises `Unreadable`.
        content: What is answered, given that chat and the model's way to answer one.
        complete: Makes the answer of its chat, its content, and what else a completion holds.
        worded: Turns an error as OpenAI writes it into one of this protocol.
        limits: The headers that tell the limits, given their levels and the seconds since 1970.
        formats: Fields that ask for a shape of the answer.
        faults: What can go wrong here; other faults do not happen.
        counts_answers: Whether the answer has tokens.
    """

    read: Callable[[Request], dict[str, Any]]
    content: Callable[[dict[str, Any], Callable[[dict[str, Any]], str]], str]
    complete: Callable[..., Completion]
    worded: Callable[[Response], Response]
    limits: Callable[[tuple[Level, ...], float], tuple[tuple[str, str], ...]]
    formats: tuple[str, ...] = ()
    faults: Collection[str] = FAULTS
    counts_answers: bool = True


def _read(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(request.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"We could not parse the JSON body of your request: {error}.") from error


def _read_message(request: Request) -> dict[str, Any]:
    if "anthropic-version" not in request.headers:
        raise Unreadable("anthropic-version: header is required")
    body = _read(request)
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise Unreadable(f"{name}: Field required")
    try:
        return messages.as_chat(body)
    except msgspec.ValidationError as error:
        raise Unreadable(str(error)) from error


def _read_input(request: Request) -> dict[str, Any]:
    try:
        return embeddings.as_chat(_read(request))
    except msgspec.ValidationError as error:
        raise Unreadable(f"'$.input' is invalid: {error}.") from error


def _x_ratelimit(levels: tuple[Level, ...], _: float) -> tuple[tuple[str, str], ...]:
    return tuple(header for level in levels for header in level.headers)


def _completion(_: dict[str, Any], **fields: Any) -> Completion:
    return Completion(**fields)


def _vectors(_: dict[str, Any], **fields: Any) -> Completion:
    return embeddings.Vectors(**fields)


def _said(chat: dict[str, Any], **fields: Any) -> Completion:
    return messages.Said(tool=messages.forced_tool(chat), **fields)


CHAT = Dialect(
    read=_read,
    content=lambda chat, answer: answer(chat),
    complete=_completion,
    worded=lambda response: response,
    limits=_x_ratelimit,
    formats=("response_format",),
)
"""https://platform.openai.com/docs/api-reference/chat"""

EMBEDDINGS = Dialect(
    read=_read_input,
    content=lambda chat, _: embeddings.embedded(chat),
    complete=_vectors,
    worded=lambda response: response,
    limits=_x_ratelimit,
    faults={"hang", "empty", *SPOILT_RESPONSES},
    counts_answers=False,
)
"""https://platform.openai.com/docs/api-reference/embeddings"""

MESSAGES = Dialect(
    read=_read_message,
    content=lambda chat, answer: answer(chat),
    complete=_said,
    worded=messages.worded,
    limits=messages.limits,
    formats=("output_config", "output_format", "tools"),
)
"""https://docs.anthropic.com/en/api/messages"""

DIALECTS = {"/v1/chat/completions": CHAT, "/v1/embeddings": EMBEDDINGS, "/v1/messages": MESSAGES}
