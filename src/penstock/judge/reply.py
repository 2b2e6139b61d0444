"""Finds the JSON object in what a model wrote, and never one that it only repeats from the text it judged."""

from __future__ import annotations

import json
import re
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
        judged: The text it judges. A model may quote it, and whoever wrote it may have thought of that: an object that
            stands in this text, too, is not the model's.

    Raises:
        BadReply: There is none, or more than one that could be meant.
    """
    found = _objects(reply)
    if not found:
        raise BadReply("the reply holds no JSON object")
    quoted = _parts(judged) if "{" in judged else []
    own = [one for one in found if one not in quoted]
    if not own:
        raise BadReply("the reply only repeats the text")
    if any(one != own[0] for one in own):
        raise BadReply("the reply holds several JSON objects")
    return own[0]


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
