"""Brings the rows of a source and what the ledger has for them together, page by page."""

from __future__ import annotations

from itertools import groupby, islice
from typing import TYPE_CHECKING, Protocol, TypeVar

import anyio.to_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from penstock.ledger.ledger import Ledger
    from penstock.records import Outcome

PAGE = 2_000
"""Rows fetched from the ledger at a time."""


class Numbered(Protocol):
    """A row of a source."""

    @property
    def number(self) -> int:
        """Its place, from 0."""
        ...


Row = TypeVar("Row", bound=Numbered)


async def paged(
    ledger: Ledger, job_id: str, rows: Iterator[Row], take: Callable[[Row, Sequence[Outcome]], None]
) -> None:
    """Give every row with its outcomes to `take`, in order; rows are read and taken in threads.

    Args:
        ledger: Where the outcomes are.
        job_id: Whose outcomes.
        rows: The rows of the source from its first one, without gaps.
        take: Takes one row and the outcomes of its parts, as far as there are any.
    """

    def take_all(page: Sequence[Row], outcomes: Sequence[Outcome]) -> None:
        by_row = {row: list(group) for row, group in groupby(outcomes, key=lambda outcome: outcome.key.row)}
        for row in page:
            take(row, by_row.get(row.number, ()))

    while page := await anyio.to_thread.run_sync(lambda: list(islice(rows, PAGE))):
        found = await ledger.outcomes(job_id, page[0].number, len(page))
        await anyio.to_thread.run_sync(take_all, page, found)
