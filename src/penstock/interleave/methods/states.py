"""The states that a ranking can be in while it is drafted from two lists, with the credit gathered so far.

Every ranking that is allowed begins, at each depth, with a set A[:i] | B[:j] of the best items of both lists: the next
item is always the best unseen one of A or of B (the prefix constraint of Radlinski and Craswell). Such a set is all
that the next choice and the credit gathered so far depend on; the order in which it came about does not matter. So a
ranking of n items is a path through at most (n + 1)(n + 2) / 2 states instead of one of up to 2 ** n lists.

At one depth the sets stand in a row, from all of B to all of A: a set with more of A has less of B. Three facts make
the planner short:

- along the row, the credit never falls: a step to the right trades an item of B's for one that A ranks higher;
- from a state, taking B's next item or A's leads to neighbours (or, where both offer the same item, to one state);
- paths need not cross: what a state reaches by A is never to the right of what the next state reaches by B.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from penstock.interleave.methods.pair import Pair

Credit = Literal["inverse", "linear"]
"""What a place, counted from 1, is worth: 1 / place, or -place."""

WORTH: Final[Mapping[str, Callable[[int], float]]] = {
    "inverse": lambda place: 1.0 / place,
    "linear": lambda place: -float(place),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """The states by depth, each depth a row from all of the second list to all of the first.

    Attributes:
        depth: Items in a whole ranking.
        first: Credit of each item of the first list: its worth there less its worth in the second.
        second: The same for each item of the second list.
        credits: By depth from 1, the credit gathered in each state, ascending.
        low: By depth from 0, for each state the one that the second list's next item leads to, in the next depth's row.
        high: The same for the first list's next item.
        reach: By depth from 0, for each state how far into both lists it has come: the places of their next items.
            After a cut, there may be more rows than needed.
    """

    depth: int
    first: Sequence[float]
    second: Sequence[float]
    credits: Sequence[Sequence[float]]
    low: Sequence[Sequence[int]]
    high: Sequence[Sequence[int]]
    reach: Sequence[Sequence[tuple[int, int]]]

    def cut(self, depth: int) -> States:
        """Leave out the rows behind a depth."""
        return replace(self, depth=depth, credits=self.credits[:depth], low=self.low[:depth], high=self.high[:depth])


def lay_out(pair: Pair, credit: Credit = "inverse") -> States:
    """Lay out the states of a pair of lists, and the credit of each.

    An item that is missing in a list is worth there what the place behind its last one is worth.
    """
    first, second = _deltas(pair, WORTH[credit])
    settle = _settling(pair)
    row, gathered = [settle(0, 0)], [0.0]
    rows: list[list[float]] = []
    low: list[list[int]] = []
    high: list[list[int]] = []
    reach = [row]
    for _ in pair.places:
        ahead: list[tuple[int, int]] = []
        sums: list[float] = []
        downs: list[int] = []
        ups: list[int] = []
        for (i, j), so_far in zip(row, gathered, strict=True):
            for state, gain, steps in (
                (settle(i, j + 1), second[j], downs),
                (settle(i + 1, j), first[i], ups),
            ):
                if not ahead or ahead[-1] != state:
                    ahead.append(state)
                    sums.append(so_far + gain)
                steps.append(len(ahead) - 1)
        row, gathered = ahead, sums
        reach.append(row)
        rows.append(gathered)
        low.append(downs)
        high.append(ups)
    return States(depth=len(pair.places), first=first, second=second, credits=rows, low=low, high=high, reach=reach)


def _deltas(pair: Pair, worth: Callable[[int], float]) -> tuple[list[float], list[float]]:
    size = len(pair.places)
    value = [worth(place) for place in range(1, size + 2)]  # value[-1] is that of a missing item
    first = [value[mine] - value[theirs] for mine, theirs in enumerate(pair.places)]
    second = [value[theirs] - value[mine] for mine, theirs in enumerate(pair.reverse)]
    return first, second


def _settling(pair: Pair) -> Callable[[int, int], tuple[int, int]]:
    """Make a function that moves two places on to the next unseen items of their lists."""
    # A sentinel behind each list is never seen, so that no place has to be compared with a length.
    never = len(pair.places) + 1
    theirs = [place if place >= 0 else never for place in (*pair.places, -1)]
    mine = [place if place >= 0 else never for place in (*pair.reverse, -1)]

    def settle(i: int, j: int) -> tuple[int, int]:
        while True:
            if theirs[i] < j:
                i += 1
            elif mine[j] < i:
                j += 1
            else:
                return i, j

    return settle
