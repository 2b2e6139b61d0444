"""Text as words: folded, split, stemmed, alike for every script.

A text is folded (NFKC, case, quotes) and split into tokens: words where there are spaces; where there are none, runs
of one kind of letter (in Japanese, Chinese characters with the kana that end them); emoji, emoticons and punctuation
one by one. A token has *keys*, the forms under which it is looked up: an English word its stem, a run without spaces
its pairs of letters, an emoji the words of its Unicode name, a stop word none.
"""

from __future__ import annotations

import re
import unicodedata

_HIRAGANA = "ぁ-ゟ"
_KATAKANA = "゠-ヿ"
_HAN = "㐀-䶿一-鿿豈-\ufaff々〆"
_HANGUL = "가-힣"
_JAMO = "\u1100-\u11ff"  # what NFKC makes of lone letters such as ㅋ
_RUNS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
_MARKS = "\u0300-\u036f\u0900-\u0963\u0966-\u0dff"  # vowel signs and accents continue a word
_SPACED = f"[^\\W_{_HIRAGANA}{_KATAKANA}{_HAN}{_HANGUL}{_JAMO}{_RUNS}]"
_EMOJI = "\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001f3fa\U0001f400-\U0001faff"
_EMOTICONS = {
    ":)": "smile happy", ":-)": "smile happy", "=)": "smile happy", ":d": "grin laugh happy", ":-d": "grin laugh happy",
    "xd": "laugh", ";)": "wink", ";-)": "wink", ":p": "playful", "<3": "love heart", ":(": "frown sad",
    ":-(": "frown sad", "=(": "frown sad", ":'(": "cry sad", ":/": "doubt", ":o": "surprise", "^^": "smile happy",
    "t_t": "cry sad",
}  # fmt: skip
_LETTERED = {"xd", "t_t"}
_LAUGHTER = re.compile(r"(?:a?(?:ha){2,}h?|lol+|lmf?ao+|rofl)\Z")

_TOKEN = re.compile(
    f"{_SPACED}(?:{_SPACED}|[{_MARKS}]|'(?={_SPACED}))*"
    f"|[{_HANGUL}]+|[{_HAN}]{{1,16}}[{_HIRAGANA}]*|[{_HIRAGANA}]{{1,16}}|[{_KATAKANA}]{{1,24}}"
    f"|[{_JAMO}]+|[{_RUNS}]{{1,24}}"
    f"|{'|'.join(re.escape(e) for e in sorted(_EMOTICONS, key=len, reverse=True) if e not in _LETTERED)}"
    f"|[{_EMOJI}]|[!?]+|[.,;:。、]+"
)
_LONG = re.compile(r"(.)\1{2,}")

STOP_WORDS = frozenset(
    """a about above after again all also am an and any are as at be because been before being between both but by can
    could did do does doing done down during each either etc even every few for from further get gets got had has have
    having he her here hers herself him himself his how however i i'd i'll i'm i've if in into is it it's its itself
    just let lot many may me might more most much must my myself of off on once one only or other others our ours out
    over own per really same shall she should so some someone something such than that that's the their theirs them
    themselves then there these they they're thing things this those though through to too under until up upon us use
    used using very was we were what when where whether which while who whom whose why will with within would you you'd
    you'll you're you've your yours yourself person people writer author speaker text comment message post says say
    said express expresses expressed expressing expression show shows showing feel feels feeling feelings felt towards
    toward like e.g i.e eg ie""".split()
)
NEGATORS = frozenset(
    """not no never neither nor none nobody nothing nowhere hardly barely scarcely without cannot cant dont doesnt didnt
    isnt arent wasnt werent wont wouldnt couldnt shouldnt aint havent hasnt hadnt 안 못""".split()
)
_NEGATED_AFTER = re.compile("않|못하|못해|못한|아니|없")
_DENIED = re.compile("(?<=.)(?:ない|なく|なかっ|なけれ|ません)|지않|지못")
_PREFIXED = ("不", "没", "沒", "别", "別", "无", "無")
_BREAKS = frozenset({"but", "however", "though", "although", "yet"})
_REACH = 3  # words a negator reaches over

_VOWELS = "aeiou"
_ENDINGS = (  # ending, letters that must be left, what stands instead
    ("iness", 3, "y"), ("fulness", 3, ""), ("ness", 3, ""), ("fully", 3, ""), ("ingly", 3, ""), ("edly", 3, ""),
    ("ously", 3, ""), ("osity", 4, ""), ("ization", 4, "ize"), ("isation", 4, "ize"), ("ise", 4, "ize"),
    ("ation", 4, ""), ("itude", 4, ""), ("ically", 4, ""), ("istic", 4, ""), ("ement", 3, "e"), ("ment", 4, ""),
    ("ful", 3, ""), ("less", 3, ""), ("able", 4, ""), ("ible", 4, ""), ("ance", 4, ""), ("ence", 4, ""),
    ("ious", 3, "i"), ("ous", 3, ""), ("ism", 4, ""), ("ist", 4, ""), ("ive", 4, ""), ("ity", 4, ""),
    ("ily", 3, "y"), ("oval", 3, "ove"), ("ier", 3, "y"), ("iest", 3, "y"), ("news", 0, "news"), ("ly", 3, ""), ("ied", 2, "y"), ("ies", 2, "y"), ("ing", 3, ""), ("ed", 3, ""), ("ion", 4, ""),
    ("est", 4, ""), ("er", 4, ""), ("ches", 2, "ch"), ("shes", 2, "sh"), ("sses", 2, "ss"), ("xes", 2, "x"),
    ("ss", 2, "ss"), ("us", 2, "us"), ("is", 2, "is"), ("s", 3, ""),
)  # fmt: skip
_FAMILIES = (
    "anger angry angrily angered", "pride proud proudly", "relief relieve relieved relieving", "hate hatred",
    "grief grieve grieving grieved", "die died dying dead death", "lose lost losing loss", "laugh laughter",
    "fun funny funnier funniest", "good better best", "bad worse worst", "break broke broken", "pay paid",
    "buy bought", "choose chose chosen choice", "weep wept", "child children", "grateful gratitude", "curious curiosity",
    "hope hopeful hoping", "cry cries cried crying", "deliver delivery", "late delay delayed",
)  # fmt: skip
_RELATED = {word: family.split()[0] for family in _FAMILIES for word in family.split()[1:]}
_PARTICLE = re.compile("(?<=..)(?:에서|으로|에게|까지|부터|은|는|이|가|을|를|에|의|도|로|와|과|만)$")
_KANA_PARTICLES = "はがをにのでともへや"
_HAN_START = re.compile(f"[{_HAN}]+")
_HIRAGANA_ONLY = re.compile(f"[{_HIRAGANA}]+$")
_PLAIN = frozenset(
    "face sign symbol black white heavy eyes open closed mouth smiling red dark medium light".split()
) - {"smiling"}


def fold(text: str) -> str:
    """Write a text in one way: compatibility forms, case and quotes made equal."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("‘", "'")


def split(text: str) -> list[str]:
    """Split a text into folded tokens, in their order."""
    return _TOKEN.findall(fold(text))


def keys(token: str) -> tuple[str, ...]:
    """List the forms under which a folded token is looked up; none for a stop word or punctuation."""
    if token in STOP_WORDS or token in NEGATORS or token.isdecimal():
        return ()
    if token in _EMOTICONS:
        return tuple(stem(word) for word in _EMOTICONS[token].split())
    first = token[0]
    if not (first.isalnum() or "\u1100" <= first <= "\u11ff"):
        return _emoji_keys(first)
    if _LAUGHTER.match(token) or token[0] == "\u110f":  # haha, lol and ㅋㅋ
        return ("laugh",)
    if "\uac00" <= first <= "\ud7a3":
        return _pairs(_PARTICLE.sub("", token))
    if first < "\u0e00" or first > "\ufaff":
        return (stem(token),)
    return _unspaced_keys(token)


def negated(tokens: list[str], place: int) -> bool:
    """Tell whether the token at a place is denied by the words around it ("not happy", "좋지 않다", "楽しくない")."""
    if _DENIED.search(tokens[place]) or any(tokens[place].startswith(no) for no in _PREFIXED):
        return True
    for token in reversed(tokens[max(0, place - _REACH) : place]):
        if token in NEGATORS or token.endswith("n't"):
            return True
        if token in _BREAKS or not token[-1].isalnum():
            break
    return place + 1 < len(tokens) and bool(_NEGATED_AFTER.match(tokens[place + 1]))


def stem(word: str) -> str:
    """Cut an English word down to what its family shares ("joyful", "joyous" and "joy" are one).

    It is light: it knows endings and a few irregular families, and leaves other languages almost as they are.
    """
    word = _RELATED.get(word.removesuffix("'s"), word.removesuffix("'s"))
    for _ in range(3):
        shorter = _shorten(word)
        if shorter == word:
            break
        word = _RELATED.get(shorter, shorter)
    word = word[:-1] if len(word) > 4 and word[-1] in "iye" else word
    return word[:-1] + "s" if len(word) > 4 and word.endswith("iz") else word  # realize, realise


def _shorten(word: str) -> str:
    for ending, least, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            rest = word[: -len(ending)] + instead
            return rest if instead or ending[0] not in _VOWELS else _mend(rest)
    return word


def _mend(rest: str) -> str:
    """Undo what spelling did before an ending: "sadd" is "sad", "hop(ing)" is "hope"."""
    if rest[-1] == rest[-2] and rest[-1] not in "aeiouls":
        return rest[:-1]
    if len(rest) == 3 and rest[0] not in _VOWELS and rest[1] in _VOWELS and rest[2] not in "aeiouwxy":
        return rest + "e"
    return rest


def _emoji_keys(letter: str) -> tuple[str, ...]:
    named = unicodedata.category(letter) == "So" or letter in "❤♥"
    name = unicodedata.name(letter, "").lower() if named else ""
    return tuple(stem(word) for word in re.findall("[a-z]+", name) if word not in _PLAIN and word not in STOP_WORDS)


def _unspaced_keys(token: str) -> tuple[str, ...]:
    han = _HAN_START.match(token)
    if han is None:
        return () if _HIRAGANA_ONLY.match(token) and len(token) < 3 else _pairs(token)
    ending = token[han.end() :]
    if len(han[0]) == 1:
        return (han[0],)
    return _pairs(han[0] + ending[:1] if ending and ending[0] not in _KANA_PARTICLES else han[0])


def _pairs(token: str) -> tuple[str, ...]:
    return tuple(token[i : i + 2] for i in range(max(1, len(token) - 1)))
