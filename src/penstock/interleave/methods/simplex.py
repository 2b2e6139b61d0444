"""The best unbiased mixture of paths: a simplex method that makes its columns as it needs them.

The problem has one variable per path, up to 2 ** n of them, and few conditions: at each depth the mean credit is 0,
and the weights add up to 1. So a best mixture has at most n + 1 paths, and prices on the conditions say in one pass
over the states which path would improve it most (Dantzig and Wolfe 1960): the path of least cost, where being in a
state of credit C at depth k costs `stake[k] * C ** 2 - price[k] * C`. When no path is worth its price, the mixture is
the best of all, and the prices prove it.

It starts from the mixture that was made depth after depth. Where that one came to its end, it has been the best in
every pair tried, and one look at the prices proves it. Where it misses 0 at some depth, a slack takes up what is
missing. Such a mixture is the best among those with that slack, or becomes so in a few steps; from there the dual
simplex method (Lemke 1954) drives the slacks out, and stays the best at every step. It needs a sixth of the steps of
the primal method, which would first look for any unbiased mixture.
"""

from __future__ import annotations

from math import fsum
from operator import mul
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from penstock.interleave.methods.states import States
    from penstock.interleave.methods.stepwise import Path, Stepwise

_TINY = 1e-9
"""A pivot smaller than this would blow up rounding errors."""
_ZERO = 1e-12
"""A weight this close to 0 is 0."""
_GAIN = 1e-9
"""An improvement smaller than this share of the cost is none."""
_FAR = 1e12
"""Prices that moved this far without making a path worth while never will."""


class Mixture(NamedTuple):
    """What the simplex method ends with.

    Attributes:
        paths: The paths.
        weights: How likely each is; they add up to 1.
        feasible: Whether it is unbiased at every depth; if not, there may be no such mixture.
        best: Whether no unbiased mixture costs less.
        pivots: Steps taken.
    """

    paths: list[Path]
    weights: list[float]
    feasible: bool
    best: bool
    pivots: int


def stakes(depth: int) -> list[float]:
    """How likely a user stops looking at each depth, so that the place k is seen with the probability 1 / k."""
    return [1 / (k * (k + 1)) for k in range(1, depth)] + ([1 / depth] if depth else [])


def cost(states: States, path: Path, stake: Sequence[float]) -> float:
    """Give the mean square of the credit on a path, over the depths that a user may stop at."""
    return fsum(s * row[at] ** 2 for s, row, at in zip(stake, states.credits, path, strict=True))


def improve(states: States, start: Stepwise, *, pivots: int) -> Mixture:
    """Find the best unbiased mixture of paths, in at most so many pivots."""
    if not states.depth:
        return Mixture(start.paths, start.weights, feasible=True, best=True, pivots=0)
    basis = _Basis(states, start, most=pivots)
    feasible = not start.missed or (basis.descend(free=start.missed) and basis.ascend())
    best = feasible and basis.descend()
    paths, weights = basis.mixture()
    return Mixture(paths, weights, feasible, best, basis.pivots)


class _Basis:
    """The paths in the mixture, and the inverse of the matrix that has their credits as columns.

    A row belongs to a path or, where `paths` has None, to the slack of a condition. The last condition is that the
    weights add up to 1.
    """

    __slots__ = ("_market", "_most", "_states", "inverse", "paths", "pivots", "weights")

    def __init__(self, states: States, start: Stepwise, *, most: int) -> None:
        size = states.depth + 1
        self._states = states
        self._market = _Market(states)
        self._most = most
        self.pivots = 0
        self.inverse = [[float(row == column) for column in range(size)] for row in range(size)]
        self.weights = [0.0] * states.depth + [1.0]
        self.paths: list[Path | None] = [None] * size
        kept = set(range(size)).difference(start.missed)
        for path in start.paths:
            self._admit(path, kept)
        self.pivots = 0

    def mixture(self) -> tuple[list[Path], list[float]]:
        """Give the paths with their weights, corrected once for what rounding has left."""
        chosen = [(row, path) for row, path in enumerate(self.paths) if path is not None]
        off = [0.0] * len(self.weights)
        off[-1] = 1.0
        for row, path in chosen:
            weight = self.weights[row]
            off = [rest - weight * entry for rest, entry in zip(off, _column(self._states, path), strict=True)]
        exact = [(path, self.weights[row] + fsum(map(mul, self.inverse[row], off))) for row, path in chosen]
        kept = [(path, weight) for path, weight in exact if weight > 0.0]
        return [path for path, _ in kept], [weight for _, weight in kept]

    def descend(self, *, free: Collection[int] = ()) -> bool:
        """Exchange paths for cheaper ones until none is cheaper (primal); say whether that came to its end.

        Args:
            free: Rows whose slacks may take any value; the others stay 0.
        """
        while True:
            prices = self._prices()
            gain, path = self._market.offer(prices)
            if gain >= -_least(prices):
                return True
            direction = self._direction(path)
            row = self._leaving(direction, free)
            if row is None or self.pivots >= self._most:
                return False
            self._exchange(row, path, direction)

    def ascend(self) -> bool:
        """Exchange what breaks a condition for the path that costs least to mend it (dual); say whether all hold."""
        prices = self._prices()
        step = 1.0
        while (row := self._broken()) is not None:
            sign = 1.0 if self.weights[row] > 0 else -1.0
            way = [sign * entry for entry in self.inverse[row]]
            step, path = self._market.turn(prices, way, step)
            direction = self._direction(path)
            if abs(direction[row]) <= _TINY or step > _FAR or self.pivots >= self._most:
                return False
            self._exchange(row, path, direction)
            prices = [price + step * entry for price, entry in zip(prices, way, strict=True)]
            step = max(step, 1e-6)
        return True

    def _admit(self, path: Path, kept: set[int]) -> None:
        """Take a path of the first mixture in, in the place of a slack that is kept at 0."""
        direction = self._direction(path)
        row = max(kept, key=lambda row: abs(direction[row]), default=None)
        if row is not None and abs(direction[row]) > _TINY:
            self._exchange(row, path, direction)
            kept.remove(row)

    def _direction(self, path: Path) -> list[float]:
        column = _column(self._states, path)
        return [fsum(map(mul, row, column)) for row in self.inverse]

    def _prices(self) -> list[float]:
        prices = [0.0] * len(self.inverse)
        for path, row in zip(self.paths, self.inverse, strict=True):
            if path is not None:
                at = cost(self._states, path, self._market.stake)
                prices = [price + at * entry for price, entry in zip(prices, row, strict=True)]
        return prices

    def _leaving(self, direction: Sequence[float], free: Collection[int]) -> int | None:
        """Say which row gives way: the first whose weight would fall below 0; of several, the one of largest pivot."""
        least, found = float("inf"), None
        for row, (weight, rate) in enumerate(zip(self.weights, direction, strict=True)):
            slack = self.paths[row] is None
            if slack and row in free:
                continue
            size = abs(rate) if slack else rate  # a slack that is gone must not come back, in either direction
            if size <= _TINY:
                continue
            ratio = 0.0 if slack else max(weight, 0.0) / size
            if ratio < least or (ratio == least and found is not None and size > abs(direction[found])):
                least, found = ratio, row
        return found

    def _broken(self) -> int | None:
        """Say which row is furthest from what it must be: a slack from 0, a path from a weight of 0 or more.

        Distances are measured along the row (dual steepest edge, Forrest and Goldfarb 1992).
        """
        most, found = 0.0, None
        for row, (weight, path) in enumerate(zip(self.weights, self.paths, strict=True)):
            if weight < -_ZERO or (path is None and weight > _ZERO):
                entries = self.inverse[row]
                far = weight * weight / fsum(map(mul, entries, entries))
                if far > most:
                    most, found = far, row
        return found

    def _exchange(self, leaving: int, path: Path, direction: Sequence[float]) -> None:
        """Put a path in the place of what is in a row, and bring inverse and weights up to date."""
        inverse, weights = self.inverse, self.weights
        pivot = 1.0 / direction[leaving]
        entering = inverse[leaving] = [entry * pivot for entry in inverse[leaving]]
        step = weights[leaving] * pivot
        for row, rate in enumerate(direction):
            if rate and row != leaving:
                inverse[row] = [entry - rate * new for entry, new in zip(inverse[row], entering, strict=True)]
                weights[row] -= rate * step
        weights[leaving] = step
        self.paths[leaving] = path
        self.pivots += 1


class _Market:
    """Where prices are asked which path is worth more than it costs.

    Attributes:
        stake: What being in a state of credit 1 costs, by depth.
    """

    __slots__ = ("_back", "_states", "stake")

    def __init__(self, states: States) -> None:
        self._states = states
        self.stake = stakes(states.depth)
        # From the last depth to the first, as the search goes through them.
        self._back = list(zip(self.stake[::-1], states.credits[::-1], states.low[::-1], states.high[::-1], strict=True))

    def offer(self, prices: Sequence[float]) -> tuple[float, Path]:
        """Find the path of least cost less what the prices pay for it, from the last depth to the first.

        Returns:
            What one unit of the path adds to the cost of the mixture, below 0 if it is an improvement; and the path.
        """
        ahead = [0.0] * len(self._states.credits[-1])
        totals: list[list[float]] = []
        for (stake, row, low, high), price in zip(self._back, prices[-2::-1], strict=True):
            total = [rest + c * (stake * c - price) for rest, c in zip(ahead, row, strict=True)]
            totals.append(total)
            ahead = [down if (down := total[a]) < (up := total[b]) else up for a, b in zip(low, high, strict=True)]
        at = 0
        path: list[int] = []
        for total, (_, _, low, high) in zip(reversed(totals), reversed(self._back), strict=True):
            down, up = low[at], high[at]
            at = down if total[down] < total[up] else up
            path.append(at)
        return ahead[0] - prices[-1], tuple(path)

    def turn(self, prices: Sequence[float], way: Sequence[float], step: float) -> tuple[float, Path]:
        """Move prices along a way until the first path is worth its price.

        Too long a step makes some paths worth more than their price; the best of them says how much shorter the step
        must be, until none is left (Dinkelbach 1967).

        Args:
            prices: Where to start; no path is worth more than its price there.
            way: Where to go.
            step: A first guess.

        Returns:
            The step and the path; a step beyond `_FAR` if there is no such path.
        """
        least = _least(prices)
        found: Path | None = None
        while True:
            moved = [price + step * entry for price, entry in zip(prices, way, strict=True)]
            gain, path = self.offer(moved)
            rate = fsum(map(mul, way, _column(self._states, path)))
            if gain < -least and rate > _TINY:
                shorter = max(step + gain / rate, 0.0)
                if found is not None and shorter >= step:
                    return step, found
                step, found = shorter, path
            elif found is not None:
                return step, found
            elif step > _FAR:
                return step, path
            else:
                step *= 16.0


def _least(prices: Sequence[float]) -> float:
    """What a path must gain to be worth while; the last price is what the mixture costs."""
    return _GAIN * max(abs(prices[-1]), 1e-2)


def _column(states: States, path: Path) -> list[float]:
    """Give what a path adds to each condition: the credit on it, depth by depth, and 1 to the weights."""
    return [*(row[at] for row, at in zip(states.credits, path, strict=True)), 1.0]
