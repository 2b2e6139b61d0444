"""What the model of the test server answers: scores computed from the text alone, so that a test can predict them.

The server reads the request as the numeric judge writes it. The last user message that has a fence holds one line of
JSON between `<<<NONCE` and `NONCE>>>`, with the text under `text`; how many scores are wanted stands in the schema of
the scores (`minItems`), or, where no schema is sent, in the words `exactly N numbers` of a system message. For prompts
of another shape, give the server an `answer` function of your own.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from penstock.errors import InputError
from penstock.testing.chat import Chat

_COUNT = re.compile(r"\bexactly (\d{1,4}) numbers\b", re.IGNORECASE)


def expected_scores(text: str, n: int, *, system: str = "") -> list[float]:
    """Return the `n` scores that the test server gives to this text: from 0 to 1, with two decimals.

    `system` is the system message, for a server whose `scores_from` is `prompt`.
    """
    told = f"{system}\0{text}" if system else text
    # Four bytes for each: the 101 values are equally likely to within 1 in 40 million.
    raw = hashlib.shake_256(told.encode("utf-8", "surrogatepass")).digest(4 * n)
    return [int.from_bytes(raw[at : at + 4], "big") % 101 / 100 for at in range(0, 4 * n, 4)]


def score_text(body: dict[str, Any]) -> str:
    """Answer a request of the numeric judge from its text: the content is `{"scores": [...]}`.

    Raises:
        InputError: When the request holds no fenced text or no number of scores.
    """
    return _score(body, msgspec.convert(body, type=Chat), system="")


def score_prompt(body: dict[str, Any]) -> str:
    """Answer as `score_text` does, but from the system message too: other categories get other scores.

    Raises:
        InputError: When the request holds no fenced text or no number of scores.
    """
    chat = msgspec.convert(body, type=Chat)
    return _score(body, chat, system="".join(each.text for each in chat.messages if each.role == "system"))


def _score(body: dict[str, Any], chat: Chat, *, system: str) -> str:
    text = _text(chat)
    size = _size_in_schema(body) or _size_in_words(chat)
    if size is None:
        raise InputError(
            "The test server found no number of scores: it reads `minItems` in the schema of `scores`, or `exactly N "
            "numbers` in the system message; give it an `answer` function for other prompts."
        )
    return msgspec.json.encode({"scores": expected_scores(text, size, system=system)}).decode()


class _Fenced(msgspec.Struct):
    text: str


def _text(chat: Chat) -> str:
    for message in reversed(chat.messages):
        if message.fenced is not None:
            return _unfenced(message.fenced)
    raise InputError(
        "The test server found no fenced text in the user messages: it reads one line of JSON between `<<<NONCE` and "
        "`NONCE>>>`; give it an `answer` function for other prompts."
    )


def _unfenced(data: str) -> str:
    try:
        return msgspec.json.decode(data, type=_Fenced).text
    except msgspec.DecodeError as error:
        raise InputError(f'The fenced line must be a JSON object with a string under "text" ({error}).') from error


class _Scores(msgspec.Struct, rename="camel"):
    min_items: int


class _Properties(msgspec.Struct):
    scores: _Scores


class _Schema(msgspec.Struct):
    properties: _Properties


class _JsonSchema(msgspec.Struct):
    schema: _Schema


class _ResponseFormat(msgspec.Struct):
    json_schema: _JsonSchema


class _Sized(msgspec.Struct):
    response_format: _ResponseFormat


def _size_in_schema(body: dict[str, Any]) -> int | None:
    try:
        return msgspec.convert(body, type=_Sized).response_format.json_schema.schema.properties.scores.min_items
    except msgspec.ValidationError:  # no schema, or the schema of something else
        return None


def _size_in_words(chat: Chat) -> int | None:
    for message in chat.messages:
        words = _COUNT.search(message.text) if message.role == "system" else None
        if words:
            return int(words[1])
    return None
