"""Finds the JSON object in what a model wrote."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.errors import BadReply

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What decoding a reply may raise: it is no JSON, holds half a character, or is nested without end."""

_decoder = msgspec.json.Decoder(dict[str, Any])


def object_in(reply: str) -> dict[str, Any]:
    """Find the JSON object in a reply: alone, in a code fence, or between words.

    Raises:
        BadReply: There is none.
    """
    for candidate in _candidates(reply):
        try:
            return _decoder.decode(candidate)
        except UNREADABLE:
            continue
    raise BadReply("the reply holds no JSON object")


def _candidates(reply: str) -> list[str]:
    start, end = reply.find("{"), reply.rfind("}")
    fenced = [part.removeprefix("json") for part in reply.split("```")[1::2]]
    return [reply, *fenced, reply[start : end + 1] if 0 <= start < end else ""]
