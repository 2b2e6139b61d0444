"""The menu of a question: its choices, found again by what somebody wrote.

What a piece of an answer may be, in this order:

1. the text of a choice, in the strictest form in which any choice equals it;
2. a label ("B", "2.", "③");
3. a label and a text that fit each other ("B) blue whale"; a label with another choice's text is a contradiction).

Where 1 and 2 both apply and differ (the choices are "3", "2", "4"; the answer is "2"), the text counts, unless the key
is a label of the same kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from penstock.grade.objective.label import Label, letters_run, read_label
from penstock.grade.objective.normal import FORMS, bare, exact
from penstock.grade.objective.phrase import LONGEST, gives_reason, peelings

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = "text"
"""The kind of what was read as a choice's text; a label's kind is its alphabet."""

_ALIKE = 0.85  # how similar a misspelled text after a label must be to that label's choice
_HEAD = re.compile(
    r"(?P<label>[(\[{<]?\s?[^\s()\[\]{}<>.:;,、。=]{1,6}\s?[)\]}>]?)(?P<mark>\s?[.:;,、。=)\-]+\s?|\s)(?P<rest>\S.*)\Z"
)
_FOOT = re.compile(r"(?P<rest>.*\S)\s?[(\[](?P<label>[^()\[\]\s]{1,3})[)\]]\Z")
_SIGNS = r"[,;/&|+、；・\n]|(?<=[)\]])\s?(?=[(\[])"
_ANDS = "and|und|et|y|и|ve|dan|và|og|och|en"
_GLUED_ANDS = (
    r"(?<=\w)(?:와|과)(?=\s)|그리고|跟|(?<=[^ぁ-ゟ])と(?=[^ぁ-ゟ])|および|及び|和|及|与|與|और|\sو\s?"
    r"|(?<=[A-Z]) e (?=[A-Z])"
)
_SEPARATOR = re.compile(
    rf"\s?(?:{_SIGNS}|(?<![^\s\d.)\]])(?:{_ANDS})(?=\s)|{_GLUED_ANDS})\s?",
    re.IGNORECASE,
)
_MOST_RUN = 8  # letters that may be written together ("AC") where the choices are not known
_MOST_PIECES = 40  # separators in an answer that names several choices
_LONGEST_LIST = 4000  # characters of an answer that names several choices
_LONGEST_ITEM = 12  # separators inside one choice's text


class Contradiction(Exception):
    """A label and a text that belong to different choices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """How a key and its answers are to be read.

    Attributes:
        alphabet: What labels are written in, where letters of two alphabets look alike.
        wins: What counts where a text and a label differ: `text`, or the alphabet of labels.
    """

    alphabet: str = ""
    wins: str = TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One choice that was named.

    Attributes:
        places: Its place from 0; several where the text does not tell choices apart.
        kind: `text`, or the alphabet of its label.
    """

    places: frozenset[int]
    kind: str


class Menu:
    """The choices of one question; choices with the very same text count as one, the first of them."""

    def __init__(self, choices: tuple[str, ...]) -> None:
        self.choices = choices
        self.count = len(choices) or 26
        self._tables: list[dict[str, list[int]]] = []  # one for each form, made when it is needed
        self.first = [self._table(0).get(exact(choice), [place])[0] for place, choice in enumerate(choices)]
        self.is_ambiguous = any(read_label(choice, count=self.count) for choice in choices)
        self._most = max(map(len, choices), default=0) + LONGEST

    def item(self, text: str, *, custom: Custom) -> Item | None:
        """Read a text that names one choice; `custom` tells how labels are written.

        Raises:
            Contradiction: It has one choice's label and another's text.
        """
        if len(text) > 2 * self._most:
            return None
        for less in peelings(text):
            if found := self._plain(less, custom=custom) or self._with_text(less, custom=custom):
                return found
        return None

    def items(self, text: str, *, custom: Custom) -> list[Item] | None:
        """Read a text that names several choices; None when it is anything else.

        Raises:
            Contradiction: One of them has one choice's label and another's text.
        """
        if len(text) > min((len(self.choices) + 2) * self._most, _LONGEST_LIST):
            return None
        for less in peelings(text):
            if found := self._joined(less, custom=custom) or self._run(less):
                return found
        return None

    def of_text(self, text: str) -> frozenset[int]:
        """Find the choices with this text, in the strictest form in which there is one."""
        if self.choices and len(text) <= 2 * self._most:
            for at, form in enumerate(FORMS):
                if places := self._table(at).get(form(text)):
                    return frozenset(self.first[place] for place in places)
        return frozenset()

    def _table(self, at: int) -> dict[str, list[int]]:
        """Give the places of the choices by their texts in one of the forms."""
        while len(self._tables) <= at:
            self._tables.append(_places(self.choices, FORMS[len(self._tables)]))
        return self._tables[at]

    def _plain(self, text: str, *, custom: Custom) -> Item | None:
        texts, label = self.of_text(text), read_label(text, count=self.count, alphabet=custom.alphabet)
        if texts and not (label and label.alphabet == custom.wins):
            return Item(places=texts, kind=TEXT)
        return self._labelled(label) if label else None

    def _labelled(self, label: Label) -> Item:
        place = label.place - 1
        return Item(places=frozenset((self.first[place] if self.choices else place,)), kind=label.alphabet)

    def _with_text(self, text: str, *, custom: Custom) -> Item | None:
        for pattern in (_HEAD, _FOOT):
            parts = pattern.match(text)
            label = read_label(parts["label"], count=self.count, alphabet=custom.alphabet) if parts else None
            if parts and label and label.alphabet != "ordinal":
                item = self._labelled(label)
                clear = pattern is _FOOT or self._divides(parts["label"] + parts["mark"])
                if self._fits(item, parts["rest"], clear=clear):
                    return item
        return None

    def _divides(self, head: str) -> bool:
        """Tell whether a sign stands behind a label; a comma does only where the choices tell what may follow."""
        return not head.strip().isalnum() and (bool(self.choices) or not head.strip().endswith((",", ";", "、")))

    def _fits(self, item: Item, rest: str, *, clear: bool) -> bool:
        """Tell whether what follows a label belongs to it; `clear` where a sign divides the two."""
        for less in peelings(rest):
            if texts := self.of_text(less):
                if item.places <= texts:
                    return True
                raise Contradiction
        if gives_reason(rest):
            return True
        if not clear or any(self._plain(part, custom=Custom()) for part in _SEPARATOR.split(rest[:LONGEST])):
            return False
        return not self.choices or self._most_alike(rest) in item.places

    def _most_alike(self, text: str) -> int | None:
        """Find the choice whose text is nearly this one, and nearer than all others."""
        if len(text) > LONGEST:
            return None
        wanted = bare(text)
        alike = sorted(
            ((SequenceMatcher(None, bare(choice), wanted).ratio(), place) for place, choice in enumerate(self.choices)),
            reverse=True,
        )
        clearly = alike[0][0] >= _ALIKE and (len(alike) < 2 or alike[0][0] > alike[1][0])
        return self.first[alike[0][1]] if clearly else None

    def _run(self, text: str) -> list[Item] | None:
        letters = "".join(text.split())
        places = letters_run(letters, count=self.count if self.choices else _MOST_RUN)
        if places and not self.choices and not (letters.isupper() and sorted(places) == list(places)):
            return None  # a word
        return [self._labelled(Label(place=place, alphabet="run")) for place in places] if places else None

    def _joined(self, text: str, *, custom: Custom) -> list[Item] | None:
        gaps = [found.span() for found in _SEPARATOR.finditer(text)]
        if not 1 <= len(gaps) <= _MOST_PIECES:
            return None
        starts, ends = [0, *(end for _, end in gaps)], [*(start for start, _ in gaps), len(text)]
        items: list[Item] = []
        at = 0
        while at < len(starts):
            if not text[starts[at] : ends[at]].strip():  # two separators in a row: ", and"
                at += 1
                continue
            for until in range(min(len(ends), at + _LONGEST_ITEM) - 1, at - 1, -1):
                item = self._alone(text[starts[at] : ends[until]], custom=custom)
                if item:
                    break
            else:
                return None
            items.append(item)
            at = until + 1
        return items if len(items) > 1 else None

    def _alone(self, text: str, *, custom: Custom) -> Item | None:
        return self._plain(text, custom=custom) or (self._with_text(text, custom=custom) if self.choices else None)


def _places(choices: tuple[str, ...], form: Callable[[str], str]) -> dict[str, list[int]]:
    table: dict[str, list[int]] = {}
    for place, choice in enumerate(choices):
        if written := form(choice):
            table.setdefault(written, []).append(place)
    return table
