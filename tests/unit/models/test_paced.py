"""Pace and retry around a model, in time that costs nothing."""

import asyncio
import random

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacing import in_virtual_time
from penstock.errors import BadReply, InputError, NoConnection, Outage, Refused, Rejected, Throttled, Unreachable
from penstock.flow.gate import Gate
from penstock.flow.pace import Pace
from penstock.flow.ratelimits import RateLimits
from penstock.flow.retry import Backoff
from penstock.flow.run import flow
from penstock.models.model import Prompt, Reply
from penstock.models.paced import Paced
from penstock.records import Usage
from penstock.testing import ScriptedModel

PROMPT = Prompt(system="s", user="u")
DOWN = Unreachable("the connection failed")
ERROR = Unreachable("the server had an error (HTTP 500)", status=500)
GOOD = Reply(text="good", model="m", usage=Usage(calls=1, tokens_in=10, tokens_out=2))


@pytest.fixture(autouse=True)
def _nothing_taken_yet():
    """Errors of the scripts are raised again and again; what one test adds to them is not for the next."""
    for error in (DOWN, ERROR):
        error.usage = None


def taken(error, **usage):
    """An error whose call was paid for."""
    error.usage = Usage(calls=1, **usage)
    return error


def paced(script, *, attempts=3, patience=300.0, gate=None):
    """A paced model on the clock of the running loop, and the script it follows."""
    loop = asyncio.get_running_loop()
    model = ScriptedModel(script)
    gate = gate or Gate(Pace(), clock=loop.time)
    backoff = Backoff(attempts=attempts)
    return Paced(model, gate, backoff=backoff, rng=random.Random(1), patience=patience, clock=loop.time), model, gate


def played(script, **settings):
    """Ask once; returns what came of it, the calls made, the seconds that passed, and the gate's counts."""

    async def main():
        wrapped, model, gate = paced(script, **settings)
        try:
            result = await wrapped.ask(PROMPT)
        except Exception as error:  # noqa: BLE001 - what came of it is looked at by the test
            result = error
        return result, len(model.prompts), asyncio.get_running_loop().time(), gate.stats()

    return in_virtual_time(main)


def test_an_answer_at_once_is_handed_through():
    result, calls, seconds, stats = played([GOOD])
    assert (result, calls, seconds) == (GOOD, 1, 0.0)
    assert (stats.succeeded, stats.in_flight) == (1, 0)


def test_a_lost_call_is_made_again_and_counted():
    result, calls, _, stats = played([ERROR, DOWN, GOOD])
    assert calls == 3
    assert result.usage == Usage(calls=3, tokens_in=10, tokens_out=2)
    assert (stats.succeeded, stats.failed, stats.in_flight) == (1, 2, 0)


def test_after_the_last_attempt_the_error_is_the_callers():
    result, calls, _, stats = played([ERROR] * 9, attempts=3)
    assert result is ERROR
    assert calls == 3
    assert stats.in_flight == 0


def test_what_replies_that_could_not_be_used_took_is_counted():
    broken = taken(Unreachable("broken", status=200), tokens_in=3)
    cut_off = taken(BadReply("cut off"), tokens_in=10, tokens_out=50)
    result, *_ = played([broken, Throttled("slow down"), cut_off])
    assert result is cut_off
    assert result.usage == Usage(calls=3, tokens_in=13, tokens_out=50)


def test_what_failed_tries_took_is_added_to_the_reply_and_to_the_last_error():
    result, *_ = played([taken(Unreachable("broken", status=200), tokens_in=3), GOOD])
    assert result.usage == Usage(calls=2, tokens_in=13, tokens_out=2)
    result, *_ = played([ERROR, taken(Unreachable("broken", status=200), tokens_in=3)], attempts=2)
    assert result.usage == Usage(calls=2, tokens_in=3)


def test_a_refusal_for_asking_too_often_costs_no_attempt():
    result, calls, _, stats = played([Throttled("slow down")] * 12 + [GOOD], attempts=1)
    assert result.text == "good"
    assert calls == 13
    assert result.usage.calls == 13
    assert (stats.throttled, stats.failed, stats.in_flight) == (12, 0, 0)


@pytest.mark.parametrize("named", [{"retry_after": 30.0}, {"limits": RateLimits(retry_after=30.0)}])
def test_the_wait_that_a_server_names_is_kept(named):
    result, _, seconds, _ = played([Throttled("slow down", **named), GOOD])
    assert result.text == "good"
    assert seconds >= 30.0


@pytest.mark.parametrize("error", [Rejected("no"), BadReply("empty"), Refused("wrong key"), ZeroDivisionError()])
def test_what_would_fail_again_is_raised_at_once_and_lets_go_of_its_place(error):
    result, calls, _, stats = played([error])
    assert result is error
    assert calls == 1
    assert stats.in_flight == 0


def test_a_server_that_was_never_there_is_the_users_to_mend():
    result, calls, _, _ = played([DOWN] * 9, attempts=2)
    assert isinstance(result, InputError)
    assert str(result) == (
        "Cannot reach scripted: the connection failed; is the server running, and is the base URL right?"
    )
    assert result.__cause__ is DOWN
    assert calls == 2


@pytest.mark.parametrize("sign", [GOOD, Throttled("slow down"), Rejected("no"), BadReply("empty"), ERROR])
def test_a_server_that_was_there_once_is_only_out_of_reach(sign):
    async def main():
        wrapped, _, _ = paced([sign, GOOD if isinstance(sign, Throttled) else DOWN, *[DOWN] * 9], attempts=1)
        for _ in range(2):
            try:
                await wrapped.ask(PROMPT)
            except (Rejected, BadReply, Unreachable) as error:
                last = error
        return last

    assert in_virtual_time(main) is DOWN


def asked_until(script, *, every, patience, times=100):
    """Ask again and again, `every` so many seconds; returns the first outage and when it came."""

    async def main():
        wrapped, _, _ = paced(script, attempts=1, patience=patience)
        for _ in range(times):
            try:
                await wrapped.ask(PROMPT)
            except Outage as error:
                return error, asyncio.get_running_loop().time()
            except (Unreachable, Rejected):
                pass
            await asyncio.sleep(every)
        return None, asyncio.get_running_loop().time()

    return in_virtual_time(main)


def test_without_a_good_answer_for_longer_than_the_patience_the_run_stops():
    outage, seconds = asked_until(lambda _: ERROR, every=10, patience=60)
    assert (
        str(outage)
        == "scripted gave no good answer for 60 s: the server had an error (HTTP 500); resume when it is back."
    )
    assert outage.__cause__ is ERROR
    assert 60 < seconds <= 70


@pytest.mark.parametrize("answer", [GOOD, Rejected("no")])
def test_an_answer_now_and_then_keeps_the_run_going(answer):
    script = ([ERROR] * 5 + [answer]) * 20
    outage, seconds = asked_until(script, every=10, patience=60)
    assert outage is None
    assert seconds >= 1000


def test_a_server_that_only_asks_for_fewer_calls_is_given_six_times_as_long():
    async def main():
        wrapped, _, _ = paced(lambda _: Throttled("slow down", retry_after=5.0), patience=20)
        with pytest.raises(Outage):
            await wrapped.ask(PROMPT)
        return asyncio.get_running_loop().time()

    assert 120 < in_virtual_time(main) <= 130


@given(st.lists(st.sampled_from(["good", "error", "throttled", "rejected", "empty"]), max_size=40), st.integers(1, 8))
def test_every_call_that_starts_ends_at_the_gate(lines, askers):
    made = {
        "good": GOOD,
        "error": ERROR,
        "throttled": Throttled("slow down", retry_after=0.1),
        "rejected": Rejected("no"),
        "empty": BadReply("empty"),
    }
    script = iter(lines)

    async def main():
        wrapped, model, gate = paced(lambda _: made[next(script, "good")], attempts=2)
        await asyncio.gather(*(wrapped.ask(PROMPT) for _ in range(askers)), return_exceptions=True)
        return gate.stats(), len(model.prompts)

    stats, calls = in_virtual_time(main)
    assert stats.started == stats.succeeded + stats.throttled + stats.failed == calls
    assert (stats.in_flight, stats.waiting) == (0, 0)


def test_whoever_is_cancelled_lets_go_of_its_place():
    async def main():
        async def forever(prompt):
            await asyncio.sleep(1e9)

        wrapped, model, gate = paced([GOOD])
        model.ask = forever
        with anyio.move_on_after(5):
            await wrapped.ask(PROMPT)
        return gate.stats()

    assert in_virtual_time(main).in_flight == 0


class Slow:
    """A model that answers after a second, or as told."""

    name = identity = "slow"

    def __init__(self, answer=lambda nth: GOOD):
        self.answer = answer
        self.started = self.ended = 0

    async def ask(self, prompt):
        self.started += 1
        nth = self.started
        await asyncio.sleep(1)
        self.ended += 1
        answer = self.answer(nth)
        if isinstance(answer, Exception):
            raise answer
        return answer


def stopped(model, *, after, workers=8, ceiling=2):
    """A flow of prompts that is stopped after some seconds; returns its results and the gate's counts."""

    async def source():
        for _ in range(100):
            yield PROMPT

    async def main():
        loop = asyncio.get_running_loop()
        wrapped, _, gate = paced([], gate=Gate(Pace(ceiling=ceiling), clock=loop.time))
        wrapped._model = model

        async def stage(prompt):
            return [await wrapped.ask(prompt)]

        async with flow(source(), stage, workers=workers) as running:
            loop.call_later(after, running.stop)
            return [result async for result in running], gate.stats(), loop.time()

    return in_virtual_time(main)


def test_after_a_stop_calls_on_the_wire_are_answered_and_none_is_started():
    model = Slow()
    results, stats, seconds = stopped(model, after=2.5)
    assert model.started == model.ended == len(results) == 6
    assert (stats.in_flight, stats.waiting) == (0, 0)
    assert seconds == 3.0


def test_a_call_whose_turn_comes_at_the_moment_of_the_stop_is_not_started():
    model = Slow()

    async def source():
        for _ in range(9):
            yield PROMPT

    async def main():
        loop = asyncio.get_running_loop()
        wrapped, _, gate = paced([], gate=Gate(Pace(ceiling=1), clock=loop.time))
        wrapped._model = model

        async def stage(prompt):
            reply = await wrapped.ask(prompt)
            running.stop()  # the next one has its turn already, and does not know it yet
            return [reply]

        async with flow(source(), stage, workers=3) as running:
            return [result async for result in running], gate.stats()

    results, stats = in_virtual_time(main)
    assert model.started == model.ended == len(results) == 1
    assert (stats.in_flight, stats.waiting) == (0, 0)


def test_calls_start_in_the_order_in_which_they_came():
    started = []

    def answer(prompt):
        started.append(prompt.user)
        return GOOD

    async def main():
        loop = asyncio.get_running_loop()
        wrapped, model, _ = paced(answer, gate=Gate(Pace(ceiling=2), clock=loop.time))
        said = model.ask

        async def slowly(prompt):
            reply = await said(prompt)
            await asyncio.sleep(1 + len(prompt.user) % 3)
            return reply

        model.ask = slowly
        names = [f"{place:03}" + "x" * (place % 4) for place in range(40)]
        await asyncio.gather(*(wrapped.ask(Prompt(system="s", user=name)) for name in names))
        return names

    assert in_virtual_time(main) == started


@pytest.mark.parametrize("error", [Throttled("slow down"), Throttled("slow down", retry_after=60.0), ERROR])
def test_after_a_stop_a_call_that_failed_for_now_is_not_made_again(error):
    model = Slow(lambda nth: error if nth > 4 else GOOD)
    results, stats, seconds = stopped(model, after=2.5)
    assert model.started == model.ended == 6
    assert len(results) == 4
    assert (stats.in_flight, stats.waiting) == (0, 0)
    assert seconds == 3.0


def test_while_a_server_that_was_there_is_gone_no_attempt_is_spent():
    gone = NoConnection("the connection failed")
    result, calls, *_ = played([ERROR, *[gone] * 20, GOOD], attempts=3)
    assert (result.text, calls) == ("good", 22)


def test_a_server_that_never_was_there_is_a_wrong_address():
    result, calls, *_ = played([NoConnection("the connection failed")] * 9, attempts=3)
    assert isinstance(result, InputError)
    assert calls == 3


def test_a_server_that_stays_gone_ends_the_run_when_patience_does():
    gone = NoConnection("the connection failed")
    result, calls, seconds, _ = played([ERROR, *[gone] * 5000], attempts=3, patience=100.0)
    assert isinstance(result, Outage)
    assert seconds >= 100.0
    assert calls < 5000
