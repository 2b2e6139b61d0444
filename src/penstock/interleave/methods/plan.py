"""A plan: which rankings a pair of lists may become, and how likely each is.

A plan is unbiased: at every depth, the expected credit gathered so far is 0, so somebody who clicks at random favours
neither ranker. It knows places, not items, so one plan serves every pair of lists that lie to each other alike, and it
can be drawn from as often as wanted.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from math import fsum
from typing import TYPE_CHECKING, NamedTuple

from penstock.interleave.methods.method import Draft
from penstock.interleave.methods.simplex import Mixture, improve, stakes
from penstock.interleave.methods.states import lay_out
from penstock.interleave.methods.stepwise import Stepwise, step_through

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from penstock.interleave.coins import Coins
    from penstock.interleave.methods.pair import Pair
    from penstock.interleave.methods.states import Credit, States
    from penstock.interleave.methods.stepwise import Path

_EITHER = 2
"""The source of an item that both rankers offered at the same moment and that favours neither: a coin decides."""
_BIASED = 1e-10
"""A mean credit above this, at any depth, is a failure of the arithmetic."""
_PIVOTS = 10
"""Most pivots for each item of a ranking; at 50 items, 500, where pairs of the benchmark need up to 260."""


class Route(NamedTuple):
    """One ranking of a plan, in places.

    Attributes:
        picks: What is shown: a place in the first list, or `-1 - place` in the second.
        sources: The ranker each item is attributed to; 2 where a coin decides.
        credits: What a click on each item is worth.
    """

    picks: tuple[int, ...]
    sources: tuple[int, ...]
    credits: tuple[float, ...]

    def show(self, first: Sequence[Hashable], second: Sequence[Hashable]) -> tuple[Hashable, ...]:
        """Put items in their places."""
        return tuple(first[pick] if pick >= 0 else second[-1 - pick] for pick in self.picks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The rankings that a pair of lists may become, with their probabilities.

    Attributes:
        routes: The rankings, at most one more than items in each.
        weights: How likely each is; they add up to 1.
        objective: The variance that a user without preference is left with; `optimized` says which.
        exact: Whether no unbiased plan of this length has less, as proved by prices.
        pivots: Steps of the simplex method that it took.
    """

    routes: tuple[Route, ...]
    weights: tuple[float, ...]
    objective: float
    exact: bool
    pivots: int

    @property
    def length(self) -> int:
        """How many items a ranking has: fewer than the lists where no unbiased plan goes further."""
        return len(self.routes[0].picks)

    def draw(self, coins: Coins, first: Sequence[Hashable], second: Sequence[Hashable]) -> Draft:
        """Draw a ranking by one number, and a coin for each item that belongs to neither ranker.

        Args:
            coins: All that is drawn by lot.
            first: The items of the first list, as `pair_up` returned them.
            second: The items of the second list.
        """
        bounds = list(accumulate(self.weights[:-1]))
        route = self.routes[bisect_right(bounds, coins.uniform())]
        sources = tuple(coins.flip() if source == _EITHER else source for source in route.sources)
        return Draft(route.show(first, second), sources, route.credits)

    def distribution(self, first: Sequence[Hashable], second: Sequence[Hashable]) -> dict[tuple[Hashable, ...], float]:
        """Give every ranking that can be drawn with its probability."""
        likely: dict[tuple[Hashable, ...], float] = {}
        for route, weight in zip(self.routes, self.weights, strict=True):
            shown = route.show(first, second)
            likely[shown] = likely.get(shown, 0.0) + weight
        return likely

    def expected_credit(self) -> list[float]:
        """Give, for each depth from 1, the expected credit gathered by a user who clicks on everything down to it."""
        gathered = [list(accumulate(route.credits)) for route in self.routes]
        return [fsum(map(_product, self.weights, row)) for row in zip(*gathered, strict=True)]


def solve(pair: Pair, *, credit: Credit = "inverse", closed_form: bool = False, pivots: int | None = None) -> Plan:
    """Find the unbiased plan that tells most about two lists.

    It is as long as the lists, but for rare pairs that have no unbiased plan of that length (3 of 10,000 generated in
    the benchmark). Theirs ends before the depth where the closed form fails, with one item at least; what is left of
    the lists is another pair.

    Args:
        pair: How the lists lie to each other.
        credit: What a place is worth: "inverse", 1 / place; "linear", -place.
        closed_form: Take the plan that is made depth after depth as it is. It takes the least time, but ends early more
            often. Where it comes to its end, it was the best one in every pair tried; only prices prove that.
        pivots: Most steps of the simplex method, in place of 10 for each item. If they do not suffice, the plan is the
            closed form, as far as it goes, and not proved best.
    """
    states = lay_out(pair, credit)
    steps = 0 if closed_form else _PIVOTS * states.depth if pivots is None else pivots
    start = step_through(states)
    mixture = _mixed(states, start, steps)
    if mixture is None:
        states = states.cut(start.missed[0] if start.missed else states.depth)
        start = step_through(states)
        mixture = _mixed(states, start, steps) or _as_it_is(start)
    routes = tuple(_route(pair, states, path) for path in mixture.paths)
    total = fsum(mixture.weights)
    weights = tuple(weight / total for weight in mixture.weights)
    return Plan(
        routes=routes,
        weights=weights,
        objective=_spread(routes, weights),
        exact=mixture.best,
        pivots=mixture.pivots,
    )


def _mixed(states: States, start: Stepwise, steps: int) -> Mixture | None:
    """Give the best unbiased mixture that is found in so many steps, or None."""
    if not steps:
        return None if start.missed else _as_it_is(start)
    mixture = improve(states, start, pivots=steps)
    return mixture if mixture.feasible and _unbiased(states, mixture) else None


def _as_it_is(start: Stepwise) -> Mixture:
    return Mixture(start.paths, start.weights, feasible=True, best=False, pivots=0)


def _unbiased(states: States, mixture: Mixture) -> bool:
    """Whether the weights are what they should be, whatever rounding did to the inverse."""
    means = (
        fsum(weight * row[path[depth]] for path, weight in zip(mixture.paths, mixture.weights, strict=True))
        for depth, row in enumerate(states.credits)
    )
    return abs(fsum(mixture.weights) - 1.0) < _BIASED and all(abs(mean) < _BIASED for mean in means)


def _spread(routes: Sequence[Route], weights: Sequence[float]) -> float:
    return fsum(
        weight * stake * gathered**2
        for route, weight in zip(routes, weights, strict=True)
        for stake, gathered in zip(stakes(len(route.credits)), accumulate(route.credits), strict=True)
    )


def _route(pair: Pair, states: States, path: Path) -> Route:
    picks: list[int] = []
    sources: list[int] = []
    worth: list[float] = []
    at = 0
    for depth, to in enumerate(path):
        i, j = states.reach[depth][at]
        down, up = states.low[depth][at], states.high[depth][at]
        takes_first = to == up
        picks.append(i if takes_first else -1 - j)
        credit = states.first[i] if takes_first else states.second[j]
        worth.append(credit)
        sources.append(_source(pair, credit, i, j, takes=_EITHER if down == up else 1 - takes_first))
        at = to
    return Route(tuple(picks), tuple(sources), tuple(worth))


def _source(pair: Pair, credit: float, i: int, j: int, *, takes: int) -> int:
    """Say which ranker an item is attributed to: who ranks it higher, else who has it, else who offered it."""
    if credit:
        return 0 if credit > 0 else 1
    offered = takes != 1, takes != 0
    mine = i if offered[0] else pair.reverse[j]
    theirs = j if offered[1] else pair.places[i]
    has_first, has_second = 0 <= mine < pair.listed[0], 0 <= theirs < pair.listed[1]
    if has_first != has_second:
        return 1 - has_first
    return takes


def _product(one: float, other: float) -> float:
    return one * other
