"""Two rankers compared: from the clicked rankings to outcomes, users, days and an always-valid interval."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations
from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

from penstock.interleave.analysis.power import detectable_effect, sample_size
from penstock.interleave.analysis.preference import preference
from penstock.interleave.analysis.report import Comparison, Day, Need, Planning, Position
from penstock.interleave.analysis.running import always_valid
from penstock.interleave.analysis.sequential import ConfidenceSequence
from penstock.interleave.analysis.tails import student_quantile
from penstock.interleave.analysis.tally import POSITIONS
from penstock.interleave.analysis.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from penstock.interleave.analysis.credit import Credit
    from penstock.interleave.analysis.preference import Preference
    from penstock.interleave.analysis.tally import Balance, Clicked, Group

_DAY = 24 * 3600

EFFECTS = (0.01, 0.02, 0.05)
WIDE = 1 - 0.001 / POSITIONS
"""Chance that the share of one position stays within its ends, so that all of them do in 999 of 1,000 experiments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Which two rankers are compared, in which experiment, under which method; the key of a comparison."""

    experiment: str
    method: str
    a: str
    b: str


@dataclass(slots=True)
class Scored:
    """The rankings of one comparison, in the order in which they were read.

    Attributes:
        users: Index of each one's user.
        times: When each was made, seconds since 1970.
        worths: What its clicks are worth to the first ranker.
        balances: Who filled the positions: a table, and the places of both rankers in it.
    """

    users: list[int] = field(default_factory=list[int])
    times: list[float] = field(default_factory=list[float])
    worths: list[float] = field(default_factory=list[float])
    balances: list[tuple[Balance, int, int]] = field(default_factory=list["tuple[Balance, int, int]"])


def pairings(groups: Iterable[Group], *, a: str | None = None, b: str | None = None) -> list[Pairing]:
    """List the comparisons that groups of rankings allow, each pair of rankers once.

    Args:
        groups: Experiments, methods and rankers; where the same two come in another order, the first one holds.
        a: The first ranker, where only one pair is wanted.
        b: The second one.
    """
    found: dict[tuple[str, str, frozenset[str]], Pairing] = {}
    for experiment, method, rankers in groups:
        for first, second in combinations(rankers, 2):
            if a is not None and b is not None:
                if {first, second} != {a, b}:
                    continue
                first, second = a, b  # noqa: PLW2901 - in the order that was asked for
            key = experiment, method, frozenset((first, second))
            found.setdefault(key, Pairing(experiment=experiment, method=method, a=first, b=second))
    return list(found.values())


def scored(pairing: Pairing, credit: Credit, clicked: Iterable[Clicked], groups: dict[Group, Balance]) -> Scored:
    """Score the rankings of one comparison."""
    rows = Scored()
    for group, balance in groups.items():
        pair = _pair(pairing, group)
        if pair is not None:
            rows.balances.append((balance, *pair))
    for ranking in clicked:
        pair = _pair(pairing, ranking.group) if ranking.group and ranking.shown else None
        if pair is not None:
            rows.users.append(ranking.user)
            rows.times.append(ranking.time)
            rows.worths.append(credit.rule(ranking.shown, ranking.contest, pair))
    return rows


def compare(
    pairing: Pairing, credit: Credit, rows: Scored, *, confidence: float = 0.95, planned: float = 1000.0
) -> Comparison:
    """Compare two rankers on their scored rankings.

    Args:
        pairing: What is compared.
        credit: How the rankings were scored.
        rows: The rankings.
        confidence: Of all intervals.
        planned: Rankings with a winner that the always-valid interval is tightest at.
    """
    time = np.asarray(rows.times, dtype=np.float64)
    order = np.argsort(time, kind="stable")
    worth = np.asarray(rows.worths, dtype=np.float64)[order]
    user = np.asarray(rows.users, dtype=np.int64)[order]
    score = worth if credit.graded else np.sign(worth)
    totals, counts = _by_user(user, score)
    bound = inf if credit.graded else 1.0
    by_user = preference(totals, counts, confidence=confidence, bound=bound)
    wins, losses = int((worth > 0).sum()), int((worth < 0).sum())
    sequence = _sequence(score, graded=credit.graded, confidence=confidence, planned=planned)
    running = always_valid(user, score, time[order], names=(pairing.a, pairing.b), sequence=sequence)
    planning = plan(by_user)
    return Comparison(
        experiment=pairing.experiment,
        method=pairing.method,
        credit=credit.name,
        credit_meaning=credit.meaning,
        graded=credit.graded,
        a=pairing.a,
        b=pairing.b,
        users=by_user.users,
        rankings=len(worth),
        wins=wins,
        losses=losses,
        ties=len(worth) - wins - losses,
        by_user=by_user,
        by_ranking=preference(totals, counts, confidence=confidence, weight="ranking", bound=bound),
        chapelle=(wins - losses) / (2 * len(worth)) if len(worth) else None,
        always_valid=running,
        days=tuple(_days(time[order], user, worth, score)),
        positions=tuple(_positions(rows.balances)),
        planning=planning,
        verdict=verdict(pairing.a, pairing.b, by_user, running, planning, graded=credit.graded),
    )


def plan(by_user: Preference) -> Planning:
    """Say how many users effects take, given how much the users seen so far differ."""
    deviation = by_user.deviation or None
    seen = () if by_user.estimate in {None, 0.0} else (by_user.estimate,)
    effects = [*EFFECTS, *(abs(each) for each in seen if each is not None)]
    detectable = None
    if deviation is not None and by_user.users > 3:
        detectable = detectable_effect(by_user.users, deviation)
    return Planning(
        deviation=by_user.deviation,
        detectable=detectable,
        needs=tuple(Need(effect=each, users=sample_size(each, deviation) if deviation else None) for each in effects),
    )


def _pair(pairing: Pairing, group: Group) -> tuple[int, int] | None:
    experiment, method, rankers = group
    if (experiment, method) != (pairing.experiment, pairing.method):
        return None
    if pairing.a not in rankers or pairing.b not in rankers:
        return None
    return rankers.index(pairing.a), rankers.index(pairing.b)


def _by_user(user: NDArray[np.int64], score: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    if not user.size:
        return np.zeros(0), np.zeros(0, dtype=np.int64)
    totals: NDArray[np.float64] = np.bincount(user, weights=score).astype(np.float64)
    return totals, np.bincount(user).astype(np.int64)


def _sequence(score: NDArray[np.float64], *, graded: bool, confidence: float, planned: float) -> ConfidenceSequence:
    if not graded:
        return ConfidenceSequence(planned=planned, confidence=confidence)
    won = score[score != 0]  # their usual size settles after a few rankings: as good as fixed beforehand
    scale = sqrt(float((won**2).mean())) if won.size else 1.0
    return ConfidenceSequence(planned=planned, confidence=confidence, scale=scale, bound=inf)


def _days(
    time: NDArray[np.float64], user: NDArray[np.int64], worth: NDArray[np.float64], score: NDArray[np.float64]
) -> Iterable[Day]:
    day = np.floor(time / _DAY).astype(np.int64)
    for number in np.unique(day):
        there = day == number
        wins, losses = int((worth[there] > 0).sum()), int((worth[there] < 0).sum())
        yield Day(
            date=datetime.fromtimestamp(int(number) * _DAY, UTC).date().isoformat(),
            rankings=int(there.sum()),
            users=len(np.unique(user[there])),
            wins=wins,
            losses=losses,
            ties=int(there.sum()) - wins - losses,
            estimate=float(score[there].mean()),
        )


def _positions(balances: Sequence[tuple[Balance, int, int]]) -> Iterable[Position]:
    """Share of each position, with the ends that chance stays within while users differ as they do."""
    tables = [(balance.of(first), balance.of(second)) for balance, first, second in balances]
    rows = max((len(first) for first, _ in tables), default=0)
    ours, theirs = (np.sum([_padded(pair[side], rows) for pair in tables], axis=0) for side in (0, 1))
    for place in range(np.shape(ours)[1] if tables else 0):
        a, b = ours[:, place].astype(float), theirs[:, place].astype(float)
        if not (a + b).any():
            continue
        share = float(a.sum() / (a + b).sum())
        reach = _reach(a - b, a + b)
        yield Position(
            position=place + 1,
            first=int(a.sum()),
            second=int(b.sum()),
            share=share,
            low=None if reach is None else max(0.0, 0.5 - reach),
            high=None if reach is None else min(1.0, 0.5 + reach),
        )


def _reach(lead: NDArray[np.float64], shown: NDArray[np.float64]) -> float | None:
    """How far a share of 1/2 strays by chance: the users' leads squared, as none is expected."""
    users = int((shown > 0).sum())
    if users < 2:
        return None
    return student_quantile(WIDE, users - 1) * sqrt(float(lead @ lead)) / float(shown.sum()) / 2


def _padded(table: NDArray[np.int32], rows: int) -> NDArray[np.int32]:
    padded: NDArray[np.int32] = np.pad(table, ((0, rows - len(table)), (0, 0)))
    return padded
