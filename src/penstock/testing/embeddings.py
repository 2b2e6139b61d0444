"""Vectors of texts that can be predicted: hashed bags of words, of length 1, so that texts that share words are near.

Source: https://platform.openai.com/docs/api-reference/embeddings; K. Weinberger et al., "Feature Hashing for Large
Scale Multitask Learning", 2009.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from penstock.testing.completions import Completion

DIMENSIONS = 256
"""Numbers in a vector, where the request does not say."""

MOST_INPUTS = 2048

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")


def expected_embedding(text: str, *, dimensions: int = DIMENSIONS) -> list[float]:
    """Return the vector that the test server gives to this text: `(dimensions,)`, of length 1, in single precision.

    A text's words count without case; of Chinese, Japanese and Korean each character.
    """
    found = [0.0] * dimensions
    for word in _WORD.findall(text.casefold()):
        number = _hashed(word)
        found[(number >> 1) % dimensions] += 1.0 if number & 1 else -1.0
    length = math.sqrt(sum(number * number for number in found))
    if not length:  # no words, or words that cancel each other out
        return [1.0] + [0.0] * (dimensions - 1)
    return list(struct.unpack(f"<{dimensions}f", struct.pack(f"<{dimensions}f", *(one / length for one in found))))


@lru_cache(maxsize=100_000)
def _hashed(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


_Text = Annotated[str, Meta(min_length=1)]
_Tokens = Annotated[list[int], Meta(min_length=1)]


class _Asked(msgspec.Struct):
    model: str
    input: _Text | Annotated[list[_Text | int | _Tokens], Meta(min_length=1, max_length=MOST_INPUTS)]
    dimensions: Annotated[int, Meta(ge=1, le=4096)] | None = None
    encoding_format: Literal["float", "base64"] = "float"

    @property
    def texts(self) -> list[str]:
        """What is to be embedded; tokens are words like others."""
        if isinstance(self.input, str):
            return [self.input]
        numbers = [one for one in self.input if isinstance(one, int)]
        if numbers:
            return [_words(numbers)]
        return [one if isinstance(one, str) else _words(one) for one in self.input]


def _words(given: int | list[int]) -> str:
    return str(given) if isinstance(given, int) else " ".join(map(str, given))


def as_chat(body: dict[str, Any]) -> dict[str, Any]:
    """Write a request as a chat about the same texts; its other fields stay.

    Raises:
        msgspec.ValidationError: A field has the wrong type, or there is nothing to embed.
    """
    texts = msgspec.convert(body, type=_Asked).texts
    return {**body, "messages": [{"role": "user", "content": text} for text in texts]}


def embedded(body: dict[str, Any]) -> str:
    """Return the vectors of a request as the JSON list that is sent."""
    asked = msgspec.convert(body, type=_Asked)
    vectors = [expected_embedding(text, dimensions=asked.dimensions or DIMENSIONS) for text in asked.texts]
    data = [
        {"object": "embedding", "index": place, "embedding": _written(vector, asked.encoding_format)}
        for place, vector in enumerate(vectors)
    ]
    return msgspec.json.encode(data).decode()


def _written(vector: list[float], encoding: str) -> list[float] | str:
    if encoding == "float":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors(Completion):
    """Vectors before they are written; the content is their JSON list."""

    payload: ClassVar[str] = "data"

    def body(self) -> dict[str, Any]:
        """Everything that is sent."""
        return {
            "object": "list",
            "data": msgspec.Raw((self.content or "[]").encode()),
            "model": self.model,
            "usage": {"prompt_tokens": self.tokens_in, "total_tokens": self.tokens_in},
        }
