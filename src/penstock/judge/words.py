"""Text as words: folded and split, alike for every script.

A text is folded (NFKC, case, quotes) and split into tokens: words where there are spaces; where there are none, runs
of one kind of letter (in Japanese, Chinese characters with the kana that end them); emoji, emoticons and punctuation
one by one.
"""

from __future__ import annotations

import re
import unicodedata

HIRAGANA = "ぁ-ゟ"
KATAKANA = "゠-ヿ"
HAN = "㐀-䶿一-鿿\uf900-\ufaff々〆"
_HANGUL = "가-힣"
_JAMO = "\u1100-\u11ff"  # what NFKC makes of lone letters such as ㅋ
_RUNS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
_MARKS = "\u0300-\u036f\u0900-\u0963\u0966-\u0dff"  # vowel signs and accents continue a word
_SPACED = f"[^\\W_{HIRAGANA}{KATAKANA}{HAN}{_HANGUL}{_JAMO}{_RUNS}]"
_EMOJI = "\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001f3fa\U0001f400-\U0001faff"
_EMOTICON = r"<3|:'\(|\^\^|[:;]-?(?:[)(]|[dpo/](?![\w/]))|=[)(]"

_TOKEN = re.compile(
    f"{_SPACED}(?:{_SPACED}|[{_MARKS}]|'(?={_SPACED}))*"
    f"|[{_HANGUL}]+|[{HAN}]{{1,16}}[{HIRAGANA}]{{0,16}}|[{HIRAGANA}]{{1,16}}|[{KATAKANA}]{{1,24}}"
    f"|[{_JAMO}]+|[{_RUNS}]{{1,24}}"
    f"|{_EMOTICON}|[{_EMOJI}]|[!?]+|[.,;:。、]+"
)


def fold(text: str) -> str:
    """Write a text in one way: compatibility forms, case and quotes made equal."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("‘", "'")


def split(text: str) -> list[str]:
    """Split a text into folded tokens, in their order."""
    return _TOKEN.findall(fold(text))
