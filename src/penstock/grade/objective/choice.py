"""Multiple choice: which choices an answer names, and whether they are the right ones.

The grammar is closed: an answer that is more than labels, texts of choices and phrases that affirm is not read at all.
So "not B", "A or B" or "maybe C" are left to a person, and nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from penstock.errors import InputError, Unfit
from penstock.grade.objective.found import Found, verdict
from penstock.grade.objective.label import LOOKALIKE, name_of, read_label
from penstock.grade.objective.menu import TEXT, Contradiction, Custom, Item, Menu
from penstock.grade.objective.normal import bare, exact, is_blank, squeezed
from penstock.grade.objective.phrase import peelings

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """The right places, from 0, and the kind of label or text that the key names them by."""

    places: frozenset[int]
    kind: str

    def names(self, places: frozenset[int]) -> str:
        return ", ".join(name_of(place + 1, alphabet=self.kind) for place in sorted(places))


def judge_choice(
    answer: str, key: str | Sequence[str], *, choices: Sequence[str] = (), credit: Literal["all", "each"] = "all"
) -> Found:
    """Compare an answer with the key of a multiple choice question.

    Args:
        answer: What the learner wrote: labels, places from 1, texts of choices, or a sentence with them.
        key: The right choice in any of these forms; or several, as a list or as "A, C".
        choices: The texts of the choices, in order. Without them labels are compared with labels and texts with texts.
        credit: Where several are right: `all` and only these, or for `each` right choice its share, less the same for
            each wrong one, never below 0.

    Raises:
        InputError: The key is not among the choices.
        Unfit: The answer cannot be read as a choice, or names several where one is asked for.
    """
    if credit not in {"all", "each"}:
        raise InputError(f"credit is {credit!r}; it is 'all' or 'each'.")
    menu = Menu(tuple(choices))
    keys = _keys(key, menu)
    if not keys:
        return _compared_texts(answer, _single(key), menu)
    told = squeezed(answer)
    found = [_compared(told, one, menu, custom=custom, credit=credit) for one, custom in _customs(keys, menu)]
    if len({one.score for one in found}) > 1:
        raise Unfit(f"{_shown(answer)} may be a label or the text of a choice, and it matters which.")
    return found[0]


def _customs(keys: list[_Key], menu: Menu) -> list[tuple[_Key, Custom]]:
    """List the ways of reading in which an answer must come to the same: as labels like the key's, and as texts."""
    ways = [(key, Custom(alphabet=key.kind, wins=key.kind)) for key in keys]
    if len(keys) > 1 or keys[0].kind == TEXT or not menu.is_ambiguous:
        return ways
    return [*ways, (keys[0], Custom(alphabet=keys[0].kind))]


def _compared(answer: str, key: _Key, menu: Menu, *, custom: Custom, credit: str) -> Found:
    expected = key.names(key.places)
    if is_blank(answer):
        return verdict("", expected, right=False)
    try:
        item = menu.item(answer, custom=custom)
        items = [item] if item else menu.items(answer, custom=custom)
    except Contradiction:
        raise Unfit(f"{_shown(answer)} has the label of one choice and the text of another.") from None
    if not items:
        raise Unfit(f"{_shown(answer)} cannot be read as {_readable(menu)}.")
    if len(key.places) == 1:
        return _one(items, key, answer)
    return _several(items, key, answer, credit=credit)


def _one(items: list[Item], key: _Key, answer: str) -> Found:
    places = frozenset[int]().union(*(item.places for item in items))
    if len(items) > 1 and len(places) > 1:
        raise Unfit(f"{_shown(answer)} names {len(items)} choices, but one is asked for.")
    if len(places) > 1 and places & key.places:
        raise Unfit(f"{_shown(answer)} does not tell choices {key.names(places)} apart.")
    return verdict(key.names(frozenset((min(places),))), key.names(key.places), right=places == key.places)


def _several(items: list[Item], key: _Key, answer: str, *, credit: str) -> Found:
    for item in items:
        if len(item.places) > 1:
            raise Unfit(f"{_shown(answer)} does not tell choices {key.names(item.places)} apart.")
    named = frozenset[int]().union(*(item.places for item in items))
    right = named == key.places
    score = float(right)
    if credit == "each":
        score = max(0, len(named & key.places) - len(named - key.places)) / len(key.places)
    return Found(score=score, correct=right, read=key.names(named), expected=key.names(key.places))


def _compared_texts(answer: str, key: str, menu: Menu) -> Found:
    """Compare with a key that is a text, where the choices are not known."""
    if is_blank(answer):
        return verdict("", key, right=False)
    wanted = bare(key) or exact(key)
    told = list(peelings(answer))
    if any((bare(less) or exact(less)) == wanted for less in told):
        return verdict(key, key, right=True)
    if menu.item(answer, custom=Custom()):
        raise Unfit(f"{_shown(answer)} has a label, but the key is a text and the choices are not known.")
    if wanted in bare(answer):
        raise Unfit(f"{_shown(answer)} has the words of the key among others.")
    return verdict(told[-1], key, right=False)


def _keys(key: str | Sequence[str], menu: Menu) -> list[_Key]:
    """Read the key: once where it is clear, twice where it may mean a label or a text; never where it is plain text."""
    given = [key] if isinstance(key, str) else list(key)
    if not given or any(is_blank(one) for one in given):
        raise InputError("The key of a multiple choice question is empty.")
    customs = (Custom(), *(Custom(alphabet=kind, wins=kind) for kind in _kinds(given, menu)))
    read = {_read_key(given, menu, custom=custom) for custom in customs}
    keys = [one for one in read if one]
    if not keys and (menu.choices or len(given) > 1):
        raise InputError(f"The key {_shown(', '.join(given))} is not one of the {menu.count} choices.")
    distinct = {one.places: one for one in sorted(keys, key=lambda one: one.kind)}
    return list(distinct.values())


def _kinds(given: list[str], menu: Menu) -> set[str]:
    """List the alphabets in which the parts of a key can be labels, where that makes a difference."""
    labels = (read_label(one, count=menu.count, alphabet=alphabet) for one in given for alphabet in ("", *LOOKALIKE))
    kinds = {label.alphabet for label in labels if label}
    return kinds if menu.is_ambiguous else kinds.intersection(LOOKALIKE)


def _read_key(given: list[str], menu: Menu, *, custom: Custom) -> _Key | None:
    items: list[Item] = []
    try:
        for one in given:
            item = menu.item(one, custom=custom)
            named = [item] if item else menu.items(one, custom=custom)
            if not named:
                return None
            items += named
    except Contradiction:
        raise InputError(f"The key {_shown(', '.join(given))} has one choice's label and another's text.") from None
    if any(len(item.places) > 1 for item in items):
        raise InputError(f"The key {_shown(', '.join(given))} does not tell two of the choices apart.")
    kinds = {item.kind for item in items}
    return _Key(
        places=frozenset[int]().union(*(item.places for item in items)), kind=kinds.pop() if len(kinds) == 1 else TEXT
    )


def _single(key: str | Sequence[str]) -> str:
    return key if isinstance(key, str) else key[0]


def _readable(menu: Menu) -> str:
    return f"one of the {menu.count} choices" if menu.choices else "a choice"


def _shown(text: str) -> str:
    short = " ".join(text[: 2 * _LONGEST_SHOWN].split())
    return f'"{short}"' if len(short) <= _LONGEST_SHOWN else f'"{short[:_LONGEST_SHOWN]}..."'
