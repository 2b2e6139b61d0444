"""Traps that a request can fall into and that belong to no single module."""

import gc
import json
import sys
import threading
import weakref

import pytest

from interleaved import EVERYBODY, Hanging, Trial, soon, threads, told
from penstock.interleave.making import MOST_STUCK

A, B = list(range(10)), list(range(9, -1, -1))
DAY = 86_400.0
NOON = 1_795_262_400.0  # 2026-11-21 12:00 UTC

SERVED = """
import json
from penstock.interleave import Experiment
lines = []
settings = {"mode": "INTERLEAVE", "sampling_rate": 0.5, "seed_strategy": "user"}
experiment = Experiment(
    "home", {"A": lambda _c: list("abcdef"), "B": lambda _c: list("fedcba")},
    settings=settings, log=lines.append, clock=lambda: 1_795_262_400.0,
)
for user in range(40):
    experiment.rank(user_id=f"user-{user}", k=5)
kept = ("mode", "user", "bucket", "seed", "items")
print(json.dumps([[line.as_dict().get(name) for name in kept] for line in lines]))
"""


def test_sample_names_and_drafts_do_not_depend_on_the_salt_of_hash():
    outcomes = {told(SERVED, PYTHONHASHSEED=salt) for salt in ("0", "1", "4242")}
    assert len(outcomes) == 1
    assert {mode for mode, *_ in json.loads(outcomes.pop())} == {"A", "INTERLEAVE"}


def drafts(trial, times=20, **more):
    return {tuple(trial.rank(k=10, **more).ranking) for _ in range(times)}


def test_a_user_s_seed_gives_one_draft_per_user_and_version():
    trial = Trial(A, B, settings={**EVERYBODY, "seed_strategy": "user"}, clock=lambda: NOON)
    assert len(drafts(trial, user_id="ann")) == 1
    assert len({tuple(trial.rank(k=10, user_id=user).ranking) for user in range(50)}) > 10


def test_a_user_s_draft_is_not_frozen_for_ever():
    now = [NOON]
    trial = Trial(A, B, settings={**EVERYBODY, "seed_strategy": "user"}, clock=lambda: now[0])
    shown = set()
    for day in range(20):
        now[0] = NOON + day * DAY
        shown |= drafts(trial, times=2)
    assert len(shown) > 5


def test_a_new_version_of_the_rankings_gives_a_user_another_draft():
    trial = Trial(A, B, settings={**EVERYBODY, "seed_strategy": "user"}, clock=lambda: NOON)
    by_version = [drafts(trial, times=3, version=f"v{number}") for number in range(20)]
    assert all(len(shown) == 1 for shown in by_version)
    assert len(set.union(*by_version)) > 5


def test_a_request_s_seed_gives_a_user_many_drafts():
    assert len(drafts(Trial(A, B), times=40)) > 10


def test_another_experiment_tosses_other_coins_for_the_same_user():
    settings = {**EVERYBODY, "seed_strategy": "user"}
    one, other = (Trial(A, B, settings=settings, clock=lambda: NOON, salt=salt) for salt in ("one", "other"))
    same = sum(one.rank(k=10, user_id=user).ranking == other.rank(k=10, user_id=user).ranking for user in range(100))
    assert same < 20


def test_each_ranker_leads_half_of_the_rankings():
    trial = Trial([1, 2], [3, 4], settings={**EVERYBODY, "parallel_enabled": False})
    firsts = [trial.rank(k=2).record.items[0].source_ranker for _ in range(2_000)]
    assert firsts.count("A") / 2_000 == pytest.approx(0.5, abs=0.05)


def test_the_first_item_is_fair_among_the_lowest_hundredth_of_the_users():
    settings = {**EVERYBODY, "parallel_enabled": False, "sampling_rate": 0.01, "seed_strategy": "user"}
    trial = Trial([1, 2], [3, 4], settings=settings, clock=lambda: NOON)
    for user in range(60_000):
        trial.rank(k=2, user_id=user)
    firsts = [record.items[0].source_ranker for record in trial.records if record.mode == "INTERLEAVE"]
    assert 450 < len(firsts) < 750
    assert firsts.count("A") / len(firsts) == pytest.approx(0.5, abs=0.09)  # four and a half standard errors


def test_what_a_frozen_thread_makes_later_is_not_in_the_next_request(caplog):
    go = [threading.Event(), threading.Event()]
    done = threading.Event()

    def rank_b(number):
        go[number].wait(60)
        return [f"of request {number}"]

    def rank_a(number):
        if number == 1:  # the thread of the first request thaws in the middle of the second
            go[0].set()
            assert soon(lambda: all(call.over for call in trial.experiment._runner._late["B"]))
            go[1].set()
        done.set()
        return ["a"]

    trial = Trial(rank_a, rank_b, deadline=0.05)
    assert trial.rank(0).ranking == ["a"]
    assert trial.record.fallback_reason == "B:late"
    trial.experiment._runner._deadline = 60.0
    assert sorted(trial.rank(1).ranking) == ["a", "of request 1"]
    assert done.is_set()


class TestAHundredHungCalls:
    """A ranker that hangs and hangs."""

    def test_starve_nobody_and_are_over_when_they_return(self, caplog):
        with Hanging(B) as hanging:
            trial = Trial(A, hanging, deadline=0.002)
            for _ in range(100):
                assert trial.rank(k=10).ranking == A
            assert [record.fallback_reason for record in trial.records] == (
                ["B:late"] * MOST_STUCK + ["B:stuck"] * (100 - MOST_STUCK)
            )
            hanging.let_go()
            assert soon(lambda: all(call.over for call in trial.experiment._runner._late["B"]))
        trial.experiment._runner._deadline = 60.0
        trial.rank(k=10)
        assert trial.record.fallback_reason is None

    def test_leave_no_threads_behind(self, caplog):
        before = threads()
        with Hanging(B) as hanging:
            trial = Trial(A, hanging, deadline=0.002)
            for _ in range(30):
                trial.rank(k=10)
        del trial
        assert soon(lambda: threads() <= before)

    def test_of_the_baseline_leave_the_other_ranker_to_serve(self, caplog):
        with Hanging() as hanging:
            trial = Trial(hanging, B, deadline=0.002)
            assert [trial.rank(k=10).ranking for _ in range(20)] == [B] * 20
            assert trial.record.fallback_reason == "A:stuck"


def test_streams_leave_no_threads_behind():
    before = threads()

    def endless(_context):
        while True:
            yield from range(10**9)

    trial = Trial(endless, lambda _c: iter(B))
    for _ in range(30):
        trial.rank(k=10)
    del trial
    assert soon(lambda: threads() <= before)


def test_streams_that_hang_do_not_fill_the_process_with_threads(caplog):
    before = threads()
    go = threading.Event()

    def hangs(_context):
        yield 99
        go.wait(60)

    trial = Trial(A, hangs, deadline=0.15)
    for _ in range(40):
        assert trial.rank(k=10).ranking == A
    assert threads() - before <= 2 * MOST_STUCK + 2
    assert trial.record.fallback_reason == "B:stuck"
    go.set()


class Kept(list):
    """A list that can be watched."""


@pytest.mark.parametrize("parallel", [True, False])
def test_rankings_are_let_go_with_the_request_and_not_by_a_collection_of_garbage(parallel):
    made = []

    def rank(_context):
        ranking = Kept(A)
        made.append(weakref.ref(ranking))
        return ranking

    trial = Trial(rank, rank, settings={**EVERYBODY, "parallel_enabled": parallel})
    gc.disable()
    try:
        trial.rank(k=10)
        assert len(made) == 2
        assert soon(lambda: all(each() is None for each in made))
    finally:
        gc.enable()


FORKED = """
import os, threading
from penstock.interleave import Experiment
go = threading.Event()
lines = []
hangs = [True]

def rank_b(_context):
    if hangs[0]:
        go.wait(60)
    return [3, 4]

experiment = Experiment(
    "home", {"A": lambda _c: [1, 2], "B": rank_b}, settings={"mode": "INTERLEAVE", "sampling_rate": 1},
    log=lines.append, deadline=0.002,
)
for _ in range(20):
    experiment.rank(user_id="ann", k=4)
assert lines[-1].fallback_reason == "B:stuck", lines[-1]
with experiment._runner._lock:  # another thread of the parent may hold it at this moment
    child = os.fork()
    if not child:
        hangs[0] = False
        experiment._runner._deadline = 30.0
        served = experiment.rank(user_id="ann", k=4)
        os._exit(0 if sorted(served.ranking) == [1, 2, 3, 4] and served.record.parallel else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
go.set()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_a_forked_process_goes_on_with_threads_of_its_own():
    assert told(FORKED, PYTHONWARNINGS="ignore") == "0"


ENDING = """
import threading
from penstock.interleave import Experiment
experiment = Experiment(
    "home", {"A": lambda _c: [1], "B": lambda _c: threading.Event().wait()},
    settings={"mode": "INTERLEAVE", "sampling_rate": 1}, deadline=0.01, log=lambda record: None,
)
print(experiment.rank(user_id="ann", k=1).ranking)
"""


def test_a_ranker_that_never_returns_does_not_keep_the_process_from_ending():
    assert told(ENDING) == "[1]"
