"""The always-valid interval as it moved, ranking by ranking."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np

from penstock.interleave.analysis.report import AlwaysValid, Point
from penstock.interleave.analysis.sequential import ConfidenceSequence, Sums
from penstock.interleave.record import stamp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penstock.interleave.analysis.sequential import Look

POINTS = 200


class Running:
    """The sums over users after every ranking, in the order of time.

    Args:
        users: Index of the user of each ranking, shape (n_rankings,), in the order of time.
        scores: Its score, shape (n_rankings,).
    """

    def __init__(self, users: NDArray[np.int64], scores: NDArray[np.float64]) -> None:
        before, place, new = _before(users, scores)
        self._users = np.cumsum(new)
        self._total = np.cumsum(scores)
        # A user's total goes from t to t + x and their count from c to c + 1; what the sums of squares and products
        # over users gain by that.
        self._squares = np.cumsum((2 * before + scores) * scores)
        self._products = np.cumsum(before + scores * (place + 1))
        self._counts = np.cumsum(2 * place + 1)

    def at(self, ranking: int) -> Sums:
        """Give the sums after a ranking, counted from 0."""
        return Sums(
            users=int(self._users[ranking]),
            rankings=float(ranking + 1),
            total=float(self._total[ranking]),
            squares=float(self._squares[ranking]),
            products=float(self._products[ranking]),
            counts=float(self._counts[ranking]),
        )

    def evidence(self, prior: float) -> NDArray[np.float64]:
        """Give the logarithm of the e-value after every ranking, shape (n_rankings,)."""
        clock = self._squares + prior
        found: NDArray[np.float64] = self._total**2 / (2 * clock) - np.log(clock / prior) / 2
        return found


def always_valid(
    users: NDArray[np.int64],
    scores: NDArray[np.float64],
    times: NDArray[np.float64],
    *,
    names: tuple[str, str],
    sequence: ConfidenceSequence,
) -> AlwaysValid:
    """Follow the always-valid interval through a comparison.

    Args:
        users: As in `Running`.
        scores: As in `Running`.
        times: When each ranking was made, seconds since 1970, shape (n_rankings,).
        names: The two rankers.
        sequence: What was fixed before the first look.
    """
    running = Running(users, scores)
    last = len(scores) - 1
    evidence = running.evidence(sequence.prior)
    over = np.flatnonzero(evidence >= -np.log(1 - sequence.confidence))
    at = int(over[0]) if over.size else None
    now = sequence.look_at(running.at(last) if last >= 0 else Sums())
    return AlwaysValid(
        planned=sequence.planned,
        confidence=sequence.confidence,
        estimate=now.estimate,
        low=_end(now.low, now),
        high=_end(now.high, now),
        e_value=float(np.exp(min(evidence.max(initial=0.0), 700.0))),
        decided=at is not None,
        winner=None if at is None else names[running.at(at).total < 0],
        decided_time="" if at is None else stamp(times[at]),
        decided_users=None if at is None else running.at(at).users,
        trajectory=tuple(_point(sequence.look_at(running.at(each)), stamp(times[each])) for each in _looks(last, at)),
    )


def _looks(last: int, decided: int | None) -> list[int]:
    """Choose rankings to look at: evenly spread, the decisive one, and the last."""
    spread = {round(each) for each in np.linspace(0, last, POINTS).tolist()} if last >= 0 else set[int]()
    return sorted(spread if decided is None else spread | {decided})


def _point(look: Look, time: str) -> Point:
    return Point(
        time=time,
        users=look.users,
        rankings=look.rankings,
        estimate=look.estimate or 0.0,
        low=_end(look.low, look),
        high=_end(look.high, look),
    )


def _end(end: float, look: Look) -> float | None:
    return None if look.estimate is None or abs(end) == inf else end


def _before(
    users: NDArray[np.int64], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """For each ranking, its user's total and number of rankings before it, and whether it is their first."""
    order = np.argsort(users, kind="stable")
    sorted_users, sorted_scores = users[order], scores[order]
    first = np.ones(len(users), dtype=bool)
    first[1:] = sorted_users[1:] != sorted_users[:-1]
    start = np.flatnonzero(first)
    length = np.diff(np.append(start, len(users)))
    summed = np.cumsum(sorted_scores) - sorted_scores
    total = np.empty(len(users))
    place = np.empty(len(users), dtype=np.int64)
    new = np.empty(len(users), dtype=bool)
    total[order] = summed - np.repeat(summed[start], length)
    place[order] = np.arange(len(users)) - np.repeat(start, length)
    new[order] = first
    return total, place, new
