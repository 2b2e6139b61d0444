"""Two lists as the planner sees them: equally long, and known by the places of their items alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """How two lists of one length lie to each other, whatever their items are; equal pairs have equal plans.

    Attributes:
        places: For each item of the first list its place in the second, counted from 0; -1 where it is not there.
        listed: How many of its items each ranker gave itself; behind them its list was continued.
    """

    places: tuple[int, ...]
    listed: tuple[int, int]

    @property
    def reverse(self) -> tuple[int, ...]:
        """For each item of the second list its place in the first; -1 where it is not there."""
        back = [-1] * len(self.places)
        for mine, theirs in enumerate(self.places):
            if theirs >= 0:
                back[theirs] = mine
        return tuple(back)


def pair_up(
    first: Sequence[Hashable], second: Sequence[Hashable], length: int
) -> tuple[Pair, Sequence[Hashable], Sequence[Hashable]]:
    """Bring two lists without duplicates to one length: `length`, or as many items as there are in both together.

    A longer list is cut; a shorter one is continued with the items it lacks, in the order of the other. So neither
    ends before the ranking that is made from them does, which is what an unbiased plan needs.

    Returns:
        The pair, and both lists at that length.
    """
    first, second = first[:length], second[:length]
    union = len({*first, *second})
    length = min(length, union)
    listed = (len(first), len(second))
    first, second = _continued(first, second, length), _continued(second, first, length)
    at = {item: place for place, item in enumerate(second)}
    return Pair(places=tuple(at.get(item, -1) for item in first), listed=listed), first, second


def _continued(items: Sequence[Hashable], other: Sequence[Hashable], length: int) -> Sequence[Hashable]:
    if len(items) == length:
        return items
    has = set(items)
    return [*items, *(item for item in other if item not in has)][:length]
