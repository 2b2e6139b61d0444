"""A quantity: a number with its unit, alone or in a short sentence ("about 5 km", "x = 2.5", "距離は5kmです")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.grade.objective.han import NUMERALS
from penstock.grade.objective.numeral import Values, plain, read_numeral
from penstock.grade.objective.phrase import LONGEST, peelings
from penstock.grade.objective.unit import CURRENCIES, Unit, read_unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

_ABOUT = re.compile(
    r"(?:[~≈∼≒≃]|(?:about|approximately|approx\.?|around|roughly|circa|ca\.?|exactly|equals?|equal to|ungefähr|etwa"
    r"|rund|environ|aproximadamente|cerca de|около|примерно|приблизительно|khoảng|sekitar|yaklaşık)(?![^\W\d])"
    r"|約|およそ|だいたい|ちょうど|大约|大約|约|약|대략)\s?",
    re.IGNORECASE,
)
_ROUGHLY = re.compile(r"\s?(?:ほど|くらい|ぐらい|左右|정도|쯤|or so)\Z")
_IS = r"is|are|equals|was|ist|est|es|è|é|равно|равна|равен"
_SAID = re.compile(
    rf"(?P<subject>[^=≈]{{1,80}}?)(?:\s?[=≈:]\s?|\s(?:{_IS})\s|(?:は|이|가|은|는)\s?|是|为)(?P<rest>[^=≈]+)\Z"
)
_SUM = re.compile(r"[\d\s+\-*/^().,]+")
_SIGNED = re.compile(r"[\d+\-*/^%]")
_GOES_ON = re.compile(r"\d\s?\.\.")  # "0.333..."
_DENIED = re.compile(r"\b(?:not|never|no|nor|or|if|than|nicht|pas|не|ne)\b|n't|ない|아니|않|不|[<>≠≤≥]", re.IGNORECASE)
_UNIT = re.compile(r"[^\d\s,;+±][^,;+±]*")
_COUNTED = re.compile(r"[^\W\d_]{2,20}|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # "x" or "π" is not counted
_SCALES = (  # words for large or small numbers that are not read: none of them is a thing that is counted
    "pair pairs score gross times fold squared cubed or and to than plus minus point over out per not no sqrt"
    " factorial tenth tenths hundredth hundredths thousandth thousandths millionth millionths halves thirds"
    " quarters fifths sixths eighths mil mio mrd bn mn tausend million millionen milliarde milliarden mille"
    " millón millones milhão milhões mila milioni milione miliardi millions milliard milliards тысяч тысячи"
    " тысяча миллион миллиона миллионов тыс млн nghìn ngàn triệu tỷ ribu juta miliar bin milyon milyar ألف آلاف"
    " مليون مليار हजार हज़ार लाख करोड़ พัน หมื่น แสน ล้าน"
)
_NOT_COUNTED = frozenset(_SCALES.split())
_MARGIN = re.compile(r"\s?\(?\s?(?:±|\+\s?/?\s?-)\s?(?P<margin>[^()]+)\)?\Z")
_BRACKETED = re.compile(r"[(\[](?P<inner>[^()\[\]]+)[)\]]")

_MOST_PARTS = 3  # "2 h 5 min 3 s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A quantity that was read.

    Attributes:
        values: What its number may be, the likeliest first, in its unit.
        unit: Its unit, where it has one.
        counted: Whether a word that is no unit follows ("5 apples").
    """

    values: Values
    unit: Unit | None = None
    counted: bool = False


def read_quantity(text: str, *, comma: bool = False) -> Quantity | None:
    """Read an answer that states one quantity; None when it states none, several, or a range."""
    written = plain(text)
    if len(written) > LONGEST or _GOES_ON.search(written):
        return None
    read = (read_strictly(candidate, comma=comma) for candidate in _candidates(written))
    found = [one for one in read if one]
    return next((one for one in found if not one.counted), found[0] if found else None)


def split_margin(text: str) -> tuple[str, str]:
    """Split "9.8 ± 0.1 m" into what stands before and after the sign; the margin is empty where there is none."""
    written = plain(text)
    found = _MARGIN.search(written) if len(written) <= LONGEST else None
    return (written[: found.start()].strip(" ("), found["margin"].strip()) if found else (written, "")


def read_strictly(text: str, *, comma: bool = False) -> Quantity | None:
    """Read a plain text that is one quantity and nothing else."""
    text = text.strip().rstrip(".,;!。、 ")
    bracketed = _BRACKETED.fullmatch(text)
    text = bracketed["inner"].strip() if bracketed else text
    first = _one(text, comma=comma)
    if first is None:
        return None
    found, at = first
    for _ in range(_MOST_PARTS):
        if at == len(text):
            return found
        following = _one(text[at:].lstrip(" ,"), comma=comma)
        joined = _joined(found, following[0]) if following else None
        if following is None or joined is None:
            return None
        found, at = joined, len(text) - len(text[at:].lstrip(" ,")) + following[1]
    return None


def _candidates(written: str) -> Iterator[str]:
    for less in peelings(_ROUGHLY.sub("", written.rstrip(" .!。"))):
        yield _ABOUT.sub("", _ROUGHLY.sub("", less), count=1) if _ABOUT.match(less) else _ROUGHLY.sub("", less)
    said = _SAID.match(written)
    if said and _is_subject(said["subject"], written[said.end("subject") :].lstrip()):
        for less in peelings(said["rest"].rstrip(" .!。")):
            yield _ABOUT.sub("", less, count=1) if _ABOUT.match(less) else less


def _is_subject(subject: str, rest: str) -> bool:
    """Tell whether "=" or "is" may stand behind these words: a name, or a sum ("2+3"), but not "2x" or "-x"."""
    if _SUM.fullmatch(subject):
        return rest.startswith(("=", "≈"))
    return not _SIGNED.search(subject) and not _DENIED.search(subject)


def _one(text: str, *, comma: bool) -> tuple[Quantity, int] | None:
    """Read the quantity that a text begins with, and where it ends."""
    sign = _currency(text)
    at = sign[1] if sign else 0
    number = read_numeral(text, at, comma=comma)
    if number is None:
        return None
    end = number.end
    if sign:
        return Quantity(values=number.values, unit=sign[0]), end
    rest = text[end:]
    tail = _UNIT.match(rest.lstrip())
    if tail is None:
        return Quantity(values=number.values), end
    gap = len(rest) - len(rest.lstrip())
    unit, length = _longest_unit(tail[0])
    if unit:
        return Quantity(values=number.values, unit=unit), end + gap + length
    word = _COUNTED.fullmatch(tail[0])
    if word and (gap or text[end - 1].isdecimal()) and _is_counted(word[0]):
        return Quantity(values=number.values, counted=True), end + gap + len(tail[0])
    return None


def _is_counted(word: str) -> bool:
    return word.lower() not in _NOT_COUNTED and word[0] not in NUMERALS and not word.endswith("の")


def _currency(text: str) -> tuple[Unit, int] | None:
    found = re.match(rf"-?\s?(?P<sign>US\$|[{CURRENCIES}]|[A-Z]{{3}}\s)\s?(?=[\d.])", text)
    unit = read_unit(found["sign"].strip()) if found else None
    return (unit, found.end()) if found and unit and not found[0].startswith("-") else None


def _longest_unit(text: str) -> tuple[Unit | None, int]:
    """Read the longest unit that a text begins with, up to a digit that begins another quantity."""
    ends = [found.start() for found in re.finditer(r"\s(?=\d)|(?<=[^\W\d^])(?=\d)|\s(?=[(])", text)]
    for end in [len(text), *reversed(ends)]:
        if unit := read_unit(text[:end]):
            return unit, end
    return None, 0


def _joined(one: Quantity, other: Quantity) -> Quantity | None:
    """Add up a quantity in two units ("1 h 30 min"), the larger first; None when they do not go together."""
    large, small = one.unit, other.unit
    if large is None or small is None or large.dimension != small.dimension or large.factor <= small.factor:
        return None
    if large.offset or small.offset or one.values[0] < 0 or other.values[0] < 0:
        return None
    return Quantity(values=(_sum(one.values[0], large, other.values[0], small),), unit=large)


def _sum(more: Fraction, large: Unit, less: Fraction, small: Unit) -> Fraction:
    return more + less * small.factor / large.factor
