"""What the outcomes of a job took and how they failed, summed up in one pass and in the same little memory."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from penstock.jobs.seconds import Seconds
from penstock.records import Failure, Usage, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from penstock.records import Outcome


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


class Effort:
    """Sums up outcomes; they come in the order of their keys, and may be read off at any time.

    Attributes:
        rows: Rows that have at least one outcome.
        failed: Rows with at least one failure.
        verdicts: Parts of rows that were judged.
        cached: Verdicts that were remembered instead of asked for.
        usage: Calls and tokens that the outcomes took.
        seconds: How long the judgements took that needed a call.
    """

    def __init__(self, *, slowest: int = 20, failures: int = 50) -> None:
        """Begin with nothing.

        Args:
            slowest: Slow rows kept.
            failures: Failed rows kept, the first ones.
        """
        self.rows = self.failed = self.verdicts = self.cached = 0
        self.usage = Usage()
        self.seconds = Seconds()
        self._row = _Row(-1)
        self._methods: Counter[str] = Counter()
        self._codes: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._most_slow = slowest
        self._slow: list[tuple[float, int, int]] = []
        self._most_failures = failures
        self._first_failures: list[FailedRow] = []

    def take(self, outcomes: Sequence[Outcome]) -> None:
        """Take many outcomes at a time: they are summed up in C loops, not one by one."""
        self._count_verdicts([one for one in outcomes if isinstance(one, Verdict)])
        self._count_failures([one for one in outcomes if isinstance(one, Failure)])
        self._count_usage(outcomes)
        for row, group in groupby(outcomes, key=lambda outcome: outcome.key.row):
            self._count_row(row, group)

    @property
    def failures(self) -> int:
        """Parts of rows that failed."""
        return self._codes.total()

    @property
    def methods(self) -> dict[str, int]:
        """Verdicts by what made them, most frequent first."""
        return dict(self._methods.most_common())

    @property
    def codes(self) -> dict[str, int]:
        """Failed parts by kind of failure, most frequent first."""
        return dict(self._codes.most_common())

    @property
    def statuses(self) -> dict[int, int]:
        """Failed parts by HTTP status, where there was one, most frequent first."""
        return dict(self._statuses.most_common())

    @property
    def slowest(self) -> list[SlowRow]:
        """The slowest rows, slowest first."""
        found = heapq.nlargest(self._most_slow, [*self._slow, self._row.slowness()])
        return [SlowRow(row=-row, seconds=seconds, calls=calls) for seconds, row, calls in found if seconds > 0]

    @property
    def first_failures(self) -> list[FailedRow]:
        """The first failed rows, in order."""
        return list(self._first_failures)

    def counts(self) -> dict[str, Any]:
        """Write the counts as JSON can hold them."""
        return {
            "verdicts": self.verdicts,
            "failures": self.failures,
            "cached": self.cached,
            "calls": self.usage.calls,
            "tokens_in": self.usage.tokens_in,
            "tokens_out": self.usage.tokens_out,
            "cost_usd": self.usage.cost_usd,
            "methods": self.methods,
            "codes": self.codes,
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "seconds": self.seconds.as_dict(),
        }

    def lists(self) -> dict[str, Any]:
        """Write the slow and the failed rows as JSON can hold them; rows are numbered from 1, as people see them."""
        return {
            "slowest": [{"row": one.row + 1, "seconds": one.seconds, "calls": one.calls} for one in self.slowest],
            "first_failures": [
                {"row": one.row + 1, "parts": list(one.parts), "code": one.code, "reason": one.reason}
                for one in self.first_failures
            ],
        }

    def _count_verdicts(self, verdicts: Sequence[Verdict]) -> None:
        self.verdicts += len(verdicts)
        self.cached += sum(verdict.cached for verdict in verdicts)
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
        self.seconds.take([outcome.seconds for outcome in asked])
        self.usage += Usage(
            calls=sum(outcome.usage.calls for outcome in asked),
            tokens_in=sum(outcome.usage.tokens_in for outcome in asked),
            tokens_out=sum(outcome.usage.tokens_out for outcome in asked),
            cost_usd=sum(outcome.usage.cost_usd for outcome in asked),
        )

    def _count_row(self, row: int, outcomes: Iterable[Outcome]) -> None:
        """Count what is known of a row; the rest of it may come later."""
        if row != self._row.number:
            self.rows += 1
            self._push_slow(self._row)
            self._row = _Row(row)
        failed = self._row.failed
        self._row.take(outcomes)
        self.failed += self._row.failed - failed

    def _push_slow(self, row: _Row) -> None:
        if not row.seconds:
            return
        if len(self._slow) < self._most_slow:
            heapq.heappush(self._slow, row.slowness())
        elif self._slow and row.seconds > self._slow[0][0]:
            heapq.heapreplace(self._slow, row.slowness())


class _Row:
    """The row whose outcomes are coming in."""

    __slots__ = ("calls", "failed", "number", "seconds")

    def __init__(self, number: int) -> None:
        self.number = number
        self.failed = False
        self.seconds = 0.0
        self.calls = 0

    def take(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self.failed = self.failed or isinstance(outcome, Failure)
            if outcome.usage.calls:
                self.calls += outcome.usage.calls
                self.seconds = max(self.seconds, outcome.seconds)

    def slowness(self) -> tuple[float, int, int]:
        """Make a value that sorts by seconds, and the earlier row first among equals."""
        return self.seconds, -self.number, self.calls
