"""Totals from a few that were asked: right where things are in proportion, wide where they are not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.score.estimate import ROUGH, Asked, Span, duration, ratio, rough, tempered

SIZES = st.lists(st.floats(1, 1000), min_size=2, max_size=30)


@given(sizes=SIZES, slope=st.floats(0.1, 10), rest=st.floats(0, 1e6))
def test_what_is_in_proportion_to_what_was_foreseen_is_foretold_exactly(sizes, slope, rest):
    found = ratio([slope * size for size in sizes], sizes, rest=rest, of=100)
    assert found.likely == pytest.approx(slope * rest)
    assert found.low == pytest.approx(slope * rest, rel=1e-3)


def test_where_nothing_went_wrong_three_faults_in_a_sample_are_still_allowed_for():
    found = ratio([1.0] * 20, [1.0] * 20, rest=1000, of=1000, smooth=True)
    assert (found.low, found.likely, found.high) == (1000, 1000, pytest.approx(1150))


@given(sizes=SIZES, taken=st.lists(st.floats(0, 1000), min_size=30, max_size=30), rest=st.floats(0, 1e6))
def test_an_interval_holds_its_best_guess_and_is_never_negative(sizes, taken, rest):
    found = ratio(taken[: len(sizes)], sizes, rest=rest, of=50)
    assert 0 <= found.low <= found.likely * (1 + 1e-9) <= found.high * (1 + 1e-9)


def test_nineteen_of_twenty_intervals_hold_the_truth():
    rng = random.Random(1)
    held = 0
    for _ in range(400):
        calls = [1 + (rng.random() < 0.1) + (rng.random() < 0.1) for _ in range(1000)]
        found = ratio(calls[:30], [1.0] * 30, rest=970.0, of=970)
        held += found.low <= sum(calls[30:]) <= found.high
    assert 0.91 <= held / 400 <= 0.99


def test_larger_samples_make_narrower_intervals():
    few, many = (ratio([1.0, 2.0] * n, [1.0, 1.0] * n, rest=1000, of=1000) for n in (5, 50))
    assert many.high - many.low < 0.4 * (few.high - few.low)


def test_what_was_not_asked_is_a_rough_guess():
    assert (
        ratio([], [], rest=100, of=10) == rough(100) == Span(low=100 * (1 - ROUGH), likely=100, high=100 * (1 + ROUGH))
    )


def test_where_all_were_asked_nothing_is_to_come():
    assert ratio([5.0, 7.0], [1.0, 1.0], rest=0, of=0) == Span(low=0, likely=0, high=0)


def test_time_is_that_of_the_calls_side_by_side_as_far_as_the_server_is_known_to_bear():
    found = duration(rough(100), seconds=2.0, reached=10, most=100)
    assert (found.low, found.likely) == (2.0, 20.0)
    assert found.high >= found.likely


def test_a_known_limit_of_calls_a_minute_sets_the_least_time():
    assert duration(rough(120), seconds=0.1, reached=100, most=100, per_minute=60).low == pytest.approx(120)


def test_no_calls_take_no_time():
    assert duration(rough(0), seconds=2.0, reached=1, most=1) == Span(low=0, likely=0, high=0)


def sample(calls):
    once = {"questions": 1, "foreseen_in": 1, "foreseen_out": 1, "tokens_in": 1, "tokens_out": 1, "seconds": 1}
    return [Asked(calls=one, **once) for one in calls]


def test_one_repeat_more_in_a_few_questions_is_taken_for_chance_in_part():
    found = tempered(Span(low=100, likely=110, high=120), sample([1] * 18 + [2] * 2))
    assert 100 < found.likely < 110
    assert (found.low < 100, found.high) == (True, 120)


def test_repeats_of_every_other_question_are_taken_for_the_way_of_the_server():
    total = Span(low=100, likely=150, high=200)
    assert tempered(total, sample([1, 2] * 10)) == total


def test_a_sample_without_repeats_leaves_room_for_a_few():
    found = tempered(Span(low=100, likely=100, high=115), sample([1] * 20))
    assert (found.low, found.high) == (100, 115)
    assert found.likely == pytest.approx(101)


def test_the_more_is_asked_the_more_it_counts():
    total = Span(low=100, likely=110, high=120)
    assert tempered(total, sample([1, 1, 1, 1, 1, 1, 1, 1, 1, 2] * 50)).likely == pytest.approx(110, rel=0.002)
