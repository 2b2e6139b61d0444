"""Takes a secret out of what somebody else has said: servers repeat keys in their complaints, plain or encoded."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

_MASK = "[key]"
_TELLING = 8
"""Letters of an encoding that are too many for a coincidence."""


def hide(text: str, *secrets: str) -> str:
    """Put a mask in the place of each secret: plain, escaped for JSON, HTML or addresses, in hex or in base64."""
    for secret in secrets:
        if not secret:
            continue
        encoded = {spelling for spelling in _encoded(secret) if len(spelling) >= _TELLING}
        longest_first = sorted({secret, *encoded}, key=len, reverse=True)
        text = re.sub("|".join(map(re.escape, longest_first)), _MASK, text, flags=re.IGNORECASE)
    return text


def _encoded(secret: str) -> Iterator[str]:
    raw = secret.encode()
    in_json = json.dumps(secret)[1:-1]
    yield from (in_json, in_json.replace("/", "\\/"), repr(secret)[1:-1], html.escape(secret), raw.hex())
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret))
    for ahead in range(3):  # what stands before it in the same base64, such as `Bearer `, shifts its letters
        yield from _base64(raw, ahead)


def _base64(raw: bytes, ahead: int) -> Iterator[str]:
    """The letters that depend on nothing but `raw`, with `ahead` bytes before it and any after it."""
    start, stop = -(-8 * ahead // 6), 8 * (ahead + len(raw)) // 6
    padded = bytes(ahead) + raw + bytes(2)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(padded)[start:stop].decode()
