"""Objective answers: choices, true or false, and numbers, compared with a key without any model.

An answer is read or it is not: what cannot be read for certain raises `Unfit`, and nothing is guessed.
"""

from penstock.grade.objective.choice import judge_choice
from penstock.grade.objective.found import Found
from penstock.grade.objective.number import judge_number
from penstock.grade.objective.truth import judge_truth

__all__ = ["Found", "judge_choice", "judge_number", "judge_truth"]
