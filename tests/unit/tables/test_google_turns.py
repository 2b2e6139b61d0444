"""When requests to a sheet may go: the numbers."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.tables.google import SheetStats
from penstock.tables.google.turns import MINUTE, SLOWEST, Turns

QUOTA = 60


def sent(turns, until, *, now=0.0):
    """Send as often as the turns allow; returns the times."""
    times = []
    while (now := now + turns.wait(now)) < until:
        turns.take(now)
        times.append(now)
    return times


def most_in_a_minute(times):
    return max(sum(1 for one in times if start <= one < start + MINUTE) for start in times)


def test_no_minute_holds_more_than_the_quota():
    assert most_in_a_minute(sent(Turns(55, now=0.0, at_once=True), 300.0)) <= 56


@given(st.lists(st.floats(0.0, 90.0), min_size=1, max_size=12))
def test_writes_of_processes_that_are_killed_and_started_again_keep_the_quota(lives):
    times, now = [], 0.0
    for life in lives:
        times += sent(Turns(55, now=now, at_once=False), now + life, now=now)
        now += life
    assert not times or most_in_a_minute(times) <= QUOTA


def test_what_was_not_used_is_not_saved_up():
    turns = Turns(55, now=0.0, at_once=True)
    assert len(sent(turns, 101.0, now=100.0)) == 1


def test_a_quiet_time_saves_up_a_few_turns_where_that_is_wanted():
    turns = Turns(55, now=0.0, at_once=True, saved=4)
    assert sent(turns, 1.0) == [0.0] * 5
    assert len(sent(turns, 101.0, now=100.0)) == 5


@given(st.lists(st.floats(0.0, 90.0), min_size=1, max_size=12))
def test_saved_turns_keep_the_quota(pauses):
    turns, times, now = Turns(55, now=0.0, at_once=True, saved=4), [], 0.0
    for pause in pauses:
        times += sent(turns, now + 30.0, now=now + pause)
        now += pause + 30.0
    assert not times or most_in_a_minute(times) <= QUOTA


def test_the_first_read_need_not_wait():
    assert Turns(55, now=10.0, at_once=True).wait(10.0) == 0.0


def test_a_server_that_says_when_to_come_back_is_obeyed():
    turns = Turns(55, now=0.0, at_once=True)
    assert 30.0 <= turns.refused(0.0, asked=30.0, rng=random.Random(1)) <= 31.0
    assert turns.wait(29.0) > 0


@given(st.integers(0, 1000))
def test_refusals_in_a_row_reach_the_next_minute(seed):
    turns, now, rng = Turns(55, now=0.0, at_once=True), 0.0, random.Random(seed)
    for _ in range(8):
        now += turns.refused(now, asked=None, rng=rng)
    assert now > MINUTE


@given(st.integers(0, 1000), st.integers(1, 30))
def test_no_pause_is_longer_than_a_minute_unless_asked_for(seed, refusals):
    turns, rng = Turns(55, now=0.0, at_once=True), random.Random(seed)
    pauses = [turns.refused(0.0, asked=None, rng=rng) for _ in range(refusals)]
    assert max(pauses) <= MINUTE
    assert turns.spacing <= SLOWEST * MINUTE / 55


def test_after_a_refusal_requests_go_slower_and_after_calm_minutes_as_before():
    turns = Turns(60, now=0.0, at_once=True)
    turns.refused(0.0, asked=1.0, rng=random.Random(1))
    assert turns.spacing == pytest.approx(1.5)
    turns.answered(30.0)
    assert turns.spacing == pytest.approx(1.5)
    turns.answered(61.0)
    assert turns.spacing == pytest.approx(1.0)


def test_an_answer_ends_the_row_of_refusals():
    turns, rng = Turns(60, now=0.0, at_once=True), random.Random(1)
    for _ in range(6):
        turns.refused(0.0, asked=None, rng=rng)
    turns.answered(100.0)
    assert turns.refused(100.0, asked=None, rng=rng) <= 2.0


def test_latencies_are_told_by_their_median_and_95th_percentile():
    stats = SheetStats()
    assert stats.median_s == stats.p95_s == 0.0
    stats.latencies.extend(range(100))
    assert (stats.median_s, stats.p95_s) == (50, 95)
