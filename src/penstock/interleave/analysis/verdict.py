"""The result of a comparison in a sentence or two, no stronger than what the data say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.interleave.analysis.preference import Preference
    from penstock.interleave.analysis.report import AlwaysValid, Planning


def verdict(a: str, b: str, by_user: Preference, running: AlwaysValid, planning: Planning, *, graded: bool) -> str:
    """Say who is preferred, how surely, and what to do next.

    Args:
        a: The first ranker.
        b: The second ranker.
        by_user: The headline.
        running: What holds although one has looked before.
        planning: Users needed.
        graded: Whether scores are sums of credit.
    """
    if by_user.estimate is None:
        return f"Nothing can be said about {a} and {b}: no ranking that counts was clicked."
    seen = _seen(a, b, by_user, graded=graded)
    if running.winner is not None:
        split = (by_user.estimate > 0) != (running.winner == a)
        note = (
            " Counted by users it leans the other way: those with many rankings differ from the rest." if split else ""
        )
        return f"{running.winner} is preferred. {seen}. It is decided, however often it was looked at before.{note}"
    if by_user.low is None or by_user.high is None:
        return f"There are too few users to tell {a} and {b} apart. {seen}."
    if by_user.low <= 0 <= by_user.high:
        return f"It is not decided between {a} and {b}. {seen}. {_more(by_user, planning)}"
    ahead = a if by_user.estimate > 0 else b
    return (
        f"{ahead} is ahead. {seen}. This holds if the experiment ends now as it was planned; if it was looked at "
        "before to see whether to stop, it is not decided yet."
    )


def percent(value: float, *, graded: bool = False) -> str:
    """Write a preference: outcomes in per cent, credits as numbers; with a sign."""
    if graded:
        return f"{value:+.4f}"
    return f"{value:+.2%}"


def interval(found: Preference, *, graded: bool = False) -> str:
    """Write an estimate with its interval."""
    if found.estimate is None:
        return "not defined"
    if found.low is None or found.high is None:
        return percent(found.estimate, graded=graded)
    low, high = percent(found.low, graded=graded), percent(found.high, graded=graded)
    return f"{percent(found.estimate, graded=graded)} [{low}, {high}]"


def _seen(a: str, b: str, by_user: Preference, *, graded: bool) -> str:
    users = f"{by_user.users:,} user{'s' if by_user.users != 1 else ''}"
    found = interval(by_user, graded=graded)
    if graded:
        return f"The credit of {a} minus that of {b} is {found} in a user's ranking, over {users}"
    return f"The wins of {a} minus those of {b} are {found} of a user's rankings, over {users}"


def _more(by_user: Preference, planning: Planning) -> str:
    """Say how many users an effect of the size seen would take, or one of 1 % where none is seen."""
    seen = [each for each in planning.needs if each.effect == abs(by_user.estimate or 0.0)]
    need = seen[0] if seen else planning.needs[0]
    if need.users is None:
        return "The users do not differ, so that no number of users can be named."
    size = "of this size" if seen else f"of {need.effect:g}"
    return f"An effect {size} would take about {max(0, need.users - by_user.users):,} more users to show."
