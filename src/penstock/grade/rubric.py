"""What a short answer is marked by: criteria with weights, whose credits are added up here and not by a model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_CRITERIA = 50
"""Criteria in one rubric at most: they are all judged in one reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One thing that an answer is marked by.

    Attributes:
        name: What people call it.
        description: What earns its credit, for the model and for people.
        weight: What full credit adds to the sum; below 0 it is a deduction.
    """

    name: str
    description: str = ""
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("A criterion of the rubric has no name.")
        if any("\ud800" <= letter <= "\udfff" for letter in self.name + self.description):
            raise InputError("A criterion of the rubric holds half a character: write it as UTF-8.")
        if not math.isfinite(self.weight) or self.weight == 0:
            raise InputError(
                f"The weight of the criterion {self.name!r} is {self.weight}: give a number that is not 0."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubric:
    """The criteria of one question, and what else a marker should know.

    Attributes:
        criteria: In the order in which credits are given.
        instructions: Said to the model before the criteria.

    Raises:
        InputError: There is no criterion that adds, too many, or one twice.
    """

    criteria: tuple[Criterion, ...]
    instructions: str = ""

    def __post_init__(self) -> None:
        names = [criterion.name for criterion in self.criteria]
        if len(names) > MOST_CRITERIA:
            raise InputError(f"The rubric has {len(names)} criteria; at most {MOST_CRITERIA} can be marked at once.")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(f"The criterion {twice!r} stands twice in the rubric.")
        if not any(criterion.weight > 0 for criterion in self.criteria):
            raise InputError("The rubric has no criterion with a weight above 0.")

    def total(self, earned: Sequence[float]) -> float:
        """Add credits up: 0 to 100, rounded to two decimals.

        Args:
            earned: Credits from 0 to 1, one per criterion, shape `(n_criteria,)`.
        """
        pairs = zip(self.criteria, earned, strict=True)
        reached = math.fsum(criterion.weight * credit for criterion, credit in pairs)
        best = math.fsum(criterion.weight for criterion in self.criteria if criterion.weight > 0)
        return round(100 * min(1.0, max(0.0, reached / best)), 2)


def usual_rubric(keywords: Sequence[str]) -> Rubric:
    """Make the rubric of a question that has none: one criterion per key idea, or the whole answer as one.

    Args:
        keywords: The key ideas; alternatives stand in one, divided by `|`.
    """
    named = list(dict.fromkeys(keyword.strip() for keyword in keywords if keyword.strip()))[:MOST_CRITERIA]
    if not named:
        return Rubric(criteria=(_WHOLE,))
    return Rubric(criteria=tuple(_idea(name) for name in named))


_WHOLE = Criterion(
    name="correctness",
    description="The answer says what the reference answer says, in whatever words, and nothing that contradicts it.",
)


def _idea(keyword: str) -> Criterion:
    ways = " or ".join(part.strip() for part in keyword.split("|") if part.strip()) or keyword
    return Criterion(name=keyword, description=f"The answer expresses this idea correctly, in whatever words: {ways}")
