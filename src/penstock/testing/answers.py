"""What the model of the test server answers: numbers computed from the text alone, so that a test can predict them.

The server reads the request as the numeric judge, the anchored judge or the grader writes it. The last user message
that has a fence holds one line of JSON between `<<<NONCE` and `NONCE>>>`, with the text under `text`. How many scores,
analyses or credits are wanted stands in the schema (`minItems` of `scores`, `analyses` or `credits`), or, where no
schema is sent, in the words `exactly N numbers`, `exactly N analyses` or `exactly N reasons and N credits` of a system
message. For prompts of another shape, give the server an `answer` function of your own.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import InputError
from penstock.testing.chat import Chat

if TYPE_CHECKING:
    from collections.abc import Sequence

_COUNT = re.compile(r"\bexactly (\d{1,4}) numbers\b", re.IGNORECASE)
_ANALYSES = re.compile(r"\bexactly (\d{1,4}) analyses\b", re.IGNORECASE)
_CREDITS = re.compile(r"\bexactly (\d{1,4}) reasons and \1 credits\b", re.IGNORECASE)

_REASONS = ("missing", "touched on", "half there", "nearly there", "met")
"""Why a credit of 0, 0.25, ... 1 was given."""

_ANALYSED = (
    "Core: the text is about this above all",
    "Strong: much of the text is about this",
    "Reasonable: the text touches on this",
    "Weak: the text hints at this in passing",
    "None: the text has nothing of this",
)
"""What an analysis may say; each begins with its anchor."""


def expected_scores(text: str, n: int, *, system: str = "") -> list[float]:
    """Return the `n` scores that the test server gives to this text: from 0 to 1, with two decimals.

    `system` is the system message, for a server whose `scores_from` is `prompt`.
    """
    # Four bytes for each: the 101 values are equally likely to within 1 in 40 million.
    return [number % 101 / 100 for number in _numbers(f"{system}\0{text}" if system else text, n)]


def expected_analyses(text: str, n: int, *, system: str = "") -> list[str]:
    """Return the `n` analyses that the test server gives to this text; each begins with its anchor and a colon.

    `system` is the system message, for a server whose `scores_from` is `prompt`.
    """
    return [f"{_ANALYSED[number % 5]}." for number in _numbers(f"analyses\0{system}\0{text}", n)]


def expected_credits(text: str, n: int, *, system: str = "") -> list[float]:
    """Return the `n` credits that the test server gives to this answer: from 0 to 1, in steps of 0.25.

    `system` is the system message, for a server whose `scores_from` is `prompt`.
    """
    return [number % 5 / 4 for number in _numbers(f"credits\0{system}\0{text}", n)]


def credited(earned: Sequence[float]) -> str:
    """Write a reply of the grading model: these credits, with a few words for each and for all of them."""
    reply = {
        "reasons": [_REASONS[round(4 * credit)] for credit in earned],
        "credits": earned,
        "explanation": f"{sum(credit == 1 for credit in earned)} of {len(earned)} criteria are met.",
        "feedback": "Nothing is missing." if min(earned, default=1) == 1 else "Look at what is missing.",
    }
    return msgspec.json.encode(reply).decode()


def score_text(body: dict[str, Any]) -> str:
    """Answer a request of a judge or the grader from its text: `{"scores": [...]}`, analyses, or credits with words.

    Raises:
        InputError: When the request holds no fenced text, or not how many answers are wanted.
    """
    return _score(body, msgspec.convert(body, type=Chat), system="")


def score_prompt(body: dict[str, Any]) -> str:
    """Answer as `score_text` does, but from the system message too: other categories get other scores.

    Raises:
        InputError: When the request holds no fenced text, or not how many answers are wanted.
    """
    chat = msgspec.convert(body, type=Chat)
    return _score(body, chat, system="".join(each.text for each in chat.messages if each.role == "system"))


def _numbers(told: str, n: int) -> list[int]:
    raw = hashlib.shake_256(told.encode("utf-8", "surrogatepass")).digest(4 * n)
    return [int.from_bytes(raw[at : at + 4], "big") for at in range(0, 4 * n, 4)]


def _score(body: dict[str, Any], chat: Chat, *, system: str) -> str:
    text = _text(chat)
    what, n = _wanted(body, chat)
    if what == "credits":
        return credited(expected_credits(text, n, system=system))
    if what == "analyses":
        return msgspec.json.encode({"analyses": expected_analyses(text, n, system=system)}).decode()
    return msgspec.json.encode({"scores": expected_scores(text, n, system=system)}).decode()


def _wanted(body: dict[str, Any], chat: Chat) -> tuple[str, int]:
    """Return what the answer must list, `credits`, `analyses` or `scores`, and how many."""
    lists = _in_schema(body)
    for what, held in (("credits", lists.credits), ("analyses", lists.analyses), ("scores", lists.scores)):
        if held is not None and held.min_items:
            return what, held.min_items
    for what, words in (("credits", _CREDITS), ("analyses", _ANALYSES), ("scores", _COUNT)):
        n = _in_words(chat, words)
        if n is not None:
            return what, n
    raise InputError(
        "The test server found no number of scores: it reads `minItems` in the schema of `scores`, `analyses` or "
        "`credits`, or `exactly N numbers` in the system message; give it an `answer` function for other prompts."
    )


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


class _List(msgspec.Struct, rename="camel"):
    min_items: int


class _Properties(msgspec.Struct):
    scores: _List | None = None
    analyses: _List | None = None
    credits: _List | None = None


class _Schema(msgspec.Struct):
    properties: _Properties


class _JsonSchema(msgspec.Struct):
    schema: _Schema


class _ResponseFormat(msgspec.Struct):
    json_schema: _JsonSchema


class _Sized(msgspec.Struct):
    response_format: _ResponseFormat


def _in_schema(body: dict[str, Any]) -> _Properties:
    try:
        return msgspec.convert(body, type=_Sized).response_format.json_schema.schema.properties
    except msgspec.ValidationError:  # no schema, or the schema of something else
        return _Properties()


def _in_words(chat: Chat, count: re.Pattern[str]) -> int | None:
    for message in chat.messages:
        words = count.search(message.text) if message.role == "system" else None
        if words:
            return int(words[1])
    return None
