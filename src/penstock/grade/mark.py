"""What grading gives back: a mark for every answer, and the figures of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

State: TypeAlias = Literal["graded", "offline", "needs_review", "failed"]

STATES: tuple[State, ...] = ("graded", "offline", "needs_review", "failed")
"""Every answer ends in exactly one of them; only the first two have a score."""


class Viewed(Mapping[str, Any]):
    """A dataclass that can be read like a dict: `mark["score"]`, `dict(mark)`, `mark.as_dict()`."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        if name not in self.__dataclass_fields__:  # type: ignore[attr-defined]  # every subclass is a dataclass
            raise KeyError(name)
        return _plain(getattr(self, name))

    def __iter__(self) -> Iterator[str]:
        return (one.name for one in fields(self))  # type: ignore[arg-type]  # every subclass is a dataclass

    def __len__(self) -> int:
        return len(fields(self))  # type: ignore[arg-type]  # every subclass is a dataclass

    def as_dict(self) -> dict[str, Any]:
        """Give everything as dicts, lists and plain values, as JSON can hold it."""
        return {name: self[name] for name in self}


def _plain(value: Any) -> Any:
    if isinstance(value, Viewed):
        return value.as_dict()
    return [_plain(one) for one in value] if _is_tuple(value) else value


def _is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    return isinstance(value, tuple)


@dataclass(frozen=True, slots=True, kw_only=True, eq=True)
class CriterionMark(Viewed):
    """What an answer earned on one criterion.

    Attributes:
        name: The criterion.
        weight: What full credit is worth.
        credit: From 0 to 1.
        reason: Why, in a sentence of the model's.
    """

    name: str
    weight: float
    credit: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark(Viewed):
    """What became of one answer.

    Attributes:
        attempt_id: As given with the answer; else 16 hexadecimal digits made from it, the same at every run.
        user_id: Who answered.
        question_id: What was asked.
        question_type: `multiple_choice`, `true_false`, `numeric` or `short_answer`.
        state: `graded`, `offline` (without a model), `needs_review` or `failed`.
        score: From 0 to 100; None unless the answer is graded or offline.
        is_correct: Whether the score reaches the passing score; offline, whether that is more likely than not.
        proposed_score: What a reviewer may start from, where there is something.
        explanation: Why this score.
        feedback: What the learner should be told.
        keyword_matches: Keywords that the answer has.
        criteria: What it earned on each criterion of the rubric.
        confidence: Chance that `is_correct` is right, from 0 to 1, where it is known.
        expected_error: Root of the mean squared error to expect of the score, in points of 100, where it is known.
        samples: Replies of the model that the score rests on.
        agreement: Share of them on the same side of the passing score; None for fewer than two.
        method: What made it: a model's name, `offline:...`, `objective:...`, `rule:blank` or `human`.
        code: Why it is not simply graded, one word; empty otherwise.
        reason: The same in one sentence.
        attempts: Calls made for it, failed ones included.
        status: The HTTP status behind a failure, where there was one.
        graded_at: When, in ISO 8601, UTC.
        seconds: Time it took.
        tokens_in: Prompt tokens, as the server counted them.
        tokens_out: Completion tokens, as the server counted them.
        cached: Whether the model's replies were remembered instead of asked for.
        later: Whether a failed answer may succeed later.
    """

    attempt_id: str
    user_id: str
    question_id: str
    question_type: str
    state: State
    score: float | None = None
    is_correct: bool | None = None
    proposed_score: float | None = None
    explanation: str = ""
    feedback: str = ""
    keyword_matches: tuple[str, ...] = ()
    criteria: tuple[CriterionMark, ...] = ()
    confidence: float | None = None
    expected_error: float | None = None
    samples: int = 0
    agreement: float | None = None
    method: str = ""
    code: str = ""
    reason: str = ""
    attempts: int = 0
    status: int | None = None
    graded_at: str = ""
    seconds: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    cached: bool = False
    later: bool = False

    @property
    def has_score(self) -> bool:
        """Whether it counts in averages."""
        return self.score is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchStats(Viewed):
    """The figures of a batch; everything but the counts is about answers with a score, and 0.0 where there are none.

    Attributes:
        total_count: Answers given.
        successful_count: Answers with a score: graded and offline.
        failed_count: Answers that failed; the rest, up to the total, needs review.
        average_score: From 0 to 100.
        correct_count: Answers that are right.
        correct_rate: Share of right ones, from 0 to 1.
    """

    total_count: int
    successful_count: int
    failed_count: int
    average_score: float
    correct_count: int
    correct_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Viewed):
    """What became of a batch of answers.

    Attributes:
        results: The marks with a score, in the order of the answers.
        failed_question_ids: Questions of the answers that failed, in order.
        batch_stats: Their figures.
        marks: A mark for every answer, in order.
        needs_review: The marks that a person has to decide on.
        failures: The marks of answers that failed.
        states: How many answers ended in each state.
    """

    results: tuple[Mark, ...]
    failed_question_ids: tuple[str, ...]
    batch_stats: BatchStats
    marks: tuple[Mark, ...]
    needs_review: tuple[Mark, ...] = ()
    failures: tuple[Mark, ...] = ()
    states: dict[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def of(cls, marks: Sequence[Mark]) -> Batch:
        """Sum up marks, one for every answer, in order."""
        kept = tuple(marks)
        results = tuple(mark for mark in kept if mark.has_score)
        failures = tuple(mark for mark in kept if mark.state == "failed")
        return cls(
            results=results,
            failed_question_ids=tuple(mark.question_id for mark in failures),
            batch_stats=stats_of(kept),
            marks=kept,
            needs_review=tuple(mark for mark in kept if mark.state == "needs_review"),
            failures=failures,
            states={state: sum(mark.state == state for mark in kept) for state in STATES},
        )


def stats_of(marks: Sequence[Mark]) -> BatchStats:
    """Count marks; averages are over those with a score."""
    scores = [mark.score for mark in marks if mark.score is not None]
    correct = sum(mark.is_correct is True for mark in marks if mark.has_score)
    return BatchStats(
        total_count=len(marks),
        successful_count=len(scores),
        failed_count=sum(mark.state == "failed" for mark in marks),
        average_score=sum(scores) / len(scores) if scores else 0.0,
        correct_count=correct,
        correct_rate=correct / len(scores) if scores else 0.0,
    )
