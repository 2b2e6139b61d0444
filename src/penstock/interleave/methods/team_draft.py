"""Team draft interleaving, and team draft multileaving for more than two rankers.

As in a game in the schoolyard: in each round the captains choose in an order drawn by lot, and each takes the best
item on its list that is not taken yet (Radlinski, Kurup and Joachims, CIKM 2008; for any number of rankers Schuth et
al., CIKM 2014). A click counts for the team that the item is in. Fair to somebody who clicks at random: at every even
depth both teams have the same number of items, at every depth the same expected number.

What it cannot see: from A = 1 2 3 and B = 2 3 1 with only 3 relevant, both teams get the clicks equally often, though
B has it higher. `optimized_v1` can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.interleave.methods.method import Draft

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from penstock.interleave.coins import Coins
    from penstock.interleave.feed import Feed


_AT_ONCE = 64
"""Coins that are taken from the stream at once: taking them singly costs more than drafting does."""


class TeamDraft:
    """Team draft for two rankers and more; reads no more items than it needs."""

    name = "team_draft_v1"
    most_rankers = None

    def draft(self, rankings: Sequence[Feed], k: int, coins: Coins, *, block: int | None = None) -> Draft:  # noqa: ARG002 - it has no plan
        """Merge rankings into one of `k` items."""
        if len(rankings) == 2:
            return _two(rankings[0], rankings[1], k, coins)
        return _many(rankings, k, coins)


def _two(first: Iterable[Hashable], second: Iterable[Hashable], k: int, coins: Coins) -> Draft:
    """Draft from two rankings: one coin a round."""
    captains = (iter(first), iter(second))
    rounds = 1  # the coins of the rounds to come, the next one lowest; above the last one stands a 1
    teams: dict[Hashable, int] = {}  # of the items, in the order of the draft
    while (before := len(teams)) < k:
        if rounds == 1:
            rounds = coins.bits(_AT_ONCE) | 1 << _AT_ONCE
        leader = rounds & 1
        rounds >>= 1
        for item in captains[leader]:
            if item not in teams:
                teams[item] = leader
                break
        if len(teams) == k:
            break
        for item in captains[1 - leader]:
            if item not in teams:
                teams[item] = 1 - leader
                break
        if len(teams) == before:
            break
    return Draft(tuple(teams), tuple(teams.values()))


def _many(rankings: Sequence[Iterable[Hashable]], k: int, coins: Coins) -> Draft:
    captains = [iter(ranking) for ranking in rankings]
    items: list[Hashable] = []
    sources: list[int] = []
    taken: set[Hashable] = set()
    picking = list(range(len(captains)))
    while picking and len(items) < k:
        for team in _shuffled(picking, coins):
            item = _best(captains[team], taken)
            if item is None:
                picking.remove(team)
                continue
            items.append(item[0])
            sources.append(team)
            if len(items) == k:
                break
    return Draft(tuple(items), tuple(sources))


def _best(captain: Iterator[Hashable], taken: set[Hashable]) -> tuple[Hashable] | None:
    for item in captain:
        if item not in taken:
            taken.add(item)
            return (item,)
    return None


def _shuffled(teams: Sequence[int], coins: Coins) -> list[int]:
    """Put the teams into an order drawn by lot (Fisher and Yates)."""
    order = list(teams)
    for last in range(len(order) - 1, 0, -1):
        other = coins.below(last + 1)
        order[last], order[other] = order[other], order[last]
    return order
