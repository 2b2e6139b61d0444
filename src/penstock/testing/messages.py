"""Anthropic's Messages API as the test server speaks it: requests read as chats, answers and errors in its own words.

Source: https://docs.anthropic.com/en/api/messages, https://docs.anthropic.com/en/api/errors
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from penstock.testing.completions import Completion

if TYPE_CHECKING:
    from penstock.testing.limits import Level
    from penstock.testing.wire import Response

_STOPS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_TOO_LOW = (
    "Your credit balance is too low to access the Anthropic API. "
    "Please go to Plans & Billing to upgrade or purchase credits."
)


class _Shape(msgspec.Struct):
    schema: dict[str, Any] | None = None


class _Config(msgspec.Struct):
    format: _Shape | None = None


class _Tool(msgspec.Struct):
    name: str
    input_schema: dict[str, Any] = {}


class _Choice(msgspec.Struct):
    type: str = "auto"
    name: str = ""


class _Wanted(msgspec.Struct):
    """The fields that ask for a shape of the answer."""

    output_config: _Config | None = None
    output_format: _Shape | None = None
    tools: list[_Tool] = []
    tool_choice: _Choice | None = None

    @property
    def tool(self) -> _Tool | None:
        """The tool that must be used, where there is one."""
        choice = self.tool_choice or _Choice()
        if choice.type == "any" and self.tools:
            return self.tools[0]
        return next((tool for tool in self.tools if choice.type == "tool" and tool.name == choice.name), None)

    @property
    def schema(self) -> dict[str, Any] | None:
        """The schema that the answer must fit, however it was asked for."""
        shape = (self.output_config or _Config()).format or self.output_format or _Shape()
        return shape.schema or (self.tool.input_schema if self.tool else None)


def as_chat(body: dict[str, Any]) -> dict[str, Any]:
    """Write a request as the chat that asks the same; its other fields stay.

    Raises:
        msgspec.ValidationError: A field has the wrong type.
    """
    told = msgspec.convert(body["messages"], type=list[dict[str, Any]])
    system = body.get("system")
    chat = {**body, "messages": [{"role": "system", "content": system}, *told] if system else told}
    schema = msgspec.convert(body, type=_Wanted).schema
    if schema is not None:
        chat["response_format"] = {"type": "json_schema", "json_schema": {"schema": schema}}
    return chat


def forced_tool(chat: dict[str, Any]) -> str:
    """Name the tool that must be used; empty when none must."""
    tool = msgspec.convert(chat, type=_Wanted).tool
    return tool.name if tool else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Completion):
    """An answer as a message.

    Attributes:
        tool: Name of the tool that is called with the content, where one must be.
    """

    payload: ClassVar[str] = "content"

    tool: str = ""

    def body(self) -> dict[str, Any]:
        """Everything that is sent."""
        blocks = self._blocks()
        used = any(block["type"] == "tool_use" for block in blocks)
        return {
            "id": f"msg_{self.name}",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": blocks,
            "stop_reason": "tool_use" if used else _STOPS[self.finish],
            "stop_sequence": None,
            "usage": {"input_tokens": self.tokens_in, "output_tokens": self.tokens_out},
        }

    def _blocks(self) -> list[dict[str, Any]]:
        if not self.content:
            return []
        try:
            given = msgspec.json.decode(self.content, type=dict[str, Any]) if self.tool else None
        except msgspec.DecodeError:  # spoilt: a model that was to use a tool talks instead
            given = None
        if given is None:
            return [{"type": "text", "text": self.content}]
        return [{"type": "tool_use", "id": f"toolu_{self.name}", "name": self.tool, "input": given}]


class _Error(msgspec.Struct):
    message: str = ""
    code: str | None = None


class _Errors(msgspec.Struct):
    error: _Error


def worded(response: Response) -> Response:
    """Write an error as Anthropic does; an account without money gets 400."""
    error = msgspec.json.decode(response.body, type=_Errors).error
    if error.code == "insufficient_quota":
        response, error = replace(response, status=400), _Error(message=_TOO_LOW)
    kind = _KINDS.get(response.status, "api_error")
    body = {"type": "error", "error": {"type": kind, "message": error.message}, "request_id": "req_0"}
    return replace(response, body=msgspec.json.encode(body))


def limits(levels: tuple[Level, ...], wall: float) -> tuple[tuple[str, str], ...]:
    """Return the `anthropic-ratelimit-*` headers; resets are told as dates."""
    return tuple(
        (f"anthropic-ratelimit-{level.kind}-{part}", value)
        for level in levels
        for part, value in (
            ("limit", str(level.limit)),
            ("remaining", str(level.remaining)),
            ("reset", _date(wall + level.reset)),
        )
    )


def _date(seconds: float) -> str:
    at = datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
