"""The offline grader: needs no model, and learns from graded answers where there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.errors import InputError
from penstock.grade.offline import saved, untrained
from penstock.grade.offline.exercise import Estimate
from penstock.grade.offline.keywords import matched
from penstock.grade.offline.learning import learn
from penstock.grade.offline.resemblance import Resemblance
from penstock.grade.offline.units import READ, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from penstock.grade.offline.exercise import Exercise, GradedAnswer
    from penstock.grade.offline.learned import Learned

FEWEST = 20
"""Graded answers from which on there is something to learn."""
"""Graded answers from which something is learned."""

_AT_ONCE = 512  # answers estimated in one block, which bounds the memory


class OfflineGrader:
    """Estimates the mark of short answers, and says how far it can be trusted.

    Untrained it compares keywords and references: that ranks answers, and its stated error is large. Trained by `fit`
    it is calibrated. One grader may serve many threads.

    Args:
        passing: The score from which an answer counts as right.

    Attributes:
        method: `offline:keywords` untrained, `offline:trained` after `fit`.
        passing: As given.
    """

    def __init__(self, *, passing: float = 0.8) -> None:
        self.passing = passing
        self.method = "offline:keywords"
        self._learned: Learned | None = None
        self._plain = Resemblance.plain()

    @classmethod
    def fit(cls, graded: Sequence[GradedAnswer], *, passing: float = 0.8, seed: int = 0) -> OfflineGrader:
        """Learn from graded answers; about two seconds for a few hundred, a minute for thousands.

        Blank answers and scores that are no number from 0 to 1 are left aside.

        Raises:
            InputError: Fewer than 20 usable examples.
        """
        usable = [each for each in graded if 0 <= each.score <= 1 and not _is_blank(each.exercise)]
        if len(usable) < FEWEST:
            raise InputError(
                f"{len(usable)} of {len(graded)} graded answers can be learned from; at least {FEWEST} are needed, "
                "with text and a score from 0 to 1."
            )
        grader = cls(passing=passing)
        grader._become(learn(usable, passing=passing, seed=seed))
        return grader

    def estimate(self, exercises: Sequence[Exercise]) -> list[Estimate | None]:
        """Estimate answers, one estimate each, in order; None where there is nothing to compare an answer with."""
        estimates: list[Estimate | None] = []
        for start in range(0, len(exercises), _AT_ONCE):
            estimates += self._block(exercises[start : start + _AT_ONCE])
        return estimates

    @property
    def quality(self) -> dict[str, Any]:
        """How well it did on graded answers that were left out; empty when untrained.

        `n_examples`, `rmse` and `correlation` of the score, `accuracy` of the decision, `accuracy_surest_half`, `ece`
        (expected calibration error of the confidence) and the mean `expected_error`.
        """
        return dict(self._learned.quality) if self._learned else {}

    def save(self, path: Path) -> None:
        """Write the grader to one file of arrays and JSON; the same grader gives the same bytes."""
        saved.write(path, learned=self._learned, passing=self.passing)

    @classmethod
    def load(cls, path: Path) -> OfflineGrader:
        """Read a grader that `save` wrote.

        Raises:
            InputError: The file is not one, or was written by another version.
        """
        learned, passing = saved.read(path)
        grader = cls(passing=passing)
        if learned is not None:
            grader._become(learned)
        return grader

    def _become(self, learned: Learned) -> None:
        self._learned = learned
        self.method = "offline:trained"

    def _block(self, exercises: Sequence[Exercise]) -> list[Estimate | None]:
        blank = [_is_blank(exercise) for exercise in exercises]
        written = [exercise for exercise, is_blank in zip(exercises, blank, strict=True) if not is_blank]
        found = iter(self._trained(written) if self._learned else self._untrained(written))
        return [_NOTHING if is_blank else next(found) for is_blank in blank]

    def _untrained(self, exercises: Sequence[Exercise]) -> list[Estimate | None]:
        figures = self._plain.measure(exercises, [read(exercise.answer) for exercise in exercises])
        return [untrained.estimate(each, row) for each, row in zip(exercises, figures.tolist(), strict=True)]

    def _trained(self, exercises: Sequence[Exercise]) -> list[Estimate | None]:
        assert self._learned is not None
        if not exercises:
            return []
        parts = [part.tolist() for part in self._learned.predict(exercises)]
        return [
            Estimate(
                score=round(score, 4),
                chance=round(chance, 4),
                confidence=round(max(chance, 1 - chance), 4),
                expected_error=round(error, 4),
                keywords=matched(exercise.keywords, exercise.answer),
            )
            for exercise, score, chance, error in zip(exercises, *parts, strict=True)
        ]


_NOTHING = Estimate(score=0.0, chance=0.01, confidence=0.99, expected_error=0.05)


def _is_blank(exercise: Exercise) -> bool:
    """Tell whether nothing is written: no letter, no figure and no sign beyond punctuation marks and blanks."""
    text = exercise.answer[:READ]
    return not any(each.isalnum() or (not each.isascii() and each.isprintable()) for each in text if not each.isspace())
