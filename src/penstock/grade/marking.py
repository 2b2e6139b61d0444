"""Makes the marks: what is known of an answer in, its state, score and words out. Nothing here asks or waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

from penstock.errors import InputError, ItemError, Unfit
from penstock.grade.answer import Answer
from penstock.grade.mark import CriterionMark, Mark

if TYPE_CHECKING:
    from penstock.errors import PenstockError
    from penstock.grade.asking import Samples
    from penstock.grade.objective import Found
    from penstock.grade.offline import Estimate, Exercise
    from penstock.grade.rubric import Rubric
    from penstock.records import Usage

_OBJECTIVE = {"multiple_choice": "objective:choice", "true_false": "objective:truth", "numeric": "objective:number"}


def immediate_mark(answer: Answer, *, passing: float) -> Mark | None:
    """Mark what needs neither model nor offline grader: blank answers, and objective ones. None for a short answer."""
    if answer.is_blank:
        return _blank(answer)
    if answer.question_type == "short_answer":
        return None
    method = _OBJECTIVE[answer.question_type]
    try:
        found = _compared(answer)
    except InputError as error:
        return failed_mark(answer, code="bad_key", reason=str(error))
    except Unfit as error:
        return replace(_begun(answer), state="needs_review", method=method, code="unreadable", reason=str(error))
    return _objective(answer, found, method=method, passing=passing)


def model_mark(answer: Answer, rubric: Rubric, samples: Samples, *, passing: float, max_spread: float) -> Mark:
    """Mark a short answer by what models gave it; samples that lie too far apart leave it to a person."""
    reading, score = samples.readings[samples.middle], samples.scores[samples.middle]
    told = replace(
        _begun(answer),
        explanation=reading.explanation,
        feedback=reading.feedback,
        keyword_matches=_matches(answer),
        criteria=tuple(
            CriterionMark(name=one.name, weight=one.weight, credit=credit, reason=reason)
            for one, credit, reason in zip(rubric.criteria, reading.credits, reading.reasons, strict=True)
        ),
        samples=len(samples.readings),
        agreement=samples.agreement(passing),
        method=samples.method,
        cached=samples.cached,
    )
    told = with_usage(told, samples.usage)
    if samples.spread > max_spread:
        low, high = min(samples.scores), max(samples.scores)
        reason = f"{len(samples.scores)} samples gave between {low:g} and {high:g} points."
        return replace(told, state="needs_review", proposed_score=score, code="samples_disagree", reason=reason)
    told = replace(told, code="fallback" if samples.note else "", reason=samples.note)
    return replace(told, state="graded", score=score, is_correct=score >= passing)


def offline_mark(answer: Answer, estimate: Estimate, *, method: str) -> Mark:
    """Mark a short answer by the offline grader's estimate."""
    score = round(100 * estimate.score, 2)
    error = round(100 * estimate.expected_error, 2)
    found = ", ".join(estimate.keywords) or "none"
    of_keywords = f" Key ideas found: {found}." if answer.correct_keywords else ""
    return replace(
        _begun(answer),
        state="offline",
        score=score,
        is_correct=estimate.chance >= 0.5,
        explanation=f"Graded without a model.{of_keywords} Expected error: {error:g} points of 100.",
        keyword_matches=estimate.keywords,
        confidence=round(estimate.confidence, 4),
        expected_error=error,
        method=method,
    )


def reviewed(mark: Mark, *, code: str, reason: str) -> Mark:
    """Turn a mark with a score into a proposal for a person."""
    proposed = mark.proposed_score if mark.score is None else mark.score
    return replace(
        mark, state="needs_review", score=None, is_correct=None, proposed_score=proposed, code=code, reason=reason
    )


def failed_mark(given: Answer | Mapping[str, Any] | object, *, code: str, reason: str) -> Mark:
    """Mark that there is no mark, and why."""
    told = reason.encode("utf-8", "replace").decode()
    if isinstance(given, Answer):
        return replace(_begun(given), state="failed", code=code, reason=told)
    names = given if _is_mapping(given) else dict[Any, Any]()
    return Mark(
        attempt_id=_name(names.get("attempt_id")),
        user_id=_name(names.get("user_id")),
        question_id=_name(names.get("question_id")),
        question_type=_name(names.get("question_type")),
        state="failed",
        code=code,
        reason=told,
    )


def _is_mapping(given: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(given, Mapping)


def error_mark(given: Answer | Mapping[str, Any] | object, error: PenstockError, *, later: bool = False) -> Mark:
    """Mark that grading failed with this error."""
    code = error.code if isinstance(error, ItemError) else getattr(error, "code", type(error).__name__.lower())
    mark = failed_mark(given, code=code, reason=str(error))
    return replace(mark, later=later, status=getattr(error, "status", None))


def with_usage(mark: Mark, usage: Usage) -> Mark:
    """Add what a mark took."""
    return replace(mark, attempts=usage.calls, tokens_in=usage.tokens_in, tokens_out=usage.tokens_out)


def exercise_of(answer: Answer) -> Exercise:
    """Tell the offline grader what it needs of an answer."""
    from penstock.grade.offline import Exercise

    return Exercise(
        question_id=answer.question_id,
        question=answer.question,
        references=answer.correct_answer,
        keywords=answer.correct_keywords,
        answer=answer.user_answer,
    )


def _begun(answer: Answer) -> Mark:
    """Make a mark with an answer's names; its state is set by whoever knows it."""
    return Mark(
        attempt_id=answer.attempt,
        user_id=answer.user_id,
        question_id=answer.question_id,
        question_type=answer.question_type,
        state="failed",
    )


def _blank(answer: Answer) -> Mark:
    return replace(
        _begun(answer),
        state="graded",
        score=0.0,
        is_correct=False,
        explanation="Nothing was answered.",
        method="rule:blank",
        code="blank",
        reason="The answer is empty.",
    )


def _compared(answer: Answer) -> Found:
    from penstock.grade.objective import judge_choice, judge_number, judge_truth

    keys = answer.correct_answer
    if answer.question_type == "multiple_choice":
        key = keys[0] if len(keys) == 1 else keys
        return judge_choice(answer.user_answer, key, choices=answer.choices, credit=answer.credit)
    if answer.question_type == "true_false":
        return judge_truth(answer.user_answer, keys[0])
    unit = answer.unit or None
    found = [judge_number(answer.user_answer, key, tolerance=answer.tolerance, unit=unit) for key in keys]
    return max(found, key=lambda one: one.score)


def _objective(answer: Answer, found: Found, *, method: str, passing: float) -> Mark:
    score = round(100 * found.score, 2)
    right = found.correct and score >= passing
    verdict = "Right" if right else "Partly right" if score else "Not right"
    return replace(
        _begun(answer),
        state="graded",
        score=score,
        is_correct=right,
        explanation=f"{verdict}: read as {found.read}, the key is {found.expected}.",
        feedback="Right." if right else f"The right answer is {found.expected}.",
        confidence=1.0,
        expected_error=0.0,
        method=method,
    )


def _matches(answer: Answer) -> tuple[str, ...]:
    if not answer.correct_keywords:
        return ()
    from penstock.grade.offline.keywords import matched

    return matched(answer.correct_keywords, answer.user_answer)


def _name(value: Any) -> str:
    return str(value)[:200].strip() if isinstance(value, (str, int, float)) else ""
