"""Numbers as people write them: digits of any script, fractions, powers of ten, Han and Korean numerals, words.

Values are exact fractions. Where a separator may part thousands or decimals ("1,000", "1.000") both readings are
given, the likelier first: a comma parts thousands and a point decimals, unless the key is written the other way.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from penstock.grade.objective.han import GLYPHS, read_han
from penstock.grade.objective.normal import wide

Values: TypeAlias = tuple[Fraction, ...]

_HIGH = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_VULGAR = re.compile("(?<=\\d)(?=[¼-¾⅐-⅞↉])")
_NUMBER_SIGNS = str.maketrans("º˚⁄∕÷٫٬×·⋅∙٪", "°°///.,****%")

_MOST_DIGITS, _MOST_POWER = 80, 400  # beyond these nobody means what is written

_BODY = re.compile(r"\d+(?:[.,'_]\d+|[ \u202f]\d{3}(?!\d))*|\.\d+")
_COMMA = re.compile(r"0,\d+|\d+,(?:\d{1,2}|\d{4,})|\d{1,3}(?:\.\d{3})+,\d+")
_SIGN = re.compile(r"(?P<minus>-|minus |negative |マイナス|负|負|마이너스 ?)\s?|\+\s?", re.IGNORECASE)
_POWER = re.compile(r"[eE](?P<e>[+-]?\d{1,6})(?![\d.])|\s?[*xX]\s?10\s?(?:\^|\*\*)\s?[({]?(?P<ten>[+-]?\d{1,6})[)}]?")
_RAISED_TEN = re.compile(r"(?:\^|\*\*)\s?[({]?(?P<ten>[+-]?\d{1,6})[)}]?")
_OVER = re.compile(r"\s?/\s?(?P<low>\d{1,20})(?![\d.,])")
_MIXED = re.compile(r"\s(?:and )?(?P<high>\d{1,9})\s?/\s?(?P<low>\d{1,9})(?![\d.,])")
_HAN = re.compile(f"(?:\\d|[.,](?=\\d)|[{GLYPHS}]| (?=\\d{{0,9}}[{GLYPHS}]))+")
_SCALES = {
    "dozen": 12, "hundred": 100, "thousand": 10**3, "тыс": 10**3, "lakh": 10**5, "million": 10**6, "млн": 10**6,
    "crore": 10**7, "billion": 10**9, "млрд": 10**9, "trillion": 10**12,
}  # fmt: skip
_SCALE = re.compile(rf"\s?(?P<scale>{'|'.join(_SCALES)})s?\b\.?", re.IGNORECASE)
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = {word: at for at, word in enumerate(_SMALL.split())} | {
    word: 10 * at for at, word in enumerate(_TENS.split(), start=2)
}
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
    "fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6, "eighth": 8, "eighths": 8, "tenth": 10, "tenths": 10,
}  # fmt: skip
_WORD = "|".join((*_WORDS, *_SCALES, *_PARTS))
_WORDED = re.compile(rf"(?:a\s)?(?:{_WORD})(?:[\s-](?:and )?(?:{_WORD}))*\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeral:
    """A number that was read, all it may mean, and where it ends."""

    values: Values
    end: int


def plain(text: str) -> str:
    """Write a text with numbers in one way: ASCII digits and signs, powers as "^2"."""
    text = _VULGAR.sub(" ", text)
    text = _RAISED.sub(lambda found: "^" + found[0].translate(_HIGH), text).translate(_NUMBER_SIGNS)
    text = wide(text).translate(_NUMBER_SIGNS)
    return text if text.isascii() else "".join(map(_ascii_digit, text))


def read_numeral(text: str, at: int, *, comma: bool = False) -> Numeral | None:
    """Read the number that stands at a place of a plain text; `comma` says that a comma is the decimal sign."""
    sign = _SIGN.match(text, at)
    start = sign.end() if sign else at
    found = _read_han(text, start) or _read_digits(text, start, comma=comma) or _read_words(text, start)
    if found and sign and sign["minus"]:
        return Numeral(values=tuple(-value for value in found.values), end=found.end)
    return found


def has_decimal_comma(text: str) -> bool:
    """Whether a key is written with a decimal comma, beyond doubt."""
    body = _BODY.search(plain(text))
    return body is not None and _COMMA.fullmatch(body[0]) is not None


def _ascii_digit(letter: str) -> str:
    digit = unicodedata.decimal(letter, None)
    return letter if digit is None else str(digit)


def _read_digits(text: str, at: int, *, comma: bool) -> Numeral | None:
    body = _BODY.match(text, at)
    if body is None or len(body[0]) > _MOST_DIGITS:
        return None
    if body[0] == "10" and (power := _RAISED_TEN.match(text, body.end())):
        return _powered((Fraction(1),), power["ten"], power.end())
    values = _options(body[0], comma=comma)
    if not values:
        return None
    if power := _POWER.match(text, body.end()):
        return _powered(values, power["e"] or power["ten"], power.end())
    return _divided(body, text, values)


def _powered(values: Values, power: str, end: int) -> Numeral | None:
    if abs(int(power)) > _MOST_POWER:
        return None
    return Numeral(values=tuple(value * Fraction(10) ** int(power) for value in values), end=end)


def _divided(body: re.Match[str], text: str, values: Values) -> Numeral | None:
    """Read on after digits: a fraction, a mixed number, or a word such as "million"."""
    if body[0].isdecimal():
        if over := _OVER.match(text, body.end()):
            return _fraction(Fraction(0), body[0], over)
        if mixed := _MIXED.match(text, body.end()):
            return _fraction(values[0], mixed["high"], mixed)
    scale = _SCALE.match(text, body.end())
    if scale is None:
        return Numeral(values=values, end=body.end())
    times = _SCALES[scale["scale"].lower().rstrip(".")]
    return Numeral(values=tuple(value * times for value in values), end=scale.end())


def _fraction(whole: Fraction, high: str, over: re.Match[str]) -> Numeral | None:
    if int(over["low"]) == 0:
        return None
    return Numeral(values=(whole + Fraction(int(high), int(over["low"])),), end=over.end())


def _options(body: str, *, comma: bool) -> Values:
    """List what a run of digits and separators may mean; nothing where the groups make no sense."""
    if re.search("[ \u202f'_]", body):
        whole, mark, rest = _last_split(body)
        groups = re.split("[ \u202f'_]", whole)
        if not _are_groups(groups) or not (rest.isdecimal() or not mark):
            return ()
        return (Fraction("".join(groups) + (f".{rest}" if mark else "")),)
    marks = {mark for mark in body if mark in ".,"}
    if len(marks) == 2:
        decimal = body[max(body.rfind("."), body.rfind(","))]
        return _decimal(body, decimal)
    if not marks:
        return (Fraction(body),)
    return _one_mark(body, marks.pop(), comma=comma)


def _one_mark(body: str, mark: str, *, comma: bool) -> Values:
    groups = body.split(mark)
    grouped = _are_groups(groups) or (mark == "," and re.fullmatch(r"[1-9]\d?(?:,\d\d)+,\d{3}", body) is not None)
    thousands = (Fraction("".join(groups)),) if grouped and groups[0] != "0" and groups[0] else ()
    decimals = (Fraction(body.replace(mark, ".")),) if len(groups) == 2 else ()
    thousands_first = (mark == ",") is not comma
    return (*thousands, *decimals) if thousands_first else (*decimals, *thousands)


def _decimal(body: str, decimal: str) -> Values:
    whole, _, rest = body.rpartition(decimal)
    groups = re.split("[.,]", whole)
    if decimal in whole or not _are_groups(groups):
        return ()
    return (Fraction(f"{''.join(groups)}.{rest}"),)


def _last_split(body: str) -> tuple[str, str, str]:
    at = max(body.rfind("."), body.rfind(","))
    return (body[:at], body[at], body[at + 1 :]) if at >= 0 else (body, "", "")


def _are_groups(groups: list[str]) -> bool:
    return len(groups[0]) <= 3 and bool(groups[0]) and all(len(one) == 3 and one.isdecimal() for one in groups[1:])


def _read_han(text: str, at: int) -> Numeral | None:
    run = _HAN.match(text, at)
    if run is None or len(run[0]) > _MOST_DIGITS:
        return None
    found = read_han(run[0])
    return Numeral(values=(found[0],), end=at + found[1]) if found else None


def _read_words(text: str, at: int) -> Numeral | None:
    run = _WORDED.match(text, at)
    if run is None or len(run[0]) > _MOST_DIGITS:
        return None
    words = [word for word in re.split(r"[\s-]+", run[0].lower()) if word not in {"and", "a"}]
    if words[-1] in _PARTS:
        above = _sum_words(words[:-1] or ["one"])
        return Numeral(values=(above / _PARTS[words[-1]],), end=run.end()) if above is not None else None
    value = _sum_words(words)
    return Numeral(values=(value,), end=run.end()) if value is not None else None


def _sum_words(words: list[str]) -> Fraction | None:
    """Add up number words; None when they are no number ("five six", "half million")."""
    total, section, last = 0, 0, 1000
    for word in words:
        if word in _SCALES:
            times = _SCALES[word]
            if times == 100:
                section = (section or 1) * 100
            else:
                total, section = total + (section or 1) * times, 0
            last = 1000
        elif word in _WORDS and (last >= 100 or (last >= 20 and _WORDS[word] in range(1, 10))):
            section += _WORDS[word]
            last = _WORDS[word]
        else:
            return None
    return Fraction(total + section)
