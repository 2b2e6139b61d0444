"""Writes the log and the clicks of a simulated experiment, so that a report can be tried before there is any traffic.

The lines are those of the request path: drafted with the user's own coins, with pseudonyms, buckets and ranks. There
are no timings in them, because nothing was timed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from penstock.errors import InputError
from penstock.interleave.coins import bucket, pseudonym
from penstock.interleave.draft import interleave
from penstock.interleave.record import Record, ShownItem, stamp
from penstock.interleave.settings import INTERLEAVE
from penstock.interleave.simulation.clicks import NO_ITEM
from penstock.interleave.simulation.pool import heads, ranks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from penstock.interleave.draft import Draft
    from penstock.interleave.simulation.clicks import ClickModel, Clicks, Grades
    from penstock.interleave.simulation.population import Population, Visits
    from penstock.interleave.simulation.rankers import Lists

EXPERIMENT = "simulated"
FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
_DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written.

    Attributes:
        rankings: The log.
        clicks: The clicks.
        lines: Rankings in the log.
        clicked: Clicks.
    """

    rankings: Path
    clicks: Path
    lines: int
    clicked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One ranking that a simulated user saw.

    Attributes:
        user: Number of the user.
        query: Which query it is about.
        time: When.
        draft: What was shown.
    """

    user: int
    query: int
    time: datetime
    draft: Draft


def write_logs(
    folder: Path,
    lists: Lists,
    model: ClickModel,
    population: Population,
    *,
    method: str = "team_draft_v1",
    k: int = 10,
    seed: int = 1,
) -> Written:
    """Write `rankings.jsonl` and `clicks.jsonl` of one experiment into a folder.

    Args:
        folder: Made where it does not exist; files that are there already are kept.
        lists: The queries, with two rankings each.
        model: How users click.
        population: The users.
        method: Name of the method.
        k: Items shown.
        seed: That all chance follows from.

    Raises:
        InputError: The files are there already, or cannot be written.
    """
    rng = np.random.default_rng([seed, k])
    visits = population.visit(len(lists), rng)
    served = list(_served(lists, visits, population, rng, method=method, k=k, seed=seed))
    clicks = visits.clicks(model, _grades(served, lists, k), rng)
    order = sorted(range(len(served)), key=lambda number: served[number].time)
    log, clicked = folder / "rankings.jsonl", folder / "clicks.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(
            log,
            (
                _record(lists, served[number], number, method=method, k=k, seeding=population.seeding).line()
                for number in order
            ),
        )
        _write(clicked, (line for number in order for line in _clicks(served[number], number, clicks)))
    except FileExistsError as error:
        raise InputError(f"{error.filename} is there already: give another folder, or move it away.") from error
    except OSError as error:
        raise InputError(f"Logs cannot be written to {folder}: {error.strerror}.") from error
    return Written(rankings=log, clicks=clicked, lines=len(served), clicked=int(clicks.sum()))


def _served(
    lists: Lists, visits: Visits, population: Population, rng: Generator, *, method: str, k: int, seed: int
) -> Iterator[Served]:
    """Draft what each user asks for; by user, and in the order of time."""
    seconds = np.sort(visits.days * _DAY + rng.uniform(0, _DAY, size=visits.days.shape), axis=1)
    for user in range(population.users):
        for number, query in enumerate(visits.queries[user].tolist()):
            time = FIRST_DAY + timedelta(seconds=float(seconds[user, number]))
            coins = f"{seed}|{_name(user)}|{time:%Y%m%d}"
            if population.seeding == "request":
                coins += f"|{number}"
            rankings = lists.of(int(query))
            yield Served(user=user, query=query, time=time, draft=interleave(rankings, k, method=method, seed=coins))


def _grades(served: Sequence[Served], lists: Lists, k: int) -> Grades:
    grades = np.full((len(served), k), NO_ITEM, dtype=np.int8)
    for number, each in enumerate(served):
        items = np.array(each.draft.items, dtype=np.int64)
        grades[number, : len(items)] = lists.grades[each.query][items]
    return grades


def _record(lists: Lists, served: Served, number: int, *, method: str, k: int, seeding: str) -> Record:
    first, second = heads(lists, served.query, k)
    orders = (lists.first[served.query], lists.second[served.query])
    name = _name(served.user)
    return Record(
        time=stamp(served.time.timestamp()),
        experiment=EXPERIMENT,
        ranking_id=_ranking_id(served, number),
        mode=INTERLEAVE,
        method=method,
        unit="user",
        user=pseudonym(EXPERIMENT, name),
        bucket=bucket(EXPERIMENT, name),
        seed=f"user:{served.time:%Y%m%d}" if seeding == "user" else seeding,
        k=k,
        rankers=lists.rankers,
        competitive=not np.array_equal(first, second),
        depth=(len(orders[0]), len(orders[1])),
        ms={},
        items=_items(lists, served, [ranks_of(order) for order in orders]),
    )


def _items(lists: Lists, served: Served, ranks: Sequence[NDArray[np.int32]]) -> list[ShownItem]:
    draft = served.draft
    credits_ = draft.credits or (None,) * len(draft.items)
    items = np.array(draft.items, dtype=np.int64).tolist()
    return [
        ShownItem(
            item_id=_item_id(served, item),
            position=position,
            source_ranker=lists.rankers[source],
            ranks=(int(ranks[0][item]), int(ranks[1][item])),
            credit=credit,
        )
        for position, (item, source, credit) in enumerate(zip(items, draft.sources, credits_, strict=True), start=1)
    ]


def _clicks(served: Served, number: int, clicks: Clicks) -> Iterator[str]:
    for place in np.flatnonzero(clicks[number]).tolist():
        click = {
            "ranking_id": _ranking_id(served, number),
            "item_id": _item_id(served, served.draft.items[place]),
            "time": stamp(served.time.timestamp() + 3 * (place + 1)),
        }
        yield json.dumps(click, separators=(",", ":"))


def _write(path: Path, lines: Iterable[str]) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


def _name(user: int) -> str:
    return f"user{user}"


def _ranking_id(served: Served, number: int) -> str:
    return f"{served.time:%Y%m%d}-{number:08d}"


def _item_id(served: Served, item: object) -> str:
    return f"q{served.query}-{item}"
