"""The measures agree with values worked out by hand, and keep their invariants."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from penstock.judge import agreement

LABELS = [1, 1, 0, 0, 1, 0]
SCORES = [0.9, 0.4, 0.4, 0.2, 0.8, 0.7]
tables = st.integers(2, 30).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, (n, 2), elements=st.sampled_from([0.0, 1.0])),
        arrays(np.float64, (n, 2), elements=st.integers(0, 100).map(lambda h: h / 100)),
    )
)


def test_f1_is_the_harmonic_mean_of_precision_and_recall():
    decisions = np.array(SCORES) >= 0.5  # 2 of 3 decided are right, 2 of 3 positives are found
    assert agreement.f1(LABELS, decisions)[0] == pytest.approx(2 / 3)


def test_macro_f1_counts_categories_and_micro_f1_counts_labels_alike():
    labels = [[1, 1], [1, 0], [1, 0], [0, 0]]
    decisions = [[1, 0], [1, 0], [1, 0], [0, 0]]
    assert agreement.macro_f1(labels, decisions) == pytest.approx(0.5)
    assert agreement.micro_f1(labels, decisions) == pytest.approx(6 / 7)


def test_auroc_counts_ties_half():
    # 9 pairs: .9 beats three, .4 beats one and ties one, .8 beats three
    assert agreement.auroc(LABELS, SCORES)[0] == pytest.approx(7.5 / 9)


def test_average_precision_takes_ties_together():
    # .9: 1/1, .8: 2/2, .7, .4 (tied with a negative): 3/5
    assert agreement.average_precision(LABELS, SCORES)[0] == pytest.approx((1 + 1 + 3 / 5) / 3)


def test_brier_is_the_mean_squared_distance():
    assert agreement.brier([1, 0], [0.8, 0.4])[0] == pytest.approx((0.04 + 0.16) / 2)


def test_kappa_takes_chance_away():
    labels = [1] * 25 + [0] * 25
    decisions = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert agreement.kappa(labels, decisions)[0] == pytest.approx(0.4)


def test_calibration_error_compares_score_and_share_in_each_bin():
    labels = [0] * 9 + [1] + [1] * 6 + [0] * 4
    scores = [0.2] * 10 + [0.9] * 10
    assert agreement.calibration_error(labels, scores)[0] == pytest.approx((0.1 + 0.3) / 2)


def test_scores_that_mean_what_they_say_have_no_calibration_error():
    assert agreement.calibration_error([1] + [0] * 9, [0.1] * 10)[0] == pytest.approx(0, abs=1e-12)


def test_top_accuracy_looks_at_texts_with_one_label():
    labels = [[1, 0], [0, 1], [1, 1]]
    assert agreement.top_accuracy(labels, [[0.9, 0.1], [0.8, 0.2], [0, 0]]) == 0.5


@pytest.mark.parametrize("measure", [agreement.auroc, agreement.average_precision])
def test_a_category_without_positives_has_no_ranking(measure):
    assert math.isnan(measure([0, 0], [0.1, 0.2])[0])


def test_averages_leave_out_what_is_not_defined():
    labels = [[1, 0], [0, 0]]
    assert agreement.macro_f1(labels, labels) == 1.0


def test_the_best_threshold_is_found():
    assert agreement.best_thresholds([0, 0, 1, 1], [0.1, 0.3, 0.31, 0.9])[0] == 0.31


def test_a_category_without_positives_keeps_the_middle_as_threshold():
    assert agreement.best_thresholds([0, 0], [0.1, 0.2])[0] == 0.5


def test_a_comparison_holds_every_measure():
    agreed = agreement.compare(
        [[1, 0], [0, 1]],
        [[0.9, 0.2], [0.1, 0.7]],
        decisions=[[1, 0], [0, 1]],
        thresholds=[0.5, 0.5],
        names=["a", "b"],
        methods=["x", "y"],
    )
    assert (agreed.n_texts, agreed.macro_f1, agreed.micro_f1, agreed.auroc) == (2, 1.0, 1.0, 1.0)
    assert [(each.name, each.method, each.n_positive) for each in agreed.categories] == [("a", "x", 1), ("b", "y", 1)]


@given(tables)
def test_auroc_of_reversed_scores_is_the_rest(table):
    labels, scores = table
    both = agreement.auroc(labels, scores) + agreement.auroc(labels, 1 - scores)
    assert np.all(np.isnan(both) | np.isclose(both, 1))


@given(tables)
def test_ranking_measures_see_only_the_order(table):
    labels, scores = table
    squashed = np.round(scores * 100) ** 3
    for measure in (agreement.auroc, agreement.average_precision):
        assert np.allclose(measure(labels, scores), measure(labels, squashed), equal_nan=True)


@given(tables)
def test_measures_do_not_depend_on_the_order_of_texts(table):
    labels, scores = table
    for measure in (agreement.auroc, agreement.average_precision, agreement.brier, agreement.calibration_error):
        assert np.allclose(measure(labels, scores), measure(labels[::-1], scores[::-1]), equal_nan=True)


@given(tables)
def test_no_threshold_beats_the_best(table):
    labels, scores = table
    best = agreement.f1(labels, scores >= agreement.best_thresholds(labels, scores))
    for step in (0.01, 0.2, 0.5, 0.9):
        other = np.nan_to_num(agreement.f1(labels, scores >= step))
        assert np.all((best >= other - 1e-12) | ~labels.any(axis=0))


@given(tables)
def test_perfect_decisions_agree_perfectly(table):
    labels, _ = table
    for measure in (agreement.f1, agreement.kappa):
        values = measure(labels, labels)
        assert np.all(np.isnan(values) | (values == 1))
    assert agreement.accuracy(labels, labels).tolist() == [1.0, 1.0]
