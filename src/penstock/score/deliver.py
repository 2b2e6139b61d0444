"""Writes the scored table: the source's rows in their order, each with what the ledger has for it."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from penstock.jobs.paging import paged
from penstock.records import Failure
from penstock.tables import Column, writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from penstock.ledger.ledger import Ledger
    from penstock.records import Outcome
    from penstock.score.summary import Summary
    from penstock.tables import Row, Table

ADDED = ("status", "method", "reason")
"""Columns behind the scores: `ok`, `failed` or `pending`; what made the scores; why there are none."""


def added_columns(categories: Sequence[str], *, prefix: str) -> list[str]:
    """Name the columns that scoring adds: one per category, then status, method and reason."""
    return [f"{prefix}{name}" for name in categories] + [f"{prefix or 'score_'}{name}" for name in ADDED]


async def deliver(
    ledger: Ledger,
    job_id: str,
    table: Table,
    path: Path,
    *,
    blocks: Sequence[int],
    added: Sequence[str],
    summary: Summary | None = None,
) -> None:
    """Write the scored table in one step: it is there whole, or it is not there.

    Args:
        ledger: Where the outcomes are.
        job_id: Whose outcomes.
        table: The source.
        path: Where to write; the suffix names the format.
        blocks: Categories in each part of a row, in order.
        added: Names of the added columns.
        summary: Takes note of every outcome on its way.

    Raises:
        DeliveryError: It could not be written; the outcomes are still in the ledger.
    """
    columns: list[str | Column] = [*table.columns]
    columns += [Column(name=name, kind="number") for name in added[: sum(blocks)]]
    columns += [Column(name=name, kind="text") for name in added[sum(blocks) :]]
    firsts = [0, *accumulate(blocks)]
    with writer(path, columns, like=table) as out:

        def write(row: Row, outcomes: Sequence[Outcome]) -> None:
            out.write([*row.cells, *cells(outcomes, firsts)])
            if summary is not None:
                for outcome in outcomes:
                    summary.take(outcome, firsts[outcome.key.part])

        await paged(ledger, job_id, table.rows(), write)


def cells(outcomes: Sequence[Outcome], firsts: Sequence[int]) -> list[Any]:
    """Make the added cells of one row: scores where there are verdicts, nothing where there are none.

    Args:
        outcomes: Of the row's parts, as far as there are any.
        firsts: Number of each part's first category, and at the end the number of categories: `(n_parts + 1,)`.
    """
    scores: list[float | None] = [None] * firsts[-1]
    methods: list[str] = []
    reasons: list[str] = []
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            reasons.append(f"{outcome.code}: {outcome.reason}")
            continue
        scores[firsts[outcome.key.part] : firsts[outcome.key.part + 1]] = outcome.scores
        methods.append(outcome.method)
    status = "failed" if reasons else "ok" if len(outcomes) == len(firsts) - 1 else "pending"
    return [*scores, status, " + ".join(dict.fromkeys(methods)), "; ".join(dict.fromkeys(reasons))]
