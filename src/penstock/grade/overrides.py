"""Marks that people gave: they win over whatever a machine would say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.errors import InputError
from penstock.grade.mark import Mark
from penstock.grade.sheet import name_in, open_sheet
from penstock.tables import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from penstock.grade.answer import Answer
    from penstock.grade.sheet import Sheet

SCORE = "human_score"
"""Column with the mark that a person gave, from 0 to 100; empty where none was given yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Columns that tell an answer from the others.

    Attributes:
        user: Who answered.
        question: What was asked.
        attempt: An id given by whoever keeps the attempts.
        made: An id that an earlier run has added.
    """

    user: str
    question: str
    attempt: str
    made: str


class Overrides:
    """Finds the mark that a person gave to an answer."""

    def __init__(self, scores: Mapping[tuple[str, ...], float]) -> None:
        """Remember scores from 0 to 100 by what tells their answers from others."""
        self._scores = scores

    def score(self, answer: Answer) -> float | None:
        """Find the mark of a person, by the attempt or else by learner and question."""
        for identity in (answer.identity, (answer.user_id, answer.question_id), (answer.attempt,)):
            if identity in self._scores:
                return self._scores[identity]
        return None


def read_overrides(path: Path, names: Names) -> Overrides:
    """Read marks that people gave; rows without one are left out.

    Raises:
        InputError: It cannot be read, lacks a column, a mark is not from 0 to 100, or two differ for one answer.
    """
    sheet = open_sheet(path, what="the overrides")
    sheet.require(SCORE)
    ways = [(names.attempt,), (names.user, names.question), (names.made,)]
    ways = [way for way in ways if set(way) <= set(sheet.columns)]
    if not ways:
        raise InputError(
            f"The overrides {path} do not say whose answers they mark: give the columns {names.user!r} and "
            f"{names.question!r}, or {names.attempt!r}."
        )
    scores: dict[tuple[str, ...], float] = {}
    for number, cells in sheet.rows():
        score = score_in(sheet, number, cells, column=SCORE, most=100.0)
        if score is None:
            continue
        named = [tuple(name_in(cells, column) for column in way) for way in ways]
        whole = [one for one in named if all(one)]
        if not whole:
            raise sheet.wrong(number, "it does not say whose answer it marks")
        for identity in {whole[0], *(one for one in whole if len(one) == 1)}:
            if scores.setdefault(identity, score) != score:
                raise sheet.wrong(number, f"{' and '.join(identity)} has another mark above")
    return Overrides(scores)


def score_in(sheet: Sheet, number: int, cells: Mapping[str, Any], *, column: str, most: float) -> float | None:
    """Read a mark from 0 to `most`; None where the cell is empty.

    Raises:
        InputError: It is no such number.
    """
    written = text_of(cells[column]).strip()
    if not written:
        return None
    try:
        score = float(written)
    except ValueError:
        score = math.nan
    if not 0 <= score <= most:
        raise sheet.wrong(number, f"{column} must be a number from 0 to {most:g}, not {written[:40]!r}")
    return score


def human_mark(answer: Answer, score: float, *, passing: float) -> Mark:
    """Make the mark that a person gave."""
    return Mark(
        attempt_id=answer.attempt,
        user_id=answer.user_id,
        question_id=answer.question_id,
        question_type=answer.question_type,
        state="graded",
        score=score,
        is_correct=score >= passing,
        explanation="Marked by a person.",
        method="human",
        code="override",
        reason="A person's mark takes the place of the machine's.",
    )
