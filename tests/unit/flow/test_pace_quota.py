import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.flow.quota import Quota, ToldQuota
from penstock.flow.ratelimits import Remainder


def test_calls_leave_evenly_once_the_bucket_is_empty():
    quota = Quota(rate=2, depth=1, now=0)
    quota.take(0, 1)
    assert quota.wait(0, 1) == pytest.approx(0.5)


def test_a_call_dearer_than_the_bucket_is_deep_delays_the_next_one():
    quota = Quota(rate=10, depth=10, now=0)
    assert quota.wait(0, 50) == 0
    quota.take(0, 50)
    assert quota.wait(0, 10) == pytest.approx(5)


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 100)), max_size=50))
def test_no_more_flows_out_than_flowed_in(calls):
    quota, now, spent = Quota(rate=5, depth=20, now=0), 0.0, 0.0
    for pause, cost in calls:
        now += pause
        wait = quota.wait(now, cost)
        now += wait
        quota.take(now, cost)
        spent += cost
        assert spent <= 20 + 5 * now + max(0, cost - 20) + 1e-6


def test_the_copy_counts_what_was_spent_since_the_header_was_written():
    told = Remainder(limit=100, remaining=40, reset=60)
    quota = ToldQuota(told, started=0, now=2)
    quota.sync(told, started=0, spent_before=60, spent=90, now=2)
    assert quota.quota.level(2) == pytest.approx(40 - 30 + 2)


def test_a_window_that_does_not_refill_is_waited_for():
    quota = ToldQuota(Remainder(limit=600, remaining=300, reset=30), started=0, now=1)
    for second, spent in ((1, 310), (3, 330), (5, 600)):
        left = Remainder(limit=600, remaining=600 - spent, reset=30 - second)
        quota.sync(left, started=second, spent_before=spent, spent=spent, now=second)
    assert quota.wait(5, 1) == pytest.approx(25)


def test_after_the_reset_the_whole_limit_is_there():
    empty = Remainder(limit=100, remaining=0, reset=10)
    quota = ToldQuota(empty, started=0, now=0)
    quota.sync(empty, started=0, spent_before=100, spent=100, now=0)
    assert quota.wait(10, 90) == 0


def test_an_older_header_changes_nothing():
    quota = ToldQuota(Remainder(limit=100, remaining=50, reset=60), started=9, now=10)
    level = quota.quota.level(10)
    quota.sync(Remainder(limit=100, remaining=1, reset=60), started=5, spent_before=0, spent=0, now=10)
    assert quota.quota.level(10) == level


def test_a_server_that_tells_no_reset_is_asked_again_after_a_minute():
    empty = Remainder(limit=100, remaining=0)
    quota = ToldQuota(empty, started=0, now=0)
    for second in range(0, 30, 3):
        quota.sync(empty, started=second, spent_before=100, spent=100, now=second)
    assert quota.wait(27, 1) <= 60 < math.inf


def test_a_reset_that_fills_a_small_bucket_only_is_not_taken_for_a_new_minute():
    """The header names a limit of 6,000 a minute, the server's bucket holds 100."""
    empty = Remainder(limit=6000, remaining=0, reset=0.5)
    quota = ToldQuota(empty, started=0, now=0)
    quota.sync(empty, started=0, spent_before=0, spent=0, now=0)
    assert quota.wait(0.5, 10) == 0  # one call finds out
    quota.quota.take(0.5, 10)
    assert quota.wait(0.5, 10) > 0
    quota.sync(replace(empty, remaining=90), started=0.5, spent_before=10, spent=10, now=0.5)
    assert quota.wait(1.1, 1000) > 1
