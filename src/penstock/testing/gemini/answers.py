"""What the Gemini of the tests answers: numbers that follow from the text or the video, so that tests can predict them.

A request for content is read as a chat, and answered as the model server answers it. With a video the text is left out
of it: the scores follow from the bytes of the video.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec

from penstock.errors import InputError
from penstock.judge.fence import fence
from penstock.testing.answers import expected_analyses, expected_scores, score_prompt, score_text
from penstock.testing.chat import tokens
from penstock.testing.gemini.trouble import GeminiTrouble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.testing.gemini.store import HeldFile

_PER_FILE = 258  # tokens of a file that has hardly any bytes


def expected_video_scores(video: bytes, n: int, *, system: str = "") -> list[float]:
    """Return the `n` scores that the server gives to a video: from 0 to 1, with two decimals.

    `system` is the system instruction, for a server whose `scores_from` is `prompt`.
    """
    return expected_scores(hashlib.sha256(video).hexdigest(), n, system=system)


def expected_video_analyses(video: bytes, n: int, *, system: str = "") -> list[str]:
    """Return the `n` analyses that the server gives to a video; each begins with its anchor."""
    return expected_analyses(hashlib.sha256(video).hexdigest(), n, system=system)


class Generated(msgspec.Struct, frozen=True, kw_only=True):
    """An answer with what it took.

    Attributes:
        text: The answer.
        key: The same whenever the same is asked.
        tokens_in: Of the prompt, its files included.
        tokens_out: Of the answer.
        tokens_files: Of the files alone.
    """

    text: str
    key: str
    tokens_in: int
    tokens_out: int
    tokens_files: int

    def body(self, model: str) -> dict[str, Any]:
        """Write the answer as the API does."""
        text = self.tokens_in - self.tokens_files
        details = [{"modality": "TEXT", "tokenCount": text}]
        if self.tokens_files:
            details.append({"modality": "VIDEO", "tokenCount": self.tokens_files})
        content = {"role": "model", "parts": [{"text": self.text}]}
        return {
            "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {
                "promptTokenCount": self.tokens_in,
                "candidatesTokenCount": self.tokens_out,
                "totalTokenCount": self.tokens_in + self.tokens_out,
                "promptTokensDetails": details,
            },
            "modelVersion": model,
            "responseId": self.key[:16],
        }


def generate(body: dict[str, Any], *, file: Callable[[str], HeldFile], scores_from: str) -> Generated:
    """Answer a request for content.

    Args:
        body: Its JSON.
        file: Finds a file by its address.
        scores_from: `content` or `prompt`.

    Raises:
        GeminiTrouble: It cannot be answered.
    """
    system = _joined(_parts(_field(body, "systemInstruction") or {}))
    users = [part for content in _list(body, "contents") for part in _parts(content)]
    files = [file(address) for address in map(_address, users) if address]
    told = fence("".join(each.digest for each in files)) if files else _joined(users)
    chat = {
        "model": "gemini",
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": told}],
        **_format(_field(body, "generationConfig") or {}),
    }
    try:
        text = (score_text if scores_from == "content" else score_prompt)(chat)
    except InputError as error:
        raise GeminiTrouble(400, str(error)) from error
    sized = sum(_PER_FILE + each.size // 1024 for each in files)
    key = hashlib.sha256(msgspec.json.encode([system, told])).hexdigest()
    return Generated(
        text=text,
        key=key,
        tokens_in=tokens(system) + tokens(_joined(users)) + sized,
        tokens_out=tokens(text),
        tokens_files=sized,
    )


def _field(value: Any, name: str) -> Any:
    """Find a field by its name in JSON, which may be written with humps or with underscores."""
    if not _is_object(value):
        return None
    return value.get(name, value.get("".join(f"_{c.lower()}" if c.isupper() else c for c in name)))


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _list(value: Any, name: str) -> list[Any]:
    found = _field(value, name)
    if _is_list(found):
        return found
    raise GeminiTrouble(400, f"Invalid JSON payload received. `{name}` must be a list.")


def _parts(content: Any) -> list[Any]:
    parts: object = _field(content, "parts") or []
    return parts if _is_list(parts) else [parts]


def _joined(parts: Sequence[Any]) -> str:
    return "".join(str(_field(part, "text") or "") for part in parts)


def _address(part: Any) -> str:
    return str(_field(_field(part, "fileData") or {}, "fileUri") or "")


def _format(settings: Any) -> dict[str, Any]:
    schema = _field(settings, "responseJsonSchema") or _field(settings, "responseSchema")
    if not schema:
        return {}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "reply", "schema": _sized(schema)}}}


def _sized(schema: object) -> Any:
    """Read counts that the older schema writes as digits in quotes."""
    if _is_object(schema):
        return {k: int(v) if k in {"minItems", "maxItems"} else _sized(v) for k, v in schema.items()}
    return [_sized(each) for each in schema] if _is_list(schema) else schema
