"""The scores that a person should look at: the least certain cells of a job.

How uncertain a score is, from 0 to 1, is told by the best that is known of it: with several samples, how far they are
apart; with rationales, how far the model's word and the similarity of the embeddings are apart; else how near the score
is to the middle, where a model that is asked for a number puts what it cannot decide.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from penstock.jobs.paging import paged
from penstock.judge.detail import Detail
from penstock.judge.similarity import disagreement, restored
from penstock.records import Failure, Verdict
from penstock.tables import Column, text_of, writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from penstock.ledger.ledger import Ledger
    from penstock.records import Outcome
    from penstock.score.config import ScoreConfig
    from penstock.tables import Row, Table

HUMAN = "human_score"
"""Name of the empty column that a person fills in, from 0 to 1."""

EXCERPT = 200
"""Characters of a text that are shown."""

_COLUMNS = (
    Column(name="row", kind="number"),
    Column(name="category", kind="text"),
    Column(name="score", kind="number"),
    Column(name=HUMAN, kind="number"),
    Column(name="uncertainty", kind="number"),
    Column(name="why", kind="text"),
    Column(name="text", kind="text"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A score that is in doubt.

    Attributes:
        row: Number of the row, from 0.
        text: Beginning of the row's text, on one line.
        category: What was scored.
        score: From 0 to 1.
        uncertainty: From 0 to 1.
        why: What it was told by, in a few words.
    """

    row: int
    text: str
    category: str
    score: float
    uncertainty: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCells:
    """Cells of a row that have no score.

    Attributes:
        row: Number of the row, from 0.
        text: Beginning of the row's text, on one line.
        categories: What could not be scored.
        reason: One sentence.
    """

    row: int
    text: str
    categories: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a person should look at.

    Attributes:
        cells: The least certain scores, the least certain one first.
        failed: The first cells without a score, by row.
        scored: Scores that the job has in all.
        unscored: Cells without a score in all.
    """

    cells: tuple[Cell, ...]
    failed: tuple[FailedCells, ...]
    scored: int
    unscored: int


@dataclass(slots=True)
class _Gathering:
    """The least certain cells so far."""

    names: Sequence[str]
    firsts: Sequence[int]
    column: int
    most: int
    heap: list[tuple[float, float, int, int, Cell]] = field(default_factory=list)
    failed: list[FailedCells] = field(default_factory=list)
    scored: int = 0
    unscored: int = 0

    def take(self, row: Row, outcomes: Sequence[Outcome]) -> None:
        """Take the outcomes of one row."""
        for outcome in outcomes:
            names = self.names[self.firsts[outcome.key.part] : self.firsts[outcome.key.part + 1]]
            if isinstance(outcome, Failure):
                self._take_failure(row, outcome, names)
            else:
                self._take_scores(row, outcome, names)

    def _take_scores(self, row: Row, verdict: Verdict, names: Sequence[str]) -> None:
        self.scored += len(verdict.scores)
        doubts, why = uncertainties(verdict)
        for place, (name, score, doubt) in enumerate(zip(names, verdict.scores, doubts, strict=False)):
            rank = (doubt, _undecided(score), -row.number, -self.firsts[verdict.key.part] - place)
            if len(self.heap) == self.most and rank <= self.heap[0][:4]:
                continue
            cell = Cell(row=row.number, text=self._excerpt(row), category=name, score=score, uncertainty=doubt, why=why)
            if len(self.heap) < self.most:
                heapq.heappush(self.heap, (*rank, cell))
            else:
                heapq.heapreplace(self.heap, (*rank, cell))

    def _take_failure(self, row: Row, failure: Failure, names: Sequence[str]) -> None:
        self.unscored += len(names)
        if len(self.failed) < self.most:
            reason = f"{failure.code}: {failure.reason}"
            self.failed.append(
                FailedCells(row=row.number, text=self._excerpt(row), categories=tuple(names), reason=reason)
            )

    def _excerpt(self, row: Row) -> str:
        line = " ".join(text_of(row.cells[self.column])[: 4 * EXCERPT].split())
        return line if len(line) <= EXCERPT else f"{line[: EXCERPT - 1]}…"


def uncertainties(verdict: Verdict) -> tuple[list[float], str]:
    """Tell how uncertain each score of a verdict is, from 0 to 1, and what that was told by."""
    kept = Detail.decode(verdict.detail)
    if kept.agreement:
        return [round(1 - one, 4) for one in kept.agreement], f"spread of {kept.samples} samples"
    if kept.details:
        return [round(disagreement(one), 4) for one in restored(kept.details)], "word against similarity"
    return [_undecided(score) for score in verdict.scores], "near the middle"


async def review(ledger: Ledger, job_id: str, table: Table, config: ScoreConfig, *, most: int = 50) -> Review:
    """Find the least certain cells of a job, in one pass and in little memory.

    Args:
        ledger: Where the outcomes are.
        job_id: Whose outcomes.
        table: What was judged.
        config: Of the job.
        most: Cells that are listed, and rows with cells that failed.

    Raises:
        InputError: The table cannot be read, or has lost the column.
    """
    found = _Gathering(
        names=[category.name for category in config.categories],
        firsts=[0, *accumulate(len(block) for block in config.blocks)],
        column=table.column(config.text),
        most=most,
    )
    await paged(ledger, job_id, table.rows(), found.take)
    return Review(
        cells=tuple(entry[-1] for entry in sorted(found.heap, key=lambda entry: entry[:4], reverse=True)),
        failed=tuple(found.failed),
        scored=found.scored,
        unscored=found.unscored,
    )


def write_review(found: Review, path: Path, *, first: int = 1) -> int:
    """Write the list as a table with an empty column for people's scores; returns its number of rows.

    Texts that a spreadsheet would take for formulas are made harmless. Cells without a score come last.

    Args:
        found: What to write.
        path: Where to write; the suffix names the format.
        first: Number that people see at the first row.

    Raises:
        InputError: The format cannot be written.
        DeliveryError: The table could not be written.
    """
    rows = list(_rows(found, first))
    with writer(path, list(_COLUMNS)) as out:
        for cells in rows:
            out.write(cells)
    return len(rows)


def _rows(found: Review, first: int) -> Iterator[list[Any]]:
    for cell in found.cells:
        yield [cell.row + first, cell.category, cell.score, None, cell.uncertainty, cell.why, cell.text]
    for one in found.failed:
        for name in one.categories:
            yield [one.row + first, name, None, None, None, one.reason, one.text]


def _undecided(score: float) -> float:
    """How near a score is to the middle: 1 at 0.5, 0 at either end."""
    return round(1 - 2 * abs(score - 0.5), 4)
