"""Writes the scored table: the source's rows in their order, each with what the ledger has for it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.jobs.paging import paged
from penstock.judge.detail import Detail
from penstock.records import Failure, Verdict
from penstock.score.asking import all_priced
from penstock.score.usage import usage_cells, usage_columns
from penstock.tables import Column, writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from penstock.ledger.ledger import Ledger
    from penstock.records import Outcome
    from penstock.score.config import ScoreConfig
    from penstock.score.summary import Summary
    from penstock.tables import Row, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which columns scoring adds to a table, in order.

    Attributes:
        categories: One column of numbers each.
        blocks: Categories in each part of a row, in order.
        prefix: Put before all names; `score_` before those that are no categories, where it is empty.
        agreement: Whether there were several samples, so that it can be told how far they agree.
        details: Whether there are rationales.
        usage: Whether calls, tokens and cost are shown.
        priced: Whether the cost is known.
    """

    categories: tuple[str, ...]
    blocks: tuple[int, ...]
    prefix: str = ""
    agreement: bool = False
    details: bool = False
    usage: bool = False
    priced: bool = False

    @classmethod
    def of(cls, config: ScoreConfig) -> Layout:
        """The layout that a configuration asks for."""
        return cls(
            categories=tuple(category.name for category in config.categories),
            blocks=tuple(len(block) for block in config.blocks),
            prefix=config.prefix,
            agreement=config.samples > 1,
            details=config.mode == "anchored",
            usage=config.usage,
            priced=all_priced(config),
        )

    @property
    def columns(self) -> list[Column]:
        """The added columns: scores, status, method, reason, then what else was asked for."""
        named = self.prefix or "score_"
        columns = [Column(name=f"{self.prefix}{name}", kind="number") for name in self.categories]
        columns += [Column(name=f"{named}{name}", kind="text") for name in ("status", "method", "reason")]
        columns += [Column(name=f"{named}agreement", kind="number")] * self.agreement
        columns += [Column(name=f"{named}details", kind="text")] * self.details
        return columns + (usage_columns(prefix=self.prefix) if self.usage else [])

    @property
    def names(self) -> list[str]:
        """Names of the added columns."""
        return [column.name for column in self.columns]

    @property
    def firsts(self) -> list[int]:
        """Number of each part's first category, and at the end the number of categories: `(n_parts + 1,)`."""
        return [0, *accumulate(self.blocks)]

    def cells(self, outcomes: Sequence[Outcome]) -> list[Any]:
        """Make the added cells of one row: scores where there are verdicts, nothing where there are none.

        Args:
            outcomes: Of the row's parts, as far as there are any.
        """
        firsts = self.firsts
        scores: list[float | None] = [None] * len(self.categories)
        for outcome in outcomes:
            if isinstance(outcome, Verdict):
                scores[firsts[outcome.key.part] : firsts[outcome.key.part + 1]] = outcome.scores
        cells = [*scores, *_standing(outcomes, len(self.blocks))]
        if self.agreement or self.details:
            details = {one.key.part: Detail.decode(one.detail) for one in outcomes if isinstance(one, Verdict)}
            cells += [_agreement(details)] * self.agreement
            cells += [self._details(details)] * self.details
        if self.usage:
            cells += usage_cells(outcomes, priced=self.priced)
        return cells

    def _details(self, details: dict[int, Detail]) -> str | None:
        """All rationales of a row as a JSON list, null where a category has none."""
        firsts = self.firsts
        found: list[Any] = [None] * len(self.categories)
        for part, detail in details.items():
            if detail.details:
                found[firsts[part] : firsts[part + 1]] = detail.details
        return msgspec.json.encode(found).decode() if any(found) else None


async def deliver(
    ledger: Ledger,
    job_id: str,
    table: Table,
    path: Path,
    *,
    layout: Layout,
    picked: Callable[[int], bool] | None = None,
    blank: Callable[[Row], bool] = lambda _: False,
    summary: Summary | None = None,
) -> None:
    """Write the scored table in one step: it is there whole, or it is not there.

    Args:
        ledger: Where the outcomes are.
        job_id: Whose outcomes.
        table: The source.
        path: Where to write; the suffix names the format.
        layout: What is added.
        picked: Says which rows belong to the job, by number; None for all.
        blank: Says which rows have nothing to judge, so that nothing is said of them.
        summary: Takes note of every outcome on its way.

    Raises:
        DeliveryError: It could not be written; the outcomes are still in the ledger.
    """
    firsts, width = layout.firsts, len(layout.columns)
    with writer(path, [*table.columns, *layout.columns], like=table) as out:

        def write(row: Row, outcomes: Sequence[Outcome]) -> None:
            if picked is None or picked(row.number):
                nothing = not outcomes and blank(row)
                out.write([*row.cells, *([None] * width if nothing else layout.cells(outcomes))])
            if summary is not None:
                for outcome in outcomes:
                    summary.take(outcome, firsts[outcome.key.part])

        await paged(ledger, job_id, table.rows(), write)


def _standing(outcomes: Sequence[Outcome], parts: int) -> list[str]:
    """`ok`, `failed` or `pending`; what made the scores; why there are none, or why a fallback made them."""
    verdicts = [outcome for outcome in outcomes if isinstance(outcome, Verdict)]
    reasons = [f"{one.code}: {one.reason}" for one in outcomes if isinstance(one, Failure)]
    status = "failed" if reasons else "ok" if len(outcomes) == parts else "pending"
    reasons += [verdict.note for verdict in verdicts if verdict.note]
    return [status, _once(" + ", [verdict.method for verdict in verdicts]), _once("; ", reasons)]


def _once(between: str, words: Sequence[str]) -> str:
    """Join words, each of them once."""
    return between.join(dict.fromkeys(words))


def _agreement(details: dict[int, Detail]) -> float | None:
    """The mean over the categories that have one."""
    found = [one for detail in details.values() for one in detail.agreement]
    return round(fmean(found), 4) if found else None
