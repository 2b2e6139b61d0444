"""What a score job made, summed up in one pass and in the same little memory however many rows there are."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from penstock.records import Failure, Usage, Verdict
from penstock.score.distribution import STEPS, Distribution, Seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from penstock.records import Outcome

_PAGE = 1000  # outcomes summed up at a time: in C loops, not one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRow:
    """A row that took long; rows that needed no call are not among them.

    Attributes:
        row: Its number, from 0.
        seconds: Time of its slowest part, from the first call to the end, waiting for its turn included.
        calls: Requests sent for all its parts.
    """

    row: int
    seconds: float
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRow:
    """Parts of a row that failed for the same reason.

    Attributes:
        row: Its number, from 0.
        parts: Which parts of it, from 0.
        code: The kind of failure.
        reason: One sentence.
    """

    row: int
    parts: tuple[int, ...]
    code: str
    reason: str


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
        self._row = _Row(-1)
        self._rows = self._scored = self._failed = 0
        self._verdicts = self._cached = 0
        self._usage = Usage()
        self._methods: Counter[str] = Counter()
        self._codes: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._seconds = Seconds()
        self._most_slow = slowest
        self._slow: list[tuple[float, int, int]] = []
        self._most_failures = failures
        self._first_failures: list[FailedRow] = []

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
    def rows(self) -> int:
        """Rows that have at least one outcome."""
        self._settle()
        return self._rows

    @property
    def scored(self) -> int:
        """Rows with a score for every category."""
        self._settle()
        return self._scored

    @property
    def failed(self) -> int:
        """Rows with at least one failure."""
        self._settle()
        return self._failed

    @property
    def verdicts(self) -> int:
        """Parts of rows that were judged."""
        self._settle()
        return self._verdicts

    @property
    def failures(self) -> int:
        """Parts of rows that failed."""
        self._settle()
        return self._codes.total()

    @property
    def cached(self) -> int:
        """Verdicts that were remembered instead of asked for."""
        self._settle()
        return self._cached

    @property
    def usage(self) -> Usage:
        """Calls and tokens that the outcomes took."""
        self._settle()
        return self._usage

    @property
    def methods(self) -> dict[str, int]:
        """Verdicts by what made them, most frequent first."""
        self._settle()
        return dict(self._methods.most_common())

    @property
    def codes(self) -> dict[str, int]:
        """Failed parts by kind of failure, most frequent first."""
        self._settle()
        return dict(self._codes.most_common())

    @property
    def statuses(self) -> dict[int, int]:
        """Failed parts by HTTP status, where there was one, most frequent first."""
        self._settle()
        return dict(self._statuses.most_common())

    @property
    def seconds(self) -> Seconds:
        """How long the judgements took that needed a call."""
        self._settle()
        return self._seconds

    @property
    def slowest(self) -> list[SlowRow]:
        """The slowest rows, slowest first."""
        self._settle()
        found = heapq.nlargest(self._most_slow, [*self._slow, self._row.slowness()])
        return [SlowRow(row=-row, seconds=seconds, calls=calls) for seconds, row, calls in found if seconds > 0]

    @property
    def first_failures(self) -> list[FailedRow]:
        """The first failed rows, in order."""
        self._settle()
        return list(self._first_failures)

    @property
    def categories(self) -> list[Distribution]:
        """The scores of each category, in order."""
        self._settle()
        pairs = zip(self._names, self._counts, strict=True)
        return [Distribution(name=name, counts=tuple(counts)) for name, counts in pairs]

    def as_dict(self) -> dict[str, Any]:
        """Write everything as JSON can hold it; rows are numbered from 1, as people see them."""
        return {
            "rows": self.rows,
            "scored": self.scored,
            "failed": self.failed,
            "verdicts": self.verdicts,
            "failures": self.failures,
            "cached": self.cached,
            "calls": self.usage.calls,
            "tokens_in": self.usage.tokens_in,
            "tokens_out": self.usage.tokens_out,
            "methods": self.methods,
            "codes": self.codes,
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "seconds": self.seconds.as_dict(),
            "categories": [category.as_dict() for category in self.categories],
            "slowest": [{"row": one.row + 1, "seconds": one.seconds, "calls": one.calls} for one in self.slowest],
            "first_failures": [
                {"row": one.row + 1, "parts": list(one.parts), "code": one.code, "reason": one.reason}
                for one in self.first_failures
            ],
        }

    def _settle(self) -> None:
        """Sum up what was taken since the last time."""
        if not self._waiting:
            return
        taken, self._waiting = self._waiting, []
        outcomes = [outcome for outcome, _ in taken]
        self._count_verdicts([one for one in outcomes if isinstance(one, Verdict)])
        self._count_failures([one for one in outcomes if isinstance(one, Failure)])
        self._count_usage(outcomes)
        self._count_scores(taken)
        for row, group in groupby(outcomes, key=lambda outcome: outcome.key.row):
            self._count_row(row, group)

    def _count_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        self._verdicts += len(verdicts)
        self._cached += sum(verdict.cached for verdict in verdicts)
        self._methods.update(verdict.method for verdict in verdicts)

    def _count_failures(self, failures: Sequence[Failure]) -> None:
        self._codes.update(failure.code for failure in failures)
        self._statuses.update(failure.status for failure in failures if failure.status is not None)
        for failure in failures:
            self._keep(failure)

    def _keep(self, failure: Failure) -> None:
        """Keep one of the first failures, together with those of its row that say the same."""
        kept = self._first_failures
        row, part = failure.key
        for place in range(len(kept) - 1, -1, -1):
            one = kept[place]
            if one.row != row:
                break
            if (one.code, one.reason) == (failure.code, failure.reason):
                kept[place] = replace(one, parts=(*one.parts, part))
                return
        if len(kept) < self._most_failures:
            kept.append(FailedRow(row=row, parts=(part,), code=failure.code, reason=failure.reason))

    def _count_usage(self, outcomes: Iterable[Outcome]) -> None:
        asked = [outcome for outcome in outcomes if outcome.usage.calls]
        if not asked:
            return
        self._seconds.take([outcome.seconds for outcome in asked])
        self._usage += Usage(
            calls=sum(outcome.usage.calls for outcome in asked),
            tokens_in=sum(outcome.usage.tokens_in for outcome in asked),
            tokens_out=sum(outcome.usage.tokens_out for outcome in asked),
        )

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

    def _count_row(self, row: int, outcomes: Iterable[Outcome]) -> None:
        """Count what is known of a row; the rest of it may come later."""
        if row != self._row.number:
            self._rows += 1
            self._push_slow(self._row)
            self._row = _Row(row)
        whole, failed = self._row.scores == len(self._names), self._row.failed
        self._row.take(outcomes)
        self._failed += self._row.failed - failed
        self._scored += (self._row.scores == len(self._names)) - whole

    def _push_slow(self, row: _Row) -> None:
        if not row.seconds:
            return
        if len(self._slow) < self._most_slow:
            heapq.heappush(self._slow, row.slowness())
        elif self._slow and row.seconds > self._slow[0][0]:
            heapq.heapreplace(self._slow, row.slowness())


class _Row:
    """The row whose outcomes are coming in."""

    __slots__ = ("calls", "failed", "number", "scores", "seconds")

    def __init__(self, number: int) -> None:
        self.number = number
        self.scores = 0
        self.failed = False
        self.seconds = 0.0
        self.calls = 0

    def take(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Verdict):
                self.scores += len(outcome.scores)
            else:
                self.failed = True
            if outcome.usage.calls:
                self.calls += outcome.usage.calls
                self.seconds = max(self.seconds, outcome.seconds)

    def slowness(self) -> tuple[float, int, int]:
        """Make a value that sorts by seconds, and the earlier row first among equals."""
        return self.seconds, -self.number, self.calls
