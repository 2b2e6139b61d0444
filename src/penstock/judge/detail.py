"""What a verdict on categories keeps besides its scores: rationales with their parts, and how far samples agree."""

from __future__ import annotations

from typing import Any

import msgspec


class Detail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Written as JSON into `Verdict.detail`; whatever is empty is left out.

    Attributes:
        details: One mapping per category of the block, in order: anchor, rationale and the parts of its score.
        agreement: One number from 0 to 1 per category: how near the samples are to each other.
        samples: Independent replies behind the scores.
    """

    details: tuple[dict[str, Any], ...] = ()
    agreement: tuple[float, ...] = ()
    samples: int = 1

    def encoded(self) -> str:
        """Write it; empty where there is nothing to keep."""
        written = _encode(self).decode()
        return "" if written == "{}" else written

    @classmethod
    def decode(cls, written: str) -> Detail:
        """Read what `encoded` wrote."""
        return _decoder.decode(written) if written else cls()


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Detail)
