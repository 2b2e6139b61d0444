"""Writes the table with the marks: the answers' rows in their order, each with what the ledger has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from penstock.grade.work import mark_of
from penstock.jobs.paging import paged
from penstock.tables import Column, writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from penstock.grade.mark import Mark
    from penstock.grade.summary import Summary
    from penstock.ledger.ledger import Ledger
    from penstock.records import Outcome
    from penstock.tables import Row, Table

NUMBERS = frozenset({"score", "proposed_score", "confidence", "expected_error", "agreement", "samples", "attempts"})

ADDED = (
    "score",
    "is_correct",
    "state",
    "proposed_score",
    "confidence",
    "expected_error",
    "agreement",
    "samples",
    "explanation",
    "feedback",
    "keyword_matches",
    "criteria",
    "method",
    "code",
    "reason",
    "attempts",
    "attempt_id",
    "graded_at",
)
"""Columns behind those of the answers; a row that was not graded yet has the state `pending`."""

_encode = msgspec.json.Encoder().encode


def added_columns(prefix: str) -> list[str]:
    """Name the columns that grading adds."""
    return [f"{prefix}{name}" for name in ADDED]


async def deliver(
    ledger: Ledger, job_id: str, table: Table, path: Path, *, prefix: str, summary: Summary | None = None
) -> None:
    """Write the table with the marks in one step: it is there whole, or it is not there.

    Args:
        ledger: Where the marks are.
        job_id: Whose marks.
        table: The answers.
        path: Where to write; the suffix names the format.
        prefix: Put before the names of the added columns.
        summary: Takes note of every mark on its way.

    Raises:
        DeliveryError: It could not be written; the marks are still in the ledger.
    """
    columns: list[str | Column] = [*table.columns]
    columns += [Column(name=f"{prefix}{name}", kind="number" if name in NUMBERS else "text") for name in ADDED]
    with writer(path, columns, like=table) as out:

        def write(row: Row, outcomes: Sequence[Outcome]) -> None:
            if not outcomes:
                out.write([*row.cells, *_PENDING])
                return
            mark = mark_of(outcomes[0])
            out.write([*row.cells, *cells(mark)])
            if summary is not None:
                summary.take(outcomes[0], mark)

        await paged(ledger, job_id, table.rows(), write)


_PENDING = ["pending" if name == "state" else None for name in ADDED]


def cells(mark: Mark) -> list[Any]:
    """Make the added cells of one row."""
    return [_CELLS.get(name, _as_it_is)(getattr(mark, name)) for name in ADDED]


def _as_it_is(value: Any) -> Any:
    return value


def _truth(value: bool | None) -> str | None:  # noqa: FBT001 - a cell's value
    return None if value is None else "true" if value else "false"


def _json(values: Sequence[Any]) -> str | None:
    return _encode([one.as_dict() for one in values]).decode() if values else None


_CELLS: Mapping[str, Callable[[Any], Any]] = {"is_correct": _truth, "keyword_matches": "; ".join, "criteria": _json}
