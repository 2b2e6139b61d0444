"""Grading as one call: one answer or a batch, one after the other or at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from penstock.grade.grader import Grader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.grade.answer import Answer
    from penstock.grade.mark import Batch, Mark


def score_answer(
    user_id: str,
    question_id: str,
    question_type: str,
    user_answer: str,
    correct_answer: str | Sequence[str] | None = None,
    correct_keywords: Sequence[str] | None = None,
    difficulty: int | None = None,
    category: str | None = None,
    *,
    grader: Grader | None = None,
    **more: Any,
) -> Mark:
    """Mark one answer; see `a_score_answer`."""
    return anyio.run(
        lambda: a_score_answer(
            user_id,
            question_id,
            question_type,
            user_answer,
            correct_answer,
            correct_keywords,
            difficulty,
            category,
            grader=grader,
            **more,
        )
    )


async def a_score_answer(
    user_id: str,
    question_id: str,
    question_type: str,
    user_answer: str,
    correct_answer: str | Sequence[str] | None = None,
    correct_keywords: Sequence[str] | None = None,
    difficulty: int | None = None,
    category: str | None = None,
    *,
    grader: Grader | None = None,
    **more: Any,
) -> Mark:
    """Mark one answer. An answer that cannot be marked is a `failed` mark that says why, never a score.

    Args:
        user_id: Who answered.
        question_id: What was asked.
        question_type: `multiple_choice`, `true_false`, `numeric` or `short_answer`.
        user_answer: As it was given.
        correct_answer: The key of an objective question; the reference answer, or several, of a short one.
        correct_keywords: Key ideas of a short answer.
        difficulty: Kept for the model, as it is.
        category: Kept for the model, as it is.
        grader: With its model, entered by its owner or not; the offline grader alone when not given.
        **more: Other fields of `Answer`: `question`, `choices`, `rubric`, `tolerance`, `unit`, `attempt_id`.
    """
    given = {
        "user_id": user_id,
        "question_id": question_id,
        "question_type": question_type,
        "user_answer": user_answer,
        "correct_answer": correct_answer,
        "correct_keywords": correct_keywords,
        "difficulty": difficulty,
        "category": category,
        **more,
    }
    async with grader or Grader() as used:
        return await used.mark(given)


def score_answers_batch(answers: Sequence[Answer | Mapping[str, Any]], *, grader: Grader | None = None) -> Batch:
    """Mark a batch one answer after the other: the same result as `score_answers_batch_parallel`, slower."""

    async def run() -> Batch:
        async with grader or Grader() as used:
            return await used.mark_in_turn(answers)

    return anyio.run(run)


async def score_answers_batch_parallel(
    answers: Sequence[Answer | Mapping[str, Any]], *, grader: Grader | None = None
) -> Batch:
    """Mark a batch at once, in about the time of the slowest call.

    One answer's failure never stops the others, and when all fail the batch still comes back. Cancelling the call
    leaves nothing running.

    Args:
        answers: Mappings with the names of `Answer`, or such.
        grader: With its model; the offline grader alone when not given.
    """
    async with grader or Grader() as used:
        return await used.mark_all(answers)


def grade_answers(answers: Sequence[Answer | Mapping[str, Any]], *, grader: Grader | None = None) -> Batch:
    """Mark a batch at once, from code that is not asynchronous."""
    return anyio.run(lambda: score_answers_batch_parallel(answers, grader=grader))
