"""Reads a table with marks: what the machine says of each answer, and what a person said, where one did."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.errors import InputError
from penstock.grade.overrides import SCORE
from penstock.grade.sheet import name_in, open_sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from penstock.grade.sheet import Sheet

_TRUTHS = {"true": 1.0, "false": 0.0}
_NAMED = {"question": "question_id", "group": "user_id", "answer": "user_answer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the columns of a table with marks are called.

    Attributes:
        human: Marks that people gave.
        question: What was asked; empty where no column says.
        group: Whose answers belong together, such as the learner's; empty where no column says.
        answer: What was answered; empty where no column says.
        prefix: What the names of the machine's columns begin with.
    """

    human: str = SCORE
    question: str = "question_id"
    group: str = "user_id"
    answer: str = "user_answer"
    prefix: str = "mark_"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedAnswer:
    """One row of a table with marks.

    Attributes:
        row: Its number, from 1 for the first one below the heads.
        question: What was asked; empty where no column says.
        group: Whose it is; empty where no column says.
        answer: What was answered.
        human: The mark that a person gave, as it is written: on whatever scale; None where there is none.
        score: The machine's, from 0 to 100; None where it gave none.
        right: Whether the machine calls it right; None where it does not say.
        state: How grading it ended; `graded` where the table has no such column and there is a score.
        method: What made the mark.
        confidence: Chance that `right` is true, from 0 to 1, where it is stated.
        expected_error: Error to be expected of the score, in points of 100, where it is stated.
        proposed: A score that a reviewer may start from.
        reason: Why it is not simply graded.
        cells: The row as it is, by column.
    """

    row: int
    question: str
    group: str
    answer: str
    human: float | None
    score: float | None
    right: bool | None
    state: str
    method: str
    confidence: float | None
    expected_error: float | None
    proposed: float | None
    reason: str
    cells: Mapping[str, Any]


class MarkedTable:
    """A table with marks, opened."""

    def __init__(self, sheet: Sheet, columns: Columns) -> None:
        """Take a table whose columns were found."""
        self._sheet = sheet
        self.columns = columns

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._sheet.path

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its columns."""
        return self._sheet.table.columns

    def answers(self) -> Iterator[MarkedAnswer]:
        """Read it from its first row.

        Raises:
            InputError: A row or a number in it cannot be read.
        """
        for number, cells in self._sheet.rows():
            yield self._answer(number, cells)

    def _answer(self, number: int, cells: Mapping[str, Any]) -> MarkedAnswer:
        prefix, columns = self.columns.prefix, self.columns
        score = self._number(number, cells, f"{prefix}score", most=100)
        return MarkedAnswer(
            row=number,
            question=name_in(cells, columns.question),
            group=name_in(cells, columns.group),
            answer=name_in(cells, columns.answer),
            human=self._number(number, cells, columns.human, most=math.inf),
            score=score,
            right=_truth(name_in(cells, f"{prefix}is_correct")),
            state=name_in(cells, f"{prefix}state") or ("no score" if score is None else "graded"),
            method=name_in(cells, f"{prefix}method"),
            confidence=self._number(number, cells, f"{prefix}confidence", most=1),
            expected_error=self._number(number, cells, f"{prefix}expected_error", most=100),
            proposed=self._number(number, cells, f"{prefix}proposed_score", most=100),
            reason=name_in(cells, f"{prefix}reason"),
            cells=cells,
        )

    def _number(self, number: int, cells: Mapping[str, Any], column: str, *, most: float) -> float | None:
        """Read a number from 0 to `most`; None where the cell or the column is not there."""
        written = name_in(cells, column)
        if not written:
            return None
        try:
            value = _TRUTHS[written.casefold()] if written.casefold() in _TRUTHS else float(written)
        except ValueError:
            value = math.nan
        if not 0 <= value <= most or math.isinf(value):
            wanted = "a number from 0 on" if math.isinf(most) else f"a number from 0 to {most:g}"
            raise self._sheet.wrong(number, f"{column} must be {wanted}, not {written[:40]!r}")
        return value


def open_marked(
    path: Path, *, human: str | None, question: str | None = None, group: str | None = None, prefix: str = "mark_"
) -> MarkedTable:
    """Open a table with marks.

    Args:
        path: Where it lies.
        human: Column of the marks that people gave; None takes `human_score`, which may be missing.
        question: Column of what was asked; None takes `question_id` where it is there.
        group: Column of whose answers belong together; None takes `user_id` where it is there.
        prefix: What the names of the machine's columns begin with.

    Raises:
        InputError: It cannot be read, or lacks a column.
    """
    sheet = open_sheet(path, what="the marks")
    if f"{prefix}score" not in sheet.columns:
        raise InputError(
            f"{path} has no column {f'{prefix}score'!r} with the machine's scores: "
            "give a table that `penstock grade` wrote, and its --prefix if it had one."
        )
    sheet.require(*(name for name in (human, question, group) if name is not None))
    found = {field: name for field, name in _NAMED.items() if name in sheet.columns}
    columns = Columns(
        human=SCORE if human is None else human,
        question=question or found.get("question", ""),
        group=group or found.get("group", ""),
        answer=found.get("answer", ""),
        prefix=prefix,
    )
    if columns.human == f"{prefix}score":
        raise InputError(f"{columns.human!r} holds the machine's scores: name the column with the marks of people.")
    return MarkedTable(sheet, columns)


def _truth(written: str) -> bool | None:
    value = _TRUTHS.get(written.casefold())
    return None if value is None else value == 1
