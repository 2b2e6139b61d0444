"""A plan in closed form: depth after depth, the least spread that is unbiased there.

A plan says how likely each state of a row is. As paths need not cross, it is written as cumulative shares from the
left of each row, and a row can follow another exactly if its shares lie between two bounds: everybody takes A's next
item, or everybody takes B's. Between them there is one row whose mean credit is 0 and whose credit has the least
variance: the left end as close to the lower bound, the right end as close to the upper bound as possible, and at most
one share in between that is neither. It is found in one pass, so a whole plan takes as long as laying out the states.

It is not always possible: what is least now may leave too little spread to be unbiased later. From such a depth on,
the row closest to it is taken; the simplex method then repairs the plan.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from math import fsum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.interleave.methods.states import States

Path = tuple[int, ...]
"""A ranking as the state, counted from the left of its row, at every depth from 1."""

_SAME = 1e-13
"""Shares and credits closer than this are one."""
_NEUTRAL = 1e-12
"""A mean credit up to this is 0."""


class Stepwise(NamedTuple):
    """A mixture of paths that was made depth after depth.

    Attributes:
        paths: The paths, from left to right; none crosses another.
        weights: The share of each path; they add up to 1.
        missed: The depths, counted from 0, where the mean credit is not 0; none, if all went well.
    """

    paths: list[Path]
    weights: list[float]
    missed: list[int]


def step_through(states: States) -> Stepwise:
    """Make the closed-form plan of some states."""
    shares: Sequence[float] = [1.0]
    rows: list[Sequence[float]] = []
    missed: list[int] = []
    for depth, row in enumerate(states.credits):
        lower, upper = _bounds(shares, states.low[depth], states.high[depth], len(row))
        shares, mean = _least_spread(row, lower, upper)
        rows.append(shares)
        if abs(mean) > _NEUTRAL:
            missed.append(depth)
    paths, weights = _unravel(rows)
    return Stepwise(paths, weights, missed)


def _bounds(
    shares: Sequence[float], low: Sequence[int], high: Sequence[int], width: int
) -> tuple[list[float], list[float]]:
    """Cumulative shares of the next row if everybody takes A's next item (the least), and B's (the most)."""
    lower, upper = [0.0] * width, [0.0] * width
    for share, down, up in zip(shares, low, high, strict=True):
        lower[up] = upper[down] = share
    return list(accumulate(lower, max)), list(accumulate(upper, max))


def _least_spread(row: Sequence[float], lower: list[float], upper: list[float]) -> tuple[list[float], float]:
    """Give the row of least variance with mean 0 between two bounds, and its mean where 0 is out of reach."""
    shares = lower
    gaps = [right - left for left, right in pairwise(row)]
    mean = row[-1] - fsum(share * gap for share, gap in zip(shares, gaps, strict=False))
    for at in range(len(gaps) - 1, -1, -1):
        if mean <= 0.0:
            break
        gap = gaps[at]
        if gap <= _SAME:
            continue
        room = (upper[at] - shares[at]) * gap
        if room > mean:
            shares[at] += mean / gap
            return shares, 0.0
        shares[at] = upper[at]
        mean -= room
    return shares, mean


def _unravel(rows: Sequence[Sequence[float]]) -> tuple[list[Path], list[float]]:
    """Turn cumulative shares into paths: somebody at the share u is, in each row, in the state that u falls into."""
    cuts = [0.0]
    for cut in sorted({1.0, *(share for row in rows for share in row)}):
        if cut - cuts[-1] > _SAME:
            cuts.append(cut)
    cuts[-1] = 1.0
    middles = [(left + right) / 2 for left, right in pairwise(cuts)]
    paths = [tuple(bisect_left(row, middle) for row in rows) for middle in middles]
    return paths, [right - left for left, right in pairwise(cuts)]
