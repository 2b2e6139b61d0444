"""The encoding of a text file, told from its bytes.

A byte-order mark decides. Without one, only the lines that hold a byte above 127 say anything: the first of them, up
to a bounded amount, are the sample (a file of pure ASCII is passed over at the speed of the disk). A file is UTF-8 when
at least as many of these lines are valid UTF-8 as are not: the others are broken rows. Else every legacy encoding that
can read the lines is measured by the share of characters that are among the most frequent of its language, and the
best must be clearly ahead of the rest; otherwise the user is asked.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from penstock.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SAMPLE = 1 << 18  # bytes of telling lines: enough for ten thousand characters of any language
_LONGEST = 1 << 23  # bytes of one line that are looked at
_AHEAD = 2.0  # how many times the runner-up the best must reach
# Share of frequent characters in a text of its language, at the least; of the thousands of East Asian characters wrong
# readings have 0.01 to 0.05, of the few letters with accents much more.
_LEAST = 0.15
_LEAST_OF_LETTERS = 0.8

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_KANA = "".join(map(chr, [*range(0x3041, 0x3097), *range(0x30A1, 0x30FD)])) + "、。「」・！？日人一大年本中"
_HANGUL = (
    "이다는을가의에고하지를한도은로서기사어나들인있리그수아대시해자일과게여만으정보전것안부주면우장라었"
    "마상니제오요않당말내적까했거공습더구려무동성와생원물학진소유연중경없음세계처저분방좋세너신비스위ㅋㅠㅎㅜ네래"
)
_SIMPLIFIED = (
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多"
    "天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知，。！？"
)
_TRADITIONAL = (
    "的一是不了人我在有他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可里後小麼心多"
    "天而能好都然沒日於起還發成事只作當想看文無開手十用主行方又如前所本見經頭面公同三已老從動兩長知，。！？"
)
_WESTERN = "àáâãäåæçèéêëìíîïñòóôõöøùúûüýßœšžÉÀÖÜÄÅ‘’“”–—…€°«»¡¿£©®·º"
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїє"

_LANGUAGES = {
    "cp932": _KANA,
    "euc-jp": _KANA,
    "cp949": _HANGUL,
    "gb18030": _SIMPLIFIED,
    "big5": _TRADITIONAL,
    "cp1252": _WESTERN,
    "cp1251": _CYRILLIC,
}
# Runs of signs above 127, and the letters beside them, that no word of the language holds: three accents on end are not
# Western; an accent in a Latin word, a capital after a small letter, or anything but letters is not Cyrillic.
_RUN = re.compile(r"[A-Za-z0-9]?[^\x00-\x7f]+[A-Za-z0-9]?")
_UNLIKE = {
    "cp1252": re.compile(r"[^\x00-\x7f]{3}"),
    "cp1251": re.compile(r"[A-Za-z0-9]|[а-яё][А-ЯЁ]|[^А-яЁёІіЇїЄєҐґЎў№«»–—…‘’“”]"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How characters are kept as bytes in one file.

    Attributes:
        name: The codec.
        mark: Whether the file begins with a byte-order mark.
    """

    name: str
    mark: bool = False

    @property
    def errors(self) -> str:
        """How bytes that are no characters are kept, so that they can be written back as they were."""
        return "surrogatepass" if self.name.startswith(("utf-16", "utf-32")) else "surrogateescape"


def named(name: str, *, head: bytes) -> Encoding:
    """Return the encoding that the user named.

    Raises:
        InputError: When Python knows no text encoding of this name.
    """
    try:
        known = codecs.lookup(name).name
        "".encode(known)
    except LookupError as error:
        raise InputError(f"There is no encoding '{name}': try utf-8, cp932, euc-kr or cp1252.") from error
    mark = of_mark(head)
    if mark and known in {mark.name, "utf-8-sig", "utf-16", "utf-32"}:
        return mark
    plain = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
    return Encoding(name=plain.get(known, known))


def of_mark(head: bytes) -> Encoding | None:
    """Return the encoding that a byte-order mark announces, where there is one."""
    found = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    return Encoding(name=found, mark=True) if found else None


def detect(blocks: Iterable[bytes], *, path: Path) -> Encoding:
    """Tell the encoding of a file from its bytes.

    Args:
        blocks: The file from its beginning; only as much is taken as is needed.
        path: Its name, for the message.

    Raises:
        InputError: When several encodings would fit; asks for `--encoding`.
    """
    blocks = iter(blocks)
    head = next(blocks, b"")
    marked = of_mark(head)
    if marked:
        return marked
    lines = _telling_lines(chain([head], blocks))
    valid = sum(map(_is_utf8, lines))
    if valid * 2 >= len(lines):
        return Encoding(name="utf-8")
    return Encoding(name=_legacy(lines, path=path))


def _telling_lines(blocks: Iterable[bytes]) -> list[bytes]:
    """Collect the first lines with a byte above 127, `_SAMPLE` bytes of them; lines go across blocks."""
    lines: list[bytes] = []
    taken, rest = 0, b""
    for block in blocks:
        full, _, rest = (rest + block).rpartition(b"\n")
        found = _high_lines(full)
        lines += found
        taken += sum(map(len, found))
        if taken >= _SAMPLE or len(rest) >= _LONGEST:
            break
    return lines if taken >= _SAMPLE else lines + _high_lines(rest)


def _high_lines(data: bytes) -> list[bytes]:
    return [] if data.isascii() else [line for line in data.splitlines() if not line.isascii()]


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _legacy(lines: list[bytes], *, path: Path) -> str:
    found = sorted(((_share(lines, name=name), name) for name in _LANGUAGES), reverse=True)
    (best, name), (second, other) = found[:2]
    if best < (_LEAST_OF_LETTERS if name in _UNLIKE else _LEAST):
        raise InputError(f"The encoding of {path} cannot be told from its bytes: name it with --encoding.")
    if best < _AHEAD * second:
        raise InputError(f"{path} may be {name} or {other}: say which with --encoding.")
    return name


def _share(lines: list[bytes], *, name: str) -> float:
    """Share of the characters above 127 that are among the most frequent of the language of an encoding."""
    frequent = frozenset(_LANGUAGES[name])
    hits = total = 0
    for line in lines:
        try:
            text = line.decode(name)
        except UnicodeDecodeError:
            total += len(line)
            continue
        if name in _UNLIKE:
            text = _without(text, unlike=_UNLIKE[name])
        high = [sign for sign in text if sign > "\x7f"]
        hits += sum(sign in frequent for sign in high)
        total += len(high)
    return hits / max(total, 1)


def _without(text: str, *, unlike: re.Pattern[str]) -> str:
    """Put U+FFFD for all signs of the runs that do not look like the language."""
    return _RUN.sub(lambda run: "\ufffd" * len(run[0]) if unlike.search(run[0]) else run[0], text)
