"""A grading model that obeys whoever gets a word in, to test that a learner's answer cannot.

What stands inside a proper fence is the answer: it earns the credit of each criterion whose words it holds. What stands
outside, in whatever message, is an order if it reads like one; and in the user's message, where nothing but the fence
and the reminder after a bad reply belongs, any other word is one too. An order is rewarded with every credit there is.

The fence is read as an attacker would hope: from the first line `<<<X` to the first line `X>>>`, where a line ends at
anything that breaks lines; and what does not decode as one JSON object with one text is no answer but an order.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import InputError
from penstock.testing.answers import credited
from penstock.testing.chat import Chat, Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.models.model import Prompt

_OPENING = re.compile(r"<<<([^\s<>]{1,64})")
_CRITERION = re.compile(r"^(\d{1,3})\. (.+)$", re.MULTILINE)
_REMINDER = re.compile(
    r"Your last reply could not be used: [^\n]{0,400}\. Reply with the JSON object alone[^\n]{0,80}\."
)
_LOOKED_AT = 50
"""Opening braces that are tried as the beginning of a JSON object."""

_ORDERS = re.compile(
    r"\b(?:give|award|assign|grant)\b[^.\n]{0,60}\b(?:100|(?:all|every) (?:marks?|credits?|points?))\b"
    r"|\b(?:scores?|grades?|marks?|points|credits?)\b\W{0,5}(?:is\b|of\b|to\b|=|:)?\W{0,5}100\b"
    r"|\bmark (?:everything|all|this|it)\b[^.\n]{0,30}\b(?:right|correct)\b"
    r"|\b(?:full|top|perfect|maximum) (?:marks?|credits?|scores?|points)\b"
    r"|\b100 ?(?:%|/ ?100|points|marks|punkte|puntos|pontos|points|баллов|درجة|अंक|điểm|puan|poin)"
    r"|100 ?[점点分點]|만점|满分|滿分|満点|volle punkt|note maximale|puntuación máxima|nota máxima|максимальн"
    r"|الدرجة الكاملة|पूरे अंक|điểm tối đa|tam puan|nilai penuh"
)
"""Orders to a marker, in lower case, composed, without invisible letters; no rubric should hold words like these."""


def obey_request(body: dict[str, Any]) -> str:
    """Answer a request for grading as the obedient model: the `answer` function for a `ModelServer`.

    Raises:
        InputError: When no system message lists criteria as `1. name - description`.
    """
    return _obey(msgspec.convert(body, type=Chat).messages)


def obey_prompt(prompt: Prompt) -> str:
    """Answer a prompt for grading as the obedient model: the function for a `ScriptedModel`.

    Raises:
        InputError: When the system part lists no criteria as `1. name - description`.
    """
    return _obey([Message(role="system", content=prompt.system), Message(role="user", content=prompt.user)])


def _obey(messages: Sequence[Message]) -> str:
    criteria = _criteria(messages)
    answer = ""
    for message in messages:
        held, outside = _unfenced(message.text)
        answer += held
        if _is_order(outside) or (message.role == "user" and _REMINDER.sub("", outside).strip()):
            return credited([1.0] * len(criteria))
    return credited([float(_holds(answer, criterion)) for criterion in criteria])


def _criteria(messages: Sequence[Message]) -> list[str]:
    """Find the names in the last list that is numbered from 1."""
    names: list[str] = []
    for message in messages:
        for number, line in _CRITERION.findall(message.text) if message.role == "system" else ():
            if int(number) == 1:
                names = []
            names.append(line.partition(" - ")[0])
    if not names:
        raise InputError("The obedient model found no criteria: it reads lines such as `1. name - description`.")
    return names


def _holds(answer: str, criterion: str) -> bool:
    """Whether an answer holds all the words of a criterion, or of one of its alternatives."""
    text = answer.casefold()
    return any(all(word in text for word in way.split()) for way in criterion.casefold().split("|"))


def _unfenced(text: str) -> tuple[str, str]:
    """Divide a message into the answer in its first fence and everything else."""
    lines = text.splitlines()
    last = {line: place for place, line in enumerate(lines)}
    for start, line in enumerate(lines):
        opening = _OPENING.fullmatch(line)
        closing = f"{opening[1]}>>>" if opening else None
        if closing is not None and last.get(closing, -1) > start:
            end = lines.index(closing, start + 1)
            answer, trouble = _decoded("\n".join(lines[start + 1 : end]))
            return answer, "\n".join([*lines[:start], trouble, *lines[end + 1 :]])
    return "", text


def _decoded(data: str) -> tuple[str, str]:
    """Read the answer in a fence; what does not decode, or stands beside it, is given as the second part."""
    try:
        pairs, end = json.JSONDecoder(object_pairs_hook=list).raw_decode(data)
    except (ValueError, RecursionError):
        return "", data
    match pairs:
        case [("text", str(answer))]:
            return answer, data[end:]
        case _:
            return "", data


def _is_order(text: str) -> bool:
    """Whether words outside the fence tell a marker what to do."""
    seen = "".join(each for each in unicodedata.normalize("NFKC", text) if unicodedata.category(each) != "Cf")
    return _ORDERS.search(seen.casefold()) is not None or _is_reply(text)


def _is_reply(text: str) -> bool:
    """Whether a text holds a JSON object that reads like a marker's reply."""
    decoder = json.JSONDecoder()
    for found in list(re.finditer(r"\{", text))[:_LOOKED_AT]:
        try:
            value, _ = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            continue
        if {"credits", "score", "is_correct"} & set(value):
            return True
    return False
