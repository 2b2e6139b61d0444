"""A text as units that are compared: roots of words, and single characters where words are written without spaces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from penstock.judge.stems import stem
from penstock.judge.words import fold, split

READ = 20_000
"""Characters of a text that are looked at; whatever is longer is no short answer."""

_UNSPACED = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff々〆\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
)
_LETTERS = 40  # of a word that are looked at
_DENIALS = frozenset(
    {"not", "no", "never", "neither", "nor", "without", "cannot", "none", "nicht", "kein", "keine", "keinen", "ohne"}
    | {"nie", "ne", "pas", "jamais", "sans", "sin", "nunca", "sem", "não", "non", "senza", "niet", "geen", "не", "нет"}
    | {"без", "inte", "ingen", "ikke", "utan", "uten", "不", "没", "沒", "非", "未", "无", "無", "안", "못", "ず"}
)


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A text that was read.

    Attributes:
        folded: The text in one way of writing, its spaces made equal.
        words: Folded words and runs of characters, in order; no punctuation.
        units: Roots of the words; the characters of a run one by one.
        denials: How many words deny something.
    """

    folded: str
    words: tuple[str, ...]
    units: tuple[str, ...]
    denials: int


def read(text: str) -> Text:
    """Split a text into words and units; only the first 20,000 characters count."""
    text = text[:READ]
    words = [token for token in split(text) if token[0].isalnum()]
    units: list[str] = []
    denials = 0
    for word in words:
        if is_unspaced(word):
            units += word
            denials += sum(character in _DENIALS for character in word)
        else:
            units.append(root(word))
            denials += word in _DENIALS or word.endswith("n't")
    return Text(" ".join(fold(text).split()), tuple(words), tuple(units), denials)


def is_unspaced(word: str) -> bool:
    """Tell whether a word is a run of characters of a script that has no spaces."""
    return not word.isascii() and _UNSPACED.match(word) is not None


@lru_cache(maxsize=50_000)  # answers share most of their words
def root(word: str) -> str:
    """Cut a word down a little further than to its stem ("evaporated" and "evaporation" are one)."""
    word = word.removesuffix("'s")
    if not word.isalpha():
        return word
    cut = stem(word)
    if len(cut) >= 7 and cut.endswith("at"):
        return cut[:-2]
    return cut[:-1] if len(cut) >= 6 and cut.endswith("s") else cut


def pieces(word: str) -> list[str]:
    """List the pieces of a word: runs of 3 to 5 letters with its ends marked, of 1 to 4 characters without spaces."""
    if is_unspaced(word):
        return _runs(word, 1, 4)
    if "가" <= word[0] <= "힣":
        return _runs(word[:_LETTERS], 1, 3)
    return _runs(f"<{word[:_LETTERS]}>", 3, 5)


def triples(unit: str) -> list[str]:
    """List the runs of three letters of a unit, its ends marked; a single character is its own."""
    return _runs(f"<{unit[:_LETTERS]}>", 3, 3)


def _runs(text: str, shortest: int, longest: int) -> list[str]:
    sizes = range(shortest, longest + 1)
    return [text[start : start + size] for size in sizes for start in range(len(text) - size + 1)]
