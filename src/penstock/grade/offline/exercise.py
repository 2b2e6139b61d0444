"""What the offline grader is given: an answer with what it is graded by, and the same with its mark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One answer, and whatever is known about its question.

    Attributes:
        question_id: Answers of one question have the same; empty: the question's text stands for it.
        question: The question's own words.
        references: Answers that would be right.
        keywords: Key ideas; alternatives stand in one, divided by `|`.
        answer: As it was given; never trusted.
    """

    question_id: str = ""
    question: str = ""
    references: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    answer: str

    @property
    def identity(self) -> str:
        """What tells its question from others; empty when nothing does."""
        return self.question_id or self.question or "\n".join(self.references)


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedAnswer:
    """An answer with the mark that a person gave it.

    Attributes:
        exercise: What was graded.
        score: From 0 to 1.
        correct: Whether it counted as right; None: a score from the passing score on does.
        group: What must not be split when the grader is checked on answers it has not seen, such as the student.
    """

    exercise: Exercise
    score: float
    correct: bool | None = None
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the offline grader makes of one answer.

    Attributes:
        score: From 0 to 1.
        chance: How likely the answer is right, from 0 to 1.
        confidence: How likely the decision is the right one, when answers with a chance of at least 0.5 count as right.
        expected_error: By how much the score is expected to be off, as a root mean square, from 0 to 1.
        keywords: The keywords that were found, as they were given.
    """

    score: float
    chance: float
    confidence: float
    expected_error: float
    keywords: tuple[str, ...] = ()
