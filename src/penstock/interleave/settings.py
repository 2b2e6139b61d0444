"""What an experiment is told from outside, while it runs: who is served what.

Values come as words (from a parameter store or an environment) or typed (from a file or a dict), and are taken whole
or not at all: a mode that reads well beside a sampling rate that does not is nothing to act on. What is forgiven is
white space and the case of words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from penstock.errors import InputError
from penstock.interleave.methods import METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

INTERLEAVE: Final = "INTERLEAVE"
"""The mode in which the rankings of sampled users are merged; every other mode is the name of a ranker."""

SEED_STRATEGIES: Final = ("user", "request")

NAMES: Final = ("mode", "sampling_rate", "parallel_enabled", "interleave_method", "seed_strategy", "pool_size")
"""The settings there are, by their short names."""

_SWITCH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_SHOWN = 40  # characters of a bad value that a message repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One set of settings; without arguments the baseline, in which everybody is served the first of two rankers.

    Attributes:
        mode: The name of the ranker that serves everybody, or `INTERLEAVE`.
        sampling_rate: Share of the users whose rankings are merged, from 0 to 1; counts in mode `INTERLEAVE`.
        parallel_enabled: Whether the rankers may run at the same time.
        interleave_method: How rankings are merged, one of `METHODS`.
        seed_strategy: Whether chance follows from the user, who then sees the same draft again, or from the request.
        pool_size: Candidates that the rankers are given, for them to read; None where they decide.
    """

    mode: str = "A"
    sampling_rate: float = 0.0
    parallel_enabled: bool = True
    interleave_method: str = METHODS[0]
    seed_strategy: Literal["user", "request"] = "request"
    pool_size: int | None = None


def parse(
    values: Mapping[str, object],
    *,
    source: str = "the settings",
    rankers: Sequence[str] = ("A", "B"),
    methods: Collection[str] = METHODS,
) -> Settings:
    """Read settings; what is not given, or None, has its default.

    Args:
        values: By short name, as words or typed. The mode must be there, and in mode `INTERLEAVE` the sampling rate.
        source: Where they come from, for messages.
        rankers: The names of the rankers.
        methods: The names of the methods.

    Raises:
        InputError: A name is unknown, a value is malformed, or one that must be there is missing.
    """
    given = {name: value for name, value in values.items() if value is not None}
    readers = _readers(rankers, methods)
    read: dict[str, Any] = {}
    for name, value in given.items():
        if name not in readers:
            raise InputError(f"There is a setting {_shown(name)} in {source}: there are only {', '.join(NAMES)}.")
        reader, allowed = readers[name]
        read[name] = reader(value)
        if read[name] is None:
            raise InputError(f"{name} in {source} is {_shown(value)}: it must be {allowed}.")
    if "mode" not in read:
        raise InputError(f"There is no mode in {source}: it must be {readers['mode'][1]}.")
    if read["mode"] == INTERLEAVE and "sampling_rate" not in read:
        raise InputError(
            f"There is no sampling_rate in {source}: mode {INTERLEAVE} needs {readers['sampling_rate'][1]}."
        )
    return Settings(**read)


def asks_for(mode: str, values: Mapping[str, object]) -> bool:
    """Say whether values ask for a mode, whatever else is wrong with them."""
    return _word(values.get("mode"), allowed=(mode,)) is not None


def _readers(
    rankers: Sequence[str], methods: Collection[str]
) -> dict[str, tuple[Callable[[object], str | float | None], str]]:
    """For each setting what reads it, with None for what is malformed, and what is allowed, in words."""
    modes = (*rankers, INTERLEAVE)
    return {
        "mode": (partial(_word, allowed=modes), _either(modes)),
        "sampling_rate": (_share, "a number from 0 to 1"),
        "parallel_enabled": (_switch, "true or false"),
        "interleave_method": (partial(_word, allowed=methods), _either(methods)),
        "seed_strategy": (partial(_word, allowed=SEED_STRATEGIES), _either(SEED_STRATEGIES)),
        "pool_size": (_count, "a whole number from 1 on"),
    }


def _word(value: object, *, allowed: Collection[str]) -> str | None:
    if not isinstance(value, str):
        return None
    word = value.strip()
    if word in allowed:
        return word
    alike = [name for name in allowed if name.casefold() == word.casefold()]
    return alike[0] if len(alike) == 1 else None


def _share(value: object) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value <= 1 else None  # NaN fails the comparison


def _switch(value: object) -> bool | None:
    if isinstance(value, (bool, int, str)):
        return _SWITCH.get(str(value).strip().lower())
    return None


def _count(value: object) -> int | None:
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if value >= 1 else None


def _either(names: Collection[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
