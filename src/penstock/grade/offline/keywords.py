"""Which key ideas an answer holds.

A keyword is found as words, never as letters inside of others ("AI" is not in "said"): by their stems, in order, with
at most two other words in between, in one clause. A denied one does not count ("not evaporation"). Long words forgive
one slip of the pen (a letter lost, doubled, or two swapped; never one for another, which tells nitrate from nitrite).
Where words are written without spaces, characters are compared instead, and Korean words may go on with a particle.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from penstock.grade.offline.units import root
from penstock.judge.words import HAN, HIRAGANA, KATAKANA, fold, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_UNSPACED = re.compile(f"[{HIRAGANA}{KATAKANA}{HAN}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_HANGUL = re.compile("[가-힣]")
_LITERAL = re.compile(r"[^\w\s'\"()\[\]{},;:!?.\-/]|\d[.,:/-]\d|^[-.]\d")  # signs that carry meaning: C++, 3.5, 20 %
_CLAUSE = re.compile(r"[.,;:!?。、，；：！？\n]+")
_ENDS = frozenset(".,;:!?。、")
_TURNS = frozenset({"but", "however", "although", "instead", "aber", "sondern", "mais", "pero", "ma"})
_DENIALS = frozenset(
    {"not", "no", "never", "neither", "nor", "without", "cannot", "none", "non", "nicht", "kein", "keine", "keinen"}
    | {"keiner", "keinem", "ohne", "nie", "ne", "pas", "jamais", "sans", "sin", "nunca", "sem", "não", "senza", "niet"}
    | {"geen", "zonder", "не", "нет", "без", "никогда", "inte", "ingen", "ikke", "utan", "uten"}
)
_ONLY = frozenset({"only", "just", "merely", "nur", "seulement", "solo", "só"})
_SKIPPED = frozenset(
    {"a", "an", "the", "of", "to", "in", "on", "at", "by", "for", "and", "or", "is", "are", "be", "der", "die", "das"}
    | {"ein", "eine", "le", "la", "les", "un", "une", "de"}
)
_BETWEEN = 2  # other words that may stand between two words of a keyword
_REACH = 3  # words that a denial reaches over
_SPELLED = 7  # letters from which a slip is forgiven
_PART = 0.75  # of a long keyword's character pairs that one clause must have

_DENIED_BEFORE = re.compile(
    r"(?:不是|并不|並不|没有|沒有|并非|並非|不会|不會|不能|不|没|沒|非|未|无|無)[的是会會能被因为為由于於]{0,3}$"
)
_DENIED_AFTER = re.compile(
    f"^[{HIRAGANA}]{{0,6}}(?:ない(?!と)|ありません|ません|ではなく|じゃなく|でなく|せず)|^[{HIRAGANA}]{{0,2}}(?:不是|不会|不對|不对)"
)
_NOT_ONLY = re.compile("^(?:だけ|のみ|ばかり|しか)")
_ENDING = re.compile(
    "(?:은|는|이|가|을|를|의|에|으로|로|와|과|도|만|이나|나|까지|부터|처럼|보다|하|되|했|한|된|할|될|함|됨|해|돼|시|들|적|"
    "인|임|입|이|라|란|에서|에게|께|마다|조차|뿐|및|등|였|였|으|하고|성)"
)
_DENIED_KOREAN = re.compile("^(?:아니|않|못하|못했|없|아닌|아님)")


class _Word(NamedTuple):
    text: str
    stem: str


class _Wanted(NamedTuple):
    """One way of writing a keyword."""

    folded: str
    dense: str
    words: tuple[_Word, ...]
    literal: bool
    unspaced: bool
    korean: bool


class _Read(NamedTuple):
    """An answer as keywords are looked for in it; a clause's end is an empty word."""

    folded: str
    words: tuple[_Word, ...]
    clauses: tuple[str, ...]
    places: dict[str, list[int]]


def matched(keywords: Sequence[str], answer: str) -> tuple[str, ...]:
    """Tell which keywords an answer holds, as they were given, in their order."""
    wanted = [(keyword, _wanted(keyword)) for keyword in keywords]
    if not wanted or not answer.strip():
        return ()
    read = _read(answer)
    return tuple(keyword for keyword, ways in wanted if any(_holds(read, way) for way in ways))


@lru_cache(maxsize=4096)  # the same question's keywords come with every answer
def _wanted(keyword: str) -> tuple[_Wanted, ...]:
    return tuple(_way(part.strip()) for part in keyword.split("|") if part.strip())


def _way(text: str) -> _Wanted:
    folded = " ".join(fold(text).split())
    tokens = [token for token in split(text) if token[0].isalnum()]
    telling = [token for token in tokens if token not in _SKIPPED] or tokens
    return _Wanted(
        folded=folded,
        dense=_dense(folded),
        words=tuple(_Word(token, root(token)) for token in telling),
        literal=not tokens or bool(_LITERAL.search(folded)),
        unspaced=bool(_UNSPACED.search(folded)),
        korean=bool(_HANGUL.search(folded)),
    )


def _read(answer: str) -> _Read:
    folded = " ".join(fold(answer).split())
    words = tuple(_Word("", "") if token[0] in _ENDS else _Word(token, root(token)) for token in split(answer))
    places: dict[str, list[int]] = {}
    for place, word in enumerate(words):
        places.setdefault(word.stem, []).append(place)
    clauses = tuple(_dense(part) for part in _CLAUSE.split(fold(answer)))
    return _Read(folded=folded, words=words, clauses=clauses, places=places)


def _dense(text: str) -> str:
    return "".join(text.split())


def _holds(read: _Read, way: _Wanted) -> bool:
    if way.literal:
        return _holds_literally(read.folded, way.folded)
    if way.unspaced:
        return any(_holds_characters(clause, way.dense) for clause in read.clauses)
    if way.korean:
        return _holds_korean(read, way)
    return any(not _denied(read.words, first) for first in _starts(read, way.words))


def _starts(read: _Read, wanted: tuple[_Word, ...]) -> Iterable[int]:
    """Find where the words of a keyword begin to stand in order, near each other and in one clause."""
    for first in _places(read, wanted[0]):
        if _follow(read.words, first, wanted[1:]):
            yield first


def _follow(words: Sequence[_Word], place: int, wanted: tuple[_Word, ...]) -> bool:
    for word in wanted:
        found = _next(words, place, word)
        if found is None:
            return False
        place = found
    return True


def _places(read: _Read, word: _Word) -> list[int]:
    exact = read.places.get(word.stem)
    if exact is not None:
        return exact
    near = [text for text in read.places if _alike(word.stem, text)]
    return sorted(place for text in near for place in read.places[text])


def _next(words: Sequence[_Word], place: int, wanted: _Word) -> int | None:
    for step in range(place + 1, min(place + 2 + _BETWEEN, len(words))):
        if not words[step].text:
            return None
        if words[step].stem == wanted.stem or _alike(wanted.stem, words[step].stem):
            return step
    return None


def _denied(words: Sequence[_Word], first: int) -> bool:
    """Tell whether a denial stands within three words before, in the same clause."""
    for place in range(first - 1, max(first - 1 - _REACH, -1), -1):
        word = words[place].text
        if not word or word in _TURNS:
            return False
        if word in _DENIALS or word.endswith("n't"):
            return words[place + 1].text not in _ONLY
    return False


def _alike(wanted: str, found: str) -> bool:
    """Tell whether two stems are one word with another ending or with one slip."""
    if len(wanted) < _SPELLED or len(found) < _SPELLED - 1 or wanted[0] != found[0]:
        return False
    shared = _shared(wanted, found)
    if shared >= _SPELLED and max(len(wanted), len(found)) - shared <= 3:
        return True
    if abs(len(wanted) - len(found)) > 1:
        return False
    rest, other = wanted[shared:], found[shared:]
    if len(rest) == len(other):  # two letters swapped
        return rest[:2] == other[1::-1] and rest[2:] == other[2:]
    return rest[1:] == other or rest == other[1:]


def _shared(first: str, second: str) -> int:
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return place
    return min(len(first), len(second))


def _holds_literally(folded: str, wanted: str) -> bool:
    """Look for signs as they stand, where no letter or figure goes on before or after them."""
    place = folded.find(wanted)
    while place >= 0:
        end = place + len(wanted)
        before, after = folded[place - 1 : place], folded[end : end + 1]
        goes_on = (wanted[0].isalnum() and before.isalnum()) or (wanted[-1].isalnum() and after.isalnum())
        within = wanted[-1].isdigit() and after in {".", ","} and folded[end + 1 : end + 2].isdigit()
        if not goes_on and not within:
            return True
        place = folded.find(wanted, place + 1)
    return False


def _holds_characters(clause: str, wanted: str) -> bool:
    place = clause.find(wanted)
    if place < 0:
        return _holds_most(clause, wanted)
    while place >= 0:
        end = place + len(wanted)
        before, after = clause[max(place - 6, 0) : place], clause[end : end + 16]
        denied = _DENIED_BEFORE.search(before) or (_DENIED_AFTER.search(after) and not _NOT_ONLY.search(after))
        if not denied:
            return True
        place = clause.find(wanted, place + 1)
    return False


def _holds_most(clause: str, wanted: str) -> bool:
    """Forgive a long keyword other characters in between: most of its pairs in one clause will do."""
    if len(wanted) < 5 or len(clause) < len(wanted) * _PART:
        return False
    pairs = [first + second for first, second in pairwise(wanted)]
    return sum(pair in clause for pair in pairs) >= _PART * len(pairs) and not _DENIED_BEFORE.search(clause[:6])


def _holds_korean(read: _Read, way: _Wanted) -> bool:
    for first in _korean_starts(read, way):
        last = first + len(way.words) - 1
        after = read.words[last + 1].text if last + 1 < len(read.words) else ""
        before = read.words[first - 1].text if first else ""
        tail = read.words[last].text
        if not _DENIED_KOREAN.search(after) and before != "안" and not re.search("않|지못|없는?$", tail):
            return True
    return len(way.dense) >= 3 and len(way.words) > 1 and any(way.dense in clause for clause in read.clauses)


def _korean_starts(read: _Read, way: _Wanted) -> Iterable[int]:
    n_wanted = len(way.words)
    for first in range(len(read.words) - n_wanted + 1):
        if all(_goes_on(read.words[first + place].text, wanted.text) for place, wanted in enumerate(way.words)):
            yield first


def _goes_on(found: str, wanted: str) -> bool:
    """Tell whether a Korean word is the wanted one, alone, with an ending, or as a part of a long compound."""
    if not found.startswith(wanted):
        return len(wanted) >= 3 and wanted in found
    rest = found[len(wanted) :]
    return not rest or not _HANGUL.match(wanted[-1]) or bool(_ENDING.match(rest))
