"""Made-up logs of rankings and their clicks, in the layout of the log, for tests of the analysis."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from penstock.interleave.draft import interleave

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

START = datetime(2026, 11, 1, tzinfo=UTC)


def record(ranking_id: str, items: Sequence[dict[str, Any]] = (), **fields: Any) -> dict[str, Any]:
    """Make one line of a log: interleaved by team draft unless `fields` say otherwise."""
    return {
        "schema": "penstock.interleave/1",
        "time": "2026-11-01T09:00:00.000Z",
        "experiment": "home",
        "ranking_id": ranking_id,
        "mode": "INTERLEAVE",
        "method": "team_draft_v1",
        "unit": "user",
        "user": "u1",
        "bucket": 5,
        "seed": "user:20261101",
        "k": 10,
        "offset": 0,
        "rankers": ["A", "B"],
        "competitive": True,
        "settings": "fresh",
        "ms": {"A": 12.0, "B": 20.0, "merge": 0.02, "total": 21.0},
        **columns(items),
        **fields,
    }


def columns(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Lay out items as a line has them: ranks and credits in lists of their own."""
    ranks = list(zip(*(item["ranks"] for item in items), strict=True))
    credits_ = [item["credit"] for item in items if "credit" in item]
    plain = [{name: item[name] for name in ("item_id", "position", "source_ranker")} for item in items]
    return {"items": plain, "ranks": ranks, **({"credits": credits_} if credits_ else {})}


def shown(item: object, position: int, source: str, ranks: Sequence[int | None], **more: Any) -> dict[str, Any]:
    """Make one item of a line."""
    return {"item_id": item, "position": position, "source_ranker": source, "ranks": list(ranks), **more}


def with_item(line: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """Add one item behind those of a line."""
    more = columns([item])
    ranks = [[*before, *after] for before, after in zip(line["ranks"], more["ranks"], strict=True)]
    return {**line, "items": [*line["items"], *more["items"]], "ranks": ranks}


def duel(ranking_id: str, **fields: Any) -> dict[str, Any]:
    """Make a ranking of two items: `x` from A, `y` from B, on which the lists differ."""
    return record(ranking_id, [shown("x", 1, "A", (1, 2)), shown("y", 2, "B", (2, 1))], **fields)


def click(ranking_id: str, item: object, **more: Any) -> dict[str, Any]:
    """Make one line of a file of clicks."""
    return {"ranking_id": ranking_id, "item_id": item, **more}


def write_lines(path: Path, rows: Iterable[dict[str, Any] | str]) -> Path:
    """Write rows as JSON Lines; a text is a line as it is."""
    lines = (row if isinstance(row, str) else json.dumps(row, separators=(",", ":")) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@dataclass
class Traffic:
    """Users who come back, and what they click.

    Attributes:
        users: How many.
        per_user: Rankings of each.
        days: Days they are spread over.
        lead: How much likelier an item of the better half of A's list is clicked than one of B's.
        method: How rankings are drafted.
        seed: Of everything.
    """

    users: int = 40
    per_user: int = 5
    days: int = 7
    lead: float = 0.0
    method: str = "team_draft_v1"
    seed: int = 1
    records: list[dict[str, Any]] = field(default_factory=list)
    clicks: list[dict[str, Any]] = field(default_factory=list)

    def make(self) -> Traffic:
        """Make records and clicks, in the order of time."""
        rng = random.Random(self.seed)
        moments = sorted(
            (rng.uniform(0, self.days * 86_400), user) for user in range(self.users) for _ in range(self.per_user)
        )
        for number, (moment, user) in enumerate(moments):
            self._one(rng, f"r{number:06d}", user, START + timedelta(seconds=moment))
        return self

    def _one(self, rng: random.Random, ranking_id: str, user: int, time: datetime) -> None:
        catalogue = [f"p{each}" for each in range(16)]
        lists = [rng.sample(catalogue[:12], 10), rng.sample(catalogue[4:], 10)]
        if rng.random() < 0.3:  # a common prefix
            lists[1] = lists[0][:3] + [item for item in lists[1] if item not in lists[0][:3]]
        draft = interleave(lists, 10, method=self.method, seed=ranking_id)
        items = [
            shown(
                item,
                position,
                "AB"[source],
                [each.index(item) + 1 if item in each else None for each in lists],
                **({} if draft.credits is None else {"credit": draft.credits[position - 1]}),
            )
            for position, (item, source) in enumerate(zip(draft.items, draft.sources, strict=True), start=1)
        ]
        stamp = _stamp(time)
        fields = {"time": stamp, "user": f"u{user}", "bucket": user * 7919 % 10_000, "method": self.method}
        self.records.append(record(ranking_id, items, **fields))
        for item in items:
            chance = 0.12 + (self.lead if item["source_ranker"] == "A" else 0.0)
            if rng.random() < chance:
                later = time + timedelta(seconds=rng.uniform(1, 600))
                self.clicks.append(click(ranking_id, item["item_id"], time=later.isoformat()))

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write both files."""
        return write_lines(folder / "log.jsonl", self.records), write_lines(folder / "clicks.jsonl", self.clicks)


def messy(rankings: int = 400, seed: int = 3) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Make a log with everything in it that a log can hold, in the order of time, and its clicks.

    All methods and three rankers, pages, repeated lines, fallbacks (of a second page, too), rankings served alone,
    without a user, not competitive; clicks that are repeated, on nothing in the log, and on items that were not shown.
    """
    rng = random.Random(seed)
    records: list[dict[str, Any]] = []
    clicks: list[dict[str, Any]] = []
    for number in range(rankings):
        name = f"m{number:05d}"
        pages = _messy_pages(rng, name, START + timedelta(minutes=20 * number))
        records += pages
        if rng.random() < 0.1:
            records.append({**rng.choice(pages), "time": _stamp(START + timedelta(minutes=20 * number + 9))})
        clicked = [item["item_id"] for page in pages for item in page["items"] if rng.random() < 0.15]
        clicks += [click(name, item) for item in clicked for _ in range(rng.choice((1, 1, 2)))]
        if rng.random() < 0.1:
            clicks.append(click(name, "never shown"))
        if rng.random() < 0.1:
            clicks.append(click(f"x{name}", "i1"))
    return records, clicks


def _messy_pages(rng: random.Random, name: str, time: datetime) -> list[dict[str, Any]]:
    method = rng.choice(("team_draft_v1", "team_draft_v1", "optimized_v1", "balanced_v1", "multi"))
    rankers = ["A", "B", "C"] if method == "multi" else ["A", "B"]
    competitive = rng.random() < 0.9
    common = 10 if not competitive else rng.choice((0, 0, 2))
    fields = {
        "user": f"u{rng.randrange(60)}" if rng.random() < 0.97 else None,
        "rankers": rankers,
        "method": "team_draft_v1" if method == "multi" else method,
        "experiment": "shop" if method == "multi" else "home",
        "competitive": competitive,
    }
    pages: list[dict[str, Any]] = []
    for page in range(rng.choice((1, 1, 1, 2))):
        items = [_messy_item(rng, place, rankers, common, method) for place in range(5 * page + 1, 5 * page + 6)]
        stamp = _stamp(time + timedelta(minutes=page))
        pages.append(record(name, items, time=stamp, offset=5 * page, **{**fields, **_mishap(rng)}))
    return pages


def _messy_item(rng: random.Random, place: int, rankers: list[str], common: int, method: str) -> dict[str, Any]:
    ranks = [place if place <= common else rng.choice((place, rng.randint(1, 12), None)) for _ in rankers]
    credit = {"credit": rng.choice((0.1, 0.2, -0.3, -0.1, 1 / 3))} if method == "optimized_v1" else {}
    return shown(f"i{place}", place, rng.choice(rankers), ranks, **credit)


def _mishap(rng: random.Random) -> dict[str, Any]:
    chance = rng.random()
    if chance < 0.05:
        return {"mode": "A", "setting": "INTERLEAVE", "fallback_reason": "B:late"}
    if chance < 0.08:
        return {"fallback_reason": "A:raised"}
    return {"mode": "B"} if chance < 0.12 else {}


def _stamp(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
