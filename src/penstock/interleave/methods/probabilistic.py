"""Probabilistic interleaving: rankers draw items, likely ones from the top of their lists (Hofmann et al., CIKM 2011).

At every place a fair coin picks a ranker, and the ranker draws one of its unseen items, with a probability proportional
to 1 / rank ** 3 (a softmax over ranks with tau = 3). Any item may come at any place, so users can see rankings worse
than both lists, and a click can be credited without knowing who drew the item.

**Credit.** Given the list shown, let a be the probability that the first ranker would have drawn the item at its
place, and b the second; the coin is fair, so the posterior that the first one drew it is a / (a + b), and the credit is

    (a - b) / (a + b),

between -1 and 1. This is the sum over all 2 ** k assignments of items to rankers of the paper: whoever draws an item,
it leaves both lists, so given the list shown the places do not depend on each other, and the sum falls apart into one
factor for each place. Averaged over what can be drawn there, the credit of every place is 0: the method is unbiased.

Where one list has no unseen item left, the other draws alone. A click there does not compare the rankers, so the
credit is 0.

**Depth.** A ranker draws from its best 100 unseen items. So the cost does not grow with the length of the lists; what
lies behind them would be drawn with a probability below 1 in 20,000 at the first place, below 1 in 100 at the tenth.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from math import fsum
from typing import TYPE_CHECKING

from penstock.interleave.feed import END, Feed
from penstock.interleave.methods.method import Draft

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from penstock.interleave.coins import Coins

TAU = 3
"""How steeply the chance of an item falls with its rank."""
DEPTH = 100
"""Unseen items of each list that are drawn from."""


class Probabilistic:
    """Probabilistic interleaving for two rankers, with credit averaged over who may have drawn an item."""

    name = "probabilistic_v1"
    most_rankers = 2

    def draft(self, rankings: Sequence[Feed], k: int, coins: Coins, *, block: int | None = None) -> Draft:  # noqa: ARG002 - it has no plan
        """Merge two rankings into one of `k` items."""
        first, second = (Softmax(ranking) for ranking in (*rankings, Feed(()))[:2])
        items: list[Hashable] = []
        sources: list[int] = []
        worth: list[float] = []
        taken: set[Hashable] = set()
        while len(items) < k and (first.chances or second.chances):
            source = _drawer(first, second, coins)
            item = (first, second)[source].draw(coins)
            worth.append(_credit(first, second, item))
            items.append(item)
            sources.append(source)
            taken.add(item)
            first.remove(item, taken)
            second.remove(item, taken)
        return Draft(tuple(items), tuple(sources), tuple(worth))


class Softmax:
    """The best unseen items of a ranking, and how likely each is to be drawn.

    Args:
        feed: The ranking.

    Attributes:
        chances: For each item a number that its probability is proportional to, best items first.
    """

    __slots__ = ("_feed", "_next", "chances")

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._next = 0
        self.chances: dict[Hashable, float] = {}
        self._fill(set())

    def probability(self, item: Hashable) -> float:
        """How likely an item is to be drawn now."""
        # The sum is taken anew: what is left of a sum that items were subtracted from would be rounding errors.
        return self.chances[item] / fsum(self.chances.values()) if item in self.chances else 0.0

    def draw(self, coins: Coins) -> Hashable:
        """Draw one of the items; there must be one."""
        items = list(self.chances)
        bounds = list(accumulate(self.chances.values()))
        at = bisect_right(bounds, coins.uniform() * bounds[-1])
        return items[min(at, len(items) - 1)]  # the product may be rounded up to the last bound

    def remove(self, item: Hashable, taken: set[Hashable]) -> None:
        """Take an item out, and the next one that is not taken in."""
        if self.chances.pop(item, None) is not None:
            self._fill(taken)

    def _fill(self, taken: set[Hashable]) -> None:
        while len(self.chances) < DEPTH and (item := self._feed.at(self._next)) is not END:
            self._next += 1
            if item not in taken:
                self.chances[item] = 1.0 / self._next**TAU


def _drawer(first: Softmax, second: Softmax, coins: Coins) -> int:
    if first.chances and second.chances:
        return coins.flip()
    return 0 if first.chances else 1


def _credit(first: Softmax, second: Softmax, item: Hashable) -> float:
    if not first.chances or not second.chances:
        return 0.0
    a, b = first.probability(item), second.probability(item)
    return (a - b) / (a + b)
