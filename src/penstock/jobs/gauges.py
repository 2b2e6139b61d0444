"""What a job that asks models measures, and the room that its calls need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from penstock.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.flow.gate import Gate
    from penstock.jobs.history import PaceHistory
    from penstock.ledger.cache import Cache

OTHER_FILES = 100
"""Files a process needs besides its connections: tables, ledger, cache, run folder, libraries."""


def make_room(calls: int) -> None:
    """Let this process open a file for each call in flight, beside those it needs itself.

    Raises:
        InputError: The machine does not allow as many.
    """
    import resource

    wanted = calls + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and wanted > hard:
        raise InputError(
            f"{calls} calls in flight need {wanted} open files, and this process may have {hard}: "
            "use a lower --concurrency, or raise the limit (ulimit -n)."
        )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Spending(Protocol):
    """What calls are paid from."""

    @property
    def spent_usd(self) -> float:
        """US dollars spent so far, earlier runs included."""
        ...


@dataclass(slots=True)
class Gauges:
    """What is measured while models are asked, for progress and the report."""

    gates: Sequence[Gate]
    cache: Cache | None
    history: PaceHistory
    purse: Spending | None = None
    _before: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._before = self._totals()

    def __call__(self) -> dict[str, float]:
        """Counts since this run began; `in_flight` and `limit` as they are now."""
        self.history.write()
        stats = [gate.stats() for gate in self.gates]
        since = {name: value - self._before[name] for name, value in self._totals().items()}
        return {
            "in_flight": sum(one.in_flight for one in stats),
            "waiting": sum(one.waiting for one in stats),
            "limit": round(stats[0].limit, 1),
            **since,
            **({"cost_usd": round(self.purse.spent_usd, 6)} if self.purse else {}),
        }

    def _totals(self) -> dict[str, float]:
        stats = [gate.stats() for gate in self.gates]
        totals: dict[str, float] = {
            "calls": sum(one.succeeded + one.throttled + one.failed for one in stats),
            "throttled": sum(one.throttled for one in stats),
            "cuts": sum(one.cuts for one in stats),
        }
        if self.cache is not None:
            totals["cache_hits"] = self.cache.stats.hits
            totals["cache_misses"] = self.cache.stats.misses
        return totals
