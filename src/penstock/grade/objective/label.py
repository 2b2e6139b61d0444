"""Labels of choices: what stands before a choice, in any script, and the place it means.

A label is a letter, a place counted from 1, a Roman or Han numeral, or an ordinal, with whatever stands around it:
"B", "(b)", "2.", "②", "B번", "第2个", "второй". Which letters count is the custom of exam papers in each script.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from penstock.grade.objective.normal import wide

_ROWS = {
    "latin": ("abcdefghijklmnopqrstuvwxyz",),
    "cyrillic": ("абвгдежзик",),
    "greek": ("αβγδεζηθικλμ",),
    "kana": ("アイウエオカキクケコサシスセソ", "あいうえおかきくけこさしすせそ"),
    "hangul": ("가나다라마바사아자차카타파하",),
    "jamo": ("ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ",),
    "stem": ("甲乙丙丁戊己庚辛壬癸",),
    "digit": ("一二三四五六七八九十",),
    "arabic": ("أبجدهوزحطي", "ابجدهوزحطي"),
    "hebrew": ("אבגדהוזחטי",),
    "devanagari": ("कखगघङचछजझञ",),
    "thai": ("กขคงจฉชซฌญ",),
}
_LOOKS_LATIN = {"а": "a", "в": "b", "с": "c", "е": "e", "н": "h", "і": "i", "к": "k", "м": "m", "о": "o", "р": "p"} | {
    "т": "t", "х": "x", "у": "y", "α": "a", "β": "b", "ε": "e", "η": "h", "ι": "i", "κ": "k", "μ": "m", "ν": "n",
    "ο": "o", "ρ": "p", "τ": "t", "χ": "x", "ζ": "z", "υ": "y",
}  # fmt: skip
LOOKALIKE = ("cyrillic", "greek")
"""The alphabets with letters that look like Latin ones."""

_ROMAN = {"ii": 2, "iii": 3, "iv": 4, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "xi": 11, "xii": 12}
_ROMAN_SIGNS = {"Ⅰ": 1, "Ⅴ": 5, "Ⅹ": 10, "ⅰ": 1, "ⅴ": 5, "ⅹ": 10}
_ORDINALS = (
    "first one 1st erste ersten première premier primera primero primeira primeiro prima primo первый первая 첫번째",
    "second two 2nd zweite zweiten deuxième seconde segunda segundo seconda secondo второй вторая 두번째",
    "third three 3rd dritte dritten troisième tercera tercero terceira terceiro terza третий третья 세번째",
    "fourth four 4th vierte vierten quatrième cuarta cuarto quarta quarto четвёртый четвертый 네번째",
    "fifth five 5th fünfte fünften fünfter cinquième quinta quinto пятый пятая 다섯번째",
    "sixth six 6th sechste sechsten sixième sexta sexto sesta sesto шестой шестая 여섯번째",
    "seventh seven 7th siebte siebten septième séptima séptimo sétima sétimo седьмой седьмая 일곱번째",
    "eighth eight 8th achte achten huitième octava octavo oitava oitavo восьмой восьмая 여덟번째",
    "ninth nine 9th neunte neunten neuvième novena noveno nona nono девятый девятая 아홉번째",
    "tenth ten 10th zehnte zehnten dixième décima décimo десятый десятая 열번째",
)  # fmt: skip
_AROUND = " \t\n()[]{}<>\"'`*_.,:;!。、।·・"
_BEFORE = re.compile(r"(?:第|#|no\.?(?=\d| \d)|nr\.?(?=\d| \d)|n°|number (?=\S{1,5}\Z)|the )\s{0,2}", re.IGNORECASE)
_AFTER = re.compile(
    r"\s?(?:(?<=\d)번째|(?<=\d )번째|번|番目|番|号|號|个|個|項|项|つ目|[ªº]"
    r"|(?<=\d)(?:st|nd|rd|th)|(?<=\s)one|요|이요)\Z",
    re.IGNORECASE,
)

_LONGEST = 24  # characters of a label with all that may stand around it


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label that was read: the place it means, from 1, and the alphabet it was written in."""

    place: int
    alphabet: str


def _table() -> dict[str, Label]:
    table: dict[str, Label] = {}
    for alphabet, rows in _ROWS.items():
        for row in rows:
            for place, letter in enumerate(row, start=1):
                table.setdefault(wide(letter).casefold(), Label(place=place, alphabet=alphabet))
    for place, words in enumerate(_ORDINALS, start=1):
        table |= {word: Label(place=place, alphabet="ordinal") for word in words.split()}
    return table | {numeral: Label(place=place, alphabet="roman") for numeral, place in _ROMAN.items()}


_TABLE = _table()


def read_label(text: str, *, count: int, alphabet: str = "") -> Label | None:
    """Read a text that is a label and nothing else; None when it is not one of the first `count` labels.

    Letters that look alike in two scripts ("В" is the second letter in Latin, the third in Russian) are read in the
    script of `alphabet`, that of the key; where that does not settle it, they are not read.
    """
    if not text or len(text) > _LONGEST:
        return None
    core = _core(text)
    if not core or len(core) > 12:
        return None
    found = _sign(text.strip(_AROUND)) or _digits(core) or _letter(core, count=count, alphabet=alphabet)
    return found if found and found.place <= count else None


def _core(text: str) -> str:
    core = wide(text).strip(_AROUND)
    core = _BEFORE.sub("", core, count=1) if _BEFORE.match(core) else core
    return _AFTER.sub("", core).strip(_AROUND).casefold()


def _sign(text: str) -> Label | None:
    place = _ROMAN_SIGNS.get(text)
    return Label(place=place, alphabet="roman") if place else None


def _digits(core: str) -> Label | None:
    if not core.isdecimal() or len(core) > 3:
        return None
    place = int(core)
    return Label(place=place, alphabet="digit") if place else None


def _letter(core: str, *, count: int, alphabet: str) -> Label | None:
    found = _TABLE.get(core.replace(" ", ""))
    if found is not None and found.place > count:
        found = None
    twin = _LOOKS_LATIN.get(core)
    if twin is None or (found and found.alphabet == alphabet):
        return found
    latin = _TABLE[twin]
    if latin.place > count:
        return found
    if found and found.place == latin.place:
        return latin if alphabet == latin.alphabet else found
    return None if found else latin


def letters_run(text: str, *, count: int) -> tuple[int, ...] | None:
    """Read labels that are written together ("AC", "ㄱㄷ", "13"), each once; None when the text is no such run."""
    core = wide(text).strip(_AROUND).casefold()
    if not 2 <= len(core) <= count or len(set(core)) < len(core) or (core.isdecimal() and count > 9):
        return None
    labels = [read_label(letter, count=count) for letter in core]
    known = [label for label in labels if label]
    if len(known) < len(core) or len({label.alphabet for label in known}) > 1:
        return None
    return tuple(label.place for label in known)


def name_of(place: int, *, alphabet: str) -> str:
    """Write a place for people: as a number where the key is one, else as a capital letter."""
    return chr(64 + place) if alphabet != "digit" and place <= 26 else str(place)
