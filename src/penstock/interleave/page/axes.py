"""Axes of the charts about experiments: preferences around 0, days, powers of ten."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from penstock.page import Axis
from penstock.page.figures import short_count, steps, steps_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_DAY = 86_400
_STEPS = (60, 300, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, *(n * _DAY for n in (1, 2, 3, 4, 7, 14, 28, 56)))
_MARGIN = 0.04
_LEAST = 1e-6  # length of an axis below which all its values are 0


def around_zero(values: Iterable[float], *, graded: bool = False, about: int = 5) -> Axis:
    """Make an axis that holds 0 and all values, with some room.

    Args:
        values: What must have a place.
        graded: Whether they are sums of credit; else they are shares, and written in per cent.
        about: Ticks wanted.
    """
    found = [0.0, *values]
    low, high = min(found), max(found)
    room = 0.08 * (high - low) if high - low > _LEAST else 0.01
    low, high = (low - room if low < 0 or high == 0 else low - room / 2), high + room
    return Axis(low=low, high=high, ticks=_signed(steps_between(low, high, about=about), graded=graded))


def shares(values: Iterable[float], *, about: int = 4) -> Axis:
    """Make an axis of shares of one that holds 1/2 and all values."""
    found = [0.5, *values]
    room = 0.1 * (max(found) - min(found)) or 0.05
    low, high = max(0.0, min(found) - room), min(1.0, max(found) + room)
    levels = steps_between(low, high, about=about)
    places = _places(levels, 100)
    return Axis(low=low, high=high, ticks=[(level, f"{level:.{places}%}") for level in levels])


def from_zero(most: float, *, about: int = 4) -> Axis:
    """Make an axis of shares from 0 to `most`, which is above 0."""
    high = 1.08 * most
    levels = steps_between(0.0, high, about=about)
    places = _places(levels, 100)
    return Axis(low=0.0, high=high, ticks=[(level, f"{level:.{places}%}" if level else "0") for level in levels])


def days(first: date, last: date, *, about: int = 5) -> Axis:
    """Make an axis of whole days, as ordinals, each with half a day to both sides."""
    low, high = first.toordinal(), last.toordinal()
    step = max(1, math.ceil((high - low + 1) / about))
    ticks = [(float(day), _day(date.fromordinal(day))) for day in range(low, high + 1, step)]
    return Axis(low=low - 0.6, high=high + 0.6, ticks=ticks)


def clock(low: float, high: float, below: Callable[[float], str], *, about: int = 4) -> Axis:
    """Make an axis of time, seconds since 1970, with ticks at round hours or days (UTC).

    Args:
        low: The first time.
        high: The last one, which is later.
        below: What is said of a time besides; may be empty.
        about: Ticks wanted.
    """
    wanted = (high - low) / about
    step = next((step for step in _STEPS if step >= wanted), math.ceil(wanted / _DAY) * _DAY)
    midnight = low // _DAY * _DAY
    room = _MARGIN * (high - low)  # a tick at the very end would be written beyond the page
    places = range(math.ceil((low - midnight - room / 4) / step), math.floor((high - room - midnight) / step) + 1)
    times = [midnight + place * step for place in places]
    return Axis(low=low, high=high, ticks=[(time, _lines(_time(time, step), below(time))) for time in times])


def places(last: int) -> Axis:
    """Make an axis of positions from 1 to `last`; every one is written where there is room."""
    shown = (
        range(1, last + 1)
        if last <= 12
        else [1, *(int(place) for place in steps(last, about=8, least=1.0) if place > 1)]
    )
    return Axis(low=0.5, high=last + 0.5, ticks=[(float(place), str(place)) for place in shown])


def counts(most: float, *, about: int = 4) -> Axis:
    """Make an axis of counts from 0 to `most`, which is above 0."""
    high = 1.05 * most
    levels = [level for level in steps_between(0.0, high, about=about) if level == int(level)]
    return Axis(low=0.0, high=high, ticks=[(level, short_count(level)) for level in levels])


def powers(values: Iterable[float]) -> Axis:
    """Make an axis of the decimal logarithms of values, from one power of ten to another."""
    found = [math.log10(value) for value in values]
    low, high = math.floor(min(found)), math.ceil(max(found))
    high = max(high, low + 1)
    step = math.ceil((high - low) / 6)
    return Axis(low=low, high=high, ticks=[(power, short_count(10.0**power)) for power in range(low, high + 1, step)])


def _signed(levels: list[float], *, graded: bool) -> list[tuple[float, str]]:
    places = _places(levels, 1 if graded else 100)
    return [(level, _tick(level, places, graded=graded)) for level in levels]


def _tick(level: float, places: int, *, graded: bool) -> str:
    if level == 0:
        return "0"
    return f"{level:+.{places}f}" if graded else f"{level:+.{places}%}"


def _places(levels: list[float], factor: int) -> int:
    """Decimals that tell the ticks apart."""
    step = (levels[1] - levels[0]) * factor if len(levels) > 1 else 1.0
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _time(time: float, step: float) -> str:
    at = datetime.fromtimestamp(time, UTC)
    return _day(at.date()) if step >= _DAY or time % _DAY == 0 else f"{at:%H:%M}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _lines(first: str, second: str) -> str:
    """Two lines of a tick; the style keeps the break."""
    return f"{first}\n{second}" if second else first
