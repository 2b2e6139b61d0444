"""What a score job made, summed up in one pass and in the same little memory however many rows there are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from penstock.jobs.effort import Effort
from penstock.records import Verdict
from penstock.score.distribution import STEPS, Distribution

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from penstock.jobs.effort import FailedRow, SlowRow
    from penstock.jobs.seconds import Seconds
    from penstock.records import Outcome, Usage

_PAGE = 1000  # outcomes summed up at a time: in C loops, not one by one


class Summary:
    """Sums up outcomes; they come in the order of their keys, and may be read off at any time."""

    def __init__(self, names: Sequence[str], *, slowest: int = 20, failures: int = 50) -> None:
        """Begin with nothing.

        Args:
            names: The categories, in order.
            slowest: Slow rows kept.
            failures: Failed rows kept, the first ones.
        """
        self._names = tuple(names)
        self._counts = [[0] * (STEPS + 1) for _ in self._names]
        self._waiting: list[tuple[Outcome, int]] = []
        self._effort = Effort(slowest=slowest, failures=failures)
        self._scored = 0
        self._row, self._row_scores = -1, 0

    def take(self, outcome: Outcome, first: int) -> None:
        """Take one outcome.

        Args:
            outcome: What became of a part of a row.
            first: Place of the part's first category among the categories.
        """
        self._waiting.append((outcome, first))
        if len(self._waiting) >= _PAGE:
            self._settle()

    @property
    def effort(self) -> Effort:
        """What the outcomes took, and how they failed."""
        self._settle()
        return self._effort

    @property
    def rows(self) -> int:
        """Rows that have at least one outcome."""
        return self.effort.rows

    @property
    def scored(self) -> int:
        """Rows with a score for every category."""
        self._settle()
        return self._scored

    @property
    def failed(self) -> int:
        """Rows with at least one failure."""
        return self.effort.failed

    @property
    def verdicts(self) -> int:
        """Parts of rows that were judged."""
        return self.effort.verdicts

    @property
    def failures(self) -> int:
        """Parts of rows that failed."""
        return self.effort.failures

    @property
    def cached(self) -> int:
        """Verdicts that were remembered instead of asked for."""
        return self.effort.cached

    @property
    def usage(self) -> Usage:
        """Calls and tokens that the outcomes took."""
        return self.effort.usage

    @property
    def methods(self) -> dict[str, int]:
        """Verdicts by what made them, most frequent first."""
        return self.effort.methods

    @property
    def codes(self) -> dict[str, int]:
        """Failed parts by kind of failure, most frequent first."""
        return self.effort.codes

    @property
    def statuses(self) -> dict[int, int]:
        """Failed parts by HTTP status, where there was one, most frequent first."""
        return self.effort.statuses

    @property
    def seconds(self) -> Seconds:
        """How long the judgements took that needed a call."""
        return self.effort.seconds

    @property
    def slowest(self) -> list[SlowRow]:
        """The slowest rows, slowest first."""
        return self.effort.slowest

    @property
    def first_failures(self) -> list[FailedRow]:
        """The first failed rows, in order."""
        return self.effort.first_failures

    @property
    def categories(self) -> list[Distribution]:
        """The scores of each category, in order."""
        self._settle()
        pairs = zip(self._names, self._counts, strict=True)
        return [Distribution(name=name, counts=tuple(counts)) for name, counts in pairs]

    def as_dict(self) -> dict[str, Any]:
        """Write everything as JSON can hold it; rows are numbered from 1, as people see them."""
        effort = self.effort
        return {
            "rows": self.rows,
            "scored": self.scored,
            "failed": self.failed,
            **effort.counts(),
            "categories": [category.as_dict() for category in self.categories],
            **effort.lists(),
        }

    def _settle(self) -> None:
        """Sum up what was taken since the last time."""
        if not self._waiting:
            return
        taken, self._waiting = self._waiting, []
        outcomes = [outcome for outcome, _ in taken]
        self._effort.take(outcomes)
        self._count_scores(taken)
        self._count_whole(outcomes)

    def _count_scores(self, taken: Iterable[tuple[Outcome, int]]) -> None:
        parts: dict[int, list[tuple[float, ...]]] = {}
        for outcome, first in taken:
            if isinstance(outcome, Verdict):
                parts.setdefault(first, []).append(outcome.scores)
        for first, scores in parts.items():
            for place, column in enumerate(zip(*scores, strict=True), start=first):
                counts = self._counts[place]
                for score, count in Counter(column).items():
                    counts[round(score * STEPS)] += count

    def _count_whole(self, outcomes: Iterable[Outcome]) -> None:
        """Count rows that have all their scores; the rest of the last row may come later."""
        wanted = len(self._names)
        for outcome in outcomes:
            if outcome.key.row != self._row:
                self._row, self._row_scores = outcome.key.row, 0
            if isinstance(outcome, Verdict):
                self._row_scores += len(outcome.scores)
                self._scored += self._row_scores == wanted
