from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.flow.ratelimits import RateLimits, Remainder, read_limits, seconds_of

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_headers_without_limits_tell_nothing():
    assert read_limits({"content-type": "application/json"}, now=NOON) is None


def test_requests_and_tokens_are_read_in_any_case():
    headers = {
        "X-RateLimit-Limit-Requests": "60",
        "X-RateLimit-Remaining-Requests": "59",
        "X-RateLimit-Reset-Requests": "1s",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert read_limits(headers, now=NOON) == RateLimits(
        requests=Remainder(limit=60, remaining=59, reset=1), tokens=Remainder(limit=150000, remaining=149984, reset=360)
    )


def test_headers_with_the_unit_before_the_kind_are_read():
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-11-21T12:00:30Z",
    }
    assert read_limits(headers, now=NOON) == RateLimits(requests=Remainder(limit=50, remaining=0, reset=30))


def test_milliseconds_come_before_seconds():
    headers = {"Retry-After": "2", "retry-after-ms": "1500"}
    assert read_limits(headers, now=NOON) == RateLimits(retry_after=1.5)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12),
        ("1.5", 1.5),
        ("20ms", 0.02),
        ("1m30.5s", 90.5),
        ("1h2m3s", 3723),
        ("7.66s", 7.66),
        ("Sat, 21 Nov 2026 12:00:10 GMT", 10),
        ("2026-11-21T13:00:00+01:00", 0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0),
    ],
)
def test_a_wait_is_read_in_each_form(text, seconds):
    assert seconds_of(text, now=NOON) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "-3", "nan", "inf", "1x", "9999-99-99T00:00:00Z", "1s later"])
def test_what_cannot_be_read_is_as_good_as_absent(text):
    assert seconds_of(text, now=NOON) is None


def test_a_limit_without_what_remains_tells_nothing():
    assert read_limits({"x-ratelimit-limit-requests": "60"}, now=NOON) is None


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens"]), st.text()
    )
)
def test_no_header_makes_reading_fail(headers):
    limits = read_limits(headers, now=NOON)
    assert limits is None or limits.retry_after is None or limits.retry_after >= 0
