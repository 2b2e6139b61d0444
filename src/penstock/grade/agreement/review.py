"""The list of marks that a person should look at, the most doubtful first, as a table to fill in."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

from penstock.grade.deliver import ADDED, NUMBERS
from penstock.grade.overrides import SCORE
from penstock.tables import Column, filled, writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from penstock.grade.agreement.marked import MarkedAnswer, MarkedTable

_SHOWN = (
    "state",
    "proposed_score",
    "score",
    "is_correct",
    "confidence",
    "expected_error",
    "explanation",
    "reason",
    "method",
    "attempt_id",
)
"""What the list says of a mark, in this order."""

_FIRST = {"needs_review": 0, "failed": 1}
_STATED, _UNSTATED, _BY_RULE = 2, 3, 4
_RULES = ("objective:", "rule:")
_NOT_YET = "pending"


def doubtful(answers: Iterable[MarkedAnswer], *, limit: int | None = None) -> list[MarkedAnswer]:
    """Order the marks that no person has looked at: what needs review or failed, then by the error to be expected.

    Where no expected error is stated, the chance that right or wrong is wrong stands for it; marks without either come
    after those, and marks that a rule made come last. Answers that were not marked yet are left out.

    Args:
        answers: All answers.
        limit: Most that are listed.
    """
    waiting = (one for one in answers if one.human is None and one.method != "human" and one.state != _NOT_YET)
    return sorted(waiting, key=_doubt) if limit is None else heapq.nsmallest(limit, waiting, key=_doubt)


def write_review(table: MarkedTable, path: Path, *, limit: int | None = None) -> int:
    """Write the list as a table with an empty column for the marks of people; returns its number of rows.

    The columns of the answers stay as they are, so that the filled table can be read as graded examples and as marks
    that win over the machine's.

    Args:
        table: The marks.
        path: Where to write; the suffix names the format.
        limit: Most answers that are listed.

    Raises:
        InputError: A row cannot be read, or the format cannot be written.
        DeliveryError: The table could not be written.
    """
    listed = doubtful(table.answers(), limit=limit)
    prefix, human = table.columns.prefix, table.columns.human
    added = {f"{prefix}{name}" for name in ADDED}
    own = [name for name in table.names if name not in added and name not in {human, SCORE}]
    shown = [f"{prefix}{name}" for name in _SHOWN if f"{prefix}{name}" in table.names]
    columns: list[str | Column] = [*own, Column(name=SCORE, kind="number")]
    columns += [Column(name=name, kind="number" if name.removeprefix(prefix) in NUMBERS else "text") for name in shown]
    with writer(path, columns) as out:
        for one in listed:
            out.write([*_cells(one, own), None, *_cells(one, shown)])
    return len(listed)


def is_filled(path: Path) -> bool:
    """Whether a person has written marks into a list that lies there.

    Raises:
        InputError: What lies there is no table that can be read.
    """
    return filled.is_filled(path, SCORE)


def _cells(answer: MarkedAnswer, names: Iterable[str]) -> Iterator[Any]:
    return (answer.cells[name] for name in names)


def _doubt(answer: MarkedAnswer) -> tuple[int, float, float, int]:
    """Sort by it: kind, expected error downwards, confidence upwards, row."""
    confidence = 1.0 if answer.confidence is None else answer.confidence
    error = answer.expected_error
    if error is None and answer.confidence is not None:
        error = 100 * (1 - answer.confidence)
    if answer.state in _FIRST:
        kind = _FIRST[answer.state]
    elif answer.method.startswith(_RULES):
        kind = _BY_RULE
    else:
        kind = _UNSTATED if error is None else _STATED
    return kind, -(error or 0.0), confidence, answer.row
