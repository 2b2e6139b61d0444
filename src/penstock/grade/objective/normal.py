"""Normal forms: the same words written in another way become the same text.

A text has four forms, each looser than the one before. Two texts are compared form by form, and the first form in
which they are equal counts; so "US" and "us" stay apart where both are choices, and are the same where only one is.
"""

from __future__ import annotations

import re
import unicodedata
from functools import partial

_DROPPED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_GAPS = re.compile(r"[^\S\n]+")
_SAME = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´ʼ", "'"),
        **dict.fromkeys("“”„‟″«»「」『』〈〉《》", '"'),
        **dict.fromkeys("‐‑‒–—―−⁃⸺﹘", "-"),
        **dict.fromkeys("【〔［", "["),
        **dict.fromkeys("】〕］", "]"),
        **{chr(0x1F150 + at): chr(0x41 + at) for at in range(26)},  # white letters on black circles
        **{chr(0x1F170 + at): chr(0x41 + at) for at in range(26)},  # and on black squares
        **{chr(start + at): str(at + 1) for start in (0x2776, 0x2780, 0x278A) for at in range(10)},
        **{chr(0x24F5 + at): str(at + 1) for at in range(10)},
    }
)
_ENDS = " \t.,;:!?。、…‥؟،؛।॥¿¡·・"
_CJK = "\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af々〆"
_BETWEEN_CJK = re.compile(f"(?<=[{_CJK}]) (?=[{_CJK}])")
_KEPT = frozenset("+#%&@*/\\^=<>~|°")
_MARKED = frozenset("MNLS")  # general categories: marks, numbers, letters, symbols

_nfc = partial(unicodedata.normalize, "NFC")
_nfkc = partial(unicodedata.normalize, "NFKC")


def exact(text: str) -> str:
    """Keep everything but invisible characters, the number of spaces, and how an accent is encoded."""
    if not text.isascii():
        text = _nfc(_DROPPED.sub("", text))
    return _SPACES.sub(" ", text).strip()


def wide(text: str) -> str:
    """Write compatibility forms (full width, circled, half-width kana) and kinds of quotes and dashes in one way."""
    if not text.isascii():
        text = _nfkc(_DROPPED.sub("", text).translate(_SAME)).translate(_SAME)
    return _SPACES.sub(" ", text).strip()


def folded(text: str) -> str:
    """Fold case as well, and drop punctuation at the ends."""
    text = wide(text)
    return (text.lower() if text.isascii() else _nfkc(text.casefold())).rstrip(_ENDS + "\"'").lstrip(" \"'¿¡")


def bare(text: str) -> str:
    """Drop punctuation inside as well; signs that mean something (+, #, °, %, a minus, a decimal point) stay."""
    text = folded(text)
    if text.replace(" ", "").isalnum() and text.isascii():
        return text
    last = len(text) - 1
    kept = (
        letter if _means(letter, text[at - 1] if at else " ", text[at + 1] if at < last else " ") else _gap(letter)
        for at, letter in enumerate(text)
    )
    return _BETWEEN_CJK.sub("", " ".join("".join(kept).split()))


FORMS = (exact, wide, folded, bare)
"""The four forms, strictest first."""


def squeezed(text: str) -> str:
    """Keep one of several spaces, and all line breaks."""
    return _GAPS.sub(" ", text).strip()


def is_blank(text: str) -> bool:
    """Whether nothing visible is there."""
    return not exact(text)


def _means(letter: str, before: str, after: str) -> bool:
    if letter == "-":
        return after.isdigit() and not before.isalnum()
    if letter in ".,":
        return after.isdigit() and (before.isdigit() or letter == ".")
    return letter in _KEPT or unicodedata.category(letter)[0] in _MARKED


def _gap(letter: str) -> str:
    return "" if letter == "'" else " "
