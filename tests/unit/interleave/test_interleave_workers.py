"""Threads that are lent to calls and never waited for."""

import threading
from contextvars import ContextVar

import pytest

from interleaved import soon, threads
from penstock.interleave.workers import MOST_IDLE, Workers

WHO = ContextVar("who", default="nobody")


@pytest.fixture
def workers():
    before = threads()
    mine = Workers()
    yield mine
    mine.close()
    assert soon(lambda: threads() <= before)


def test_a_call_keeps_what_its_function_returned(workers):
    call = workers.start(lambda: 7)
    assert call.wait(20)
    assert (call.value, call.error, call.over) == (7, None, True)
    assert call.seconds >= 0


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_a_call_keeps_whatever_its_function_raised(workers, error):
    def work():
        raise error

    call = workers.start(work)
    assert call.wait(20)
    assert call.error is error
    assert workers.start(lambda: "goes on").wait(20)


def test_a_call_that_hangs_is_not_waited_for(workers):
    go = threading.Event()
    call = workers.start(lambda: go.wait(60))
    assert not call.wait(0.01)
    assert not call.over
    go.set()
    assert call.wait(20)


def test_an_idle_thread_is_used_again(workers):
    first = workers.start(threading.get_ident)
    first.wait(20)
    assert soon(lambda: workers._idle)
    second = workers.start(threading.get_ident)
    second.wait(20)
    assert first.value == second.value


def test_threads_that_hang_starve_nobody(workers):
    go = threading.Event()
    stuck = [workers.start(lambda: go.wait(60)) for _ in range(40)]
    call = workers.start(lambda: "served")
    assert call.wait(20)
    assert call.value == "served"
    go.set()
    assert all(each.wait(20) for each in stuck)


def test_only_so_many_idle_threads_are_kept(workers):
    before = threads()
    go = threading.Event()
    calls = [workers.start(lambda: go.wait(60)) for _ in range(MOST_IDLE + 12)]
    go.set()
    assert all(call.wait(20) for call in calls)
    assert soon(lambda: len(workers._idle) == MOST_IDLE and threads() <= before + MOST_IDLE)


def test_closing_lets_busy_threads_finish_their_calls():
    before = threads()
    workers = Workers()
    go = threading.Event()
    call = workers.start(lambda: go.wait(60))
    workers.close()
    go.set()
    assert call.wait(20)
    assert call.value is True
    workers.close()
    assert soon(lambda: threads() <= before)


def test_idle_threads_end_when_nobody_has_their_workers_any_more():
    before = threads()
    workers = Workers()
    assert workers.start(lambda: 7).wait(20)
    idle = workers._idle
    assert soon(lambda: idle)
    del workers
    assert soon(lambda: threads() <= before)


def test_a_thread_whose_workers_are_gone_ends_after_its_call():
    before = threads()
    go = threading.Event()
    call = Workers().start(lambda: go.wait(60))
    go.set()
    assert call.wait(20)
    assert call.value is True
    assert soon(lambda: threads() <= before)


def test_a_call_sees_the_context_variables_of_its_request(workers):
    token = WHO.set("ann")
    call = workers.start(WHO.get)
    WHO.reset(token)
    assert call.wait(20)
    assert call.value == "ann"


def test_a_thread_that_is_used_again_has_nothing_of_the_request_before(workers):
    workers.start(lambda: WHO.set("ann")).wait(20)
    call = workers.start(WHO.get)
    assert call.wait(20)
    assert call.value == "nobody"


def test_many_threads_may_start_calls_at_once(workers):
    calls = []

    def start():
        calls.extend((number, workers.start(lambda number=number: number * number)) for number in range(100))

    starters = [threading.Thread(target=start) for _ in range(8)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join(60)
    assert all(call.wait(20) for _, call in calls)
    assert len(calls) == 800
    assert all(call.value == number * number for number, call in calls)
