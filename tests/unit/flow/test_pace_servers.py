"""The pace against servers with hidden limits, in virtual time; the margins are bounds of behaviour."""

import random

import pytest

from pacing import Bucket, FixedWindow, Flaky, InFlight, Run, Server, drive, in_virtual_time, uniform
from penstock.flow.pace import Pace


def run(*rules, calls, latency, seed=1, refusal=0.002, retry_after=None, tokens=0.0, pace=None) -> Run:
    async def main():
        server = Server(
            rules=rules,
            latency=uniform(latency, 0.2, random.Random(seed)),
            refusal=refusal,
            retry_after=retry_after,
        )
        return await drive(server, pace or Pace(), calls=calls, tokens=lambda: tokens)

    return in_virtual_time(main)


@pytest.mark.parametrize("seed", range(3))
def test_a_cap_on_calls_in_flight_is_found_and_kept(seed):
    result = run(InFlight((0, 32)), calls=1200, latency=1, seed=seed)
    assert result.stats.succeeded == 1200
    assert result.seconds <= 39.5
    assert result.refused < 12


@pytest.mark.parametrize("seed", range(3))
def test_a_cap_is_found_before_the_first_slow_reply(seed):
    result = run(InFlight((0, 32)), calls=640, latency=3, seed=seed)
    assert result.seconds <= 60 / 0.95
    assert result.refused <= 6


@pytest.mark.parametrize("seed", range(3))
def test_a_cap_on_calls_a_second_is_found_and_kept(seed):
    result = run(Bucket((0, 10), burst=10), calls=600, latency=3, retry_after=2, seed=seed)
    assert result.seconds <= 62 / 0.9
    assert result.refused < 30
    assert result.stats.rate == pytest.approx(10, rel=0.2)


@pytest.mark.parametrize("seed", range(3))
def test_a_cap_that_falls_and_rises_is_followed(seed):
    result = run(InFlight((0, 48), (30, 12), (60, 48)), calls=1080, latency=3, seed=seed)
    assert result.seconds <= 90 / 0.88
    assert result.refused < 54


def test_a_cap_that_falls_to_one_does_not_hold_the_pace_down():
    result = run(InFlight((0, 40), (20, 1), (50, 40)), calls=1820, latency=1)
    assert result.seconds <= 75 / 0.85


def test_a_server_that_refuses_everything_for_a_while_is_not_flooded():
    result = run(InFlight((0, 32), (20, 0), (80, 32)), calls=1600, latency=1)
    assert result.stats.succeeded == 1600
    assert result.refused < 40
    assert result.seconds <= 110 / 0.85


def test_a_token_budget_is_found_from_refusals():
    result = run(Bucket((0, 10_000), burst=10_000, unit="tokens"), calls=600, latency=3, retry_after=1, tokens=1000)
    assert result.seconds <= 63 / 0.9
    assert result.refused < 30


def test_a_token_budget_told_by_headers_is_kept():
    server = Bucket((0, 1000), burst=60_000, unit="tokens", tells=True)
    result = run(server, calls=300, latency=3, retry_after=1, tokens=1000)
    assert result.seconds <= 243 / 0.9
    assert result.refused < 15


def test_a_request_window_told_by_headers_is_kept():
    result = run(FixedWindow(600, tells=True), calls=1100, latency=3)
    assert result.refused < 11
    assert result.seconds < 75


def test_a_token_budget_told_by_the_user_is_never_exceeded():
    pace = Pace(tokens_per_minute=60_000)
    result = run(Bucket((0, 1000), burst=3000, unit="tokens"), calls=100, latency=3, tokens=1000, pace=pace)
    assert result.refused == 0
    assert result.seconds < 110


def test_without_a_limit_the_start_costs_little():
    result = run(calls=5000, latency=0.2, pace=Pace(ceiling=200))
    assert result.refused == 0
    assert result.seconds < 5.4


def test_random_refusals_do_not_bring_the_pace_down():
    result = run(InFlight((0, 32)), Flaky(0.01, random.Random(7)), calls=1200, latency=1)
    assert result.seconds < 2 * 37.5


def test_refusals_from_far_away_cost_one_overshoot_only():
    result = run(InFlight((0, 32)), calls=2400, latency=1, refusal=0.1)
    assert result.seconds <= 75 / 0.9
    assert result.refused < 100


@pytest.mark.parametrize("cap", [1, 2, 5, 17, 100])
def test_any_cap_is_used_well(cap):
    result = run(InFlight((0, cap)), calls=60 * cap, latency=1)
    assert result.most <= cap
    assert result.seconds <= 60 / 0.9


@pytest.mark.parametrize("per_second", [3, 10, 30])
def test_any_rate_is_used_well(per_second):
    result = run(Bucket((0, per_second), burst=per_second), calls=120 * per_second, latency=2, retry_after=1)
    assert result.seconds <= 122 / 0.85
    assert result.refused < 0.1 * result.calls


def test_a_slow_rate_without_any_burst_is_found_in_time():
    result = run(Bucket((0, 1), burst=1), calls=240, latency=2, retry_after=1)
    assert result.seconds <= 242 / 0.7
    assert result.refused < 24


def test_the_same_calls_come_out_the_same():
    first, second = (run(InFlight((0, 32)), calls=300, latency=1, seed=3) for _ in range(2))
    assert first.starts == second.starts
