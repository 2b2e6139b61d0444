"""Any server that speaks the OpenAI chat completions format: OpenAI, vLLM, Ollama, llama.cpp, Gemini's own.

Servers differ in what they take. What one turns down by name (`response_format`, `temperature`) is left out from
then on, so the first call of a run settles it: first a JSON Schema, then plain JSON mode, then the prompt alone.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import BadReply, ItemError, Refused, Rejected, Throttled, Unreachable
from penstock.flow.ratelimits import read_limits
from penstock.models.model import Prompt, Reply
from penstock.records import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.models.transport import Response, Transport

GIVE_UP_AFTER = 20
"""Prompts turned down in a row, with none accepted ever, before the fault is the request's and not the items'."""

_OPTIONAL = ("response_format", "temperature", "max_tokens")
_RELAXED = {"json_schema": "json_object", "json_object": ""}


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
        self._format = "json_schema"
        self._dropped: set[str] = set()
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
        for _ in range(1 + len(_RELAXED) + len(_OPTIONAL)):
            body = self._body(prompt)
            answer = await self._transport.post(
                self._url, headers=self._headers, body=_encoder.encode(body), timeout=self._timeout
            )
            if answer.status not in {400, 422} or not self._relax(body, answer):
                return self._read(answer)
        raise Rejected(f"{self.name} turned down every form of the request", status=400)

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            "temperature": prompt.temperature,
            "max_tokens": prompt.max_tokens,
        }
        if prompt.schema is not None and self._format:
            body["response_format"] = _response_format(self._format, prompt.schema)
        return {name: value for name, value in body.items() if value is not None and name not in self._dropped}

    def _relax(self, body: dict[str, Any], answer: Response) -> bool:
        """Learn from a 400 that names something optional; True when the request is worth sending again."""
        said = answer.body[:4000].decode("utf-8", "replace").lower()
        if "response_format" in body and any(
            word in said for word in ("response_format", "json_schema", "json_object", "schema", "structured output")
        ):
            sent = str(body["response_format"]["type"])
            if sent == self._format:
                self._format = _RELAXED[sent]
            return True
        for name in _OPTIONAL:
            if name in body and f"{name}" in said:
                self._dropped.add(name)
                return True
        return False

    def _read(self, answer: Response) -> Reply:
        if answer.status == 200:
            reply = self._reply(answer)
            self._accepted += 1
            return reply
        raise self._error(answer)

    def _reply(self, answer: Response) -> Reply:
        limits = read_limits(answer.headers, now=datetime.now(UTC))
        try:
            completion = _decoder.decode(answer.body)
        except msgspec.DecodeError:
            raise Unreachable("the server's answer was not a chat completion", status=200) from None
        if completion.error is not None:
            raise Unreachable(f"the server answered with an error: {self._said(answer)}", status=200)
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
        status, said = answer.status, self._said(answer)
        if status == 429 and _out_of_quota(answer.body):
            return Refused(f"{self.name}: the account's quota is used up ({said}); resume when it is renewed.")
        if status in {429, 529} or (status == 503 and "Retry-After" in answer.headers):
            limits = read_limits(answer.headers, now=datetime.now(UTC))
            return Throttled(
                f"the server asked for fewer calls (HTTP {status})",
                status=status,
                retry_after=limits.retry_after if limits else None,
                limits=limits,
            )
        if status in {400, 413, 422}:
            return self._turned_away(status, said)
        if status in {401, 402, 403}:
            return Refused(f"{self.name} at {self._base_url} turned the key down (HTTP {status}): {said}")
        if status < 500 and status not in {408, 409, 425}:
            return Refused(
                f"{self.name} at {self._base_url} is not to be had (HTTP {status}): {said} "
                "Check the model's name and the base URL."
            )
        return Unreachable(f"the server had an error (HTTP {status})", status=status)

    def _turned_away(self, status: int, said: str) -> ItemError | Refused:
        """A 400 is about one prompt, unless nothing else ever came back."""
        self._turned_down += 1
        if not self._accepted and self._turned_down >= GIVE_UP_AFTER:
            return Refused(
                f"{self.name} turned down each of the first {self._turned_down} prompts (HTTP {status}): {said}"
            )
        return Rejected(f"the server turned the prompt down (HTTP {status}): {said}", status=status)

    def _said(self, answer: Response) -> str:
        """The server's own message: one short line, without the key."""
        try:
            message = _message(msgspec.json.decode(answer.body))
        except msgspec.DecodeError:
            message = ""
        line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
        return (line.replace(self._key, "[key]") if self._key else line)[:200]


def _response_format(kind: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}


def _message(body: Any) -> str:
    """Find the message in the shapes that servers use for errors."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        return str(error.get("message") or error.get("detail") or error.get("code") or "")
    return str(error)


def _out_of_quota(body: bytes) -> bool:
    """Tell a quota for the day or month from a limit per minute: waiting does not help against the first."""
    return b"insufficient_quota" in body or b"billing_hard_limit" in body


