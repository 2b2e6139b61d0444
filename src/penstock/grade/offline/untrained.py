"""What can be said of an answer without graded examples: its keywords, and how it resembles a reference.

This ranks answers, but its level is off from question to question, which its large stated error says. The constants
are rounded from what held on English, German and Chinese answers alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.grade.offline.exercise import Estimate
from penstock.grade.offline.keywords import matched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.grade.offline.exercise import Exercise

ERROR = 0.38
"""By how much an untrained score is off, as a root mean square: little better than a guess of the middle."""

_NEW, _COVERED, _LETTERS, _IN_ORDER = 3, 5, 7, 8  # places among the figures of resemblance
_STEEP = 0.6  # how far a score moves the chance of being right


def estimate(exercise: Exercise, figures: Sequence[float]) -> Estimate | None:
    """Estimate one answer by its keywords and references; None when it has neither."""
    keywords = tuple(keyword for keyword in exercise.keywords if keyword.strip(" |"))
    if not keywords and not any(reference.strip() for reference in exercise.references):
        return None
    found = matched(keywords, exercise.answer)
    resembles = _resembles(figures)
    if not keywords:
        score = resembles
    elif not exercise.references:
        score = len(found) / len(keywords)
    else:
        score = 0.7 * len(found) / len(keywords) + 0.3 * resembles
    chance = 0.5 + _STEEP * (score - 0.5)
    return Estimate(
        score=round(score, 4),
        chance=round(chance, 4),
        confidence=round(max(chance, 1 - chance), 4),
        expected_error=ERROR,
        keywords=found,
    )


def _resembles(figures: Sequence[float]) -> float:
    """Blend how much of the reference is covered: all of it, what the question lacks, in letters, and in order."""
    raw = 0.42 * figures[_COVERED] + 0.36 * figures[_NEW] + 0.3 * figures[_LETTERS] + 0.24 * figures[_IN_ORDER]
    return min(1.0, 0.12 + raw)
