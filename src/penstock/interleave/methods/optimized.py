"""Optimized interleaving: the most telling ranking that is still fair (Radlinski and Craswell, WSDM 2013).

Each item carries a signed credit, what its place in the first list is worth less what its place in the second is; a
click counts that much for the first ranker, or, where it is negative, for the second. The method decides beforehand how
likely each merged list is, under two conditions, and among what they allow takes the most telling plan:

1. **Nothing new.** At every place stands the best unseen item of one of the two lists. So users never see a ranking
   worse than both, and every list is a path through pairs of prefixes (`states`).
2. **Nobody is favoured.** At every depth, the expected credit down to it is 0: a user who clicks at random, however far
   they look, favours neither ranker. In states these are linear conditions, one for each depth, so a plan for 50 items
   is exact; no lists are sampled.

**What is most telling.** If a user without preference produces little variance, a user with one stands out against it.
Let f(k) = 1 / k be the probability that the place k is looked at, as in the published objective, d_k the credit of the
item there and C_k the sum of the first k. Summed by parts (Abel),

    sum f(k) d_k  =  sum g(k) C_k,    g(k) = f(k) - f(k + 1) = 1 / (k (k + 1)),    g(n) = 1 / n.

The g(k) add up to 1: this is a user who looks down to a random depth and no further, and clicks on all of it. The plan
makes `E[sum g(k) C_k ** 2]` least, the variance of that user's outcome. As squaring is convex, it is never less than
`E[(sum f(k) d_k) ** 2]`, the variance that Schuth et al. (CIKM 2014) make least over sampled lists, and it depends on
states alone. The original objective is the entropy of who wins, also weighted by 1 / rank; it belongs to whole lists
and does not fall apart into states, so plans can differ from it where the conditions leave a choice.

**Missing items, short lists.** An item that is not among the first n of a list, n being the items planned together, is
worth there what the place n + 1 is worth. So no list is read further than n unseen items, and long lists cost no
more. A list with fewer than n items is continued with what it lacks, in the other's order, up to n or until it has
everything (`pair_up`). Without that, even tiny pairs have no unbiased plan at all: from A = x and B = y x, x would gain
and y would lose whatever is done. Where both lists offer the same item, there is no choice, but a credit all the same,
which other choices balance.

**No unbiased plan.** With it, all pairs of up to 6 items have one, and all but a few longer ones. Where a pair has
none, the plan ends before the depth that cannot be balanced, and what is then left of both lists is planned afresh, as
the next page would be: ranks count from there. That is unbiased at every depth, too, and never fails.

**Attribution.** An item's source is the ranker that its credit favours. Where that is 0: who has it, or offered it, or
a coin.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from penstock.errors import InputError
from penstock.interleave.feed import END, Feed
from penstock.interleave.methods.method import Draft
from penstock.interleave.methods.pair import Pair, pair_up
from penstock.interleave.methods.plan import Plan, solve
from penstock.interleave.methods.states import WORTH, Credit

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from penstock.interleave.coins import Coins

LONGEST_BLOCK = 50
"""Items that are planned together at most; a longer ranking is planned in several blocks, each unbiased by itself."""


class Optimized:
    """Optimized interleaving for two rankers; many threads may use one.

    A plan depends only on how the lists lie to each other, so plans are remembered.

    Args:
        credit: What a place is worth: "inverse", 1 / place, or "linear", -place.
        closed_form: Do without the search for a better plan; see `solve`.
        remembered: Plans that are kept, those used last.

    Raises:
        InputError: There is no such credit.
    """

    name = "optimized_v1"
    most_rankers = 2

    def __init__(self, *, credit: Credit = "inverse", closed_form: bool = False, remembered: int = 128) -> None:
        if credit not in WORTH:
            raise InputError(f"There is no credit {credit!r}: choose one of {', '.join(WORTH)}.")
        self._credit: Credit = credit
        self._closed_form = closed_form
        self._remembered = remembered
        self._plans: OrderedDict[Pair, Plan] = OrderedDict()
        self._lock = Lock()

    def draft(self, rankings: Sequence[Feed], k: int, coins: Coins, *, block: int | None = None) -> Draft:
        """Merge two rankings into one of `k` items, planned in blocks of `block`.

        The second block is planned on what the first has left of both lists.
        """
        size = min(max(k if block is None else block, 1), LONGEST_BLOCK)
        first, second = (_Rest(ranking) for ranking in (*rankings, Feed(()))[:2])
        items: list[Hashable] = []
        sources: list[int] = []
        worth: list[float] = []
        taken: set[Hashable] = set()
        while len(items) < k:
            ahead = size - len(items) % size  # up to the end of the block, where a plan did not reach it
            mine, theirs = first.best(ahead, taken), second.best(ahead, taken)
            if not mine and not theirs:
                break
            part = self._part(mine, theirs, ahead, coins)
            taken.update(part.items)
            items += part.items
            sources += part.sources
            worth += part.credits or ()
        return Draft(tuple(items[:k]), tuple(sources[:k]), tuple(worth[:k]))

    def plan(self, pair: Pair) -> Plan:
        """Give the plan of a pair of lists, from memory where it is there."""
        with self._lock:
            plan = self._plans.get(pair)
            if plan is not None:
                self._plans.move_to_end(pair)
                return plan
        plan = solve(pair, credit=self._credit, closed_form=self._closed_form)
        with self._lock:
            self._plans[pair] = plan
            while len(self._plans) > self._remembered:
                self._plans.popitem(last=False)
        return plan

    def _part(self, first: Sequence[Hashable], second: Sequence[Hashable], size: int, coins: Coins) -> Draft:
        pair, first, second = pair_up(first, second, size)
        return self.plan(pair).draw(coins, first, second)


class _Rest:
    """The items of a ranking that have not been shown, read no further than needed."""

    __slots__ = ("_feed", "_next", "_waiting")

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._next = 0
        self._waiting: list[Hashable] = []

    def best(self, count: int, taken: set[Hashable]) -> list[Hashable]:
        """Give the best `count` items that are not taken."""
        waiting = [item for item in self._waiting if item not in taken]
        while len(waiting) < count and (item := self._feed.at(self._next)) is not END:
            self._next += 1
            if item not in taken:
                waiting.append(item)
        self._waiting = waiting
        return waiting
