"""How the pages about experiments write numbers, names and times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from penstock.interleave.analysis.verdict import percent
from penstock.page.figures import NONE, count

if TYPE_CHECKING:
    from penstock.interleave.analysis.report import Comparison

METHODS = {
    "team_draft_v1": "team draft",
    "optimized_v1": "optimized interleaving",
    "balanced_v1": "balanced interleaving",
    "probabilistic_v1": "probabilistic interleaving",
}
"""Methods in words."""

_LONGEST = 60


def method(name: str) -> str:
    """Write the name of a method, in words before its name in the log where it is known."""
    return f"{METHODS[name]} ({name})" if name in METHODS else name


def short(name: str) -> str:
    """Cut a name off where it is too long for a label."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def signed(value: float | None, *, graded: bool) -> str:
    """Write a preference with its sign: outcomes in per cent, sums of credit as numbers; a dash where there is none."""
    return NONE if value is None else percent(value, graded=graded)


def signed_ends(low: float | None, high: float | None, *, graded: bool) -> str:
    """Write an interval; an end that is None is open."""
    ends = ("open" if end is None else percent(end, graded=graded) for end in (low, high))
    return f"[{', '.join(ends)}]"


def share(value: float | None) -> str:
    """Write a share of one: 51.0%; never 0 or 100 % where it is only nearly so."""
    if value is None:
        return NONE
    if 0 < value < 0.0005:
        return "<0.1%"
    return ">99.9%" if 0.9995 <= value < 1 else f"{value:.1%}"


def part(number: int, total: int) -> str:
    """Write a count as a share of another one; a dash where that is 0."""
    return share(number / total) if total else NONE


def versus(comparison: Comparison) -> str:
    """Name the two rankers of a comparison."""
    return f"{short(comparison.a)} against {short(comparison.b)}"


def named(comparison: Comparison) -> str:
    """Name a comparison among others."""
    return f"{versus(comparison)}, {short(comparison.experiment)}, {comparison.method}"


def when(time: str) -> str:
    """Write a time of the report to the minute: 21 Nov 2026, 09:00 UTC."""
    at = datetime.fromisoformat(time).astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def seconds(time: str) -> float:
    """Read a time of the report, in seconds since 1970."""
    return datetime.fromisoformat(time).timestamp()


def users(number: int) -> str:
    """Write a number of users."""
    return f"{count(number)} user{'' if number == 1 else 's'}"


def times(ratio: float) -> str:
    """Write a ratio of which two figures matter: 0.42, 9.3, 26, 1,300."""
    return f"{ratio:.2g}" if ratio < 9.95 else count(ratio)
