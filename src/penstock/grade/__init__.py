"""Marks exam answers: one or a batch, each with an explanation, in about the time of the slowest call."""

from penstock.grade.answer import Answer
from penstock.grade.api import (
    a_score_answer,
    grade_answers,
    score_answer,
    score_answers_batch,
    score_answers_batch_parallel,
)
from penstock.grade.grader import Grader
from penstock.grade.mark import Batch, BatchStats, CriterionMark, Mark
from penstock.grade.rubric import Criterion, Rubric

__all__ = [
    "Answer",
    "Batch",
    "BatchStats",
    "Criterion",
    "CriterionMark",
    "Grader",
    "Mark",
    "Rubric",
    "a_score_answer",
    "grade_answers",
    "score_answer",
    "score_answers_batch",
    "score_answers_batch_parallel",
]
