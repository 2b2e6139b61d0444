import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.flow.pace import Pace
from penstock.flow.ratelimits import RateLimits, Remainder


def fill(pace: Pace, *, now: float, calls: int) -> list:
    """Start as many calls as allowed, at most `calls`, and let time pass while the window opens."""
    tickets = []
    while len(tickets) < calls:
        wait = pace.wait(now)
        if wait == math.inf:
            break
        now += wait
        tickets.append(pace.start(now))
    return tickets


def test_the_window_opens_without_a_single_reply():
    pace = Pace(ceiling=200)
    tickets = fill(pace, now=0, calls=200)
    assert len(tickets) == 200
    assert tickets[-1].started < 0.5


def test_no_call_starts_beyond_the_ceiling():
    pace = Pace(ceiling=7)
    assert len(fill(pace, now=0, calls=100)) == 7
    assert pace.wait(100) == math.inf


def test_the_first_refusal_cuts_to_what_the_server_had_let_in():
    pace = Pace()
    tickets = fill(pace, now=0, calls=33)
    pace.throttled(tickets[32], tickets[32].started + 0.002)
    assert pace.stats().limit == 32


def test_refusals_of_one_episode_cut_once():
    pace = Pace()
    tickets = fill(pace, now=0, calls=40)
    for ticket in tickets[32:]:
        pace.throttled(ticket, tickets[-1].started + 0.002)
    assert (pace.stats().limit, pace.stats().cuts) == (32, 1)


def test_refusals_that_come_back_in_another_order_cut_to_the_same():
    pace = Pace()
    tickets = fill(pace, now=0, calls=40)
    for ticket in reversed(tickets[32:]):
        pace.throttled(ticket, tickets[-1].started + 0.002)
    assert pace.stats().limit == 32


@pytest.mark.parametrize("limits", [{"ceiling": 0}, {"requests_per_minute": 0}, {"tokens_per_minute": -5}])
def test_a_limit_of_nothing_is_turned_away(limits):
    with pytest.raises(InputError, match="above zero"):
        Pace(**limits)


def test_a_failed_call_says_nothing_about_the_limit():
    pace = Pace()
    tickets = fill(pace, now=0, calls=20)
    limit = pace.stats().limit
    for ticket in tickets:
        pace.failed(ticket, 5)
    assert (pace.stats().limit, pace.stats().failed) == (limit, 20)


def test_a_refused_call_remembers_its_retry_after():
    pace = Pace()
    ticket = pace.start(10)
    pace.throttled(ticket, 10.5, retry_after=2)
    assert ticket.not_before == 12.5


def test_a_retry_after_in_the_headers_counts():
    pace = Pace()
    ticket = pace.start(10)
    pace.throttled(ticket, 10, limits=RateLimits(retry_after=3))
    assert ticket.not_before == 13


def test_a_retry_after_of_a_day_is_cut_to_the_longest_pause():
    pace = Pace(longest_pause=60)
    ticket = pace.start(0)
    pace.throttled(ticket, 0, retry_after=86400)
    assert ticket.not_before == 60


def test_everyone_waits_after_two_refusals_in_a_row():
    pace = Pace()
    pace.throttled(pace.start(0), 0.1, retry_after=5)
    pace.throttled(pace.start(1), 1.1, retry_after=5)
    assert pace.wait(2) == pytest.approx(4.1)


def test_known_requests_per_minute_are_spread_evenly():
    pace = Pace(requests_per_minute=60)
    starts = [ticket.started for ticket in fill(pace, now=0, calls=10)]
    assert starts == pytest.approx(list(range(10)))


def test_tokens_that_were_not_used_are_given_back():
    pace = Pace(tokens_per_minute=60_000)
    ticket = pace.start(0, tokens=5000)
    assert pace.wait(0, tokens=1000) == pytest.approx(5)
    pace.succeeded(ticket, 1, tokens=1000)
    assert pace.wait(1, tokens=1000) == 0


def test_a_refused_call_gives_its_tokens_back():
    pace = Pace(tokens_per_minute=60_000)
    ticket = pace.start(0, tokens=30_000)
    pace.throttled(ticket, 0.01)
    assert pace.wait(1, tokens=1000) == 0


def test_a_refusal_that_the_headers_explain_does_not_narrow_the_window():
    pace = Pace()
    tickets = fill(pace, now=0, calls=30)
    limit = pace.stats().limit
    used_up = RateLimits(requests=Remainder(limit=100, remaining=0, reset=10))
    now = tickets[-1].started + 0.002
    pace.throttled(tickets[-1], now, limits=used_up)
    assert pace.stats().limit == limit
    assert pace.wait(now) > 0


def test_each_change_is_kept_with_its_reason():
    pace = Pace()
    tickets = fill(pace, now=0, calls=33)
    pace.throttled(tickets[32], 0.2)
    assert [(change.limit, change.why) for change in pace.history] == [(32, "found")]


def test_the_history_stays_bounded():
    pace, now = Pace(), 0.0
    for _ in range(5000):
        now += 100
        pace.throttled(pace.start(now), now + 0.1)
    assert len(pace.history) <= Pace.HISTORY


ends = st.sampled_from(["succeeded", "failed", "throttled", "throttled with a wait"])


@settings(max_examples=200)
@given(st.lists(st.tuples(st.floats(0, 5), ends), max_size=120), st.integers(1, 20))
def test_whatever_happens_the_count_is_right_and_no_one_waits_for_ever(events, ceiling):
    pace, flying, now = Pace(ceiling=ceiling), [], 0.0
    for pause, end in events:
        now += pause
        while len(flying) < ceiling and pace.wait(now) <= 0:
            flying.append(pace.start(now))
        assert pace.in_flight == len(flying) <= ceiling
        if not flying:
            assert pace.wait(now) <= 600
            continue
        ticket = flying.pop(0)
        if end == "throttled":
            pace.throttled(ticket, now + 0.01)
        elif end == "throttled with a wait":
            pace.throttled(ticket, now + 0.01, retry_after=3)
        else:
            getattr(pace, end)(ticket, now + 0.01)
        now += 0.01
        stats = pace.stats()
        assert 1 <= stats.limit <= ceiling
        assert stats.started == stats.in_flight + stats.succeeded + stats.throttled + stats.failed
