"""Everything that was learned from graded answers, and how it is applied to new ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.grade.offline.calibration import Outlook
from penstock.grade.offline.units import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from penstock.grade.offline.bags import Bags
    from penstock.grade.offline.calibration import Calibration
    from penstock.grade.offline.exercise import Exercise
    from penstock.grade.offline.kernel import Mix
    from penstock.grade.offline.member import Member
    from penstock.grade.offline.resemblance import Resemblance
    from penstock.grade.offline.rows import Rows

    Doubles = NDArray[np.floating[Any]]
    Ints = NDArray[np.integer[Any]]

_FAR = 5.0  # standard deviations beyond which a figure says no more
_UNKNOWN = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """A trained grader's knowledge.

    Attributes:
        resemblance: Measures answers against references.
        bags: Describes answers by their words.
        centre: Mean of each figure, shape (n_figures,).
        spread: Its standard deviation.
        questions: The number of each question.
        members: The graded answers, in one part or several.
        seen: Calibration for questions with graded answers.
        unseen: Calibration for others.
        quality: Figures on answers left out.
    """

    resemblance: Resemblance
    bags: Bags
    centre: Doubles
    spread: Doubles
    questions: dict[str, int]
    members: tuple[Member, ...]
    seen: Calibration
    unseen: Calibration
    quality: dict[str, Any]

    def predict(self, exercises: Sequence[Exercise]) -> tuple[Doubles, Doubles, Doubles]:
        """State score, chance of being right and expected error of each answer, each of shape (n,)."""
        texts = [read(exercise.answer) for exercise in exercises]
        figures = standard(self.resemblance.measure(exercises, texts), self.centre, self.spread)
        rows = scaled(self.bags, self.bags.rows(texts), self.members[0].weights)
        numbers = np.array([self.questions.get(each.identity, _UNKNOWN) for each in exercises], dtype=np.intp)
        total, count = np.zeros((len(texts), 2)), np.zeros(len(texts))
        nearest = np.zeros(len(texts))
        for member in self.members:
            places = np.flatnonzero([number == _UNKNOWN or member.knows(number) for number in numbers.tolist()])
            if places.size:
                found, near = member.predict(figures[places], rows.take(places), numbers[places])
                total[places] += found
                count[places] += 1
                nearest[places] = np.maximum(nearest[places], near)
        mean = total / np.maximum(count, 1)[:, None]
        outlook = Outlook(score=mean[:, 0], right=mean[:, 1], nearest=nearest)
        known = numbers != _UNKNOWN
        score = np.where(known, self.seen.score(outlook), self.unseen.score(outlook))
        chance = np.where(known, self.seen.chance(outlook), self.unseen.chance(outlook))
        error = np.where(known, self.seen.error(outlook), self.unseen.error(outlook))
        return score, chance, error


def standard(figures: Doubles, centre: Doubles, spread: Doubles) -> Doubles:
    """Make figures comparable with each other."""
    return np.asarray(np.clip((figures - centre) / spread, -_FAR, _FAR))


def scaled(bags: Bags, rows: Rows, weights: Mix) -> Rows:
    """Make each bag as long as the root of its share."""
    factors = np.repeat(np.sqrt(weights.shares), np.diff(bags.bounds))
    return rows.scaled(factors.astype(np.float32))
