"""Writes the scored table: the source's rows in their order, each with what the ledger has for it."""

from __future__ import annotations

from itertools import accumulate, groupby, islice
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from penstock.errors import InputError
from penstock.records import Failure
from penstock.tables import Column, writer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from penstock.ledger.ledger import Ledger
    from penstock.records import Outcome
    from penstock.score.summary import Summary
    from penstock.tables import Row, Table

PAGE = 2_000
"""Rows fetched from the ledger at a time."""

ADDED = ("status", "method", "reason")
"""Columns behind the scores: `ok`, `failed` or `pending`; what made the scores; why there are none."""


def added_columns(categories: Sequence[str], *, prefix: str) -> list[str]:
    """Name the columns that scoring adds: one per category, then status, method and reason."""
    return [f"{prefix}{name}" for name in categories] + [f"{prefix or 'score_'}{name}" for name in ADDED]


def check_columns(table: Table, added: Sequence[str]) -> None:
    """Make sure that nothing of the source would be overwritten.

    Raises:
        InputError: A column of that name is there already.
    """
    taken = [name for name in added if name in table.columns]
    if taken:
        raise InputError(
            f"The table already has a column {taken[0]!r}; give the added columns a prefix (--prefix), "
            "or rename the category."
        )
    if len(set(added)) < len(added):
        twice = next(name for name in added if list(added).count(name) > 1)
        raise InputError(f"Two added columns would be called {twice!r}; rename the category.")


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
    rows = table.rows()
    with writer(path, columns, like=table) as out:

        def write(page: list[Row], outcomes: Mapping[int, list[Outcome]]) -> None:
            for row in page:
                found = outcomes.get(row.number, ())
                out.write([*row.cells, *cells(found, firsts)])
                if summary is not None:
                    for outcome in found:
                        summary.take(outcome, firsts[outcome.key.part])

        while page := await anyio.to_thread.run_sync(lambda: list(islice(rows, PAGE))):
            found = await ledger.outcomes(job_id, page[0].number, len(page))
            by_row = {row: list(group) for row, group in groupby(found, key=lambda outcome: outcome.key.row)}
            await anyio.to_thread.run_sync(write, page, by_row)


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
