"""Answers that both a person and the machine have marked, on one scale; what is left out is counted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penstock.errors import InputError
from penstock.grade.overrides import SCORE
from penstock.judge import raters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from penstock.grade.agreement.marked import MarkedAnswer

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Texts = NDArray[np.str_]

_BY_PERSON = "human"
_NEARLY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What the marks of people mean.

    Attributes:
        most: The highest possible mark; the lowest is 0.
        assumed: Whether `most` was told from the marks, not given.
        largest: The largest mark there is.
    """

    most: float
    assumed: bool
    largest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCount:
    """What became of the answers of one state.

    Attributes:
        state: How grading them ended.
        rows: How many there are.
        marked: How many of them a person has marked.
        compared: How many of them are compared.
    """

    state: str
    rows: int
    marked: int
    compared: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Answers with two marks, both from 0 to 100; each array has the shape (n_pairs,).

    Attributes:
        human: Marks of people.
        machine: Marks of the machine.
        human_right: Whether the person's mark reaches the passing score.
        machine_right: Whether the machine calls the answer right.
        confidence: What it stated, NaN where nothing.
        expected_error: What it stated, in points, NaN where nothing.
        question: What was asked.
        group: Whose answer it is.
        method: What made the machine's mark.
        state: How grading it ended.
        steps: Equal steps that scores are rounded to for the quadratic weighted kappa.
        terms: What each pair adds to the sums that measures are made of, shape (n_pairs, n_terms).
    """

    human: Floats
    machine: Floats
    human_right: Booleans
    machine_right: Booleans
    confidence: Floats
    expected_error: Floats
    question: Texts
    group: Texts
    method: Texts
    state: Texts
    steps: int
    terms: Floats

    def __len__(self) -> int:
        return len(self.human)

    @property
    def agree(self) -> Booleans:
        """Whether both call an answer right, or both wrong."""
        same: Booleans = self.human_right == self.machine_right
        return same


def scale_of(answers: Iterable[MarkedAnswer], *, column: str, most: float | None) -> Scale:
    """Tell the scale of the marks of people, where it is not given.

    Up to 1, it is 1; in `human_score` or above 10, it is 100; else the largest mark, rounded up: marks up to 5 are
    taken for marks out of 5.

    Raises:
        InputError: A mark is above the scale, or there is no mark at all.
    """
    marks = [(one.human, one.row) for one in answers if one.human is not None]
    if not marks:
        raise InputError(f"There is nothing to compare: no answer has a mark in the column {column!r}.")
    largest, row = max(marks, key=lambda mark: mark[0])
    if most is None:
        wide = column == SCORE or largest > 10
        guess = 1.0 if largest <= 1 else 100.0 if wide else float(math.ceil(largest))
        most, assumed = guess, True
    else:
        assumed = False
    if largest > most:
        raise InputError(
            f"The mark in {column!r} of row {row} is {largest:g}, above {most:g}: give --scale its maximum."
        )
    return Scale(most=most, assumed=assumed, largest=largest)


def is_pair(answer: MarkedAnswer) -> bool:
    """Whether there are two marks, of which one is a machine's."""
    return answer.human is not None and answer.score is not None and answer.method != _BY_PERSON


def states_of(answers: Iterable[MarkedAnswer]) -> tuple[StateCount, ...]:
    """Count the answers by how grading them ended, the most frequent state first."""
    counts: dict[str, list[int]] = {}
    for one in answers:
        state = "marked by a person" if one.method == _BY_PERSON else one.state
        count = counts.setdefault(state, [0, 0, 0])
        for place, counted in enumerate((True, one.human is not None, is_pair(one))):
            count[place] += counted
    rows = (StateCount(state=state, rows=a, marked=b, compared=c) for state, (a, b, c) in counts.items())
    return tuple(sorted(rows, key=lambda one: (-one.rows, one.state)))


def pairs_of(answers: Iterable[MarkedAnswer], scale: Scale, *, passing: float, column: str) -> Pairs:
    """Put the answers with two marks into arrays.

    Args:
        answers: All answers.
        scale: Of the marks of people.
        passing: Score of 100 from which on an answer counts as right.
        column: Where the marks of people are, for messages.

    Raises:
        InputError: There is no such answer.
    """
    kept = [one for one in answers if is_pair(one)]
    if not kept:
        raise InputError(
            f"There is nothing to compare: no answer has both a mark in the column {column!r} and the machine's score."
        )
    human = 100 * _numbers([one.human for one in kept]) / scale.most
    machine = _numbers([one.score for one in kept])
    human_right = human >= passing - _NEARLY
    right = [
        one.score >= passing - _NEARLY if one.right is None else one.right for one in kept if one.score is not None
    ]
    machine_right = np.array(right, dtype=np.bool_)
    steps = raters.steps_of(human / 100)
    return Pairs(
        human=human,
        machine=machine,
        human_right=human_right,
        machine_right=machine_right,
        confidence=_numbers([one.confidence for one in kept]),
        expected_error=_numbers([one.expected_error for one in kept]),
        question=np.array([one.question or "not named" for one in kept]),
        group=np.array([one.group or f"row {one.row}" for one in kept]),
        method=np.array([one.method or "not named" for one in kept]),
        state=np.array([one.state for one in kept]),
        steps=steps,
        terms=raters.terms(
            human, machine, human_right=human_right, machine_right=machine_right, most=100.0, steps=steps
        ),
    )


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
