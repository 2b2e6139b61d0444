"""A budget that many tasks spend from: what is spent, what is promised to calls in flight, what is left.

A call is let through while everything spent, everything promised and its own estimate fit into the budget, so a run
normally ends just below it. Where calls cost more than was estimated, it is exceeded by no more than the cost of those
in flight at that moment: nothing is let through once the budget is reached.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from penstock.errors import BudgetSpent, InputError
from penstock.flow.shield import waiting

if TYPE_CHECKING:
    from collections.abc import Generator

_GRAIN = 1e-12  # USD; sums of floats differ by less


@dataclass(slots=True)
class Hold:
    """Money promised to one call.

    Attributes:
        usd: What was promised.
        cost: What the call took, set when that is known; what was promised until then.
    """

    usd: float
    cost: float


class Purse:
    """Counts money; many tasks of one loop may use it.

    Attributes:
        budget_usd: What may be spent in all; None for no limit.
        spent_usd: What was spent, earlier runs included.
        promised_usd: What the calls in flight are expected to cost.
        owed_usd: What earlier runs have sent and nobody waits for now: as good as spent.
        in_flight: Calls that money is promised to.
    """

    def __init__(self, budget_usd: float | None = None, *, spent_usd: float = 0.0) -> None:
        """Begin with what earlier runs have spent.

        Raises:
            InputError: The budget is no amount of money.
        """
        if budget_usd is not None and not 0 < budget_usd < float("inf"):
            raise InputError(f"A budget of {budget_usd:g} USD leaves nothing to spend: give a larger one.")
        self.budget_usd = budget_usd
        self.spent_usd = spent_usd
        self.promised_usd = 0.0
        self.owed_usd = 0.0
        self.in_flight = 0
        self._changed = anyio.Event()

    @property
    def left_usd(self) -> float | None:
        """What is neither spent nor promised, from 0; None for no limit."""
        if self.budget_usd is None:
            return None
        return max(0.0, self.budget_usd - self.spent_usd - self.owed_usd - self.promised_usd)

    def fits(self, estimate: float) -> bool:
        """Whether a call of this estimate may start now."""
        return self._within(self.spent_usd + self.owed_usd + self.promised_usd + estimate)

    def reserve(self, estimate: float) -> Hold:
        """Promise money to a call; `settle` it when the call has ended.

        Raises:
            BudgetSpent: It does not fit.
        """
        if not self.fits(estimate):
            raise self._empty(estimate)
        return self._promise(Hold(estimate, estimate))

    def owe(self, usd: float) -> None:
        """Set money aside for what an earlier run has sent, whether it fits or not."""
        self.owed_usd += usd

    def take_up(self, hold: Hold) -> None:
        """Promise what was owed: from now on somebody waits for it, and will settle it."""
        self.owed_usd -= hold.usd
        self._promise(hold)

    def spend(self, usd: float) -> None:
        """Count what was spent by a call that nothing was promised to."""
        self.spent_usd += usd

    def settle(self, hold: Hold, cost: float | None = None) -> None:
        """Take what a call cost instead of what was promised to it.

        Args:
            hold: Of the call.
            cost: In USD; the hold's own where it is not given.
        """
        self.in_flight -= 1
        self.promised_usd = self.promised_usd - hold.usd if self.in_flight else 0.0
        self.spent_usd += hold.cost if cost is None else cost
        self._changed.set()
        self._changed = anyio.Event()

    async def wait(self, estimate: float) -> Hold:
        """Promise money to a call, waiting for calls in flight as long as they may leave enough over.

        Raises:
            BudgetSpent: It does not fit, whatever the calls in flight cost.
        """
        while not self.fits(estimate):
            if not self.in_flight or not self._within(self.spent_usd + self.owed_usd + estimate):
                raise self._empty(estimate)
            with waiting():
                await self._changed.wait()
        return self.reserve(estimate)

    @contextmanager
    def held(self, hold: Hold) -> Generator[Hold]:
        """Settle a hold when the block is left: with its `cost`, which is the promised sum until somebody sets it."""
        try:
            yield hold
        finally:
            self.settle(hold)

    def _promise(self, hold: Hold) -> Hold:
        self.promised_usd += hold.usd
        self.in_flight += 1
        return hold

    def _within(self, usd: float) -> bool:
        return self.budget_usd is None or usd <= self.budget_usd + _GRAIN

    def _empty(self, estimate: float) -> BudgetSpent:
        flying = f", {self.promised_usd:.4f} USD are in flight" if self.in_flight else ""
        return BudgetSpent(
            f"The budget of {self.budget_usd:g} USD has no room for another call: {self.spent_usd:.4f} USD are spent"
            f"{flying} and a call takes about {estimate:.4f} USD; resume with a larger budget."
        )
