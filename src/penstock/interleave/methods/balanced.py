"""Balanced interleaving: two lists keep step, and a coin says which of them is ahead (Joachims, KDD 2002).

At every depth the ranking consists of the first items of both lists, as many of one as of the other or one more; each
list skips what is shown already. Which list a click speaks for is decided from ranks, not from sources (Chapelle,
Joachims, Radlinski and Yue, TOIS 2012): with r the best of the two ranks that the lowest clicked item has, the list
wins that has more clicks among its first r.

It is biased, and here for comparison: from A = 1 2 3 4 and B = 2 3 4 1, somebody who clicks once at random makes B win
in 6 of 8 cases. `team_draft_v1` and `optimized_v1` are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.interleave.feed import END, Feed
from penstock.interleave.methods.method import Draft

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from penstock.interleave.coins import Coins


class Balanced:
    """Balanced interleaving for two rankers; reads no more items than it needs."""

    name = "balanced_v1"
    most_rankers = 2

    def draft(self, rankings: Sequence[Feed], k: int, coins: Coins, *, block: int | None = None) -> Draft:  # noqa: ARG002 - it has no plan
        """Merge two rankings into one of `k` items; where one ends, the other goes on."""
        feeds = (*rankings, Feed(()))[:2]
        leader = coins.flip()
        items: list[Hashable] = []
        sources: list[int] = []
        taken: set[Hashable] = set()
        step = 0
        while len(items) < k:
            # Steps alternate: the leader's first, the other's first, the leader's second, ...
            place, follows = divmod(step, 2)
            source = leader ^ follows
            item = feeds[source].at(place)
            if item is END:
                if feeds[1 - source].at(place) is END:
                    break
            elif item not in taken:
                taken.add(item)
                items.append(item)
                sources.append(source)
            step += 1
        return Draft(tuple(items), tuple(sources))
