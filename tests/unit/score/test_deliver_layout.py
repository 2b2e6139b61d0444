"""The columns that scoring adds to a table, and what stands in them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.judge.detail import Detail
from penstock.models import ModelSpec
from penstock.records import Failure, Key, Usage, Verdict
from penstock.score.config import ScoreConfig
from penstock.score.deliver import Layout

MODEL = ModelSpec(name="openai/m", base_url="http://127.0.0.1:1/v1")


def layout(*sizes, **more):
    """A layout of blocks of these sizes; categories are called a, b, c ..."""
    return Layout(categories=tuple("abcdefghi"[: sum(sizes)]), blocks=sizes, **more)


def verdict(*scores, part=0, detail="", **more):
    return Verdict(key=Key(0, part), scores=scores, detail=detail, **{"method": "openai/m", **more})


def failure(part=0, **more):
    return Failure(key=Key(0, part), **{"code": "bad_reply", "reason": "no list", **more})


def cells(made, *outcomes):
    return dict(zip(made.names, made.cells(outcomes), strict=True))


def of(**settings):
    given_ = {"source": "/t.csv", "text": "text", "output": "/o.csv", "categories": [{"name": "a"}, {"name": "b"}]}
    return Layout.of(ScoreConfig.checked(**given_, **settings))


def test_scores_are_followed_by_status_method_and_reason():
    assert layout(2).names == ["a", "b", "score_status", "score_method", "score_reason"]


def test_all_that_was_asked_for_has_its_column_in_a_fixed_order():
    names = layout(1, agreement=True, details=True, usage=True).names
    assert names == [
        *("a", "score_status", "score_method", "score_reason", "score_agreement", "score_details"),
        *("score_calls", "score_tokens_in", "score_tokens_out", "score_cost_usd"),
    ]


def test_a_prefix_stands_before_every_name():
    names = layout(1, prefix="x_", agreement=True, usage=True).names
    assert all(name.startswith("x_") and "score" not in name for name in names)


def test_numbers_are_numbers_and_words_are_words():
    kinds = {column.name: column.kind for column in layout(1, agreement=True, details=True, usage=True).columns}
    assert {name for name, kind in kinds.items() if kind == "text"} == {
        *("score_status", "score_method", "score_reason", "score_details")
    }


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, {}),
        ({"models": [MODEL], "samples": 2}, {"agreement": True}),
        ({"models": [MODEL], "mode": "anchored"}, {"details": True}),
        ({"usage": True}, {"usage": True, "priced": True}),
        ({"models": [MODEL], "usage": True}, {"usage": True, "priced": False}),
        ({"models": [MODEL], "block": 1}, {"blocks": (1, 1)}),
        ({"block": 1}, {"blocks": (2,)}),
    ],
)
def test_a_configuration_says_what_is_shown(settings, wanted):
    made = of(**settings)
    usual = {"agreement": False, "details": False, "usage": False, "blocks": (2,)}
    assert {name: getattr(made, name) for name in {**usual, **wanted}} == {**usual, **wanted}


def test_each_block_stands_in_its_columns():
    found = cells(layout(2, 1), verdict(0.1, 0.2), verdict(0.3, part=1))
    assert (found["a"], found["b"], found["c"], found["score_status"]) == (0.1, 0.2, 0.3, "ok")


def test_a_row_nobody_has_judged_is_pending():
    assert list(cells(layout(1, 1)).values()) == [None, None, "pending", "", ""]
    assert cells(layout(1, 1), verdict(0.5))["score_status"] == "pending"


def test_a_failed_block_leaves_its_columns_empty_and_says_why():
    found = cells(layout(1, 1), verdict(0.5), failure(part=1))
    assert list(found.values()) == [0.5, None, "failed", "openai/m", "bad_reply: no list"]


def test_equal_methods_and_reasons_are_said_once():
    both = cells(layout(1, 1), failure(), failure(part=1))
    assert both["score_reason"] == "bad_reply: no list"
    other = cells(layout(1, 1, 1), verdict(0.5), verdict(0.5, part=1), verdict(0.5, part=2, method="openai/n"))
    assert other["score_method"] == "openai/m + openai/n"


def test_a_fallback_says_why_it_was_used():
    found = cells(layout(1), verdict(0.5, method="openai/n", note="openai/m: no list"))
    assert (found["score_status"], found["score_reason"]) == ("ok", "openai/m: no list")


def test_agreement_is_the_mean_of_all_categories():
    one = verdict(0.1, 0.2, detail=Detail(agreement=(0.5, 1.0), samples=2).encoded())
    other = verdict(0.3, part=1, detail=Detail(agreement=(0.9,), samples=2).encoded())
    assert cells(layout(2, 1, agreement=True), one, other)["score_agreement"] == 0.8


def test_there_is_no_agreement_where_nothing_was_scored():
    assert cells(layout(1, agreement=True), failure())["score_agreement"] is None


def test_details_have_an_entry_per_category_null_where_a_block_failed():
    one = verdict(0.1, detail=Detail(details=({"anchor": "Core"},)).encoded())
    found = cells(layout(1, 2, details=True), one, failure(part=1))
    assert json.loads(found["score_details"]) == [{"anchor": "Core"}, None, None]
    assert cells(layout(1, details=True), failure())["score_details"] is None


def test_usage_is_that_of_all_parts_failed_ones_included():
    took = Usage(calls=2, tokens_in=10, tokens_out=3, cost_usd=0.25)
    made = layout(1, 1, usage=True, priced=True)
    assert made.cells([verdict(0.5, usage=took), failure(part=1, usage=took)])[-4:] == [4, 20, 6, 0.5]
    assert made.cells([])[-4:] == [None] * 4


scores = st.floats(0, 1).map(lambda number: round(number, 2))
outcomes = st.one_of(
    st.builds(lambda number: [verdict(number)], scores),
    st.just([failure()]),
    st.just([]),
)


@given(outcomes, *[st.booleans()] * 4)
def test_there_is_a_cell_for_every_column(found, agreement, details, usage, priced):
    made = layout(1, agreement=agreement, details=details, usage=usage, priced=priced)
    assert len(made.cells(found)) == len(made.columns) == len(set(made.names))
