"""The log line of one ranking: what was shown, who it came from, and what else the analysis needs.

The layout is versioned by `SCHEMA`; a field is never given another meaning under the same version. The user stands in
it as a pseudonym, and the source of an item stands only here: it never reaches the client.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import floor
from time import gmtime, strftime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCHEMA = "penstock.interleave/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownItem:
    """One item of a ranking.

    Attributes:
        item_id: Its id as a word.
        position: Where it was shown, from 1, over all pages.
        source_ranker: The ranker that it is attributed to.
        ranks: Its rank in each ranker's list, from 1; None where it is not in the part that was read. Empty where only
            one ranker was asked.
        credit: What a click on it is worth, positive for the first ranker; None where it is one point for its source.
    """

    item_id: str
    position: int
    source_ranker: str
    ranks: tuple[int | None, ...] = ()
    credit: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give what is logged of the item itself; its ranks and its credit stand in columns of the record."""
        return {"item_id": self.item_id, "position": self.position, "source_ranker": self.source_ranker}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One ranking that was served.

    Attributes:
        time: When, in UTC, as ISO 8601 with milliseconds.
        experiment: Its name.
        ranking_id: Names the ranking; pages of one ranking share it.
        mode: What was done: the name of the ranker that was served alone, or INTERLEAVE.
        setting: The mode that was set, where it is another one.
        method: How rankings were merged; None where one was served alone.
        unit: Whether the sample is drawn by "user" or by "session"; None without an id: not in the experiment.
        user: The user's or session's pseudonym.
        bucket: Which of the 10,000 buckets the user is in.
        seed: What the coins follow from: "request", or "user:" and the version of the ranking.
        k: Items asked for.
        offset: Items on the pages before.
        rankers: Names of the rankers, in the order of the ranks.
        competitive: Whether the rankers' lists differ as far as they are shown; otherwise no click can tell them apart.
        fallback_reason: Which ranker was lost and how, as "B:late"; such rankings do not count.
        error: Class of the error that a ranker raised.
        settings: Whether the settings were "fresh" (which is not written), "stale", or the "baseline" for want of any.
        parallel: Whether the rankers ran side by side; None where one was served alone.
        depth: Items of each list that were read and that the ranks are known of.
        ms: Milliseconds of each ranker, of the merge, and of the whole ranking.
        items: What was shown.
    """

    time: str
    experiment: str
    ranking_id: str
    mode: str
    setting: str | None = None
    method: str | None = None
    unit: str | None = None
    user: str | None = None
    bucket: int | None = None
    seed: str | None = None
    k: int
    offset: int = 0
    rankers: Sequence[str]
    competitive: bool | None = None
    fallback_reason: str | None = None
    error: str | None = None
    settings: str = "fresh"
    parallel: bool | None = None
    depth: Sequence[int] = ()
    ms: Mapping[str, float]
    items: Sequence[ShownItem]

    def as_dict(self) -> dict[str, Any]:
        """Give what is logged, in the order of the line; what does not apply, and an offset of 0, is left out."""
        logged: dict[str, Any] = {"schema": SCHEMA}
        for name in _PLAIN:
            value = getattr(self, name)
            if value is not None and value != _USUAL.get(name, ()):
                logged[name] = value
        logged["ms"] = {name: round(spent, 2) for name, spent in self.ms.items()}
        logged["items"] = [item.as_dict() for item in self.items]
        ranks = list(zip(*(item.ranks for item in self.items), strict=True))
        worth = [round(item.credit, _DIGITS) for item in self.items if item.credit is not None]
        if ranks:
            logged["ranks"] = ranks
        if worth:
            logged["credits"] = worth
        return logged

    def line(self) -> str:
        """Write the record as one line of JSON, without a line break at its end."""
        return json.dumps(self.as_dict(), separators=(",", ":"))


def stamp(seconds: float) -> str:
    """Write a time, given in seconds since 1970, as records have it."""
    whole, part = divmod(floor(seconds * 1_000), 1_000)
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(whole))}.{part:03d}Z"


_DIGITS = 6  # of a credit: what a sum of fifty misses by is far below any credit that counts
_USUAL = {"offset": 0, "settings": "fresh"}
_PLAIN = tuple(name for name in Record.__dataclass_fields__ if name not in {"ms", "items"})
