"""Finds the JSON object in what a model wrote, and never one that it only repeats from the text it judged."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import msgspec

from penstock.errors import BadReply

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What decoding a reply may raise: it is no JSON, holds half a character, or is nested without end."""

LOOKED_AT = 64
"""Opening braces that are tried as the beginning of an object; a text of braces must not take for ever."""

_whole = msgspec.json.Decoder(dict[str, Any])


def _no_number(name: str) -> float:
    raise ValueError(name)


_part = json.JSONDecoder(parse_constant=_no_number)  # NaN and Infinity are no JSON


def object_in(reply: str, *, judged: str = "") -> dict[str, Any]:
    """Find the JSON object in a reply: alone, in a code fence, or between words.

    Args:
        reply: What the model wrote.
        judged: The text it judges. Where that holds a brace, whoever wrote it may have thought of a model that quotes
            it, whole or in part, so the reply must then be the object alone, and one that the text does not hold.

    Raises:
        BadReply: There is none, or more than one that could be meant.
    """
    if "{" in unicodedata.normalize("NFKC", judged):
        return _alone(reply, judged)
    found = _objects(reply)
    if not found:
        raise BadReply("the reply holds no JSON object")
    if any(one != found[0] for one in found):
        raise BadReply("the reply holds several JSON objects")
    return found[0]


def _alone(reply: str, judged: str) -> dict[str, Any]:
    alone = reply.strip()
    if alone.startswith("```") and alone.endswith("```") and len(alone) >= 6:
        alone = alone[3:-3].strip().removeprefix("json").strip()
    try:
        found = _whole.decode(alone)
    except UNREADABLE:
        raise BadReply("the reply is not one JSON object alone") from None
    if alone in judged or found in _parts(judged):
        raise BadReply("the reply only repeats the text")
    return found


def _objects(reply: str) -> list[dict[str, Any]]:
    try:
        return [_whole.decode(reply)]
    except UNREADABLE:
        return _parts(reply)


def _parts(text: str) -> list[dict[str, Any]]:
    """List the objects in a text that stand in no other, in order."""
    found: list[dict[str, Any]] = []
    end = 0
    for brace in [each.start() for each, _ in zip(re.finditer(r"\{", text), range(LOOKED_AT), strict=False)]:
        if brace < end:
            continue
        try:
            value, end = _part.raw_decode(text, brace)
        except (ValueError, RecursionError):
            continue
        found.append(value)
    return found
