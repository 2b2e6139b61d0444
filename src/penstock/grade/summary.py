"""What a grade job made, summed up in one pass and in the same little memory however many answers there are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.grade.mark import STATES
from penstock.jobs.effort import Effort

if TYPE_CHECKING:
    from penstock.grade.mark import Mark
    from penstock.records import Outcome

_PAGE = 1000  # outcomes summed up at a time: in C loops, not one by one

MOST_QUESTIONS = 2_000
"""Questions that are told apart; an exam has fewer."""

STEPS = 100
"""Score steps: a count for each of 0, 1 ... 100 points."""


@dataclass(slots=True, kw_only=True)
class QuestionCount:
    """How the answers to one question ended.

    Attributes:
        name: The question's id.
        kind: Its type.
        answers: How many there are.
        scored: Those with a score.
        correct: Those that are right.
        points: Sum of the scores.
        review: Those that a person has to decide on.
        failed: Those that failed.
    """

    name: str
    kind: str = ""
    answers: int = 0
    scored: int = 0
    correct: int = 0
    points: float = 0.0
    review: int = 0
    failed: int = 0

    @property
    def mean(self) -> float | None:
        """Mean score from 0 to 100."""
        return self.points / self.scored if self.scored else None

    @property
    def rate(self) -> float | None:
        """Share of right answers among those with a score."""
        return self.correct / self.scored if self.scored else None

    def take(self, mark: Mark) -> None:
        """Count one answer."""
        self.kind = self.kind or mark.question_type
        self.answers += 1
        self.review += mark.state == "needs_review"
        self.failed += mark.state == "failed"
        if mark.score is not None:
            self.scored += 1
            self.points += mark.score
            self.correct += mark.is_correct is True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """An answer that a person has to decide on.

    Attributes:
        row: Its number, from 0.
        question: What was asked.
        proposed: What the machine would give, where it would.
        code: Why, one word.
        reason: The same in a sentence.
    """

    row: int
    question: str
    proposed: float | None
    code: str
    reason: str


class Summary:
    """Sums up marks; they come in the order of their rows, and may be read off at any time.

    Attributes:
        states: Answers in each state.
        codes: Answers by state and the word that says why.
        counts: How often each score of 0, 1 ... 100 points was given, rounded.
        total: All answers together.
    """

    def __init__(self, *, slowest: int = 20, failures: int = 50, reviews: int = 50) -> None:
        """Begin with nothing.

        Args:
            slowest: Slow rows kept.
            failures: Failed rows kept, the first ones.
            reviews: Answers for a person kept, the first ones.
        """
        self.states: dict[str, int] = dict.fromkeys(STATES, 0)
        self.codes: Counter[tuple[str, str]] = Counter()
        self.counts = [0] * (STEPS + 1)
        self.total = QuestionCount(name="")
        self._effort = Effort(slowest=slowest, failures=failures)
        self._waiting: list[Outcome] = []
        self._questions: dict[str, QuestionCount] = {}
        self._reviews: list[ReviewRow] = []
        self._most_reviews = reviews

    def take(self, outcome: Outcome, mark: Mark) -> None:
        """Take one answer: its outcome, and the mark in it."""
        self._waiting.append(outcome)
        if len(self._waiting) >= _PAGE:
            self._settle()
        self.states[mark.state] += 1
        self.total.take(mark)
        self._question(mark).take(mark)
        if mark.code:
            self.codes[mark.state, mark.code] += 1
        if mark.score is not None:
            self.counts[round(mark.score)] += 1
        if mark.state == "needs_review" and len(self._reviews) < self._most_reviews:
            self._reviews.append(
                ReviewRow(
                    row=outcome.key.row,
                    question=mark.question_id,
                    proposed=mark.proposed_score,
                    code=mark.code,
                    reason=mark.reason,
                )
            )

    @property
    def effort(self) -> Effort:
        """What the marks took, and how answers failed."""
        self._settle()
        return self._effort

    @property
    def questions(self) -> list[QuestionCount]:
        """The questions, in the order in which they came up."""
        return list(self._questions.values())

    @property
    def reviews(self) -> list[ReviewRow]:
        """The first answers that a person has to decide on, in order."""
        return list(self._reviews)

    def as_dict(self) -> dict[str, Any]:
        """Write everything as JSON can hold it; rows are numbered from 1, as people see them."""
        effort = self.effort
        return {
            "rows": effort.rows,
            "states": self.states,
            "scored": self.total.scored,
            "mean_score": self.total.mean,
            "correct": self.total.correct,
            "correct_rate": self.total.rate,
            "score_counts": self.counts,
            "reasons": [
                {"state": state, "code": code, "answers": number} for (state, code), number in self.codes.most_common()
            ],
            "questions": [_written(one) for one in self.questions],
            **effort.counts(),
            "needs_review": [
                {"row": one.row + 1, "question_id": one.question, "proposed_score": one.proposed, "code": one.code}
                for one in self.reviews
            ],
            **effort.lists(),
        }

    def _question(self, mark: Mark) -> QuestionCount:
        name = mark.question_id
        if name not in self._questions and len(self._questions) >= MOST_QUESTIONS:
            name = "all others"
        return self._questions.setdefault(name, QuestionCount(name=name))

    def _settle(self) -> None:
        if self._waiting:
            taken, self._waiting = self._waiting, []
            self._effort.take(taken)


def _written(question: QuestionCount) -> dict[str, Any]:
    return {
        "question_id": question.name,
        "question_type": question.kind,
        "answers": question.answers,
        "scored": question.scored,
        "mean_score": question.mean,
        "correct": question.correct,
        "needs_review": question.review,
        "failed": question.failed,
    }
