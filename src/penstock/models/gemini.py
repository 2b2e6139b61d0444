"""Gemini models by their own API, which takes files such as videos beside the text.

The reply's shape is asked for by a JSON Schema; where the model does not know that, by the older schema of OpenAPI, by
plain JSON mode, and else by the prompt alone. What a model thinks before it answers is paid for as part of the reply,
and counts against the longest reply too.

Source: https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from penstock.errors import BadReply, Rejected, Unreachable
from penstock.flow.ratelimits import read_limits
from penstock.models.exchange import Exchange
from penstock.models.faults import UNREADABLE, Cause, Faults, message_of, paid
from penstock.models.gemini_errors import read_error
from penstock.models.model import Reply
from penstock.models.schema import narrowed
from penstock.records import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from penstock.models.gemini_errors import ApiError
    from penstock.models.model import Media, Prompt
    from penstock.web.transport import Response, Transport

__all__ = ["Form", "GeminiModel"]

_RELAXED = {"responseJsonSchema": "responseSchema", "responseSchema": "responseMimeType", "responseMimeType": ""}
_COMPLAINTS = {
    "responseJsonSchema": ("schema",),
    "responseSchema": ("schema",),
    "responseMimeType": ("response_mime_type", "responsemimetype", "response mime type", "json mode"),
    "temperature": ("temperature",),
    "maxOutputTokens": ("max_output_tokens", "maxoutputtokens", "max output tokens"),
    "system_instruction": ("system_instruction", "systeminstruction", "system instruction", "developer instruction"),
}
_NOT_IN_OPENAPI = frozenset(("additionalProperties", "$schema", "$defs", "title", "default"))
_DECLINED = frozenset(
    ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_RECITATION")
)
_SPENT = ("credits are depleted", "spending cap", "spend cap", "billing account")


class _Part(msgspec.Struct):
    text: str = ""
    thought: bool = False


class _Content(msgspec.Struct):
    parts: list[_Part] = msgspec.field(default_factory=list)


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content = msgspec.field(default_factory=_Content)
    finish_reason: str = "STOP"


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str = ""


class _Counts(msgspec.Struct, rename="camel"):
    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0


class _Generated(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] = msgspec.field(default_factory=list)
    prompt_feedback: _Feedback = msgspec.field(default_factory=_Feedback)
    usage_metadata: _Counts = msgspec.field(default_factory=_Counts)
    error: Any = None


_decoder = msgspec.json.Decoder(_Generated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a request holds besides the prompt, as far as the model takes it.

    Attributes:
        format: How the reply's shape is asked for: `responseJsonSchema`, `responseSchema`, `responseMimeType` alone, or
            not at all.
        left_out: Settings that are not sent; the instructions then stand before the text.
    """

    format: str = "responseJsonSchema"
    left_out: frozenset[str] = frozenset()

    def body(self, model: str, prompt: Prompt) -> dict[str, Any]:  # noqa: ARG002 - the model stands in the address
        """Write the request."""
        alone = "system_instruction" not in self.left_out
        text = prompt.user if alone else f"{prompt.system}\n\n{prompt.user}"
        parts = [*map(_file, prompt.media), {"text": text}]
        body: dict[str, Any] = {"contents": [{"role": "user", "parts": parts}]}
        if alone:
            body["system_instruction"] = {"parts": [{"text": prompt.system}]}
        if config := self._config(prompt):
            body["generationConfig"] = config
        return body

    def _config(self, prompt: Prompt) -> dict[str, Any]:
        config: dict[str, Any] = {"temperature": prompt.temperature, "maxOutputTokens": prompt.max_tokens}
        if prompt.schema is not None and self.format:
            config["responseMimeType"] = "application/json"
            if self.format != "responseMimeType":
                plain = self.format == "responseJsonSchema"
                config[self.format] = prompt.schema if plain else narrowed(prompt.schema, _untaken)
        return {name: value for name, value in config.items() if value is not None and name not in self.left_out}

    def settings(self, body: Mapping[str, Any]) -> AbstractSet[str]:
        """Name what a written request holds that a model might not take."""
        config: dict[str, Any] = body.get("generationConfig", {})
        return (body.keys() | config.keys()) - {"contents", "generationConfig"}

    def without(self, setting: str, said: str) -> Form:  # noqa: ARG002 - no setting has another name here
        """Make the form that does without a setting, or with less of it."""
        if setting in _RELAXED:
            return replace(self, format=_RELAXED[setting])
        return replace(self, left_out=self.left_out | {setting})


class GeminiModel:
    """One Gemini model; many tasks may ask it at once."""

    def __init__(self, name: str, *, transport: Transport, base_url: str, key: str = "", timeout: float = 60.0) -> None:
        """Remember where to ask; nothing is sent yet.

        Args:
            name: The server's name for the model, with or without `models/`.
            transport: What sends the requests; its owner closes it.
            base_url: Address, such as `https://generativelanguage.googleapis.com`, with or without `/v1beta`.
            key: Sent in a header of its own, never in the address; empty for servers that want none.
            timeout: Seconds for one call, from sending to the last byte.
        """
        self._model = name
        self._base_url = base_url.rstrip("/").removesuffix("/v1beta").rstrip("/")
        self._faults = Faults(name=self.name, identity=self.identity, key=key, read=_cause)
        path = quote(name if "/" in name else f"models/{name}", safe="/")
        self._exchange = Exchange(
            name,
            Form(),
            complaints=_COMPLAINTS,
            faults=self._faults,
            transport=transport,
            url=f"{self._base_url}/v1beta/{path}:generateContent",
            headers={"x-goog-api-key": key} if key else {},
            timeout=timeout,
        )

    @property
    def name(self) -> str:
        """`gemini/` and the server's name for the model."""
        return f"gemini/{self._model}"

    @property
    def identity(self) -> str:
        """Name and address: the same name elsewhere may be other weights."""
        return f"{self.name}@{self._base_url}"

    async def ask(self, prompt: Prompt, /) -> Reply:
        """Send one prompt, files before the text, and read the reply.

        Raises:
            Rejected: The server declined this prompt, or no longer holds a file.
            BadReply: It answered nothing that could be read as an answer.
            Throttled: Asked too often.
            Unreachable: No answer, a server error, an overloaded model, or a broken answer.
            Refused: Wrong key, model or address, the account's quota is used up, or the model takes no such files.
        """
        answer = await self._exchange.ask(prompt)
        try:
            generated = _decoder.decode(answer.body)
        except UNREADABLE:
            raise Unreachable("the server's answer was not a generated content", status=200) from None
        if generated.error is not None:
            raise Unreachable(f"the server answered with an error ({self._faults.told(answer)})", status=200)
        counts = generated.usage_metadata
        usage = Usage(
            calls=1,
            tokens_in=counts.prompt_token_count,
            tokens_out=counts.candidates_token_count + counts.thoughts_token_count,
        )
        limits = read_limits(answer.headers, now=datetime.now(UTC))
        return Reply(text=_text(generated, usage), model=self.name, usage=usage, limits=limits)


def _text(generated: _Generated, usage: Usage) -> str:
    """Find the text of a reply; what there is instead was paid for as well."""
    if reason := generated.prompt_feedback.block_reason:
        raise paid(Rejected(f"the model declined to answer (prompt blocked: {_word(reason)})", status=200), usage)
    if not generated.candidates:
        raise paid(BadReply("the reply holds no candidates"), usage)
    candidate = generated.candidates[0]
    reason = candidate.finish_reason
    if reason in _DECLINED:
        raise paid(Rejected(f"the model declined to answer ({_word(reason)})", status=200), usage)
    if reason == "MAX_TOKENS":
        raise paid(BadReply("the reply was cut off at the token limit"), usage)
    if reason not in {"STOP", "FINISH_REASON_UNSPECIFIED"}:
        raise paid(BadReply(f"the reply was broken off ({_word(reason)})"), usage)
    text = "".join(part.text for part in candidate.content.parts if not part.thought)
    if not text:
        raise paid(BadReply("the reply is empty"), usage)
    return text


def _cause(answer: Response) -> Cause:
    """Read what the body of an error adds to its status."""
    error, said = read_error(answer), message_of(answer.body).lower()
    if answer.status == 429:
        return _shortage(error, said)
    if error.about_key:
        return Cause(kind="key")
    return _about_files(answer.status, said) or Cause(kind="place" if error.status == "FAILED_PRECONDITION" else "")


def _shortage(error: ApiError, said: str) -> Cause:
    """Tell the quota of the day, or money, from a limit per minute: waiting helps against the last alone."""
    if error.for_the_day:
        return Cause(kind="quota of the day")
    if any(words in said for words in _SPENT):
        return Cause(kind="quota")
    return Cause(retry_after=error.retry_after)


def _about_files(status: int, said: str) -> Cause | None:
    if status == 400 and "input modality is not enabled" in said:
        return Cause(kind="blind")
    if status == 400 and "not in an active state" in said:
        return Cause(kind="soon")
    if status in {403, 404} and "access the file" in said:
        return Cause(kind="file")
    return None


def _file(media: Media) -> dict[str, Any]:
    return {"file_data": {"mime_type": media.mime_type, "file_uri": media.uri}}


def _untaken(keyword: str, _: Any) -> bool:
    """Tell a keyword of JSON Schema that the older setting does not take."""
    return keyword in _NOT_IN_OPENAPI


def _word(reason: str) -> str:
    return "".join(c if c.isprintable() else " " for c in reason[:60]).lower().replace("_", " ")
