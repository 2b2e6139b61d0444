import logging
import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from penstock.errors import InputError, Throttled
from penstock.interleave.settings import Settings
from penstock.interleave.snapshot import Held, Snapshot

GOOD = {"mode": "INTERLEAVE", "sampling_rate": "0.1"}
READ = Settings(mode="INTERLEAVE", sampling_rate=0.1)
MANY = 32


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def forward(self, seconds):
        self.now += seconds


class Changing:
    """A source whose answer can be changed, or be an error; counts its calls."""

    def __init__(self, answer=None):
        self.answer = GOOD if answer is None else answer
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def __str__(self):
        return "a store"


class Blocking(Changing):
    """A source that can be held up."""

    def __init__(self, answer=None):
        super().__init__(answer)
        self.entered = threading.Event()
        self.let_go = threading.Event()
        self.let_go.set()

    def __call__(self):
        self.entered.set()
        assert self.let_go.wait(30)
        return super().__call__()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(MANY) as threads:
        yield threads


def at_once(pool, snapshot):
    """What `MANY` threads are served that ask at the same moment."""
    barrier = threading.Barrier(MANY)

    def ask():
        barrier.wait(30)
        return snapshot.current()

    return [each.result(30) for each in [pool.submit(ask) for _ in range(MANY)]]


def warnings(caplog):
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def test_nothing_is_read_before_it_is_needed():
    source = Changing()
    Snapshot(source)
    assert source.calls == 0


def test_the_first_request_is_served_what_the_source_says(clock):
    assert Snapshot(Changing(), clock=clock).current() == Held(settings=READ, state="fresh", error=None, version=1)


def test_a_dict_may_be_given_as_it_is(clock):
    assert Snapshot(GOOD, clock=clock).current().settings == READ


def test_a_fresh_reading_is_not_read_again(clock):
    source = Changing()
    snapshot = Snapshot(source, ttl=60, clock=clock)
    first = snapshot.current()
    clock.forward(59.9)
    assert snapshot.current() is first
    assert source.calls == 1


def test_a_change_outside_is_seen_within_one_time_to_live(clock):
    source = Changing()
    snapshot = Snapshot(source, ttl=60, clock=clock)
    snapshot.current()
    source.answer = {"mode": "A"}
    clock.forward(60)
    assert snapshot.current() == Held(settings=Settings(), state="fresh", version=2)


def test_the_time_to_live_counts_from_the_beginning_of_the_reading(clock):
    source = Changing()

    def slow():
        read = source()
        clock.forward(20)
        return read

    snapshot = Snapshot(slow, ttl=60, clock=clock)
    snapshot.current()
    clock.forward(40)
    snapshot.current()
    assert source.calls == 2


def test_warming_reads_so_that_the_first_request_need_not(clock):
    source = Changing()
    snapshot = Snapshot(source, clock=clock)
    assert snapshot.warm().state == "fresh"
    snapshot.current()
    assert source.calls == 1


def test_warming_never_raises(clock):
    assert Snapshot(Changing(OSError()), clock=clock).warm().state == "baseline"


def test_a_cleared_snapshot_reads_again(clock):
    source = Changing()
    snapshot = Snapshot(source, clock=clock)
    snapshot.warm()
    snapshot.clear()
    source.answer = OSError()
    assert snapshot.current().state == "baseline"
    assert source.calls == 2


@pytest.mark.parametrize(
    "answer",
    [
        OSError("down"),
        Throttled("Too often."),
        ZeroDivisionError(),
        {},
        {"mode": "INTERLEAVE"},
        {"mode": "INTERLEAVE", "sampling_rate": "lots"},
        {"mode": "?"},
        {**GOOD, "colour": "red"},
        None.__class__,
        5,
    ],
    ids=repr,
)
def test_without_a_good_reading_a_fault_means_the_baseline(clock, answer):
    held = Snapshot(Changing(answer), clock=clock).current()
    assert (held.settings, held.state, held.version) == (Settings(), "baseline", 0)
    assert held.error


def test_the_baseline_is_the_first_ranker(clock):
    snapshot = Snapshot(Changing(OSError()), rankers=("champion", "challenger"), clock=clock)
    assert snapshot.current().settings == Settings(mode="champion")


@pytest.mark.parametrize("answer", [OSError(), {}, {**GOOD, "sampling_rate": "lots"}, {"mode": "B", "pool_size": "?"}])
def test_a_good_reading_is_served_on_as_stale(clock, answer):
    source = Changing()
    snapshot = Snapshot(source, clock=clock)
    snapshot.warm()
    source.answer = answer
    clock.forward(60)
    held = snapshot.current()
    assert (held.settings, held.state, held.version) == (READ, "stale", 1)
    assert held.error


def test_a_good_reading_is_served_until_it_is_too_old(clock):
    source = Changing()
    snapshot = Snapshot(source, ttl=60, max_stale=900, clock=clock)
    snapshot.warm()
    source.answer = OSError()
    served = []
    for _ in range(1000):
        clock.forward(1)
        served.append(snapshot.current().state)
    assert served == ["fresh"] * 59 + ["stale"] * 840 + ["baseline"] * 101


def test_a_reading_may_be_forbidden_to_be_served_stale(clock):
    source = Changing()
    snapshot = Snapshot(source, max_stale=0, clock=clock)
    snapshot.warm()
    source.answer = OSError()
    clock.forward(60)
    assert snapshot.current().state == "baseline"


def test_a_source_that_recovers_is_believed_again(clock):
    source = Changing(OSError())
    snapshot = Snapshot(source, retry_after=1, clock=clock)
    snapshot.warm()
    source.answer = GOOD
    clock.forward(1)
    assert snapshot.current() == Held(settings=READ, state="fresh", version=1)


def test_a_failing_source_is_asked_less_and_less_often_but_once_per_time_to_live(clock):
    source = Changing(OSError())
    snapshot = Snapshot(source, ttl=10, retry_after=1, clock=clock)
    asked = []
    for second in range(40):
        before = source.calls
        snapshot.current()
        if source.calls > before:
            asked.append(second)
        clock.forward(1)
    assert asked == [0, 1, 3, 7, 15, 25, 35]


def test_after_a_recovery_the_first_failure_is_retried_soon(clock):
    source = Changing(OSError())
    snapshot = Snapshot(source, ttl=10, retry_after=1, clock=clock)
    for _ in range(20):
        snapshot.current()
        clock.forward(1)
    source.answer = GOOD
    clock.forward(10)
    snapshot.current()
    source.answer = OSError()
    clock.forward(10)
    snapshot.current()
    source.answer = GOOD
    clock.forward(1)
    assert snapshot.current().state == "fresh"


def test_an_outage_may_last_for_ever(clock):
    snapshot = Snapshot(Changing(OSError()), ttl=10, clock=clock)
    for _ in range(5000):
        snapshot.current()
        clock.forward(10)
    assert snapshot.failures == 5000


def test_an_emergency_stop_works_beside_a_malformed_setting(clock):
    source = Changing()
    snapshot = Snapshot(source, clock=clock)
    snapshot.warm()
    source.answer = {"mode": " a", "sampling_rate": "lots"}
    clock.forward(60)
    held = snapshot.current()
    assert (held.settings, held.state) == (Settings(), "baseline")


def test_after_an_emergency_stop_no_older_reading_comes_back(clock):
    source = Changing()
    snapshot = Snapshot(source, clock=clock)
    snapshot.warm()
    source.answer = {"mode": "A", "sampling_rate": "lots"}
    clock.forward(60)
    snapshot.current()
    source.answer = OSError()
    clock.forward(1)
    assert snapshot.current().state == "baseline"


def test_refreshes_and_failures_are_counted(clock):
    source = Changing()
    snapshot = Snapshot(source, clock=clock)
    snapshot.warm()
    source.answer = OSError()
    clock.forward(60)
    snapshot.current()
    assert (snapshot.refreshes, snapshot.failures) == (2, 1)


def test_each_failure_is_told(clock):
    told = []
    error = OSError("down")
    snapshot = Snapshot(Changing(error), on_failure=told.append, clock=clock)
    snapshot.current()
    snapshot.current()
    assert told == [error]


def test_a_listener_that_fails_costs_no_request(clock, caplog):
    def broken(_):
        raise ZeroDivisionError

    assert Snapshot(Changing(OSError()), on_failure=broken, clock=clock).current().state == "baseline"
    assert "failed itself" in caplog.text


def test_an_outage_without_a_good_reading_is_logged_once(clock, caplog):
    snapshot = Snapshot(Changing(Throttled("Too often.")), clock=clock)
    for _ in range(200):
        snapshot.current()
        clock.forward(10)
    assert warnings(caplog) == [
        "Settings from a store cannot be used; the baseline (A) is served: Too often.",
    ]


def test_an_outage_is_logged_when_what_is_served_changes(clock, caplog):
    caplog.set_level(logging.INFO)
    source = Changing()
    snapshot = Snapshot(source, clock=clock)
    snapshot.warm()
    source.answer = Throttled("Too often.")
    for _ in range(200):
        clock.forward(10)
        snapshot.current()
    source.answer = GOOD
    clock.forward(60)
    snapshot.current()
    assert [each.getMessage() for each in caplog.records] == [
        "Settings from a store cannot be used; the last good reading is served: Too often.",
        "Settings from a store cannot be used; the baseline (A) is served: Too often.",
        f"Settings are read from a store again, after {snapshot.failures} failures.",
    ]


def test_the_words_of_a_foreign_error_are_not_repeated(clock, caplog):
    held = Snapshot(Changing(OSError("password=hunter2")), clock=clock).current()
    assert held.error == "OSError"
    assert "hunter2" not in caplog.text


def test_the_values_of_other_settings_are_not_logged(clock, caplog):
    Snapshot(Changing({**GOOD, "sampling_rate": "0.4242", "mode": "?"}), clock=clock).current()
    assert "4242" not in caplog.text
    assert "'?'" in caplog.text


def test_what_is_no_error_of_the_source_is_not_swallowed(clock):
    snapshot = Snapshot(Changing(KeyboardInterrupt()), clock=clock)
    with pytest.raises(KeyboardInterrupt):
        snapshot.current()
    snapshot._source.answer = GOOD
    assert snapshot.current().state == "fresh"


def test_many_threads_read_once(clock, pool):
    source = Changing()
    snapshot = Snapshot(source, first_wait=30, clock=clock)
    assert {each.state for each in at_once(pool, snapshot)} == {"fresh"}
    assert source.calls == 1


def test_many_threads_refresh_once_per_time_to_live(clock, pool):
    source = Changing()
    snapshot = Snapshot(source, ttl=60, first_wait=30, clock=clock)
    snapshot.warm()
    for _ in range(20):
        clock.forward(60)
        at_once(pool, snapshot)
    assert source.calls == 21


def test_many_threads_ask_a_failing_source_once_per_retry(clock, pool):
    source = Changing(OSError())
    snapshot = Snapshot(source, ttl=1, retry_after=1, first_wait=30, clock=clock)
    for _ in range(20):
        assert {each.state for each in at_once(pool, snapshot)} == {"baseline"}
        clock.forward(1)
    assert source.calls == 20


@contextmanager
def hanging(pool, snapshot, source):
    """One thread is inside the source, until the end of the block; gives what that thread is served in the end."""
    source.let_go.clear()
    source.entered.clear()
    refreshing = pool.submit(snapshot.current)
    assert source.entered.wait(30)
    try:
        yield refreshing
    finally:
        source.let_go.set()
        refreshing.result(30)


def without_waiting(pool, snapshot):
    """What another thread is served; fails where it waits as long as `first_wait=30` lets it."""
    return pool.submit(snapshot.current).result(10)


def test_while_one_thread_refreshes_the_others_are_served_what_is_held(clock, pool):
    source = Blocking()
    snapshot = Snapshot(source, first_wait=30, clock=clock)
    snapshot.warm()
    clock.forward(60)
    with hanging(pool, snapshot, source) as refreshing:
        held = without_waiting(pool, snapshot)
    assert (held.settings, held.state) == (READ, "stale")
    assert refreshing.result().state == "fresh"


def test_a_refresh_that_hangs_does_not_keep_an_old_reading_alive(clock, pool):
    source = Blocking()
    snapshot = Snapshot(source, max_stale=900, first_wait=30, clock=clock)
    snapshot.warm()
    clock.forward(60)
    with hanging(pool, snapshot, source):
        clock.forward(840)
        held = without_waiting(pool, snapshot)
    assert (held.settings, held.state) == (Settings(), "baseline")


def test_at_the_first_reading_the_others_wait_for_it(clock, pool):
    source = Blocking()
    snapshot = Snapshot(source, first_wait=30, clock=clock)
    with hanging(pool, snapshot, source):
        asking = [pool.submit(snapshot.current) for _ in range(5)]
    assert {each.result(30).state for each in asking} == {"fresh"}


def test_at_the_first_reading_nobody_waits_for_long(clock, pool):
    source = Blocking()
    snapshot = Snapshot(source, first_wait=0.01, clock=clock)
    with hanging(pool, snapshot, source) as first:
        held = without_waiting(pool, snapshot)
    assert (held.settings, held.state) == (Settings(), "baseline")
    assert first.result().state == "fresh"


def test_who_comes_late_to_a_hanging_first_reading_does_not_wait(clock, pool):
    source = Blocking()
    snapshot = Snapshot(source, first_wait=30, clock=clock)
    with hanging(pool, snapshot, source):
        clock.forward(30)
        assert without_waiting(pool, snapshot).state == "baseline"


def test_after_a_failure_nobody_waits_for_the_next_attempt(clock, pool):
    source = Blocking(OSError())
    snapshot = Snapshot(source, first_wait=30, clock=clock)
    snapshot.warm()
    clock.forward(1)
    with hanging(pool, snapshot, source):
        assert without_waiting(pool, snapshot).state == "baseline"


def test_what_was_cleared_is_not_served_while_another_thread_reads(clock, pool):
    source = Blocking()
    snapshot = Snapshot(source, first_wait=0, clock=clock)
    snapshot.warm()
    snapshot.clear()
    with hanging(pool, snapshot, source):
        assert snapshot.current().settings == Settings()


def test_who_finds_that_another_thread_was_faster_does_not_read_again(clock):
    source = Changing()

    def interrupted():
        if not source.calls:
            source.calls += 1  # once
            snapshot.current()  # the other thread, at just this moment
        return clock.now

    snapshot = Snapshot(source, clock=interrupted)
    snapshot.current()
    assert snapshot.refreshes == 1


def test_no_reader_ever_sees_half_a_swap(pool):
    pairs = [{"mode": "A", "pool_size": 1}, {"mode": "B", "pool_size": 2}]
    turns = iter(range(10**9))
    snapshot = Snapshot(lambda: pairs[next(turns) % 2], ttl=1e-6, first_wait=30)

    def read():
        return {(held.settings.mode, held.settings.pool_size) for held in (snapshot.current() for _ in range(300))}

    seen = set().union(*(each.result(60) for each in [pool.submit(read) for _ in range(8)]))
    assert seen == {("A", 1), ("B", 2)}


def in_child(snapshot, results):
    results.put((snapshot.current().state, os.getpid()))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # forking beside threads is what this is about
def test_a_child_forked_during_a_refresh_refreshes_by_itself(clock, pool):
    source = Blocking()
    snapshot = Snapshot(source, first_wait=0, clock=clock)
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    with hanging(pool, snapshot, source):
        snapshot._source = Changing()  # what the child reads; the parent's thread is inside the other
        child = context.Process(target=in_child, args=(snapshot, results))
        child.start()
        child.join(30)
    assert child.exitcode == 0
    assert results.get() == ("fresh", child.pid)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ttl": 0},
        {"ttl": float("nan")},
        {"retry_after": 0},
        {"max_stale": -1},
        {"first_wait": -1},
        {"rankers": ()},
        {"source": 5},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(InputError):
        Snapshot(**{"source": GOOD, **wrong})
