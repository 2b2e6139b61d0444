"""The preference over users, its interval and p value, against scipy and by campaigns of made-up experiments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from penstock.errors import InputError
from penstock.interleave.analysis import bootstrap_preference, preference
from penstock.interleave.analysis.tails import (
    chi_square_p,
    student_p,
    student_quantile,
)

TOTALS = np.array([3.0, -1.0, 0.0, 2.0, 1.0, -2.0, 4.0])
COUNTS = np.array([4, 2, 1, 2, 5, 2, 4])


@pytest.mark.parametrize("freedom", [1, 2, 7, 30, 1000, 1e6])
@pytest.mark.parametrize("t", [0.0, 0.1, 1.0, 2.5, 12.0])
def test_tails_of_students_t_are_those_of_scipy(t, freedom):
    assert student_p(t, freedom) == pytest.approx(2 * stats.t.sf(t, freedom), rel=1e-8)


@pytest.mark.parametrize("freedom", [1, 2, 7, 30, 1000])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_quantiles_of_students_t_are_those_of_scipy(confidence, freedom):
    assert student_quantile(confidence, freedom) == pytest.approx(stats.t.ppf((1 + confidence) / 2, freedom), rel=1e-7)


@pytest.mark.parametrize(("statistic", "freedom"), [(0.0, 3), (0.2, 1), (5.0, 9), (30.0, 9), (200.0, 30)])
def test_tails_of_chi_square_are_those_of_scipy(statistic, freedom):
    assert chi_square_p(statistic, freedom) == pytest.approx(stats.chi2.sf(statistic, freedom), rel=1e-8)


def test_every_user_has_one_vote_and_the_test_is_students():
    found = preference(TOTALS, COUNTS)
    expected = stats.ttest_1samp(TOTALS / COUNTS, 0)
    assert found.estimate == pytest.approx((TOTALS / COUNTS).mean())
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (found.users, found.rankings) == (7, 20)


def test_by_ranking_every_ranking_has_one_vote():
    assert preference(TOTALS, COUNTS, weight="ranking").estimate == pytest.approx(7 / 20)


def test_by_ranking_the_error_is_that_of_a_ratio_of_sums():
    found = preference(TOTALS, COUNTS, weight="ranking")
    residual = (TOTALS - 0.35 * COUNTS) / COUNTS.mean()
    assert found.deviation == pytest.approx(residual.std(ddof=1))


def test_with_one_ranking_each_both_weights_are_the_same():
    totals = [1.0, -1.0, 0.0, 1.0]
    by_user, by_ranking = (preference(totals, [1] * 4, weight=weight) for weight in ("user", "ranking"))
    assert by_user.low == pytest.approx(by_ranking.low)
    assert by_user.p_value == pytest.approx(by_ranking.p_value)


def test_users_without_rankings_are_left_out():
    with_idle = preference([*TOTALS, 0.0], [*COUNTS, 0])
    assert with_idle == preference(TOTALS, COUNTS)


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 9)), min_size=2, max_size=40))
def test_turning_the_rankers_round_turns_the_estimate_round(rows):
    totals, counts = np.array(rows).T
    there, back = preference(totals, counts), preference(-totals, counts)
    assert there.estimate == -back.estimate
    assert there.p_value == back.p_value
    assert there.low == (None if back.high is None else pytest.approx(-back.high))


@pytest.mark.parametrize(("totals", "counts", "estimate"), [([], [], None), ([2.0], [3], 2 / 3)])
def test_what_fewer_than_two_users_cannot_tell_is_not_defined(totals, counts, estimate):
    for weight in ("user", "ranking"):
        found = preference(totals, counts, weight=weight)
        assert found.estimate == estimate
        assert found.low is found.high is found.p_value is found.deviation is None


def test_users_who_all_agree_are_tested_by_their_signs():
    found = preference([2.0] * 10, [2] * 10)
    assert found.p_value == pytest.approx(2 / 2**10)
    share = stats.binomtest(10, 10).proportion_ci(0.95).low
    assert (found.low, found.high) == pytest.approx((2 * share - 1, 1.0))


def test_users_who_all_tie_prefer_nobody():
    found = preference([0.0] * 10, [2] * 10)
    assert (found.estimate, found.p_value, found.low) == (0.0, 1.0, None)


def test_two_users_are_never_sure():
    assert preference([1.0, 1.0], [1, 1]).p_value == 0.5


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95, -0.1])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(InputError, match="between 0 and 1"):
        preference(TOTALS, COUNTS, confidence=confidence)


def test_totals_and_counts_must_be_of_the_same_users():
    with pytest.raises(InputError, match="one of each per user"):
        preference([1.0, 2.0], [1])


def equal_rankers(rng, *, users, per_user, frozen):
    """Make an experiment of two equal rankers, as (totals, counts); `frozen` coins are the same for all of a user's."""
    active = rng.random((users, per_user)) < rng.beta(1, 3, (users, 1))
    taste = rng.choice([-1.0, 1.0], (users, 1 if frozen else per_user))
    leaning = rng.choice([-1.0, 1.0], (users, 1)) * (rng.random((users, per_user)) < 0.4)
    scores = np.where(leaning != 0, leaning, taste) * active
    return scores.sum(axis=1), active.sum(axis=1)


@pytest.mark.parametrize("weight", ["user", "ranking"])
def test_two_equal_rankers_are_told_apart_about_as_seldom_as_promised(weight):
    rng = np.random.default_rng(7)
    found = [preference(*equal_rankers(rng, users=150, per_user=20, frozen=False), weight=weight) for _ in range(1500)]
    assert 0.03 < np.mean([each.p_value < 0.05 for each in found]) < 0.07


def test_taking_rankings_for_independent_would_find_a_winner_far_too_often():
    rng = np.random.default_rng(8)
    wrong = []
    for _ in range(300):
        totals, counts = equal_rankers(rng, users=150, per_user=20, frozen=True)
        wrong.append(abs(totals.sum()) / np.sqrt(counts.sum()) > 1.96)
    assert np.mean(wrong) > 0.2


def test_the_bootstrap_gives_about_the_interval_of_the_linearised_ratio():
    rng = np.random.default_rng(9)
    totals, counts = equal_rankers(rng, users=600, per_user=10, frozen=True)
    drawn, linear = bootstrap_preference(totals, counts), preference(totals, counts, weight="ranking")
    assert drawn.estimate == linear.estimate
    assert drawn.low == pytest.approx(linear.low, abs=0.01)
    assert drawn.high == pytest.approx(linear.high, abs=0.01)
    assert drawn.p_value is None


def test_the_bootstrap_follows_from_its_seed():
    assert bootstrap_preference(TOTALS, COUNTS, seed=4) == bootstrap_preference(TOTALS, COUNTS, seed=4)
    assert bootstrap_preference(TOTALS, COUNTS, seed=4) != bootstrap_preference(TOTALS, COUNTS, seed=5)


def test_the_bootstrap_of_one_user_has_no_interval():
    assert bootstrap_preference([1.0], [1]).low is None
