"""Chinese, Japanese and Korean numerals: 三百二十, 3万5千, 二分の一, 百分之五十, 삼백이십, 三点一四."""

from __future__ import annotations

import re
from fractions import Fraction

_DIGITS = (
    {sign: at for at, sign in enumerate("〇一二三四五六七八九")}
    | {sign: at for at, sign in enumerate("零壱弐参肆伍陸漆捌玖")}
    | {sign: at for at, sign in enumerate("零壹贰叁肆伍陆柒捌玖")}
    | {sign: at for at, sign in enumerate("영일이삼사오육칠팔구")}
    | {"两": 2, "兩": 2, "貳": 2, "參": 3, "공": 0}
)
_SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "십": 10, "백": 100, "천": 1000}
_LARGE = {"万": 10**4, "萬": 10**4, "만": 10**4, "億": 10**8, "亿": 10**8, "억": 10**8, "兆": 10**12, "조": 10**12}
_SIGNS = "".join((*_DIGITS, *_SMALL, *_LARGE))

NUMERALS = frozenset(_SIGNS)
"""Characters that are a digit or a power of ten."""

GLYPHS = _SIGNS + "点點점分之의の분半반"
"""All characters that numerals are made of."""

_ARABIC = r"\d++(?:[.,]\d++)*+"
_NUMBER = rf"(?:{_ARABIC}|[{_SIGNS}])(?:{_ARABIC}|\s{_ARABIC}(?=\s?[{_SIGNS}])|\s?[{_SIGNS}])*+"  # never tries twice
_PART = re.compile(rf"(?P<low>{_NUMBER})\s?(?:分の|分之|분의)\s?(?P<high>{_NUMBER})")
_POINT = re.compile(rf"(?P<whole>{_NUMBER})\s?[点點점]\s?(?P<rest>(?:[{''.join(_DIGITS)}]\s?)+)")
_WHOLE = re.compile(_NUMBER)
_TOKEN = re.compile(rf"{_ARABIC}|[{_SIGNS}]")
_HALF = re.compile("(?:半分|半|절반|반)")


def read_han(text: str) -> tuple[Fraction, int] | None:
    """Read the numeral that a text begins with, and how long it is; None when digits of ASCII are all it has."""
    if part := _PART.match(text):
        low, high = _value(part["low"]), _value(part["high"])
        return (high / low, part.end()) if low and high is not None else None
    if point := _POINT.match(text):
        whole, rest = _value(point["whole"]), "".join(str(_DIGITS[one]) for one in point["rest"] if one in _DIGITS)
        return (whole + Fraction(f"0.{rest}"), point.end()) if whole is not None else None
    if half := _HALF.match(text):
        return Fraction(1, 2), half.end()
    found = _WHOLE.match(text)
    if found is None or not any(sign in _SIGNS for sign in found[0]):
        return None
    value = _value(found[0])
    return (value, found.end()) if value is not None else None


def _value(text: str) -> Fraction | None:
    tokens = _TOKEN.findall(text)
    if all(token in _DIGITS for token in tokens):  # 二〇二五: digits one after another
        return Fraction("".join(str(_DIGITS[token]) for token in tokens))
    total, section = Fraction(0), Fraction(0)
    current: Fraction | None = None
    for token in tokens:
        if token in _LARGE:
            total += (section + (current or 0) or 1) * _LARGE[token]
            section, current = Fraction(0), None
        elif token in _SMALL:
            section += (1 if current is None else current) * _SMALL[token]
            current = None
        elif current:
            return None  # two numbers side by side
        else:
            current = Fraction(_DIGITS[token]) if token in _DIGITS else _arabic(token)
            if current is None:
                return None
    return total + section + (current or 0)


def _arabic(token: str) -> Fraction | None:
    whole = re.sub(r",(?=\d{3}(?!\d))", "", token)
    return Fraction(whole) if re.fullmatch(r"\d+(?:\.\d+)?", whole) else None
