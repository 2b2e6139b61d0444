"""Numbers: whether an answer states the key's quantity, within its tolerance, in any unit that measures the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from penstock.errors import InputError, Unfit
from penstock.grade.objective.found import Found, verdict
from penstock.grade.objective.normal import is_blank
from penstock.grade.objective.numeral import has_decimal_comma
from penstock.grade.objective.quantity import Quantity, read_quantity, read_strictly, split_margin
from penstock.grade.objective.unit import Unit, measures_alike, read_unit, siblings

_PERCENT = frozenset(("%", "percent"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """What is right: a value in a unit, give or take a margin in the same unit."""

    value: Fraction
    unit: Unit | None
    margin: Fraction
    is_unit_required: bool
    comma: bool

    def __str__(self) -> str:
        text = _written(self.value, None) + (f" ± {_written(self.margin, None)}" if self.margin else "")
        return f"{text} {self.unit.name}" if self.unit else text

    def holds(self, value: Fraction) -> bool:
        return abs(value - self.value) <= self.margin


def judge_number(
    answer: str,
    key: str | float,
    *,
    tolerance: float | None = None,
    relative: float | None = None,
    unit: str | None = None,
) -> Found:
    """Compare an answer with the key of a numeric question.

    Numbers are exact: without a tolerance 0.33 is not 1/3, and "1 km" is 1000 m.

    Args:
        answer: What the learner wrote: a number in any script and notation, with or without a unit, alone or said in
            a short sentence.
        key: The right number, with a unit and a margin where wanted: "9.8 ± 0.1 m/s^2", "50 % ± 2", "1/3".
        tolerance: How far off an answer may be, in the key's unit; it takes the place of the key's own margin.
        relative: The same as a share of the key: 0.01 is one percent. Where both are given, the wider one counts.
        unit: The unit that an answer must name, or another of its dimension. Where only the key names a unit, a bare
            number is taken to be in it.

    Raises:
        InputError: The key, the unit or a tolerance makes no sense.
        Unfit: The answer cannot be read as one number, or could be read as two of which one is right.
    """
    right = _read_key(key, tolerance=tolerance, relative=relative, unit=unit)
    if is_blank(answer):
        return verdict("", str(right), right=False)
    stated = read_quantity(split_margin(answer)[0], comma=right.comma)
    if stated is None:
        raise Unfit(f"{_shown(answer)} cannot be read as one number.")
    if stated.counted and right.unit:
        raise Unfit(f"{_shown(answer)} has a unit that is not known.")
    results = [_is_right(value, stated.unit, right, answer) for value in stated.values]
    if any(results) and not results[0]:
        raise Unfit(f"{_shown(answer)} may part thousands or decimals, and only one of the two would be right.")
    return verdict(_written(stated.values[0], stated.unit), str(right), right=results[0])


def _is_right(value: Fraction, unit: Unit | None, key: _Key, answer: str) -> bool:
    if unit is None:
        return _bare_is_right(value, key)
    if key.unit is None:
        return _measured_is_right(value, unit, key, answer)
    alike = measures_alike(unit, key.unit)
    return alike is not None and key.holds(alike.to(value, key.unit))


def _bare_is_right(value: Fraction, key: _Key) -> bool:
    if key.is_unit_required:
        return False
    is_share = key.unit is not None and key.unit.name in _PERCENT
    return key.holds(value) or (is_share and key.holds(value * 100))


def _measured_is_right(value: Fraction, unit: Unit, key: _Key, answer: str) -> bool:
    """Judge an answer with a unit where the key has none: the question may have asked for that unit, or for another."""
    if not unit.dimension and key.holds(value * unit.factor):
        return True
    if unit.dimension and key.holds(value):
        return True
    if key.holds(value) or any(key.holds(unit.to(value, other)) for other in siblings(unit)):
        raise Unfit(f"{_shown(answer)} has a unit, but the key has none.")
    return False


def _read_key(key: str | float, *, tolerance: float | None, relative: float | None, unit: str | None) -> _Key:
    text = _text(key)
    stated_text, margin_text = split_margin(text)
    comma = has_decimal_comma(text)
    stated = read_strictly(stated_text, comma=comma)
    margin = read_strictly(margin_text, comma=comma) if margin_text else None
    if stated is None or stated.counted or (margin_text and (margin is None or margin.values[0] < 0)):
        raise InputError(f"The key {text[:60]!r} is not a number.")
    required = _read_unit(unit) if unit else None
    of_margin = margin.unit if margin and not (margin.unit and margin.unit.name in _PERCENT) else None
    own = stated.unit or of_margin
    if own and required and not measures_alike(own, required):
        raise InputError(f"The key {text[:60]!r} is not in a unit that measures the same as {unit!r}.")
    given = _of_options(stated.values[0], tolerance=tolerance, relative=relative)
    return _Key(
        value=stated.values[0],
        unit=own or required,
        margin=_margin(stated, own, margin) if given is None else given,
        is_unit_required=required is not None,
        comma=comma,
    )


def _of_options(value: Fraction, *, tolerance: float | None, relative: float | None) -> Fraction | None:
    for name, given in (("tolerance", tolerance), ("relative", relative)):
        if given is not None and not 0 <= given < math.inf:
            raise InputError(f"{name} is {given!r}; it must be a number from 0 up.")
    margins: list[Fraction] = []
    if tolerance is not None:
        margins.append(Fraction(str(tolerance)))
    if relative is not None:
        margins.append(abs(value) * Fraction(str(relative)))
    return max(margins, default=None)


def _margin(stated: Quantity, own: Unit | None, margin: Quantity | None) -> Fraction:
    """Write the key's own margin in its unit; a percentage of anything but percent is a share of the value."""
    if margin is None:
        return Fraction(0)
    size = margin.values[0]
    if margin.unit is None or margin.unit is own or own is None:
        share = margin.unit is not None and not margin.unit.dimension
        return abs(stated.values[0]) * size * margin.unit.factor if share and margin.unit else size
    if margin.unit.name in _PERCENT and own.name not in _PERCENT:
        return abs(stated.values[0]) * size / 100
    if margin.unit.dimension != own.dimension:
        raise InputError("The margin of the key is not in a unit that measures the same as the key's.")
    return size * margin.unit.factor / own.factor


def _read_unit(name: str) -> Unit:
    unit = read_unit(name)
    if unit is None:
        raise InputError(f"The unit {name[:40]!r} is not known.")
    return unit


def _text(key: str | float) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bool) or not math.isfinite(key):
        raise InputError(f"The key {key!r} is not a number.")
    return repr(key)


def _written(value: Fraction, unit: Unit | None) -> str:
    """Write a number for people: as a decimal where it ends, else as a fraction."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if value.denominator == 1 and abs(value.numerator) < 10**15:
        text = str(value.numerator)
    elif rest == 1 or max(abs(value.numerator), value.denominator) >= 10**6:
        text = _decimal(value)
    else:
        text = f"{value.numerator}/{value.denominator}"
    return f"{text} {unit.name}" if unit else text


def _decimal(value: Fraction) -> str:
    try:
        return f"{float(value):.12g}"
    except OverflowError:
        return f"{'-' if value < 0 else ''}1e{len(str(abs(value.numerator) // value.denominator)) - 1} or more"


def _shown(text: str) -> str:
    short = " ".join(text[:120].split())[:60]
    return f'"{short}"'
