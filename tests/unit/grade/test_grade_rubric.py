"""Criteria, weights, and the sum that is made here."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.grade import Criterion, Rubric
from penstock.grade.rubric import MOST_CRITERIA, usual_rubric


def rubric(*weights):
    return Rubric(criteria=tuple(Criterion(name=f"c{n}", weight=weight) for n, weight in enumerate(weights)))


def test_credits_count_by_their_weights():
    assert rubric(3, 1).total([1, 0]) == 75
    assert rubric(3, 1).total([0.5, 1]) == 62.5


def test_a_deduction_lowers_the_sum_but_not_below_zero():
    assert rubric(2, -1).total([1, 1]) == 50
    assert rubric(1, -1).total([0, 1]) == 0


@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 1)), min_size=1, max_size=20))
def test_a_sum_lies_between_0_and_100_and_full_credit_is_100(pairs):
    one = rubric(*(weight for weight, _ in pairs))
    assert 0 <= one.total([credit for _, credit in pairs]) <= 100
    assert one.total([1] * len(pairs)) == 100


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Criterion(name=" "), "no name"),
        (lambda: Criterion(name="a", weight=0), "is 0: give a number"),
        (lambda: Criterion(name="a", weight=math.nan), "is nan: give a number"),
        (lambda: Rubric(criteria=()), "no criterion"),
        (lambda: rubric(-1), "weight above 0"),
        (lambda: Rubric(criteria=(Criterion(name="a"), Criterion(name="a"))), "'a' stands twice"),
        (lambda: rubric(*[1] * (MOST_CRITERIA + 1)), "has 51 criteria"),
    ],
)
def test_a_rubric_that_cannot_be_used_says_why(make, said):
    with pytest.raises(InputError, match=said):
        make()


def test_without_keywords_the_whole_answer_is_one_criterion():
    assert [one.name for one in usual_rubric(()).criteria] == ["correctness"]


def test_each_keyword_is_a_criterion_once_with_its_alternatives_spelled_out():
    made = usual_rubric(["H2O|water", " gas ", "gas"])
    assert [one.name for one in made.criteria] == ["H2O|water", "gas"]
    assert made.criteria[0].description.endswith("H2O or water")


def test_more_keywords_than_criteria_are_cut():
    assert len(usual_rubric([f"k{n}" for n in range(80)]).criteria) == MOST_CRITERIA
