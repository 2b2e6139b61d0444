"""What a click is worth: the credit of a ranking's clicked items, positive for the first ranker.

A credit belongs to a method. It is fair when somebody who clicks at random gives neither ranker more, and that depends
on how the ranking was drafted: the credit by inverse rank, fair on optimised drafts, named the wrong winner in half of
the measured settings when it was put on team drafts. So each credit says which methods it fits, and no other is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple, TypeAlias

from penstock.errors import InputError


class Shown(NamedTuple):
    """One place of a ranking as it was shown.

    Attributes:
        position: Counted from 1, over all pages.
        source: Index of the ranker that the item is attributed to.
        ranks: Its rank in each ranker's list, from 1; None where it was not found.
        credit: What a click on it is worth to the first ranker, where the method says so.
    """

    position: int
    source: int
    ranks: tuple[int | None, ...]
    credit: float | None = None


NOUGHT = 1e-4
"""Worth below which credits cancel out to a tie: they are logged with six decimals, so a sum misses 0 by a little."""

Pair: TypeAlias = tuple[int, int]
"""Indices of the two rankers that are compared, the first one first."""

Rule: TypeAlias = Callable[[Sequence[Shown], int, Pair], float]
"""What the clicked items of a ranking are worth to the first ranker of a pair, given where the contest begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """A way to count the clicks on one ranking.

    Attributes:
        name: As it is asked for.
        fits: Methods that it is fair on.
        rule: Given the clicked items, the position at which the contest begins (`contested_from`) and the pair, the
            worth of the clicks to the first ranker.
        graded: Whether the size of that worth counts, or only its sign: win, loss or tie.
        meaning: One clause for people.
    """

    name: str
    fits: frozenset[str]
    rule: Rule
    graded: bool = False
    meaning: str = ""

    def score(self, worth: float) -> float:
        """Turn the worth of a ranking's clicks into its score: itself where it is graded, else its sign."""
        return worth if self.graded else float((worth > 0) - (worth < 0))


def contested_from(shown: Sequence[Shown]) -> int:
    """Give the first position at which the rankers differ; one behind the last where they do not.

    Down to there, every item has its position as its rank in every list: whoever drafted it, the others would have
    shown the same (the common prefix of Chapelle et al. 2012).
    """
    return min(
        (place.position for place in shown if not is_common(place.position, place.ranks)),
        default=max((place.position for place in shown), default=0) + 1,
    )


def is_common(position: int, ranks: Sequence[int | None]) -> bool:
    """Say whether an item stands where every list has it."""
    return all(rank == position for rank in ranks)


def outcome(shown: Sequence[Shown], clicked: Collection[int], *, credit: Credit, pair: Pair = (0, 1)) -> float:
    """Give the worth of the clicks on one ranking to the first ranker of a pair; its sign is win, loss or tie.

    Args:
        shown: The ranking, all its pages.
        clicked: Positions that were clicked, from 1; several clicks on one count once.
        credit: One of `CREDITS`, or an own one.
        pair: The rankers compared.
    """
    chosen = set(clicked)
    return credit.rule([place for place in shown if place.position in chosen], contested_from(shown), pair)


def credit_for(method: str, name: str | None = None) -> Credit:
    """Give the credit of a name, or the default one of a method.

    Raises:
        InputError: There is no such credit, none for this method, or it does not fit the method.
    """
    if name is None:
        if method not in DEFAULTS:
            raise InputError(f"No credit is known for the method {method}: give one of your own through the library.")
        return CREDITS[DEFAULTS[method]]
    if name not in CREDITS:
        raise InputError(f"There is no credit {name!r}: choose one of {', '.join(CREDITS)}.")
    check_fit(CREDITS[name], method)
    return CREDITS[name]


def check_fit(credit: Credit, method: str) -> None:
    """Refuse a credit on drafts that it is not fair on.

    Raises:
        InputError: It does not fit the method.
    """
    if method not in credit.fits:
        fits = " and ".join(sorted(credit.fits)) or "no method"
        raise InputError(f"The credit {credit.name} fits {fits}; on {method} it can name the wrong winner.")


def _team(clicked: Sequence[Shown], contest: int, pair: Pair) -> float:  # noqa: ARG001 - every click counts
    first, second = pair
    return float(sum((place.source == first) - (place.source == second) for place in clicked))


def _team_contested(clicked: Sequence[Shown], contest: int, pair: Pair) -> float:
    return _team([place for place in clicked if place.position >= contest], contest, pair)


def _logged(clicked: Sequence[Shown], contest: int, pair: Pair) -> float:  # noqa: ARG001 - the log says it
    if any(place.credit is None for place in clicked):
        raise InputError("A ranking was logged without the credit of its items: it cannot be counted by `logged`.")
    worth = sum(place.credit or 0.0 for place in clicked)
    if abs(worth) < NOUGHT:
        return 0.0
    return worth if pair == (0, 1) else -worth


def _balanced(clicked: Sequence[Shown], contest: int, pair: Pair) -> float:  # noqa: ARG001 - ranks say it
    """Compare the clicks within the shortest heads of both lists that explain the lowest click (Joachims 2002)."""
    if not clicked:
        return 0.0
    ranks = [tuple(_rank(place.ranks[ranker]) for ranker in pair) for place in clicked]
    lowest = max(range(len(clicked)), key=lambda i: clicked[i].position)
    head = min(ranks[lowest])
    return float(sum((first <= head) - (second <= head) for first, second in ranks))


def _rank(rank: int | None) -> float:
    return inf if rank is None else rank


CREDITS: dict[str, Credit] = {
    credit.name: credit
    for credit in (
        Credit(
            name="team_contested",
            fits=frozenset({"team_draft_v1"}),
            rule=_team_contested,
            meaning="a click counts for the team of its item, below the common prefix of the lists",
        ),
        Credit(
            name="team",
            fits=frozenset({"team_draft_v1"}),
            rule=_team,
            meaning="a click counts for the team of its item",
        ),
        Credit(
            name="logged",
            fits=frozenset({"optimized_v1", "probabilistic_v1"}),
            rule=_logged,
            graded=True,
            meaning="a click counts as much as the method logged for its item",
        ),
        Credit(
            name="balanced",
            fits=frozenset({"balanced_v1"}),
            rule=_balanced,
            meaning="clicks are compared within the heads of both lists that explain the lowest click",
        ),
    )
}
"""The credits by name."""

DEFAULTS = {
    "team_draft_v1": "team_contested",
    "optimized_v1": "logged",
    "probabilistic_v1": "logged",
    "balanced_v1": "balanced",
}
"""The credit that each method is counted by where none is asked for."""
