"""Rankings of every type: what is read of them, and what comes out of them."""

import math
from collections import deque
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pytest

from interleaved import counted
from penstock.errors import InputError
from penstock.interleave.returned import key, merged, returned

IDS = [3, 1, 2]


def rows(ids):
    return [{"item_id": item, "score": 1 / number} for number, item in enumerate(ids, 1)]


KINDS = {
    "pandas": lambda ids: pd.DataFrame(rows(ids), columns=["item_id", "score"]),
    "polars": lambda ids: pl.DataFrame(rows(ids), schema=["item_id", "score"], orient="row"),
    "dicts": rows,
    "ids": list,
}


def ids_of(ranking):
    return [key(raw) for raw in returned(ranking, "item_id").ids()]


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
class TestEveryKind:
    def test_ids_come_in_the_order_of_the_rows(self, make):
        assert list(returned(make(IDS), "item_id").ids()) == IDS

    def test_a_long_ranking_is_read_to_its_end(self, make):
        assert list(returned(make(range(1_000)), "item_id").ids()) == list(range(1_000))

    def test_a_page_is_of_the_same_type(self, make):
        page = returned(make(IDS), "item_id").head(1, 5)
        assert type(page) is type(make(IDS))
        assert ids_of(page) == ["1", "2"]

    def test_a_page_behind_the_end_has_no_rows(self, make):
        page = returned(make(IDS), "item_id").head(7, 5)
        assert type(page) is type(make(IDS))
        assert len(page) == 0

    def test_picked_rows_are_of_the_same_type_in_the_order_picked(self, make):
        both = [returned(make([1, 2, 3]), "item_id"), returned(make([7, 8, 9]), "item_id")]
        ranking = merged(both, [(1, 2), (0, 0), (1, 0), (0, 2)])
        assert type(ranking) is type(make(IDS))
        assert ids_of(ranking) == ["9", "1", "7", "3"]

    def test_no_rows_picked_leave_the_columns(self, make):
        ranking = merged([returned(make(IDS), "item_id")] * 2, [])
        assert len(ranking) == 0
        assert list(getattr(ranking, "columns", [])) == list(getattr(make(IDS), "columns", []))

    def test_rows_of_one_ranking_alone_may_be_picked(self, make):
        both = [returned(make([1, 2, 3]), "item_id"), returned(make([]), "item_id")]
        assert ids_of(merged(both, [(0, 1), (0, 0)])) == ["2", "1"]

    def test_the_ranker_s_own_rows_are_left_as_they_are(self, make):
        first, second = make([1, 2, 3]), make([7, 8, 9])
        merged([returned(first, "item_id"), returned(second, "item_id")], [(1, 2), (0, 0)])
        assert ids_of(first) == ["1", "2", "3"]
        assert ids_of(second) == ["7", "8", "9"]


class TestPandas:
    def test_a_shuffled_index_is_not_the_rank(self):
        frame = pd.DataFrame({"item_id": list("abc")}, index=[2, 0, 1])
        assert ids_of(frame) == ["a", "b", "c"]
        assert ids_of(merged([returned(frame, "item_id")] * 2, [(0, 0), (1, 2)])) == ["a", "c"]

    def test_an_index_with_repeated_labels_is_not_the_rank(self):
        frame = pd.DataFrame({"item_id": list("abc")}, index=[5, 5, 5])
        ranking = merged([returned(frame, "item_id")] * 2, [(0, 2), (1, 0)])
        assert ids_of(ranking) == ["c", "a"]
        assert list(ranking.index) == [0, 1]

    def test_rows_sorted_by_score_and_not_renumbered_keep_their_order(self):
        frame = pd.DataFrame({"item_id": list("abc"), "score": [1, 3, 2]}).sort_values("score", ascending=False)
        assert ids_of(frame) == ["b", "c", "a"]

    def test_an_index_with_a_name_is_data_and_stays(self):
        frames = [
            pd.DataFrame({"item_id": ids}, index=pd.Index([f"sku-{each}" for each in ids], name="sku"))
            for ids in ([1, 2], [3, 4])
        ]
        ranking = merged([returned(frame, "item_id") for frame in frames], [(1, 1), (0, 0)])
        assert (list(ranking.index), ranking.index.name) == (["sku-4", "sku-1"], "sku")

    def test_the_columns_are_those_of_the_first_ranking(self):
        first = pd.DataFrame({"item_id": [1], "score": [0.5]})
        second = pd.DataFrame({"why": ["new"], "item_id": [2]})
        ranking = merged([returned(first, "item_id"), returned(second, "item_id")], [(0, 0), (1, 0)])
        assert list(ranking.columns) == ["item_id", "score"]
        assert ranking["item_id"].tolist() == [1, 2]
        assert math.isnan(ranking["score"][1])

    def test_types_of_columns_are_kept(self):
        frame = pd.DataFrame(
            {
                "item_id": pd.array([1, 2], dtype="Int64"),
                "new": [True, False],
                "day": pd.to_datetime(["2026-11-21"] * 2),
            }
        )
        ranking = merged([returned(frame, "item_id")] * 2, [(0, 1), (1, 0)])
        assert list(ranking.dtypes) == list(frame.dtypes)

    @pytest.mark.parametrize(
        "column",
        [pd.array([1, None, 2], dtype="Int64"), [1.0, None, 2.0], ["1", None, "2"], pd.array(["1", pd.NA, "2"])],
        ids=["Int64", "float", "object", "string"],
    )
    def test_what_is_missing_in_a_column_is_no_id(self, column):
        assert ids_of(pd.DataFrame({"item_id": column})) == ["1", None, "2"]

    def test_categories_are_read_as_what_they_stand_for(self):
        assert ids_of(pd.DataFrame({"item_id": pd.Categorical(["b", "a"])})) == ["b", "a"]

    def test_a_class_of_one_s_own_is_a_frame_too(self):
        class Ranked(pd.DataFrame):
            @property
            def _constructor(self):
                return Ranked

        page = returned(Ranked({"item_id": [1, 2]}), "item_id").head(0, 1)
        assert type(page) is Ranked

    def test_a_frame_without_the_column_is_an_input_error_that_says_so(self):
        with pytest.raises(InputError, match=r"no column 'sku'.*item_id="):
            returned(pd.DataFrame({"item_id": [1]}), "sku")


class TestPolars:
    def test_the_columns_are_those_of_the_first_ranking(self):
        first = pl.DataFrame({"item_id": [1], "score": [0.5]})
        second = pl.DataFrame({"why": ["new"], "item_id": [2]})
        ranking = merged([returned(first, "item_id"), returned(second, "item_id")], [(0, 0), (1, 0)])
        assert ranking.rows() == [(1, 0.5), (2, None)]

    def test_numbers_of_two_widths_are_put_together(self):
        first = pl.DataFrame({"item_id": [1]}, schema={"item_id": pl.Int32})
        second = pl.DataFrame({"item_id": [2]}, schema={"item_id": pl.Int64})
        ranking = merged([returned(first, "item_id"), returned(second, "item_id")], [(0, 0), (1, 0)])
        assert ranking["item_id"].to_list() == [1, 2]

    def test_a_lazy_frame_is_refused_without_being_run(self):
        with pytest.raises(InputError, match="LazyFrame"):
            returned(pl.LazyFrame({"item_id": [1]}), "item_id")


class TestLists:
    def test_an_iterator_is_read_as_far_as_it_is_needed(self):
        taken = []
        ranking = returned(counted(range(100), taken)(None), "item_id")
        assert not ranking.whole
        assert ranking.head(2, 3) == [2, 3, 4]
        assert taken == [0, 1, 2, 3, 4]

    def test_what_was_read_of_an_iterator_is_kept(self):
        ranking = returned(iter(rows(IDS)), "item_id")
        assert list(ranking.ids()) == IDS
        assert ranking.head(0, 9) == rows(IDS)
        assert list(ranking.ids()) == IDS

    @pytest.mark.parametrize("kind", [tuple, deque, np.array, iter])
    def test_of_other_sequences_comes_a_list(self, kind):
        made = kind([1, 2, 3])
        if kind is np.array:
            with pytest.raises(InputError, match="ndarray"):
                returned(made, "item_id")
        else:
            assert returned(made, "item_id").head(1, 5) == [2, 3]

    def test_dicts_keep_all_their_fields(self):
        both = [returned([{"item_id": 1, "title": "x"}], "item_id"), returned([{"item_id": 2}], "item_id")]
        assert merged(both, [(1, 0), (0, 0)]) == [{"item_id": 2}, {"item_id": 1, "title": "x"}]

    def test_dicts_and_ids_cannot_be_merged(self):
        both = [returned([1], "item_id"), returned([{"item_id": 2}], "item_id")]
        with pytest.raises(InputError, match="dicts and another one ids"):
            merged(both, [(1, 0), (0, 0)])

    def test_a_dict_without_the_key_is_an_input_error(self):
        with pytest.raises(InputError, match="no 'item_id'"):
            list(returned([{"id": 1}], "item_id").ids())


@pytest.mark.parametrize("value", ["abc", b"abc", 7, {"item_id": 1}, {1, 2}, None, 0.5])
def test_what_is_no_ranking_is_an_input_error_that_names_its_type(value):
    with pytest.raises(InputError, match=f"returned {type(value).__name__}:"):
        returned(value, "item_id")


def test_what_is_readable_already_is_given_back():
    ranking = returned([1], "item_id")
    assert returned(ranking, "item_id") is ranking


class Shelf(IntEnum):
    TOP = 7


@pytest.mark.parametrize(
    "raw", [7, 7.0, "7", np.int64(7), np.float64(7), np.float32(7), np.str_("7"), Shelf.TOP, Decimal(7), Fraction(7)]
)
def test_the_same_number_is_the_same_id_whatever_its_type(raw):
    assert key(raw) == "7"


@pytest.mark.parametrize(
    "raw",
    [None, math.nan, np.nan, np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), Decimal("nan"), Decimal("sNaN")],
)
def test_what_is_missing_is_no_id(raw):
    assert key(raw) is None


def test_an_array_is_no_id():
    assert key(np.array([1, 2])) is None


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ("", ""),
        (" 7 ", " 7 "),
        ("7.0", "7.0"),
        (7.5, "7.5"),
        (-0.0, "0"),
        (2**63, "9223372036854775808"),
        (1e16, "10000000000000000"),
        (math.inf, "inf"),
        (True, "True"),
        ("a\n\"b'", "a\n\"b'"),
        ("\ud800", "\ud800"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    ],
)
def test_other_ids_are_written_as_they_print(raw, word):
    assert key(raw) == word
