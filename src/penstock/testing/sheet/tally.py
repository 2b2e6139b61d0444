"""What the sheet server has seen, in counts and moments only."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from penstock.testing.sheet.quota import MINUTE, Window
from penstock.testing.tally import Memory

if TYPE_CHECKING:
    from penstock.testing.sheet.behaviour import SheetFault
    from penstock.testing.sheet.calls import Kind

REMEMBERED_TIMES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetStats:
    """The counts of a sheet server since it started or was reset.

    Attributes:
        seconds: Since the first request.
        reads: Requests for cells or books, whatever became of them.
        writes: Requests that change something, whatever became of them.
        refused: Those that a quota refused (429).
        applied: Writes that were done, whether or not the client was told.
        applied_again: Those with the content of one that had been done before.
        cells: Cells that were written.
        by_status: How often each status was sent.
        faults: How often each fault was met.
        most_reads: Most reads within any 60 s, refused ones included.
        most_writes: Most writes within any 60 s, refused ones included.
        write_times: When writes came, in seconds since the first request; the last 100,000.
        tokens: Access tokens issued.
        downloads: Files sent.
    """

    seconds: float = 0.0
    reads: int = 0
    writes: int = 0
    refused: int = 0
    applied: int = 0
    applied_again: int = 0
    cells: int = 0
    by_status: dict[int, int] = field(default_factory=dict[int, int])
    faults: dict[str, int] = field(default_factory=dict[str, int])
    most_reads: int = 0
    most_writes: int = 0
    write_times: tuple[float, ...] = ()
    tokens: int = 0
    downloads: int = 0


class SheetTally:
    """Counts as requests come and go."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self._memory = Memory()
        self._counts: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._windows: dict[Kind, Window] = {"read": Window(MINUTE), "write": Window(MINUTE)}
        self._times: deque[float] = deque(maxlen=REMEMBERED_TIMES)
        self._began: float | None = None

    def receive(self, kind: Kind, *, now: float) -> None:
        """Count a request to the Sheets API."""
        self._counts[f"{kind}s"] += 1
        self._windows[kind].add(now=now)
        if self._began is None:
            self._began = now
        if kind == "write":
            self._times.append(round(now - self._began, 6))

    def nth(self, content: bytes) -> int:
        """Return how often this content was let in before, and count it."""
        asked = self._memory.touch(content)
        asked.admitted += 1
        return asked.admitted - 1

    def meet(self, fault: SheetFault) -> None:
        """Count a fault."""
        self._faults[fault] += 1

    def count(self, what: str) -> None:
        """Count one of `refused`, `tokens`, `downloads`."""
        self._counts[what] += 1

    def apply(self, content: bytes, *, cells: int) -> None:
        """Count a write that was done."""
        asked = self._memory.touch(content)
        self._counts["applied"] += 1
        self._counts["applied_again"] += asked.answered > 0
        self._counts["cells"] += cells
        asked.answered += 1

    def stats(self, *, now: float) -> SheetStats:
        """Return the counts as they are now."""
        return SheetStats(
            seconds=0.0 if self._began is None else round(now - self._began, 3),
            by_status=dict(sorted(self.statuses.items())),
            faults=dict(sorted(self._faults.items())),
            most_reads=self._windows["read"].most,
            most_writes=self._windows["write"].most,
            write_times=tuple(self._times),
            **self._counts,
        )
