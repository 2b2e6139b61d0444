import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.testing.behaviour import Behaviour
from penstock.testing.latency import Latency
from penstock.testing.limits import Bucket, Limits, duration


@given(
    st.floats(min_value=0.1, max_value=100),
    st.integers(min_value=1, max_value=50),
    st.lists(st.floats(min_value=0, max_value=5), max_size=60),
)
def test_a_bucket_never_lets_through_more_than_its_size_and_its_rate(per_second, size, gaps):
    bucket, now, taken = Bucket(per_second=per_second, size=size), 0.0, 0
    for gap in gaps:
        now += gap
        if bucket.wait(1, now=now) == 0:
            bucket.take(1, now=now)
            taken += 1
        assert taken <= size + per_second * now + 1e-6


@given(st.floats(min_value=0.1, max_value=100), st.integers(min_value=1, max_value=20))
def test_after_the_wait_that_a_bucket_names_it_lets_through(per_second, size):
    bucket = Bucket(per_second=per_second, size=size)
    for _ in range(size):
        bucket.take(1, now=0.0)
    wait = bucket.wait(1, now=0.0)
    assert wait == pytest.approx(1 / per_second)
    assert bucket.wait(1, now=wait) == 0


def test_what_is_larger_than_a_bucket_never_fits():
    assert Bucket(per_second=1, size=10).wait(11, now=0.0) == math.inf


def test_the_capacity_changes_at_its_seconds():
    limits = Limits(Behaviour(capacity={0: 3, 30: 1, 60: 2}))
    limits.begin(100.0)
    assert [limits.room(1, now=100.0 + second) for second in (0, 29.9, 30, 59.9, 60, 999)] == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]
    assert [limits.next_step(100.0 + second) for second in (0, 45, 60)] == [30, 15, None]


def test_before_the_first_step_anything_goes():
    limits = Limits(Behaviour(capacity={10: 0}))
    limits.begin(0.0)
    assert [limits.room(10**6, now=9.0), limits.room(0, now=10.0)] == [True, False]


def test_the_seconds_begin_only_once():
    limits = Limits(Behaviour(capacity={0: 0, 10: 1}))
    limits.begin(0.0)
    limits.begin(9.0)
    assert limits.room(0, now=10.0)


def test_a_rate_lets_a_burst_through_and_then_one_by_one():
    limits = Limits(Behaviour(rate=10, burst=3))
    assert [limits.refusal(0, now=0.0) is None for _ in range(4)] == [True, True, True, False]
    assert limits.refusal(0, now=0.05) is not None
    assert limits.refusal(0, now=0.1) is None


def told(limits, *, now=0.0):
    return dict(header for level in limits.levels(now) for header in level.headers)


def test_a_refused_call_takes_nothing_from_the_other_limits():
    limits = Limits(Behaviour(requests_per_minute=60, tokens_per_minute=600))
    assert limits.refusal(600, now=0.0) is None
    refused = limits.refusal(10, now=0.0)
    assert (refused.kind, refused.wait) == ("tokens", pytest.approx(1.0))
    assert told(limits)["x-ratelimit-remaining-requests"] == "59"


def test_a_call_that_never_fits_has_no_time_to_come_back():
    refused = Limits(Behaviour(tokens_per_minute=100)).refusal(101, now=0.0)
    assert refused.wait is None
    assert "too large" in refused.reason


def test_headers_tell_the_limits_per_minute():
    limits = Limits(Behaviour(requests_per_minute=60, tokens_per_minute=6000))
    limits.refusal(250, now=0.0)
    assert told(limits) == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "6000",
        "x-ratelimit-remaining-tokens": "5750",
        "x-ratelimit-reset-tokens": "2.5s",
    }


def test_fewer_burst_seconds_make_a_minute_limit_tighter():
    limits = Limits(Behaviour(requests_per_minute=60, burst_seconds=2))
    assert [limits.refusal(0, now=0.0) is None for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0ms"), (0.0201, "21ms"), (1, "1s"), (1.5, "1.5s"), (59.9, "59.9s"), (360, "6m0s")]
)
def test_durations_are_written_as_openai_writes_them(seconds, written):
    assert duration(seconds) == written


@given(
    st.floats(min_value=0, max_value=100),
    st.floats(min_value=0, max_value=1),
    st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True),
)
def test_an_even_spread_stays_within_its_share(seconds, share, draw):
    value = Latency(seconds=seconds, share=share).at(draw)
    assert seconds * (1 - share) * 0.999999 <= value <= seconds * (1 + share) * 1.000001


def test_a_long_tail_has_its_median_in_the_middle():
    latency = Latency(seconds=2, sigma=0.5)
    assert latency.at(0.5) == pytest.approx(2)
    assert latency.at(0.1) < 2 < latency.at(0.9)
    assert latency.at(0.8413447) == pytest.approx(2 * math.exp(0.5), rel=1e-4)
