"""What a request gets when rankers fail or run in threads, and that no request is lost over it."""

import contextvars
import threading
import time
from itertools import count

import pandas as pd
import polars as pl
import pytest

from interleaved import EVERYBODY, ONE_BY_ONE, Hanging, Trial, counted, raises
from penstock.interleave import Snapshot
from penstock.interleave.cores import usable_cores
from penstock.interleave.workers import Workers

A, B = [1, 2, 3, 4], [4, 3, 5, 6]
WAYS = pytest.mark.parametrize("settings", [EVERYBODY, ONE_BY_ONE], ids=["side by side", "one by one"])


class TestFailing:
    """What a request gets when rankers fail."""

    @WAYS
    @pytest.mark.parametrize(
        ("fails", "loss"),
        [(raises(ValueError("no")), "raised"), (lambda _c: None, "empty"), ([], "empty"), (lambda _c: 7, "unreadable")],
        ids=["raises", "None", "no items", "no ranking"],
    )
    def test_the_other_ranking_is_served(self, fails, loss, settings, caplog):
        for rankers, name, ranking in (((fails, B), "A", B), ((A, fails), "B", A)):
            trial = Trial(*rankers, settings=settings)
            assert trial.rank().ranking == ranking
            assert trial.record.fallback_reason == f"{name}:{loss}"

    @WAYS
    def test_an_iterator_without_items_is_no_ranking(self, settings, caplog):
        trial = Trial(A, lambda _c: iter(()), settings=settings)
        assert trial.rank().ranking == A
        assert trial.record.fallback_reason == "B:empty"

    @WAYS
    def test_the_third_ranking_is_served_where_two_fail(self, settings, caplog):
        trial = Trial(raises(ValueError()), [], B, settings=settings)
        assert trial.rank().ranking == B
        assert trial.record.fallback_reason == "A:raised,B:empty"

    @WAYS
    def test_where_all_raise_the_baseline_s_own_exception_comes_out(self, settings, caplog):
        error = ValueError("mine")
        with pytest.raises(ValueError, match="mine") as caught:
            Trial(raises(error), raises(KeyError()), settings=settings).rank()
        assert caught.value is error

    @WAYS
    def test_where_both_streams_break_off_the_baseline_s_own_exception_comes_out(self, settings, caplog):
        def broken(name):
            def rank(_context):
                yield from ()
                raise LookupError(name)

            return rank

        with pytest.raises(LookupError, match="A"):
            Trial(broken("A"), broken("B"), settings=settings).rank()

    @WAYS
    def test_where_the_baseline_is_empty_and_the_other_raises_nothing_is_served(self, settings, caplog):
        trial = Trial([], raises(ValueError()), settings=settings)
        assert trial.rank().ranking == []
        assert trial.record.fallback_reason == "A:empty,B:raised"

    @WAYS
    def test_a_stream_that_breaks_off_costs_its_side_only(self, settings, caplog):
        def broken(_context):
            yield 9
            raise ValueError("half way")

        trial = Trial(A, broken, settings=settings)
        assert trial.rank().ranking == A
        assert (trial.record.fallback_reason, trial.record.error) == ("B:raised", "ValueError")

    def test_a_stream_that_hangs_costs_its_side_only(self, caplog):
        go = threading.Event()

        def hangs(_context):
            yield 9
            go.wait(60)

        trial = Trial(A, hangs, deadline=0.4)
        assert trial.rank().ranking == A
        assert trial.record.fallback_reason == "B:late"
        go.set()

    @WAYS
    def test_what_was_read_of_a_stream_is_served_from_its_start(self, settings, caplog):
        def broken(_context):
            yield from (7, 8)
            raise ValueError

        trial = Trial(counted(A, []), broken, settings=settings)
        assert trial.rank(k=8).ranking == A
        assert [item.item_id for item in trial.record.items] == ["1", "2", "3", "4"]

    def test_a_late_baseline_is_done_without(self, caplog):
        with Hanging() as hanging:
            trial = Trial(hanging, B, deadline=0.01)
            assert trial.rank().ranking == B
            assert trial.record.fallback_reason == "A:late"

    def test_a_late_baseline_is_waited_for_where_the_other_has_nothing(self, caplog):
        go = threading.Event()
        threading.Timer(0.2, go.set).start()
        trial = Trial(lambda _c: [go.wait(20)], lambda _c: iter(()), deadline=0.01)
        assert trial.rank().ranking == [True]
        assert trial.record.fallback_reason in {"B:empty", "A:late,B:empty"}

    @WAYS
    def test_lists_of_different_types_are_not_merged(self, settings, caplog):
        trial = Trial(A, lambda _c: pd.DataFrame({"item_id": B}), settings=settings)
        assert trial.rank().ranking == A
        assert trial.record.fallback_reason == "B:unreadable"

    def test_dicts_and_ids_are_not_merged(self, caplog):
        trial = Trial(A, [{"item_id": 7}, {"item_id": 8}])
        assert trial.rank().ranking == A
        assert trial.record.fallback_reason == "B:unreadable"

    def test_frames_that_cannot_be_stacked_are_not_merged(self, caplog):
        first = pl.DataFrame({"item_id": [1, 2], "why": [[1.0], [2.0]]})
        second = pl.DataFrame({"item_id": [3, 4], "why": [{"a": 1}, {"a": 2}]})
        trial = Trial(lambda _c: first, lambda _c: second)
        assert trial.rank().ranking.equals(first)
        assert trial.record.fallback_reason == "B:unreadable"

    @pytest.mark.parametrize("mode", ["A", "INTERLEAVE"])
    def test_without_ids_the_baseline_is_served_and_not_logged(self, mode, caplog):
        trial = Trial([{"sku": 1}], [{"sku": 2}], settings={"mode": mode, "sampling_rate": 1})
        assert trial.rank().ranking == [{"sku": 1}]
        assert trial.record.items == []
        assert "no 'item_id'" in caplog.text

    @pytest.mark.parametrize("mode", ["A", "INTERLEAVE"])
    def test_ids_that_cannot_be_read_cost_no_ranking(self, mode, caplog):
        frame = pd.DataFrame([[1, 2]], columns=["item_id", "item_id"])
        trial = Trial(lambda _c: frame, lambda _c: frame, settings={"mode": mode, "sampling_rate": 1})
        assert trial.rank().ranking.equals(frame)

    @pytest.mark.parametrize("fails", [raises(ValueError()), lambda _c: None], ids=["raises", "None"])
    def test_a_ranker_alone_that_fails_gives_way_to_the_baseline(self, fails, caplog):
        trial = Trial(A, fails, settings={"mode": "B"})
        assert trial.rank().ranking == A
        assert (trial.record.mode, trial.record.setting) == ("A", "B")
        assert trial.record.fallback_reason.startswith("B:")

    def test_a_stream_alone_that_breaks_off_gives_way_to_the_baseline(self, caplog):
        def broken(_context):
            yield 9
            raise ValueError

        assert Trial(A, broken, settings={"mode": "B"}).rank().ranking == A

    def test_what_the_baseline_raises_alone_comes_out(self):
        with pytest.raises(ValueError, match="mine"):
            Trial(raises(ValueError("mine")), B, settings={"mode": "A"}).rank()

    def test_what_the_baseline_raises_comes_out_where_it_was_the_way_out(self, caplog):
        with pytest.raises(ValueError, match="mine"):
            Trial(raises(ValueError("mine")), raises(KeyError()), settings={"mode": "B"}).rank()

    def test_a_method_for_two_is_refused_where_there_are_three(self, caplog):
        trial = Trial([1], [2], [3], settings={**EVERYBODY, "interleave_method": "optimized_v1"})
        assert trial.rank().ranking == [1]
        assert trial.record.settings == "baseline"

    def test_a_method_that_fails_costs_no_request(self, caplog):
        snapshot = Snapshot({**EVERYBODY, "interleave_method": "optimized_v1"}, rankers="ABC")
        trial = Trial([1], [2], [3], settings=snapshot)
        assert trial.rank().ranking == [1]
        assert trial.record.fallback_reason == "B:unreadable,C:unreadable"


class TestThreads:
    """Rankers in threads of their own."""

    def test_rankers_see_the_context_variables_of_the_request(self):
        who = contextvars.ContextVar("who")
        who.set("ann")
        assert Trial(lambda _c: [who.get()], lambda _c: [who.get()]).rank().ranking == ["ann"]

    def test_switched_off_all_run_in_the_caller_s_thread(self):
        trial = Trial(*[lambda _c: [threading.get_ident()]] * 2, settings=ONE_BY_ONE)
        assert trial.rank().ranking == [threading.get_ident()]
        assert trial.record.parallel is False

    def test_computing_rankers_run_in_turn_where_there_is_one_core(self, monkeypatch):
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
        trial = Trial(*[lambda _c: [threading.get_ident()]] * 2, cpu_bound=True)
        assert trial.rank().ranking == [threading.get_ident()]

    def test_waiting_rankers_run_side_by_side_on_one_core_too(self, monkeypatch):
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
        assert Trial(A, B).rank().record.parallel is True

    @pytest.mark.parametrize(("memory", "cores"), [("512", 0.289), ("1769", 1.0), ("", None), ("much", None)])
    def test_cores_are_counted_as_lambda_gives_them(self, memory, cores):
        counted_cores = usable_cores({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory})
        assert counted_cores == (
            usable_cores({}) if cores is None else pytest.approx(min(cores, usable_cores({})), abs=1e-3)
        )

    def test_without_threads_the_rankers_run_one_after_the_other(self, monkeypatch, caplog):
        def refused(_self, _work):
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(Workers, "start", refused)
        trial = Trial(A, B)
        assert len(trial.rank().ranking) == 4
        assert (trial.record.parallel, trial.record.fallback_reason) == (False, None)

    def test_many_requests_at_once_keep_apart(self):
        trial = Trial(lambda who: [f"{who}-a{n}" for n in range(9)], lambda who: [f"{who}-b{n}" for n in range(9)])
        mixed = []

        def ask(who):
            for _ in range(25):
                mixed.extend(
                    item for item in trial.rank(who, user_id=who, k=10).ranking if not item.startswith(f"{who}-")
                )

        askers = [threading.Thread(target=ask, args=(number,)) for number in range(10)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(60)
        assert mixed == []
        assert len(trial.records) == 250
        assert {record.fallback_reason for record in trial.records} == {None}

    def test_a_hung_ranker_does_not_hold_the_response_up(self, caplog):
        with Hanging() as hanging:
            began = time.monotonic()
            Trial(A, hanging, deadline=0.05).rank()
            assert time.monotonic() - began < 20
            assert hanging.returned == 0

    @WAYS
    def test_streams_are_read_only_as_far_as_they_are_needed(self, settings):
        first, second = [], []
        trial = Trial(counted(range(100), first), counted(range(100, 200), second), settings=settings)
        trial.rank(k=10)
        assert len(first) == len(second) == 5

    @WAYS
    def test_of_a_stream_that_lost_the_toss_only_the_first_item_is_read(self, settings):
        taken = [], []
        trial = Trial(counted([1, 2, 3], taken[0]), counted([4, 5, 6], taken[1]), settings=settings)
        trial.rank(k=1)
        assert taken == ([1], [4])

    @WAYS
    def test_endless_streams_are_rankings_too(self, settings):
        trial = Trial(lambda _c: count(), lambda _c: count(5), settings=settings)
        assert len(trial.rank(k=20).ranking) == 20
