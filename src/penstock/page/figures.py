"""Numbers as people read them: counts, shares, durations, times, and round steps for an axis."""

from __future__ import annotations

import math
from datetime import UTC, datetime

NONE = "–"
"""Shown where there is no number."""

_SPACE = "\N{NO-BREAK SPACE}"
_ROUND_SECONDS = (10, 15, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400)


def count(number: float) -> str:
    """Write a whole number: 12,000."""
    return f"{number:,.0f}"


def short_count(number: float) -> str:
    """Write a number of which only the size matters: 812, 41 k, 1.2 M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size * 0.9995:
            shown = round(number / size, 0 if number >= size * 99.5 else 1)
            return f"{shown:g}{_SPACE}{letter}"
    return count(number)


def plural(number: int, noun: str) -> str:
    """Write a count with its noun: 1 row, 2 rows."""
    return f"{count(number)} {noun if number == 1 else f'{noun}s'}"


def percent(share: float) -> str:
    """Write a share of one: 29 %, 4.1 %; never 0 or 100 % where it is only nearly so."""
    if math.isnan(share):
        return NONE
    if 0 < share < 0.0005:
        return f"<{_SPACE}0.1{_SPACE}%"
    if 0.9995 <= share < 1:
        return f">{_SPACE}99.9{_SPACE}%"
    fine = 0 < share < 0.0995 or 0.99 < share < 1
    return f"{share * 100:.{1 if fine else 0}f}{_SPACE}%"


def decimal(number: float | None, *, places: int = 2) -> str:
    """Write a number with fixed places; a dash where there is none."""
    return NONE if number is None or not math.isfinite(number) else f"{number:,.{places}f}"


def duration(seconds: float) -> str:
    """Write a duration: 0.04 s, 41.2 s, 3 min 20 s, 2 h 5 min."""
    if math.isnan(seconds):
        return NONE
    if seconds < 119.95:
        return f"{seconds:.{2 if 0 < seconds < 1 else 1}f}{_SPACE}s"
    whole = round(seconds)
    if whole < 7_200:
        minutes, rest = divmod(whole, 60)
        return _two(minutes, "min", rest, "s")
    hours, minutes = divmod(round(whole / 60), 60)
    return _two(hours, "h", minutes, "min")


def moment(unix: float) -> str:
    """Write a time, given in seconds since 1970: 2026-11-21 14:03 UTC."""
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M} UTC"


def steps(most: float, *, about: int = 4, least: float = 0.0) -> list[float]:
    """Give round numbers from 0 to at most `most`, which is above 0; a step is 1, 2 or 5 times a power of ten.

    Args:
        most: The end of the axis.
        about: Steps wanted.
        least: Shortest step, such as 1 for what comes in whole numbers.
    """
    step = max(_round_up(most / about), least)
    return [round(place * step, 9) for place in range(math.floor(round(most / step, 6)) + 1)]


def steps_between(low: float, high: float, *, about: int = 4) -> list[float]:
    """Give round numbers from `low` to `high`, which is above it; steps are as in `steps`, and 0 is one if it is there.

    Args:
        low: The beginning of the axis.
        high: The end of the axis.
        about: Steps wanted.
    """
    step = _round_up((high - low) / about)
    first, last = math.ceil(round(low / step, 6)), math.floor(round(high / step, 6))
    return [round(place * step, 9) for place in range(first, last + 1)]


def time_steps(most: float, *, about: int = 5) -> list[tuple[float, str]]:
    """Give round times from 0 to at most `most` seconds, and how each is written."""
    wanted = most / about
    step = _round_up(wanted) if wanted <= 10 else next((s for s in _ROUND_SECONDS if s >= wanted), None)
    if step is None:
        step = math.ceil(wanted / 86_400) * 86_400
    places = math.floor(round(most / step, 6))
    return [(place * step, _clock(place * step, step)) for place in range(places + 1)]


def _round_up(number: float) -> float:
    size: float = 10.0 ** math.floor(math.log10(number))
    return next(factor * size for factor in (1, 2, 5, 10) if factor * size >= number * (1 - 1e-9))


def _clock(seconds: float, step: float) -> str:
    if step < 60:
        return f"{seconds:g}{_SPACE}s"
    return f"{seconds / 60:g}{_SPACE}min" if step < 3_600 else f"{seconds / 3_600:g}{_SPACE}h"


def _two(large: int, unit: str, small: int, smaller: str) -> str:
    head = f"{large}{_SPACE}{unit}"
    return f"{head} {small}{_SPACE}{smaller}" if small else head


def money(usd: float) -> str:
    """Write US dollars: two decimals, and as many more as a small sum needs."""
    if usd >= 1 or usd == 0:
        return f"{usd:,.2f} USD"
    places = min(8, 2 - math.floor(math.log10(usd)))
    return f"{usd:.{places}f} USD"
