"""Whether the machine knows what it does not know: the surest marks, stated chances and errors against what came true.

Calibration error: the mean distance of stated chance and share that came true, in bins of equally many marks (Naeini et
al., AAAI 2015; Nguyen and O'Connor, EMNLP 2015). It is above 0 even for perfect statements, by chance; how much so is
given beside it. The curve of the surest marks is the risk-coverage curve of El-Yaniv and Wiener (JMLR, 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penstock.grade.agreement.slices import FEW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penstock.grade.agreement.pairs import Pairs

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

TARGET = 0.95
"""Accuracy that the surest marks are asked to have."""

_BINS = 10
_LEAST_IN_BIN = 5
_DRAWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What holds when only the surest marks are kept.

    Attributes:
        coverage: Share of the marks with a stated confidence that is kept.
        pairs: How many these are.
        confidence: The least confidence among them.
        accuracy: Share of them on which machine and people agree about right or wrong.
        rmse: Root mean squared difference, in points of 100.
    """

    coverage: float
    pairs: int
    confidence: float
    accuracy: float
    rmse: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Accuracy and error when fewer and fewer marks are kept, the surest ones.

    Attributes:
        pairs: Compared marks with a stated confidence.
        unstated: Compared marks without one, which the curve leaves out.
        points: From the fewest marks to all.
        target: Accuracy that is asked for.
        reached: Where the most marks are kept at that accuracy; None where even the surest 20 do not have it.
    """

    pairs: int
    unstated: int
    points: tuple[Point, ...]
    target: float
    reached: Point | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Marks of about the same statement.

    Attributes:
        pairs: How many.
        stated: Mean of the stated chances; root of the mean of the squared stated errors.
        seen: Share that came true; root mean squared difference.
    """

    pairs: int
    stated: float
    seen: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How statements compare with what came true, over all marks and by bins of equally many.

    Attributes:
        pairs: Compared marks with such a statement.
        stated: As in `Bin`.
        seen: As in `Bin`.
        error: Mean distance of the two in the bins.
        by_chance: The same if every statement were perfect; None for stated errors.
        bins: From low statements to high ones.
    """

    pairs: int
    stated: float
    seen: float
    error: float
    by_chance: float | None
    bins: tuple[Bin, ...]


def curve(pairs: Pairs, *, target: float = TARGET, points: int = 200) -> Curve | None:
    """Keep the surest marks, from few to all; None where no confidence is stated."""
    stated = ~np.isnan(pairs.confidence)
    n = int(stated.sum())
    if not n:
        return None
    order = np.argsort(-pairs.confidence[stated], kind="stable")
    confidence = pairs.confidence[stated][order]
    kept = np.arange(1, n + 1)
    accuracy = np.cumsum(pairs.agree[stated][order]) / kept
    rmse = np.sqrt(np.cumsum((pairs.machine - pairs.human)[stated][order] ** 2) / kept)
    ends = np.flatnonzero(np.append(confidence[1:] < confidence[:-1], np.array([True])))  # equal ones stay together
    found = [
        Point(
            coverage=float(at + 1) / n,
            pairs=int(at + 1),
            confidence=float(confidence[at]),
            accuracy=float(accuracy[at]),
            rmse=float(rmse[at]),
        )
        for at in ends
    ]
    enough = [point for point in found if point.pairs >= FEW and point.accuracy >= target]
    return Curve(
        pairs=n,
        unstated=len(pairs) - n,
        points=_thinned(found, points),
        target=target,
        reached=enough[-1] if enough else None,
    )


def confidence_calibration(pairs: Pairs, *, seed: int) -> Calibration | None:
    """Compare stated chances with the share that came true; None where none is stated."""
    known = ~np.isnan(pairs.confidence)
    if not known.any():
        return None
    stated, true = pairs.confidence[known], pairs.agree[known].astype(np.float64)
    place = _bins(stated)
    bins = tuple(
        Bin(pairs=int(inside.sum()), stated=float(stated[inside].mean()), seen=float(true[inside].mean()))
        for inside in (place == each for each in np.unique(place))
    )
    drawn = np.random.default_rng(seed).random((_DRAWS, len(stated))) < stated
    chance = np.mean([_gap(stated, each.astype(np.float64), place) for each in drawn])
    return Calibration(
        pairs=len(stated),
        stated=float(stated.mean()),
        seen=float(true.mean()),
        error=_gap(stated, true, place),
        by_chance=float(chance),
        bins=bins,
    )


def error_calibration(pairs: Pairs) -> Calibration | None:
    """Compare stated errors with those seen, both as roots of mean squares in points; None where none is stated."""
    known = ~np.isnan(pairs.expected_error)
    if not known.any():
        return None
    stated, seen = pairs.expected_error[known], np.abs(pairs.machine - pairs.human)[known]
    place = _bins(stated)
    bins = tuple(
        Bin(pairs=int(inside.sum()), stated=_root(stated[inside]), seen=_root(seen[inside]))
        for inside in (place == each for each in np.unique(place))
    )
    distance = sum(each.pairs * abs(each.stated - each.seen) for each in bins) / len(stated)
    return Calibration(
        pairs=len(stated), stated=_root(stated), seen=_root(seen), error=distance, by_chance=None, bins=bins
    )


def _bins(stated: Floats) -> Ints:
    """Number bins of about equally many values; equal ones share a bin."""
    _, place, count = np.unique(stated, return_inverse=True, return_counts=True)
    bins = max(1, min(_BINS, len(stated) // _LEAST_IN_BIN))
    middle = np.cumsum(count) - count / 2
    held: Ints = np.minimum((middle * bins / len(stated)).astype(np.int64), bins - 1)[place]
    return held


def _gap(stated: Floats, true: Floats, place: Ints) -> float:
    return float(np.abs(np.bincount(place, weights=stated - true)).sum() / len(stated))


def _root(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _thinned(found: list[Point], most: int) -> tuple[Point, ...]:
    """Keep points at about equal steps, the last one among them."""
    if len(found) <= most:
        return tuple(found)
    last = len(found) - 1
    return tuple(found[round(last * place / (most - 1))] for place in range(most))
