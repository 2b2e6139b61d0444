"""The always-valid interval in the course of an experiment, as a chart."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from penstock.interleave.page import axes
from penstock.interleave.page.wording import seconds, short, signed, signed_ends, users, when
from penstock.page import Axis, Layer, Mark, element, foreign, plot
from penstock.page.figures import short_count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.interleave.analysis.report import AlwaysValid, Comparison, Point
    from penstock.page import Markup

FEWEST = 3
"""Points below which there is no chart."""


def course(comparison: Comparison) -> list[Markup]:
    """Draw how the estimate and its interval moved, and say what that means; nothing where there are too few points."""
    valid = comparison.always_valid
    points = valid.trajectory
    if len(points) < FEWEST:
        return []
    places, x = _across(points)
    y = _upright(points, graded=comparison.graded)
    estimates = [(place, _within(point.estimate, y)) for place, point in zip(places, points, strict=True)]
    layers = [
        Layer(kind="band", tone="accent", runs=[_band(places, points, y)], name="interval"),
        Layer(kind="line", tone="accent", runs=[estimates], name="estimate by ranking"),
    ]
    marks = [Mark(at=0.0, across=True, class_="zero"), *_decisive(valid, places)]
    title = f"{'Credit' if comparison.graded else 'Wins'} of {short(comparison.a)} less those of {short(comparison.b)}"
    return [
        plot(f"{title}, as it came", layers, x=x, y=y, label=_label(comparison), marks=marks, tall=True),
        element("p", _meaning(comparison), class_="note"),
    ]


def _across(points: Sequence[Point]) -> tuple[list[float], Axis]:
    """Place the points in time; by their rankings where their times cannot be told apart."""
    times = [seconds(point.time) for point in points]
    if times[-1] - times[0] >= 60:
        return times, axes.clock(times[0], times[-1], _users_by(times, points))
    rankings = [float(point.rankings) for point in points]
    return rankings, axes.counts(rankings[-1])


def _users_by(times: Sequence[float], points: Sequence[Point]) -> Callable[[float], str]:
    def below(time: float) -> str:
        place = bisect_right(times, time)
        number = points[place - 1].users if place else 0
        return f"{short_count(number)} user{'' if number == 1 else 's'}" if number else ""

    return below


def _upright(points: Sequence[Point], *, graded: bool) -> Axis:
    """Leave the first third out of the scale: intervals there are so wide that the rest would be a line."""
    late = points[len(points) // 3 :]
    ends = [end for point in late for end in (point.low, point.high, point.estimate) if end is not None]
    return axes.around_zero(ends, graded=graded, about=5)


def _band(places: Sequence[float], points: Sequence[Point], y: Axis) -> list[tuple[float, float]]:
    known = list(zip(places, points, strict=True))
    above = [(at, y.high if point.high is None else _within(point.high, y)) for at, point in known]
    below = [(at, y.low if point.low is None else _within(point.low, y)) for at, point in reversed(known)]
    return above + below


def _within(value: float, axis: Axis) -> float:
    return min(axis.high, max(axis.low, value))


def _decisive(valid: AlwaysValid, places: Sequence[float]) -> list[Mark]:
    times = [point.time for point in valid.trajectory]
    return [Mark(at=places[times.index(valid.decided_time)])] if valid.decided_time in times else []


def _label(comparison: Comparison) -> str:
    valid, graded = comparison.always_valid, comparison.graded
    now = f"{signed(valid.estimate, graded=graded)} {signed_ends(valid.low, valid.high, graded=graded)}"
    return f"After {comparison.rankings:,} rankings of {users(comparison.users)}: {now}; {_state(valid)}"


def _state(valid: AlwaysValid) -> str:
    if valid.winner is None:
        return "0 was never left: not decided"
    by = "" if valid.decided_users is None else f", after {users(valid.decided_users)}"
    return f"decided for {valid.winner} on {when(valid.decided_time)}{by}"


def _meaning(comparison: Comparison) -> Markup:
    valid = comparison.always_valid
    words = "The band may be looked at every day. "
    if valid.winner is None:
        words += f"It has always held 0; a reason to stop is only that it leaves 0 (confidence {valid.confidence:g})."
    else:
        words += f"It left 0 at the dashed line: {_state(valid)}."
        if valid.low is not None and valid.high is not None and valid.low <= 0 <= valid.high:
            words += " That it holds 0 again now takes nothing back."
    return foreign(f"{words} Where it is wider than the frame, it is cut off.")
