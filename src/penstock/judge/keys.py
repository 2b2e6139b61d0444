"""The keys of a word: the forms under which it is looked up.

An English word has its stem, a run without spaces its pairs of letters, an emoji the words of its Unicode name; a stop
word and punctuation have none.
"""

from __future__ import annotations

import re
import unicodedata

from penstock.judge.stems import stem
from penstock.judge.words import HAN, HIRAGANA

_STOP_WORDS = frozenset(
    word
    for line in (
        "a about above after again all also am an and any are as at be because been before being between both",
        "but by can could did do does doing done down during each either etc even every few for from further",
        "get gets got had has have having he her here hers herself him himself his how however i i'd i'll i'm",
        "i've if in into is it it's its itself just let lot many may me might more most much must my myself",
        "of off on once one only or other others our ours out over own per really same shall she should so",
        "some someone something such than that that's the their theirs them themselves then there these they",
        "they're thing things this those though through to too under until up upon us use used using very was",
        "we were what when where whether which while who whom whose why will with within would you you'd",
        "you'll you're you've your yours yourself person people writer author speaker text comment message",
        "post says say said express expresses expressed expressing expression show shows showing feel feels",
        "feeling feelings felt towards toward like e.g i.e eg ie",
    )
    for word in line.split()
)
_NEGATORS = frozenset(
    word
    for line in (
        "not no never neither nor none nobody nothing nowhere hardly barely scarcely without cannot cant dont",
        "doesnt didnt isnt arent wasnt werent wont wouldnt couldnt shouldnt aint havent hasnt hadnt 안 못",
    )
    for word in line.split()
)
_EMOTICONS = {
    ":)": "smile happy",
    ":-)": "smile happy",
    "=)": "smile happy",
    ":d": "grin laugh happy",
    ":-d": "grin laugh happy",
    "xd": "laugh",
    ";)": "wink",
    ";-)": "wink",
    ":p": "playful",
    "<3": "love heart",
    ":(": "frown sad",
    ":-(": "frown sad",
    "=(": "frown sad",
    ":'(": "cry sad",
    ":/": "doubt",
    ":o": "surprise",
    "^^": "smile happy",
}
_LAUGHTER = re.compile(r"(?:a?(?:ha){2,}h?|lol+|lmf?ao+|rofl|\u110f{2,})\Z")  # the last is ㅋㅋ, folded
_PLAIN = frozenset(("face", "sign", "symbol", "black", "white", "heavy", "eyes", "open", "closed", "mouth", "red"))
_PARTICLE = re.compile("(?<=..)(?:에서|으로|에게|까지|부터|은|는|이|가|을|를|에|의|도|로|와|과|만)$")
_KANA_PARTICLES = "はがをにのでともへや"
_HAN_START = re.compile(f"[{HAN}]+")
_SHORT_KANA = re.compile(f"[{HIRAGANA}]{{1,2}}$")

_NEGATED_AFTER = re.compile("않|못하|못해|못한|아니|없")
_DENIED = re.compile("(?<=.)(?:ない|なく|なかっ|なけれ|ません)|지않|지못")
_PREFIXED = ("不", "没", "沒", "别", "別", "无", "無")
_BREAKS = frozenset(("but", "however", "though", "although", "yet"))
_REACH = 3  # words a negator reaches over


def keys(token: str) -> tuple[str, ...]:
    """List the keys of a folded token."""
    if token in _STOP_WORDS or token in _NEGATORS or token.isdecimal():
        return ()
    if token in _EMOTICONS:
        return tuple(stem(word) for word in _EMOTICONS[token].split())
    if _LAUGHTER.match(token):
        return (stem("laugh"),)
    return _emoji_keys(token[0]) if not token[0].isalnum() else _word_keys(token)


def _word_keys(token: str) -> tuple[str, ...]:
    if "가" <= token[0] <= "힣":
        return _pairs(_PARTICLE.sub("", token))
    if token[0] < "\u0e00" or token[0] > "\ufaff":
        return (stem(token),)
    return _unspaced_keys(token)


def negated(tokens: list[str], place: int) -> bool:
    """Tell whether the token at a place is denied by the words around it ("not happy", "좋지 않다", "楽しくない")."""
    if _DENIED.search(tokens[place]) or any(tokens[place].startswith(no) for no in _PREFIXED):
        return True
    for token in reversed(tokens[max(0, place - _REACH) : place]):
        if token in _NEGATORS or token.endswith("n't"):
            return True
        if token in _BREAKS or not token[-1].isalnum():
            break
    return place + 1 < len(tokens) and bool(_NEGATED_AFTER.match(tokens[place + 1]))


def _emoji_keys(letter: str) -> tuple[str, ...]:
    named = unicodedata.category(letter) == "So" or letter in "❤♥"
    name = unicodedata.name(letter, "").lower() if named else ""
    return tuple(stem(word) for word in re.findall("[a-z]+", name) if word not in _PLAIN and word not in _STOP_WORDS)


def _unspaced_keys(token: str) -> tuple[str, ...]:
    han = _HAN_START.match(token)
    if han is None:
        return () if _SHORT_KANA.match(token) else _pairs(token)
    ending = token[han.end() :]
    if len(han[0]) == 1:
        return (han[0],)
    return _pairs(han[0] + ending[:1] if ending and ending[0] not in _KANA_PARTICLES else han[0])


def _pairs(token: str) -> tuple[str, ...]:
    return tuple(token[i : i + 2] for i in range(max(1, len(token) - 1)))
