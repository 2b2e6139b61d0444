"""Any server that speaks the OpenAI chat completions format: OpenAI, vLLM, Ollama, llama.cpp, Gemini's own.

Servers differ in what they take. What one turns down by name (`response_format`, `temperature`) is left out, and when
the prompt is then answered, it is left out from then on: first a JSON Schema, then plain JSON mode, then the prompt
alone. What a server has taken once is never left out: a prompt that is turned down for its text, with words that look
like such a complaint, must not change how all others are asked.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import msgspec

from penstock.errors import BadReply, ItemError, Refused, Rejected, Throttled, Unreachable
from penstock.flow.ratelimits import read_limits
from penstock.models.model import Reply
from penstock.records import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from penstock.models.model import Prompt
    from penstock.web.transport import Response, Transport

GIVE_UP_AFTER = 20
"""Prompts turned down in a row, with none accepted ever, before the fault is the request's and not the items'."""

_RELAXED = {"json_schema": "json_object", "json_object": ""}
_COMPLAINTS = {
    "response_format": ("response_format", "json_schema", "json_object", "schema", "structured output"),
    "temperature": ("temperature",),
    "max_tokens": ("max_tokens",),
    "max_completion_tokens": ("max_completion_tokens",),
}
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


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
_encoder = msgspec.json.Encoder()


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

    def relaxed(self, body: Mapping[str, Any], said: str, *, proven: AbstractSet[str]) -> Form | None:
        """The form without the first thing that the server complains of; None when there is none.

        Args:
            body: The request that was turned down.
            said: What the server answered, in lower case.
            proven: What it has taken before.
        """
        for name, words in _COMPLAINTS.items():
            if name in body and name not in proven and any(word in said for word in words):
                return self._without(name, said)
        return None

    def _without(self, name: str, said: str) -> Form:
        if name == "response_format":
            return replace(self, format=_RELAXED[self.format])
        if name == "max_tokens" and "max_completion_tokens" in said:
            return replace(self, longest="max_completion_tokens")
        return replace(self, left_out=self.left_out | {name})


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
        self._transport = transport
        self._base_url = base_url.rstrip("/")
        self._url = f"{self._base_url}/chat/completions"
        self._key = key
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._timeout = timeout
        self._form = Form()
        self._proven: set[str] = set()
        self._accepted = 0
        self._turned_down = 0

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
        """
        form = self._form
        while True:
            body = form.body(self._model, prompt)
            answer = await self._transport.post(
                self._url, headers=self._headers, body=_encoder.encode(body), timeout=self._timeout
            )
            less = form.relaxed(body, _complaint(answer), proven=self._proven) if answer.status in {400, 422} else None
            if less is None:
                break
            form = less  # it has always less in it, so this ends
        if answer.status != 200:
            raise self._error(answer)
        self._learn(form, body)
        return self._reply(answer)

    def _learn(self, form: Form, body: Mapping[str, Any]) -> None:
        """Remember the form in which a prompt was answered."""
        self._accepted += 1
        if form is not self._form:
            self._form = form
        self._proven.update(body)

    def _reply(self, answer: Response) -> Reply:
        limits = read_limits(answer.headers, now=datetime.now(UTC))
        try:
            completion = _decoder.decode(answer.body)
        except _UNREADABLE:
            raise Unreachable("the server's answer was not a chat completion", status=200) from None
        if completion.error is not None:
            raise Unreachable(f"the server answered with an error ({self._told(answer)})", status=200)
        if not completion.choices:
            raise BadReply("the reply holds no choices")
        choice = completion.choices[0]
        if choice.finish_reason == "content_filter" or choice.message.refusal:
            raise Rejected("the model declined to answer (content filter)", status=200)
        if choice.finish_reason == "length":
            raise BadReply("the reply was cut off at the token limit")
        if not choice.message.content:
            raise BadReply("the reply is empty")
        counts = completion.usage or _Counts()
        return Reply(
            text=choice.message.content,
            model=self.name,
            usage=Usage(calls=1, tokens_in=counts.prompt_tokens or 0, tokens_out=counts.completion_tokens or 0),
            limits=limits,
        )

    def _error(self, answer: Response) -> Exception:
        """Turn a status into the error that says what to do next."""
        status = answer.status
        if status == 429 and _out_of_quota(answer.body):
            return Refused(
                f"The account's quota for {self.name} is used up ({self._told(answer)}); resume when it is renewed."
            )
        if status in {429, 529} or (status == 503 and "Retry-After" in answer.headers):
            limits = read_limits(answer.headers, now=datetime.now(UTC))
            return Throttled(
                f"the server asked for fewer calls (HTTP {status})",
                status=status,
                retry_after=limits.retry_after if limits else None,
                limits=limits,
            )
        if status in {400, 413, 422}:
            return self._turned_away(answer)
        if status in {401, 402, 403}:
            return Refused(f"{self.identity} turned the key down ({self._told(answer)}); check the key.")
        if status < 500 and status not in {408, 409, 425}:
            return Refused(
                f"{self.identity} is not to be had ({self._told(answer)}); check the model's name and the base URL."
            )
        return Unreachable(f"the server had an error (HTTP {status})", status=status)

    def _turned_away(self, answer: Response) -> ItemError | Refused:
        """A 400 is about one prompt, unless nothing else ever came back."""
        self._turned_down += 1
        if not self._accepted and self._turned_down >= GIVE_UP_AFTER:
            return Refused(
                f"{self.identity} turned down each of the first {self._turned_down} prompts ({self._told(answer)}); "
                "check the model and what it can be asked."
            )
        return Rejected(f"the server turned the prompt down ({self._told(answer)})", status=answer.status)

    def _told(self, answer: Response) -> str:
        """The status and the server's own message: one short line, without the key."""
        try:
            message = _message(msgspec.json.decode(answer.body))
        except _UNREADABLE:
            message = ""
        shown = (message.replace(self._key, "[key]") if self._key else message)[:2000]
        line = " ".join("".join(c if c.isprintable() else " " for c in shown).split())[:200].rstrip(".")
        return f"HTTP {answer.status}: {line}" if line else f"HTTP {answer.status}"


def _complaint(answer: Response) -> str:
    return answer.body[:4000].decode("utf-8", "replace").lower()


def _response_format(kind: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}


def _message(body: Any) -> str:
    """Find the message in the shapes that servers use for errors."""
    if not isinstance(body, dict):
        return body if isinstance(body, str) else ""
    error = cast("dict[str, Any]", body)
    for name in ("error", "message", "detail", "code"):
        if error.get(name):
            found: Any = error[name]
            return _message(found) if isinstance(found, dict) else str(found)
    return ""


def _out_of_quota(body: bytes) -> bool:
    """Tell a quota for the day or month from a limit per minute: waiting does not help against the first."""
    return b"insufficient_quota" in body or b"billing_hard_limit" in body
