"""Anthropic's models by their own API.

The reply's shape is asked for by a JSON Schema, of which the API takes a part: bounds of numbers and of lists are said
in words instead. Models that know no such setting get the prompt alone, and those that take no temperature are asked
without one. The API wants to be told the longest reply; what a model thinks before it answers counts against it.

Source: https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import BadReply, InputError, Rejected, Unreachable
from penstock.flow.ratelimits import read_limits
from penstock.models.exchange import Exchange
from penstock.models.faults import UNREADABLE, Cause, Faults, message_of, paid
from penstock.models.model import Reply
from penstock.models.schema import narrowed
from penstock.records import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from penstock.models.model import Prompt
    from penstock.web.transport import Response, Transport

__all__ = ["LONGEST", "VERSION", "AnthropicModel", "Form"]

VERSION = "2023-06-01"
"""Of the API's format, sent with each request."""

LONGEST = 8192
"""Tokens of a reply where nothing else is asked for: a block's scores are a few hundred, thoughts may be thousands."""

_COMPLAINTS = {
    "output_config": ("output_config", "output_format", "schema", "structured output", "grammar"),
    "temperature": ("temperature",),
    "max_tokens": ("max_tokens",),
}
_BOUNDS = frozenset(
    ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems")
)
_CEILING = re.compile(r"max_tokens: \d+ > (\d+)")
_SPENT = ("credit balance", "usage limits", "spend limit")


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Counts(msgspec.Struct):
    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None

    @property
    def usage(self) -> Usage:
        read = (self.input_tokens, self.cache_creation_input_tokens, self.cache_read_input_tokens)
        return Usage(calls=1, tokens_in=sum(count or 0 for count in read), tokens_out=self.output_tokens or 0)


class _Said(msgspec.Struct):
    content: list[_Block] = msgspec.field(default_factory=list)
    stop_reason: str | None = None
    usage: _Counts = msgspec.field(default_factory=_Counts)
    error: Any = None


_decoder = msgspec.json.Decoder(_Said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a request holds besides the prompt, as far as the model takes it.

    Attributes:
        left_out: Settings that are not sent.
        ceiling: Tokens of the longest reply that the model can give, where it said so.
    """

    left_out: frozenset[str] = frozenset()
    ceiling: int | None = None

    def body(self, model: str, prompt: Prompt) -> dict[str, Any]:
        """Write the request."""
        longest = prompt.max_tokens or LONGEST
        body: dict[str, Any] = {
            "model": model,
            "system": prompt.system,
            "messages": [{"role": "user", "content": prompt.user}],
            "temperature": prompt.temperature,
            "max_tokens": longest if self.ceiling is None else min(longest, self.ceiling),
        }
        if prompt.schema is not None:
            schema = narrowed(prompt.schema, _untaken, say=True)
            body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        return {name: value for name, value in body.items() if value is not None and name not in self.left_out}

    def settings(self, body: Mapping[str, Any]) -> AbstractSet[str]:
        """Name what a written request holds that a model might not take."""
        return body.keys()

    def without(self, setting: str, said: str) -> Form:
        """Make the form that does without a setting, or with less of it; the longest reply is always said."""
        if setting == "max_tokens":
            named = _CEILING.search(said)
            return replace(self, ceiling=max(1, int(named[1]))) if named else self
        return replace(self, left_out=self.left_out | {setting})


class AnthropicModel:
    """One of Anthropic's models; many tasks may ask it at once."""

    def __init__(self, name: str, *, transport: Transport, base_url: str, key: str = "", timeout: float = 60.0) -> None:
        """Remember where to ask; nothing is sent yet.

        Args:
            name: The server's name for the model.
            transport: What sends the requests; its owner closes it.
            base_url: Address, such as `https://api.anthropic.com`, with or without `/v1`.
            key: Sent in a header of its own; empty for servers that want none.
            timeout: Seconds for one call, from sending to the last byte.
        """
        self._model = name
        self._base_url = base_url.rstrip("/").removesuffix("/v1").rstrip("/")
        self._faults = Faults(name=self.name, identity=self.identity, key=key, read=_cause)
        self._exchange = Exchange(
            name,
            Form(),
            complaints=_COMPLAINTS,
            faults=self._faults,
            transport=transport,
            url=f"{self._base_url}/v1/messages",
            headers={"anthropic-version": VERSION, **({"x-api-key": key} if key else {})},
            timeout=timeout,
        )

    @property
    def name(self) -> str:
        """`anthropic/` and the server's name for the model."""
        return f"anthropic/{self._model}"

    @property
    def identity(self) -> str:
        """Name and address: the same name elsewhere may be other weights."""
        return f"{self.name}@{self._base_url}"

    async def ask(self, prompt: Prompt, /) -> Reply:
        """Send one prompt and read the reply.

        Raises:
            Rejected: The server or the model declined this prompt.
            BadReply: It answered nothing that could be read as an answer.
            Throttled: Asked too often, or the server is overloaded.
            Unreachable: No answer, a server error, or a broken one.
            Refused: Wrong key, model or address, or the account's credit is used up.
            InputError: The prompt shows files, which this model is not shown.
        """
        if prompt.media:
            raise InputError(f"{self.name} cannot be shown files such as videos: use gemini/NAME.")
        answer = await self._exchange.ask(prompt)
        try:
            said = _decoder.decode(answer.body)
        except UNREADABLE:
            raise Unreachable("the server's answer was not a message", status=200) from None
        if said.error is not None:
            raise Unreachable(f"the server answered with an error ({self._faults.told(answer)})", status=200)
        usage = said.usage.usage
        limits = read_limits(answer.headers, now=datetime.now(UTC))
        return Reply(text=_text(said, usage), model=self.name, usage=usage, limits=limits)


def _text(said: _Said, usage: Usage) -> str:
    """Find the text of a reply; what there is instead was paid for as well."""
    if said.stop_reason == "refusal":
        raise paid(Rejected("the model declined to answer (refusal)", status=200), usage)
    if said.stop_reason in {"max_tokens", "model_context_window_exceeded"}:
        raise paid(BadReply("the reply was cut off at the token limit"), usage)
    text = "".join(block.text for block in said.content if block.type == "text")
    if not text:
        raise paid(BadReply("the reply is empty"), usage)
    return text


def _cause(answer: Response) -> Cause:
    """Read what the body of an error adds to its status: money that is used up comes as 400, 402 or 429."""
    if answer.status == 429 and b"spend_limit_reached" in answer.body:
        return Cause(kind="quota")
    if answer.status == 400 and any(words in message_of(answer.body).lower() for words in _SPENT):
        return Cause(kind="quota")
    return Cause()


def _untaken(keyword: str, value: Any) -> bool:
    """Tell a keyword of JSON Schema that the API does not take.

    Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
    """
    return keyword in _BOUNDS or (keyword == "minItems" and value > 1)
