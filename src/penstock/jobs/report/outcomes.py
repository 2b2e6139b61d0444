"""How the items of a job ended: failed rows, and what made the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.page import Column, element, foreign, join, section, table
from penstock.page.figures import count, percent, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.jobs.effort import Effort, FailedRow
    from penstock.page import Markup


def failures(effort: Effort, *, item: str, parts: int = 1, first: int = 1) -> Markup:
    """Show which rows failed, and why.

    Args:
        effort: Of the job.
        item: What one judgement is called.
        parts: Judgements per row.
        first: The number that people see at the first row.
    """
    if not effort.failed:
        return section("Failed rows", element("p", "No row failed."))
    found = effort.first_failures
    shown = len({one.row for one in found})
    caption = (
        "All failed rows" if shown == effort.failed else f"The first {shown} of {count(effort.failed)} failed rows"
    )
    columns: list[Column[FailedRow]] = [
        Column("Row", lambda one: count(one.row + first)),
        Column("Kind", lambda one: foreign(one.code), words=True),
        Column("Reason", lambda one: foreign(one.reason), words=True),
    ]
    if parts > 1:
        columns.insert(1, Column("Blocks", lambda one: _blocks(one.parts)))
    return section("Failed rows", _kinds(effort, item), table(caption, columns, found))


def _kinds(effort: Effort, item: str) -> Markup:
    """Count failures by kind, and by HTTP status where there was one."""
    kinds = [join([f"{plural(number, item)} ", foreign(code)]) for code, number in effort.codes.items()]
    statuses = ", ".join(
        f"HTTP\N{NO-BREAK SPACE}{status}:\N{NO-BREAK SPACE}{count(number)}"
        for status, number in effort.statuses.items()
    )
    return element("p", join(kinds, by=", "), f"; {statuses}." if statuses else ".")


def _blocks(parts: Sequence[int]) -> str:
    shown = ", ".join(str(part + 1) for part in parts[:5])
    return f"{shown} and {len(parts) - 5} more" if len(parts) > 5 else shown


def methods(effort: Effort, *, item: str, caption: str) -> Markup | None:
    """Show what made the verdicts."""
    if not effort.methods:
        return None
    columns: list[Column[tuple[str, int]]] = [
        Column("Method", lambda pair: foreign(pair[0]), words=True),
        Column(f"{item.capitalize()}s", lambda pair: count(pair[1])),
        Column("Share", lambda pair: percent(pair[1] / effort.verdicts)),
    ]
    return section("Methods", table(caption, columns, effort.methods.items()))
