"""The one call: who is served what, in which type, and what happens when rankers fail."""

import logging

import numpy as np
import pandas as pd
import polars as pl
import pytest

from interleaved import EVERYBODY, ONE_BY_ONE, Trial, raises, soon
from penstock.errors import InputError
from penstock.interleave import Experiment, Settings, Snapshot
from penstock.interleave.methods import METHODS

A, B = [1, 2, 3, 4], [4, 3, 5, 6]
WAYS = pytest.mark.parametrize("settings", [EVERYBODY, ONE_BY_ONE], ids=["side by side", "one by one"])


def table(ids, letter="x"):
    return [{"item_id": item, "title": f"{letter}{item}", "score": 1 / place} for place, item in enumerate(ids, 1)]


TYPES = {
    "pandas": lambda ids: pd.DataFrame(table(ids)),
    "polars": lambda ids: pl.DataFrame(table(ids)),
    "dicts": table,
    "ids": list,
}


def ids_of(ranking):
    if isinstance(ranking, list):
        return [row["item_id"] if isinstance(row, dict) else row for row in ranking]
    return ranking["item_id"].to_list()


class TestServing:
    """Who is served what."""

    @WAYS
    @pytest.mark.parametrize("make", TYPES.values(), ids=TYPES)
    def test_the_ranking_is_of_the_rankers_type_with_their_columns(self, make, settings):
        made = make(A), make(B)
        served = Trial(lambda _c: made[0], lambda _c: made[1], settings=settings).rank(k=5)
        assert type(served.ranking) is type(made[0])
        assert list(getattr(served.ranking, "columns", [])) == list(getattr(made[0], "columns", []))
        assert [str(item) for item in ids_of(served.ranking)] == [item.item_id for item in served.record.items]
        assert len(served.record.items) == 5

    @pytest.mark.parametrize("make", TYPES.values(), ids=TYPES)
    @pytest.mark.parametrize("mode", ["A", "B"])
    def test_one_ranker_alone_is_served_as_it_is(self, make, mode):
        made = {"A": make(A), "B": make(B)}
        trial = Trial(lambda _c: made["A"], lambda _c: made["B"], settings={"mode": mode})
        served = trial.rank(k=3)
        assert type(served.ranking) is type(made[mode])
        assert ids_of(served.ranking) == {"A": A, "B": B}[mode][:3]
        assert {item.source_ranker for item in served.record.items} == {mode}

    @pytest.mark.parametrize("make", TYPES.values(), ids=TYPES)
    def test_the_source_of_an_item_is_not_in_the_ranking(self, make):
        served = Trial(lambda _c: make(A), lambda _c: make(B)).rank(k=6)
        assert "source_ranker" not in str(served.ranking)
        if isinstance(served.ranking, list) and isinstance(served.ranking[0], dict):
            assert all(set(row) == {"item_id", "title", "score"} for row in served.ranking)

    def test_the_other_ranker_is_not_called(self):
        trial = Trial(A, raises(AssertionError("asked")), settings={"mode": "A"})
        assert trial.rank().ranking == A

    def test_outside_the_sample_only_the_baseline_is_called(self):
        trial = Trial(A, raises(AssertionError("asked")), settings={"mode": "INTERLEAVE", "sampling_rate": 0})
        assert trial.rank().ranking == A
        assert (trial.record.mode, trial.record.setting) == ("A", "INTERLEAVE")

    def test_a_sampling_rate_takes_that_share_of_the_users(self):
        trial = Trial(A, B, settings={**ONE_BY_ONE, "sampling_rate": 0.2})
        modes = [trial.rank(user_id=number).record.mode for number in range(2_000)]
        assert modes.count("INTERLEAVE") / 2_000 == pytest.approx(0.2, abs=0.04)

    def test_a_larger_rate_keeps_those_who_were_in(self):
        def inside(rate):
            trial = Trial(A, B, settings={**ONE_BY_ONE, "sampling_rate": rate})
            return {number for number in range(500) if trial.rank(user_id=number).record.mode == "INTERLEAVE"}

        assert set() < inside(0.1) < inside(0.3) < inside(1.0) == set(range(500))

    def test_nobody_gets_the_baseline_and_no_unit(self):
        trial = Trial(A, B)
        assert trial.rank(user_id=None).ranking == A
        assert (trial.record.unit, trial.record.user, trial.record.bucket) == (None, None, None)

    def test_a_session_stands_for_a_user(self):
        trial = Trial(A, B)
        trial.rank(user_id=None, session_id="s1")
        assert (trial.record.mode, trial.record.unit) == ("INTERLEAVE", "session")

    def test_a_mode_overrules_the_setting(self):
        trial = Trial(A, B)
        assert trial.rank(mode="B").ranking == B
        assert (trial.record.mode, trial.record.setting) == ("B", None)

    def test_an_overruled_setting_still_samples(self):
        trial = Trial(A, B, settings={"mode": "A", "sampling_rate": 0})
        trial.rank(mode="INTERLEAVE")
        assert (trial.record.mode, trial.record.setting) == ("A", "INTERLEAVE")

    def test_rankers_may_have_any_names(self):
        records = []
        experiment = Experiment("x", {"old": lambda _c: A, "new": lambda _c: B}, settings=EVERYBODY, log=records.append)
        experiment.rank(user_id="ann", k=4)
        assert records[0].rankers == ("old", "new")
        assert {item.source_ranker for item in records[0].items} == {"old", "new"}

    @WAYS
    def test_more_than_two_rankers_are_compared(self, settings):
        trial = Trial([1, 2, 3], [4, 5, 6], [7, 8, 9], settings=settings)
        sources = {item.source_ranker for item in trial.rank(k=3).record.items}
        assert sources == {"A", "B", "C"}

    @pytest.mark.parametrize("rankers", [2, 3, 4])
    def test_fewer_items_than_rankers_are_no_fallback(self, rankers):
        trial = Trial(*([number, number + 10] for number in range(rankers)))
        firsts = {trial.rank(k=1, user_id=number).ranking[0] for number in range(60)}
        assert firsts == set(range(rankers))
        assert {record.fallback_reason for record in trial.records} == {None}

    def test_a_k_beyond_the_union_gives_the_union(self):
        assert sorted(Trial([1, 2], [2, 3]).rank(k=50).ranking) == [1, 2, 3]

    @pytest.mark.parametrize(
        ("first", "second", "union"),
        [([1], [1, 2, 3], [1, 2, 3]), ([1, 1, 2], [2, 2], [1, 2]), ([1, 2], [3, 4], [1, 2, 3, 4])],
        ids=["nested", "repeated", "disjoint"],
    )
    def test_lists_of_every_kind_give_each_item_once(self, first, second, union):
        assert sorted(Trial(first, second).rank(k=10).ranking) == union

    def test_rows_without_an_id_are_passed_over(self):
        frame = pd.DataFrame({"item_id": [1.0, np.nan, 2.0], "score": [3, 2, 1]})
        served = Trial(lambda _c: frame, lambda _c: frame).rank()
        assert served.ranking["item_id"].tolist() == [1.0, 2.0]
        assert [item.ranks for item in served.record.items] == [(1, 1), (2, 2)]

    def test_of_a_repeated_item_the_first_row_and_its_rank_count(self):
        rows = [{"item_id": 1, "row": 1}, {"item_id": 1, "row": 2}, {"item_id": 2, "row": 3}, {"item_id": 1, "row": 4}]
        served = Trial(rows, rows).rank()
        assert [row["row"] for row in served.ranking] == [1, 3]
        assert [item.ranks for item in served.record.items] == [(1, 1), (2, 2)]

    def test_an_id_is_the_same_as_number_and_as_word(self):
        served = Trial([7, 8], ["7", "8"]).rank(k=10)
        assert sorted(item.item_id for item in served.record.items) == ["7", "8"]

    def test_ties_stay_in_the_order_of_the_rows(self):
        frame = pd.DataFrame({"item_id": list("dbca"), "score": [1.0] * 4})
        served = Trial(lambda _c: frame, lambda _c: frame).rank()
        assert served.ranking["item_id"].tolist() == list("dbca")

    @pytest.mark.parametrize("mode", ["A", "INTERLEAVE"])
    def test_a_shuffled_index_is_not_the_rank(self, mode):
        frame = pd.DataFrame({"item_id": list("abcd")}, index=[3, 1, 0, 0])
        served = Trial(lambda _c: frame, lambda _c: frame, settings={"mode": mode, "sampling_rate": 1}).rank()
        assert served.ranking["item_id"].tolist() == list("abcd")

    def test_the_rankers_own_lists_are_left_as_they_are(self):
        first, second = list(A), list(B)
        Trial(lambda _c: first, lambda _c: second).rank(k=10)
        assert (first, second) == (A, B)

    def test_another_column_may_be_the_id(self):
        rows = [{"sku": "a"}, {"sku": "b"}]
        served = Trial(rows, rows[::-1], item_id="sku").rank()
        assert sorted(item.item_id for item in served.record.items) == ["a", "b"]

    def test_every_setting_counts_for_the_next_request(self):
        settings = dict(EVERYBODY)
        trial = Trial(A, B, settings=lambda: settings, ttl=0.001)
        assert trial.rank().record.mode == "INTERLEAVE"
        settings["mode"] = "A"
        assert soon(lambda: trial.rank().record.mode == "A")

    def test_settings_may_be_typed_or_a_snapshot(self):
        typed = Settings(mode="INTERLEAVE", sampling_rate=1.0)
        assert Trial(A, B, settings=typed).rank().record.mode == "INTERLEAVE"
        assert Trial(A, B, settings=Snapshot({"mode": "B"})).rank().record.mode == "B"

    def test_the_settings_in_force_can_be_asked_for(self):
        trial = Trial(A, B, settings={"mode": "A", "pool_size": "200"})
        trial.experiment.warm()
        assert trial.experiment.settings.pool_size == 200

    @pytest.mark.parametrize("settings", [{"mode": "nonsense"}, raises(OSError("no network")), dict])
    def test_settings_that_cannot_be_read_are_the_baseline(self, settings, caplog):
        source = (
            (lambda: settings(None)) if not isinstance(settings, dict) and settings.__name__ == "rank" else settings
        )
        trial = Trial(A, B, settings=source)
        assert trial.rank().ranking == A
        assert (trial.record.mode, trial.record.settings) == ("A", "baseline")


class TestRecords:
    """What is logged of a request."""

    def test_ranks_are_known_beyond_what_is_shown(self):
        trial = Trial(list(range(100)), list(range(99, -1, -1)))
        served = trial.rank(k=4)
        assert served.record.depth == (12, 12)
        assert {rank for item in served.record.items for rank in item.ranks} == {1, 2, None}

    def test_equal_lists_are_not_competitive_and_others_are(self):
        assert Trial(A, A).rank().record.competitive is False
        assert Trial(A, A[::-1]).rank().record.competitive is True

    def test_lists_that_differ_only_behind_what_is_shown_are_not_competitive(self):
        assert Trial([1, 2, 3, 4], [1, 2, 4, 3]).rank(k=2).record.competitive is False

    def test_a_list_that_ends_within_what_is_shown_is_competitive(self):
        assert Trial([1, 2], [1, 2, 3]).rank(k=3).record.competitive is True

    @pytest.mark.parametrize("k", [1, 2, 3, 4])
    def test_equal_streams_are_not_competitive_however_far_they_were_read(self, k):
        streams = [lambda _c: iter(A)] * 2
        assert Trial(*streams).rank(k=k).record.competitive is False

    def test_streams_that_differ_are_competitive(self):
        assert Trial(lambda _c: iter([1, 2]), lambda _c: iter([3, 4])).rank(k=2).record.competitive is True

    @WAYS
    def test_all_that_happened_is_in_the_record(self, settings):
        record = Trial(A, B, settings=settings, clock=lambda: 1_795_262_400.123).rank().record
        assert record.time.startswith("2026-11-21T12:00:00.12")
        assert (record.experiment, record.method, record.k, record.offset) == ("home", "team_draft_v1", 4, 0)
        assert record.parallel is (settings is EVERYBODY)
        assert set(record.ms) == {"A", "B", "merge", "total"}
        assert record.ms["total"] >= record.ms["merge"]

    @pytest.mark.parametrize("method", METHODS)
    def test_a_record_is_enough_to_draft_the_ranking_again(self, method):
        from penstock.interleave import interleave

        settings = {**EVERYBODY, "interleave_method": method, "seed_strategy": "user"}
        served = Trial(A, B, settings=settings).rank(k=4)
        record = served.record
        seed = f"home|user|{record.user}|{record.seed.removeprefix('user:')}"
        assert list(interleave([A, B], 4, method=method, seed=seed, block=4).items) == served.ranking

    def test_a_fallback_tells_which_ranker_was_lost_and_how(self, caplog):
        record = Trial(A, raises(KeyError("price"))).rank().record
        assert (record.fallback_reason, record.error, record.mode) == ("B:raised", "KeyError", "INTERLEAVE")
        assert {item.source_ranker for item in record.items} == {"A"}
        assert record.competitive is None

    def test_the_error_of_a_lost_ranker_is_logged_with_its_traceback(self, caplog):
        caplog.set_level(logging.WARNING, logger="penstock.interleave")
        Trial(A, raises(KeyError("price"))).rank()
        assert "KeyError: 'price'" in caplog.text
        assert "interleaved.py" in caplog.text


class TestInput:
    """What is refused."""

    @pytest.mark.parametrize(("k", "offset"), [(-1, 0), (1, -1)])
    def test_negative_sizes(self, k, offset):
        with pytest.raises(InputError, match="must be 0 or more"):
            Trial(A, B).rank(k=k, offset=offset)

    def test_a_mode_that_is_none(self):
        with pytest.raises(InputError, match="no mode 'C': it is one of A, B, INTERLEAVE"):
            Trial(A, B).rank(mode="C")

    @pytest.mark.parametrize("names", [[], ["A"]])
    def test_one_ranker_is_too_few(self, names):
        with pytest.raises(InputError, match="'home' needs two rankers"):
            Experiment("home", dict.fromkeys(names, lambda _c: A), settings=EVERYBODY)

    @pytest.mark.parametrize("name", ["INTERLEAVE", "interleave", "merge", "total", "B:late", "a,b", "", "a b"])
    def test_a_ranker_may_not_have_a_name_that_means_something_else(self, name):
        with pytest.raises(InputError, match=f"is named {name!r}"):
            Experiment("home", dict.fromkeys(["A", name], lambda _c: A), settings=EVERYBODY)

    def test_what_is_no_ranker(self):
        with pytest.raises(InputError, match="is no ranker"):
            Experiment("home", {"A": 7, "B": 8}, settings=EVERYBODY)

    def test_nothing_is_read_before_the_first_request(self):
        asked = []
        Trial(A, B, settings=lambda: asked.append(1) or EVERYBODY)
        assert asked == []
