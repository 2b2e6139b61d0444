"""Any server that speaks the OpenAI chat completions format: OpenAI, vLLM, Ollama, llama.cpp, Gemini's own.

The reply's shape is asked for by a JSON Schema, where the server does not take that by plain JSON mode, and else by the
prompt alone.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import BadReply, InputError, Rejected, Unreachable
from penstock.flow.ratelimits import read_limits
from penstock.models.exchange import Exchange
from penstock.models.faults import GIVE_UP_AFTER, UNREADABLE, Faults, openai_cause, paid
from penstock.models.model import Reply
from penstock.records import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from penstock.models.model import Prompt
    from penstock.web.transport import Response, Transport

__all__ = ["GIVE_UP_AFTER", "Form", "OpenAIModel"]

_RELAXED = {"json_schema": "json_object", "json_object": ""}
_COMPLAINTS = {
    "response_format": ("response_format", "json_schema", "json_object", "schema", "structured output"),
    "temperature": ("temperature",),
    "max_tokens": ("max_tokens",),
    "max_completion_tokens": ("max_completion_tokens",),
}


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message = msgspec.field(default_factory=_Message)
    finish_reason: str | None = None


class _Counts(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice] = msgspec.field(default_factory=list)
    usage: _Counts | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Completion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a request holds besides the prompt, as far as the server takes it.

    Attributes:
        format: How the reply's shape is asked for: `json_schema`, `json_object`, or not at all.
        longest: The name under which the longest reply is asked for.
        left_out: Settings that are not sent.
    """

    format: str = "json_schema"
    longest: str = "max_tokens"
    left_out: frozenset[str] = frozenset()

    def body(self, model: str, prompt: Prompt) -> dict[str, Any]:
        """Write the request."""
        body: dict[str, Any] = {
            "model": model,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            "temperature": prompt.temperature,
            self.longest: prompt.max_tokens,
        }
        if prompt.schema is not None and self.format:
            body["response_format"] = _response_format(self.format, prompt.schema)
        return {name: value for name, value in body.items() if value is not None and name not in self.left_out}

    def settings(self, body: Mapping[str, Any]) -> AbstractSet[str]:
        """Name what a written request holds that a server might not take."""
        return body.keys()

    def without(self, setting: str, said: str) -> Form:
        """Make the form that does without a setting, or with less of it."""
        if setting == "response_format":
            return replace(self, format=_RELAXED[self.format])
        if setting == "max_tokens" and "max_completion_tokens" in said:
            return replace(self, longest="max_completion_tokens")
        return replace(self, left_out=self.left_out | {setting})


class OpenAIModel:
    """One model behind one address; many tasks may ask it at once."""

    def __init__(self, name: str, *, transport: Transport, base_url: str, key: str = "", timeout: float = 60.0) -> None:
        """Remember where to ask; nothing is sent yet.

        Args:
            name: The server's name for the model.
            transport: What sends the requests; its owner closes it.
            base_url: Address up to and including the version, such as `http://127.0.0.1:8000/v1`.
            key: Sent as a bearer token; empty for servers that want none.
            timeout: Seconds for one call, from sending to the last byte.
        """
        self._model = name
        self._base_url = base_url.rstrip("/")
        self._faults = Faults(name=self.name, identity=self.identity, key=key, read=openai_cause)
        self._exchange = Exchange(
            name,
            Form(),
            complaints=_COMPLAINTS,
            faults=self._faults,
            transport=transport,
            url=f"{self._base_url}/chat/completions",
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=timeout,
        )

    @property
    def name(self) -> str:
        """`openai/` and the server's name for the model."""
        return f"openai/{self._model}"

    @property
    def identity(self) -> str:
        """Name and address: the same name elsewhere may be other weights."""
        return f"{self.name}@{self._base_url}"

    async def ask(self, prompt: Prompt, /) -> Reply:
        """Send one prompt and read the reply.

        Raises:
            Rejected: The server declined this prompt.
            BadReply: It answered nothing that could be read as an answer.
            Throttled: Asked too often.
            Unreachable: No answer, a server error, or a broken one.
            Refused: Wrong key, model or address, or the account's quota is used up.
            InputError: The prompt shows files, which this format has no place for.
        """
        if prompt.media:
            raise InputError(f"{self.name} cannot be shown files such as videos: use gemini/NAME.")
        return self.read(await self._exchange.ask(prompt))

    def body(self, prompt: Prompt) -> dict[str, Any]:
        """Write the request of a prompt, in the form that the server is known to take."""
        return self._exchange.form.body(self._model, prompt)

    def read(self, answer: Response) -> Reply:
        """Read an answer of status 200.

        Raises:
            Rejected: The model declined.
            BadReply: It answered nothing that could be read as an answer.
            Unreachable: The answer is broken.
        """
        try:
            completion = _decoder.decode(answer.body)
        except UNREADABLE:
            raise Unreachable("the server's answer was not a chat completion", status=200) from None
        if completion.error is not None:
            raise Unreachable(f"the server answered with an error ({self._faults.told(answer)})", status=200)
        counts = completion.usage or _Counts()
        usage = Usage(calls=1, tokens_in=counts.prompt_tokens or 0, tokens_out=counts.completion_tokens or 0)
        return Reply(
            text=_text(completion, usage),
            model=self.name,
            usage=usage,
            limits=read_limits(answer.headers, now=datetime.now(UTC)),
        )


def _text(completion: _Completion, usage: Usage) -> str:
    """Find the text of a reply; what there is instead was paid for as well."""
    if not completion.choices:
        raise paid(BadReply("the reply holds no choices"), usage)
    choice = completion.choices[0]
    if choice.finish_reason == "content_filter" or choice.message.refusal:
        raise paid(Rejected("the model declined to answer (content filter)", status=200), usage)
    if choice.finish_reason == "length":
        raise paid(BadReply("the reply was cut off at the token limit"), usage)
    if not choice.message.content:
        raise paid(BadReply("the reply is empty"), usage)
    return choice.message.content


def _response_format(kind: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}
