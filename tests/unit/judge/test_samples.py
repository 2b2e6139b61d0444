"""Several replies to one question are summed up by their mean and their agreement."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.judge.samples import combine

SCORES = st.integers(0, 100).map(lambda hundredths: hundredths / 100)
DRAWS = st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(SCORES, min_size=n, max_size=n), min_size=2, max_size=6))


def test_equal_replies_agree_entirely():
    assert combine([(0.2, 0.9)] * 3) == ((0.2, 0.9), (1.0, 1.0))


def test_opposite_replies_do_not_agree():
    assert combine([(0.0,), (1.0,)]) == ((0.5,), (0.0,))


def test_agreement_is_one_less_the_mean_difference_between_two():
    scores, agreement = combine([(0.1,), (0.2,), (0.6,)])
    assert scores == (0.3,)
    assert agreement == (pytest.approx(1 - (0.1 + 0.5 + 0.4) / 3, abs=1e-4),)


@given(DRAWS)
def test_a_mean_lies_between_its_replies_and_agreement_between_0_and_1(draws):
    for column, score, agreement in zip(zip(*draws, strict=True), *combine(draws), strict=True):
        assert min(column) <= score <= max(column)
        assert 1 - (max(column) - min(column)) - 1e-4 <= agreement <= 1


@given(DRAWS)
def test_the_order_of_the_replies_does_not_matter(draws):
    assert combine(draws) == combine(draws[::-1])
