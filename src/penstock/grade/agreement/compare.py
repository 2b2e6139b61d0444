"""Compares the machine's marks with those of people: everything that the table and the page show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penstock.grade.agreement import slices, trust
from penstock.grade.agreement.pairs import Scale, StateCount, pairs_of, scale_of, states_of
from penstock.grade.agreement.slices import Resampling, Slice
from penstock.judge import raters

if TYPE_CHECKING:
    from penstock.grade.agreement.marked import Columns, MarkedTable
    from penstock.grade.agreement.pairs import Pairs
    from penstock.grade.agreement.trust import Calibration, Curve

PASSING = 80.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """How often people and machine gave which marks, rounded to equal steps.

    Attributes:
        steps: Steps of the scale; there are `steps` + 1 marks, from 0 to 100.
        counts: One row per mark of people, one number in it per mark of the machine.
    """

    steps: int
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How well the machine's marks agree with those of people.

    Attributes:
        source: Name of the table.
        columns: What its columns are called.
        rows: Answers in the table.
        unmarked: Answers without a mark by a person, which are left out.
        scale: Of the marks of people.
        passing: Score of 100 from which on an answer counts as right.
        resampling: How intervals were made.
        overall: All pairs.
        questions: By question, those with the largest errors first.
        bands: By the mark that people gave.
        methods: By what made the machine's marks.
        mark_states: By how grading ended.
        states: What became of all answers; only compared ones are in any figure.
        crossing: Which marks met which.
        curve: The surest marks; None where no confidence is stated.
        confidence: Stated chances against what came true.
        expected_error: Stated errors against those seen.
    """

    source: str
    columns: Columns
    rows: int
    unmarked: int
    scale: Scale
    passing: float
    resampling: Resampling
    overall: Slice
    questions: tuple[Slice, ...]
    bands: tuple[Slice, ...]
    methods: tuple[Slice, ...]
    mark_states: tuple[Slice, ...]
    states: tuple[StateCount, ...]
    crossing: Crossing
    curve: Curve | None
    confidence: Calibration | None
    expected_error: Calibration | None


def compare(
    table: MarkedTable,
    *,
    scale: float | None = None,
    passing: float = PASSING,
    resampling: Resampling | None = None,
) -> Agreement:
    """Compare marks.

    Args:
        table: Answers with the machine's marks and those of people.
        scale: The highest possible mark of people; None tells it from the marks.
        passing: Score of 100 from which on an answer counts as right.
        resampling: How intervals are made.

    Raises:
        InputError: A row cannot be read, a mark of a person is above the scale, or there is nothing to compare.
    """
    answers, columns = list(table.answers()), table.columns
    chosen = scale_of(answers, column=columns.human, most=scale)
    pairs = pairs_of(answers, chosen, passing=passing, column=columns.human)
    drawn = resampling or Resampling()
    return Agreement(
        source=table.path.name,
        columns=columns,
        rows=len(answers),
        unmarked=sum(one.human is None for one in answers),
        scale=chosen,
        passing=passing,
        resampling=drawn,
        overall=slices.slice_of("all", pairs, None, drawn),
        questions=slices.by_question(pairs, drawn) if columns.question else (),
        bands=slices.by_band(pairs, drawn),
        methods=slices.by_method(pairs, drawn),
        mark_states=slices.by_state(pairs, drawn),
        states=states_of(answers),
        crossing=_crossing(pairs),
        curve=trust.curve(pairs),
        confidence=trust.confidence_calibration(pairs, seed=drawn.seed),
        expected_error=trust.error_calibration(pairs),
    )


def _crossing(pairs: Pairs) -> Crossing:
    steps = pairs.steps
    i, j = (raters.to_steps(marks / 100, steps=steps).astype(int) for marks in (pairs.human, pairs.machine))
    counts = np.bincount(i * (steps + 1) + j, minlength=(steps + 1) ** 2).reshape(steps + 1, steps + 1)
    return Crossing(steps=steps, counts=tuple(tuple(int(count) for count in row) for row in counts))
