"""English words cut down to what their family shares."""

from __future__ import annotations

_VOWELS = "aeiou"
_ENDINGS = (  # ending, letters that must be left, what stands instead
    ("iness", 3, "y"), ("fulness", 3, ""), ("ness", 3, ""), ("fully", 3, ""), ("ingly", 3, ""), ("edly", 3, ""),
    ("ously", 3, ""), ("osity", 4, ""), ("ization", 4, "ize"), ("isation", 4, "ize"), ("ise", 4, "ize"),
    ("ation", 4, ""), ("itude", 4, ""), ("ically", 4, ""), ("istic", 4, ""), ("ement", 3, "e"), ("ment", 4, ""),
    ("ful", 3, ""), ("less", 3, ""), ("able", 4, ""), ("ible", 4, ""), ("ance", 4, ""), ("ence", 4, ""),
    ("ious", 3, "i"), ("ous", 3, ""), ("ism", 4, ""), ("ist", 4, ""), ("ive", 4, ""), ("ity", 4, ""),
    ("ily", 3, "y"), ("oval", 3, "ove"), ("ier", 3, "y"), ("iest", 3, "y"), ("news", 0, "news"), ("ly", 3, ""),
    ("ied", 2, "y"), ("ies", 2, "y"), ("ing", 3, ""), ("ed", 3, ""), ("ion", 4, ""),
    ("est", 4, ""), ("er", 4, ""), ("ches", 2, "ch"), ("shes", 2, "sh"), ("sses", 2, "ss"), ("xes", 2, "x"),
    ("ss", 2, "ss"), ("us", 2, "us"), ("is", 2, "is"), ("s", 3, ""),
)  # fmt: skip
_FAMILIES = (
    "anger angry angrily angered", "pride proud proudly", "relief relieve relieved relieving", "hate hatred",
    "grief grieve grieving grieved", "die died dying dead death", "lose lost losing loss", "laugh laughter",
    "fun funny funnier funniest", "good better best", "bad worse worst", "break broke broken", "pay paid",
    "buy bought", "choose chose chosen choice", "weep wept", "child children", "grateful gratitude",
    "curious curiosity", "hope hopeful hoping", "cry cries cried crying", "deliver delivery", "late delay delayed",
)  # fmt: skip
_RELATED = {word: family.split()[0] for family in _FAMILIES for word in family.split()[1:]}
_BY_LETTER = {
    letter: tuple(each for each in _ENDINGS if each[0].endswith(letter))
    for letter in {each[0][-1] for each in _ENDINGS}
}


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
    for ending, least, instead in _BY_LETTER.get(word[-1:], ()):
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
