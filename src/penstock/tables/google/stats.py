"""What a sheet's client has done so far, for reports."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_REMEMBERED = 10_000


@dataclass(slots=True, kw_only=True)
class SheetStats:
    """Counts of one client.

    Attributes:
        reads: Requests that read, repeated ones included.
        writes: Requests that write, repeated ones included.
        refused: Requests that were refused because of a quota.
        retries: Requests that were sent again, after a refusal or without an answer.
        waited_s: Seconds that requests waited: for their turn, and after failures.
        cells: Cells written.
        cut: Texts that were cut at 50,000 characters.
        latencies: Seconds from sending a write to its answer, of the last 10,000 writes that were applied.
    """

    reads: int = 0
    writes: int = 0
    refused: int = 0
    retries: int = 0
    waited_s: float = 0.0
    cells: int = 0
    cut: int = 0
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    @property
    def median_s(self) -> float:
        """Seconds that half of the writes took at most; 0 before the first."""
        return self._quantile(0.5)

    @property
    def p95_s(self) -> float:
        """Seconds that 19 of 20 writes took at most; 0 before the first."""
        return self._quantile(0.95)

    def _quantile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
