"""Intervals by resampling hold the truth as often as they should, know whose answers belong together, and repeat."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from penstock.judge import bootstrap


def mean(sums):
    return (sums[:, 1] / sums[:, 0])[:, None]


def terms(values):
    return np.column_stack([np.ones(len(values)), values])


def test_the_interval_of_a_mean_is_near_that_of_the_normal_distribution():
    values = np.random.default_rng(1).normal(10, 2, 400)
    (low, high), *_ = bootstrap.intervals(terms(values), mean)
    near = stats.norm.interval(0.95, values.mean(), values.std() / 20)
    assert (low, high) == pytest.approx(near, abs=0.03)


def test_the_ends_are_those_of_scipy_for_a_skewed_figure():
    values = np.random.default_rng(2).exponential(1, 15) ** 2
    (low, high), *_ = bootstrap.intervals(terms(values), mean, resamples=20_000)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(3))
    assert (low, high) == pytest.approx(theirs.confidence_interval, rel=0.04)
    plain = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(3))
    assert high > 1.1 * plain.confidence_interval.high


def test_answers_of_one_learner_are_drawn_together():
    random = np.random.default_rng(4)
    values = np.repeat(random.normal(0, 1, 40), 10)
    learners = np.repeat([f"u{number}" for number in range(40)], 10)
    (low, high), *_ = bootstrap.intervals(terms(values), mean, groups=learners)
    (alone_low, alone_high), *_ = bootstrap.intervals(terms(values), mean)
    assert high - low == pytest.approx(np.sqrt(10) * (alone_high - alone_low), rel=0.15)


def test_a_learner_counts_as_the_sum_of_the_answers():
    values, learners = np.array([1.0, 2.0, 5.0, 4.0, 9.0, 3.0]), ["a", "b", "a", "c", "a", "b"]
    sums = np.array([[3, 15.0], [2, 5.0], [1, 4.0]])
    grouped = bootstrap.intervals(terms(values), mean, groups=learners)
    assert grouped.tolist() == bootstrap.intervals(sums, mean).tolist()


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(5)
    held = 0
    for seed in range(200):
        (low, high), *_ = bootstrap.intervals(terms(random.exponential(1, 50)), mean, resamples=400, seed=seed)
        held += low <= 1 <= high
    assert 0.88 <= held / 200 <= 0.99


def test_a_smaller_confidence_makes_a_narrower_interval():
    values = np.arange(30.0)
    wide = bootstrap.intervals(terms(values), mean)[0]
    narrow = bootstrap.intervals(terms(values), mean, confidence=0.5)[0]
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_equal_seeds_give_equal_intervals_and_others_do_not():
    values = np.random.default_rng(6).normal(size=50)
    first, again, other = (bootstrap.intervals(terms(values), mean, seed=seed) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()


def test_blocks_do_not_change_the_interval(monkeypatch):
    values = np.random.default_rng(7).normal(size=50)
    whole = bootstrap.intervals(terms(values), mean)
    monkeypatch.setattr(bootstrap, "_BLOCK", 330)
    assert bootstrap.intervals(terms(values), mean) == pytest.approx(whole, nan_ok=True)


@pytest.mark.parametrize("values", [[3.0], [2.0, 2.0, 2.0]], ids=["one answer", "equal answers"])
def test_there_is_no_interval_where_a_figure_cannot_move(values):
    assert np.isnan(bootstrap.intervals(terms(values), mean)).all()


def test_there_is_no_interval_where_a_figure_is_rarely_defined():
    values = np.arange(9.0)
    often, rarely = (lambda sums, least=least: np.where(mean(sums) > least, mean(sums), np.nan) for least in (2, 3.9))
    assert not np.isnan(bootstrap.intervals(terms(values), often)).any()
    assert np.isnan(bootstrap.intervals(terms(values), rarely)).all()


@given(values=st.lists(st.integers(-100, 100), min_size=2, max_size=30))
def test_ends_are_in_order_and_within_the_values(values):
    (low, high), *_ = bootstrap.intervals(terms(values), mean, resamples=100)
    assert np.isnan(low) or min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
