"""How an answer resembles what it is graded by: 28 figures that mean the same for every question and language."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.grade.offline.keywords import matched
from penstock.grade.offline.units import Text, read, triples

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from penstock.grade.offline.exercise import Exercise

_REMEMBERED = 2_000  # questions kept at hand
_LITTLE = 1e-6
_PLAIN = 2.0  # what a unit weighs when nothing is known about how often it occurs
_SHORT = 0.5  # and a short word, mostly one of grammar


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """A text of the question's side, prepared once."""

    units: tuple[str, ...]
    own: frozenset[str]
    weight: float
    new: frozenset[str]
    new_weight: float
    asked: frozenset[str]
    asked_weight: float
    neighbours: frozenset[tuple[str, str]]
    letters: Counter[str]
    length: float
    numbers: frozenset[str]
    denials: int
    masks: dict[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    own: frozenset[str]
    weight: float
    references: tuple[_Side, ...]
    all_units: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resemblance:
    """Measures answers against their references, questions and keywords.

    Attributes:
        rarity: Weight of each known unit, its inverse document frequency; empty: all words weigh about the same.
        strange: Weight of a unit that is not known.
        rare: Units of a single text, which are counted apart as slips and talk of other things; a text to learn from
            must not count itself as having them in common with another.
    """

    rarity: dict[str, float]
    strange: float
    rare: frozenset[str]
    _questions: dict[tuple[str, tuple[str, ...]], _Question] = field(default_factory=dict, repr=False)
    _triples: dict[str, list[str]] = field(default_factory=dict, repr=False)

    @classmethod
    def plain(cls) -> Resemblance:
        """Measure without knowing how rare a word is."""
        return cls(rarity={}, strange=0.0, rare=frozenset())

    @classmethod
    def of(cls, texts: Sequence[Text]) -> Resemblance:
        """Learn how rare each unit is."""
        counts = Counter(chain.from_iterable(set(text.units) for text in texts))
        size = 1 + len(texts)
        return cls(
            rarity={unit: math.log(size / (1 + count)) for unit, count in sorted(counts.items())},
            strange=math.log(size / 2),
            rare=frozenset(unit for unit, count in counts.items() if count < 2),
        )

    def for_new(self) -> Resemblance:
        """Measure texts that were not learned from: a unit that a single other one has is not rare any more."""
        return Resemblance(rarity=self.rarity, strange=self.strange, rare=frozenset())

    def measure(self, exercises: Sequence[Exercise], texts: Sequence[Text]) -> NDArray[np.floating[Any]]:
        """Measure answers, given with their texts; shape (n_answers, 28)."""
        rows = [self._figures(exercise, text) for exercise, text in zip(exercises, texts, strict=True)]
        return np.array(rows, dtype=np.float64).reshape(len(rows), N_FIGURES)

    def _figures(self, exercise: Exercise, text: Text) -> list[float]:
        question = self._question(exercise)
        own = frozenset(text.units)
        weight = self._sum(own)
        letters = self._letters(text.units)
        neighbours = frozenset(pairwise(text.units))
        best = max(
            (self._beside(side, text, own, weight, neighbours, letters) for side in question.references),
            key=lambda figures: figures[2],
            default=_NO_REFERENCE,
        )
        n_units = len(text.units)
        known = self.rarity
        covered = (
            len(matched(exercise.keywords, exercise.answer)) / len(exercise.keywords) if exercise.keywords else 0.0
        )
        return [
            *best,
            self._sum(own & question.own) / (question.weight + _LITTLE),
            self._sum(own & question.own) / (weight + _LITTLE),
            self._sum(own - question.own - question.all_units) / (weight + _LITTLE),
            math.log1p(n_units),
            math.log1p(len(own - question.own)),
            float(text.denials),
            math.log1p(sum(unit[0].isdigit() for unit in text.units)),
            sum(unit not in known or unit in self.rare for unit in text.units) / (n_units + 1),
            weight / (len(own) + 1),
            max((known.get(unit, self.strange) for unit in own), default=0.0),
            math.log1p(len(question.own)),
            covered,
        ]

    def _beside(
        self,
        side: _Side,
        text: Text,
        own: frozenset[str],
        weight: float,
        neighbours: frozenset[tuple[str, str]],
        letters: Counter[str],
    ) -> list[float]:
        """Measure an answer beside one reference."""
        shared = own & side.own
        common = self._sum(shared)
        recall, precision = common / (side.weight + _LITTLE), common / (weight + _LITTLE)
        new = self._sum(shared & side.new)
        return [
            recall,
            precision,
            2 * recall * precision / (recall + precision + _LITTLE),
            new / (side.new_weight + _LITTLE),
            new / (weight - self._sum(own & side.asked) + _LITTLE) if weight else 0.0,
            len(shared) / (len(side.own) + _LITTLE),
            len(neighbours & side.neighbours) / (len(side.neighbours) + 1),
            _cosine(letters, side.letters, side.length),
            _in_order(text.units, side.masks, len(side.units)) / (len(side.units) + 1),
            math.log((len(text.units) + 1) / (len(side.units) + 1)),
            float(abs(text.denials - side.denials)),
            float(len(side.numbers & own) - len(side.numbers)),
            self._sum(own & side.asked) / (side.asked_weight + _LITTLE),
            math.log1p(len(side.units)),
            side.asked_weight / (side.weight + _LITTLE),
            1.0,
        ]

    def _question(self, exercise: Exercise) -> _Question:
        key = (exercise.question, exercise.references)
        question = self._questions.get(key)
        if question is None:
            if len(self._questions) >= _REMEMBERED:
                self._questions.clear()
            question = self._questions[key] = self._prepare(exercise)
        return question

    def _prepare(self, exercise: Exercise) -> _Question:
        asked = frozenset(read(exercise.question).units)
        sides = tuple(self._side(read(reference), asked) for reference in exercise.references if reference.strip())
        every = frozenset(chain.from_iterable(side.own for side in sides))
        return _Question(asked, self._sum(asked), sides, every)

    def _side(self, text: Text, asked: frozenset[str]) -> _Side:
        own = frozenset(text.units)
        letters = self._letters(text.units)
        masks: dict[str, int] = {}
        for place, unit in enumerate(text.units):
            masks[unit] = masks.get(unit, 0) | 1 << place
        return _Side(
            units=text.units,
            own=own,
            weight=self._sum(own),
            new=own - asked,
            new_weight=self._sum(own - asked),
            asked=own & asked,
            asked_weight=self._sum(own & asked),
            neighbours=frozenset(pairwise(text.units)),
            letters=letters,
            length=math.sqrt(sum(count * count for count in letters.values())),
            numbers=frozenset(unit for unit in own if unit[0].isdigit()),
            denials=text.denials,
            masks=masks,
        )

    def _sum(self, units: AbstractSet[str]) -> float:
        if not self.rarity:
            return math.fsum(_SHORT if len(unit) < 4 and unit.isascii() else _PLAIN for unit in units)
        get, strange = self.rarity.get, self.strange
        return math.fsum([get(unit, strange) for unit in units])  # the same in whatever order a set gives them

    def _letters(self, units: Iterable[str]) -> Counter[str]:
        known = self._triples
        if len(known) > 10 * _REMEMBERED:
            known.clear()
        flat: list[str] = []
        for unit in units:
            runs = known.get(unit)
            if runs is None:
                runs = known[unit] = triples(unit)
            flat += runs
        return Counter(flat)


_NO_REFERENCE = [0.0] * 16
N_FIGURES = len(_NO_REFERENCE) + 12
"""How many figures there are of one answer."""


def _cosine(letters: Counter[str], others: Counter[str], length: float) -> float:
    if not letters or not others:
        return 0.0
    get = others.get
    product = sum([count * get(run, 0) for run, count in letters.items()])
    return product / (length * math.sqrt(sum([count * count for count in letters.values()])))


def _in_order(units: Sequence[str], masks: dict[str, int], length: int) -> int:
    """Count the longest common subsequence, one unit of the answer at a time on all of the reference at once.

    Bit-parallel (Hyyrö, AWOCA 2004).
    """
    every = (1 << length) - 1
    open_ = every
    get = masks.get
    for unit in units:
        found = open_ & get(unit, 0)
        open_ = ((open_ + found) | (open_ - found)) & every
    return length - open_.bit_count()
