"""What the judgement of each row took, as columns beside its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.records import Usage
from penstock.tables import Column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.records import Outcome

USAGE = ("calls", "tokens_in", "tokens_out", "cost_usd")
"""Names of the columns, behind their prefix."""

_DECIMALS = 8  # USD: a hundredth of a millionth


def usage_columns(*, prefix: str = "") -> list[Column]:
    """Name the columns, in the way of the status columns: `score_calls` ... where no prefix is set."""
    return [Column(name=f"{prefix or 'score_'}{name}", kind="number") for name in USAGE]


def usage_cells(outcomes: Iterable[Outcome], *, priced: bool) -> list[Any]:
    """Make the cells of one row; all are empty where nothing was judged.

    Args:
        outcomes: Of the row's parts, as far as there are any.
        priced: Whether the price of the model is known; without it the cost is empty, never 0.
    """
    found = [outcome.usage for outcome in outcomes]
    if not found:
        return [None] * len(USAGE)
    total = sum(found, Usage())
    return [total.calls, total.tokens_in, total.tokens_out, round(total.cost_usd, _DECIMALS) if priced else None]
