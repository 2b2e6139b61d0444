"""Agreement of one part of the answers: all of them, those of a question, of a band of marks, of a method."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from penstock.judge import bootstrap, raters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penstock.grade.agreement.pairs import Pairs

    Places = NDArray[np.bool_]

FEW = 20
"""Pairs, and groups that they come from, below which intervals mean little."""

_LEVELS = 6  # marks of people that are each a band of its own
_BANDS = (0.0, 25.0, 50.0, 75.0, 100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its interval.

    Attributes:
        value: None where it is not defined.
        low: Lower end; None where there is no interval.
        high: Upper end; None where there is no interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """How well machine and people agree on a part of the answers.

    Attributes:
        name: What they have in common.
        pairs: Answers with both marks.
        groups: Learners, or whatever they are grouped by, that they come from.
        few: Whether there are so few of either that intervals mean little.
        human: Mean mark of people, from 0 to 100.
        machine: Mean mark of the machine.
        measures: By name, see `penstock.judge.raters.MEASURES`; errors and bias in points of 100.
    """

    name: str
    pairs: int
    groups: int
    few: bool
    human: float
    machine: float
    measures: dict[str, Estimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """How intervals are made.

    Attributes:
        resamples: Draws.
        confidence: Of the intervals.
        seed: Equal seeds give equal intervals.
    """

    resamples: int = bootstrap.RESAMPLES
    confidence: float = 0.95
    seed: int = 0


def slice_of(name: str, pairs: Pairs, where: Places | None, resampling: Resampling) -> Slice:
    """Compare the pairs at some places, or all."""
    places = np.ones(len(pairs), dtype=np.bool_) if where is None else where
    terms, group = pairs.terms[places], pairs.group[places]
    found = raters.measures(terms.sum(axis=0))
    groups = len(np.unique(group))
    ends = bootstrap.intervals(
        terms,
        raters.measures,
        groups=None if groups == len(group) else group,
        resamples=resampling.resamples,
        confidence=resampling.confidence,
        seed=resampling.seed,
    )
    measured = {
        name: Estimate(value=known(value), low=known(low), high=known(high))
        for name, value, (low, high) in zip(raters.MEASURES, found, ends, strict=True)
    }
    return Slice(
        name=name,
        pairs=len(terms),
        groups=groups,
        few=min(len(terms), groups) < FEW,
        human=float(pairs.human[places].mean()),
        machine=float(pairs.machine[places].mean()),
        measures=measured,
    )


def by_question(pairs: Pairs, resampling: Resampling) -> tuple[Slice, ...]:
    """Compare by question: the largest errors first, questions with few answers after all others."""
    found = _by(pairs, pairs.question, resampling)
    return tuple(sorted(found, key=lambda one: (one.pairs < FEW, -(one.measures["rmse"].value or 0.0), one.name)))


def by_method(pairs: Pairs, resampling: Resampling) -> tuple[Slice, ...]:
    """Compare by what made the machine's marks, the most frequent first."""
    return tuple(sorted(_by(pairs, pairs.method, resampling), key=lambda one: (-one.pairs, one.name)))


def by_state(pairs: Pairs, resampling: Resampling) -> tuple[Slice, ...]:
    """Compare by how grading ended, the most frequent first."""
    return tuple(sorted(_by(pairs, pairs.state, resampling), key=lambda one: (-one.pairs, one.name)))


def by_band(pairs: Pairs, resampling: Resampling) -> tuple[Slice, ...]:
    """Compare by the mark that people gave: each mark where there are few, else 0, up to 25 ... below 100, and 100."""
    levels = np.unique(pairs.human.round(6))
    if len(levels) <= _LEVELS:
        bands = [(f"{level:.4g}", np.abs(pairs.human - level) < 1e-6) for level in levels]
    else:
        bands = [("0", pairs.human == 0)]
        for low, high in pairwise(_BANDS):
            last = high == _BANDS[-1]
            inside = (pairs.human > low) & ((pairs.human < high) if last else (pairs.human <= high))
            bands.append((f"{low:g}–{high:g}", inside))
        bands.append(("100", pairs.human >= _BANDS[-1]))
    return tuple(slice_of(name, pairs, where, resampling) for name, where in bands if where.any())


def known(value: float) -> float | None:
    """Give a number, None for NaN."""
    return None if np.isnan(value) else float(value)


def _by(pairs: Pairs, names: NDArray[np.str_], resampling: Resampling) -> list[Slice]:
    found, place = np.unique(names, return_inverse=True)
    return [slice_of(str(name), pairs, place == at, resampling) for at, name in enumerate(found)]
