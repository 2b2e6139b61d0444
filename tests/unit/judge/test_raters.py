"""The measures between two raters agree with values worked out by hand, and keep their invariants."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from penstock.judge import raters

marks = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=2, max_size=40)


def measured(human, machine, *, steps=4, passing=80):
    human, machine = np.array(human, dtype=float), np.array(machine, dtype=float)
    terms = raters.terms(
        human, machine, human_right=human >= passing, machine_right=machine >= passing, most=100, steps=steps
    )
    return dict(zip(raters.MEASURES, raters.measures(terms.sum(axis=0)), strict=True))


def kappa_of_counts(first, second, levels):
    """Cohen's own way: a table of counts, the one chance would make, and the weights of the differences."""
    seen = np.zeros((levels, levels))
    for i, j in zip(first, second, strict=True):
        seen[i, j] += 1
    chance = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / seen.sum()
    weights = (np.arange(levels)[:, None] - np.arange(levels)) ** 2
    return 1 - (weights * seen).sum() / (weights * chance).sum()


def test_the_weighted_kappa_is_that_of_a_table_worked_out_by_hand():
    # squared differences: 0 + 1 + 1 + 4 = 6; of each mark with all four of the other: 9 + 3 + 5 + 33 = 50
    assert raters.quadratic_weighted_kappa([0, 1, 2, 4], [0, 2, 1, 2]) == pytest.approx(1 - 6 / (50 / 4))


@given(pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=40))
def test_the_weighted_kappa_from_sums_is_that_from_a_table_of_counts(pairs):
    first, second = zip(*pairs, strict=True)
    found = raters.quadratic_weighted_kappa(first, second)
    if len(set(first) | set(second)) == 1:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(kappa_of_counts(first, second, 5))


def test_the_weighted_kappa_is_one_for_equal_marks_and_minus_one_for_opposite_ones():
    assert raters.quadratic_weighted_kappa([0, 4, 0, 4], [0, 4, 0, 4]) == pytest.approx(1)
    assert raters.quadratic_weighted_kappa([0, 4, 0, 4], [4, 0, 4, 0]) == pytest.approx(-1)


def test_marks_are_rounded_to_steps_before_they_are_weighted():
    exact = measured([0, 50, 100], [0, 50, 100], steps=2)
    near = measured([0, 50, 100], [20, 60, 80], steps=2)
    assert near["qwk"] == exact["qwk"] == pytest.approx(1)
    assert near["rmse"] > 0


def test_kappa_takes_chance_away():
    human = [100] * 25 + [0] * 25
    machine = [100] * 20 + [0] * 5 + [100] * 10 + [0] * 15
    assert measured(human, machine)["accuracy"] == pytest.approx(0.7)
    assert measured(human, machine)["kappa"] == pytest.approx(0.4)


def test_macro_f1_counts_right_and_wrong_answers_alike():
    # right: 1 found of 1, 2 decided; wrong: 2 found of 3, 2 decided
    assert measured([100, 0, 0, 0], [100, 100, 0, 0])["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_macro_f1_leaves_a_side_out_that_nobody_took():
    assert measured([100, 90], [100, 95])["macro_f1"] == pytest.approx(1)


def test_errors_are_in_units_of_the_marks_and_bias_is_machine_less_human():
    found = measured([0, 50, 100], [10, 50, 80])
    assert found["rmse"] == pytest.approx(math.sqrt(500 / 3))
    assert found["mae"] == pytest.approx(10)
    assert found["bias"] == pytest.approx(-10 / 3)


@given(pairs=marks)
def test_the_correlation_is_that_of_scipy(pairs):
    human, machine = zip(*pairs, strict=True)
    found = measured(human, machine)["pearson"]
    if len(set(human)) == 1 or len(set(machine)) == 1:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(stats.pearsonr(human, machine).statistic, abs=1e-6)


@given(pairs=marks)
def test_bias_is_within_the_mean_error_and_that_within_the_root_mean_square(pairs):
    found = measured(*zip(*pairs, strict=True))
    assert abs(found["bias"]) <= found["mae"] + 1e-6
    assert found["mae"] <= found["rmse"] + 1e-6


def test_what_is_not_defined_is_not_a_number():
    found = measured([100, 100], [100, 100])
    assert math.isnan(found["kappa"])
    assert math.isnan(found["qwk"])
    assert math.isnan(found["pearson"])
    assert found["accuracy"] == 1


def test_rounding_is_not_taken_for_a_spread():
    found = measured([83.3] * 3, [10, 20, 30])
    assert math.isnan(found["pearson"])


def test_many_sums_are_measured_at_once():
    terms = raters.terms([0, 100], [10, 90], human_right=[0, 1], machine_right=[0, 1], most=100, steps=4)
    found = raters.measures(np.stack([terms[0], terms.sum(axis=0)]))
    assert found.shape == (2, len(raters.MEASURES))
    assert found[:, raters.MEASURES.index("bias")] == pytest.approx([10, 0])


@pytest.mark.parametrize(
    ("scores", "steps"),
    [([0, 1], 1), ([0, 0.5, 1], 2), ([0.33, 0.67, 1], 3), ([0.2, 0.4], 5), ([0.1, 0.25], 20), ([0.137, 0.71], 20)],
)
def test_the_coarsest_grid_that_all_marks_lie_on_is_found(scores, steps):
    assert raters.steps_of(scores) == steps


def test_halves_are_rounded_upwards():
    assert raters.to_steps([0.125, 0.375, 1.0], steps=4).tolist() == [1, 2, 4]
