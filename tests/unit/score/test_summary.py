"""A summary says what a naive computation over all outcomes would say."""

from __future__ import annotations

import json
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.jobs.effort import FailedRow, SlowRow
from penstock.jobs.seconds import Seconds
from penstock.records import Failure, Key, Usage, Verdict
from penstock.score.distribution import Distribution
from penstock.score.summary import Summary

scores = st.integers(0, 100).map(lambda step: step / 100)
usages = st.builds(Usage, calls=st.integers(0, 3), tokens_in=st.integers(0, 900), tokens_out=st.integers(0, 90))
shares = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])


def verdict(row, *values, part=0, **rest):
    return Verdict(key=Key(row, part), scores=values, **{"method": "m", **rest})


def failure(row, *, part=0, code="bad_reply", reason="the reply is cut off", **rest):
    return Failure(key=Key(row, part), code=code, reason=reason, **rest)


def summed(names, *outcomes, blocks=(0,), **limits):
    summary = Summary(names, **limits)
    for outcome in outcomes:
        summary.take(outcome, blocks[outcome.key.part])
    return summary


@st.composite
def tables(draw):
    """Outcomes of up to 40 rows with two blocks: two categories, then one."""
    outcomes = []
    for row in range(draw(st.integers(0, 40))):
        for part, size in enumerate((2, 1)):
            usage, seconds = draw(usages), draw(st.floats(0, 100))
            if draw(st.integers(0, 4)) == 0:
                code = draw(st.sampled_from(["unfit", "bad_reply"]))
                outcomes.append(failure(row, part=part, code=code, seconds=seconds, usage=usage))
            else:
                values = draw(st.lists(scores, min_size=size, max_size=size))
                outcomes.append(verdict(row, *values, part=part, seconds=seconds, usage=usage))
    return outcomes


@given(outcomes=tables())
def test_counts_of_rows_parts_and_usage_equal_a_naive_computation(outcomes):
    summary = summed(["a", "b", "c"], *outcomes, blocks=(0, 2))
    failed = {one.key.row for one in outcomes if isinstance(one, Failure)}
    rows = {one.key.row for one in outcomes}
    assert (summary.rows, summary.failed, summary.scored) == (len(rows), len(failed), len(rows - failed))
    assert summary.failures == sum(isinstance(one, Failure) for one in outcomes)
    assert summary.verdicts == len(outcomes) - summary.failures
    assert summary.usage.calls == sum(one.usage.calls for one in outcomes)
    assert summary.usage.tokens_in == sum(one.usage.tokens_in for one in outcomes if one.usage.calls)


@given(outcomes=tables())
def test_scores_land_in_the_category_of_their_block(outcomes):
    found = summed(["a", "b", "c"], *outcomes, blocks=(0, 2)).categories
    judged = [one for one in outcomes if isinstance(one, Verdict)]
    columns = [
        [one.scores[0] for one in judged if one.key.part == 0],
        [one.scores[1] for one in judged if one.key.part == 0],
        [one.scores[0] for one in judged if one.key.part == 1],
    ]
    for category, column in zip(found, columns, strict=True):
        assert category.n == len(column)
        if column:
            assert category.mean == pytest.approx(statistics.fmean(column))


@given(outcomes=tables())
def test_reading_in_between_changes_nothing(outcomes):
    watched = Summary(["a", "b", "c"])
    for outcome in outcomes:
        watched.take(outcome, (0, 2)[outcome.key.part])
        watched.as_dict()
    assert watched.as_dict() == summed(["a", "b", "c"], *outcomes, blocks=(0, 2)).as_dict()


@given(outcomes=tables())
def test_the_slowest_rows_are_those_a_sort_would_put_first(outcomes):
    rows = {}
    for one in outcomes:
        if one.usage.calls and one.seconds:
            seconds, calls = rows.get(one.key.row, (0.0, 0))
            rows[one.key.row] = (max(seconds, one.seconds), calls + one.usage.calls)
    naive = sorted(rows.items(), key=lambda pair: (-pair[1][0], pair[0]))[:3]
    found = summed(["a", "b", "c"], *outcomes, blocks=(0, 2), slowest=3).slowest
    assert [(one.row, one.seconds) for one in found] == [(row, seconds) for row, (seconds, _) in naive]


@given(values=st.lists(scores, min_size=1, max_size=60), share=shares)
def test_quantiles_of_scores_are_those_of_numpy(values, share):
    counts = np.bincount(np.rint(np.array(values) * 100).astype(int), minlength=101)
    category = Distribution(name="a", counts=tuple(counts.tolist()))
    assert category.quantile(share) == pytest.approx(np.quantile(values, share))
    assert category.median == pytest.approx(statistics.median(values))


@given(values=st.lists(scores, min_size=1, max_size=60), least=scores)
def test_the_share_from_a_score_on_counts_that_score(values, least):
    counts = tuple(values.count(step / 100) for step in range(101))
    share = Distribution(name="a", counts=counts).share(least)
    assert share == pytest.approx(sum(value >= least for value in values) / len(values))


@given(values=st.lists(st.floats(0.001, 10_000), min_size=1, max_size=60), share=shares)
def test_quantiles_of_seconds_are_within_two_percent(values, share):
    seconds = Seconds()
    seconds.take(values)
    exact = sorted(values)[math.floor((len(values) - 1) * share)]
    assert seconds.quantile(share) == pytest.approx(exact, rel=0.0201)


def test_without_scores_there_is_no_mean():
    (category,) = Summary(["a"]).categories
    assert math.isnan(category.mean)
    assert math.isnan(category.median)
    assert math.isnan(category.share(0.5))


def test_a_row_with_blocks_to_come_is_neither_scored_nor_failed():
    summary = summed(["a", "b"], verdict(0, 0.5), blocks=(0, 1))
    assert (summary.rows, summary.scored, summary.failed) == (1, 0, 0)


def test_equal_failures_of_a_row_are_one_entry():
    summary = summed(["a", "b"], failure(4), failure(4, part=1), blocks=(0, 1))
    assert summary.first_failures == [FailedRow(row=4, parts=(0, 1), code="bad_reply", reason="the reply is cut off")]


def test_only_the_first_failures_are_kept():
    summary = summed(["a"], *(failure(row) for row in range(9)), failures=3)
    assert [one.row for one in summary.first_failures] == [0, 1, 2]
    assert summary.codes == {"bad_reply": 9}


def test_http_statuses_are_counted_where_there_was_one():
    summary = summed(["a"], failure(0, status=502), failure(1), failure(2, status=502))
    assert summary.statuses == {502: 2}


def test_a_row_counts_as_slow_as_its_slowest_block():
    usage = Usage(calls=2)
    parts = [verdict(7, 0.5, part=part, seconds=seconds, usage=usage) for part, seconds in enumerate((1.5, 4.0))]
    assert summed(["a", "b"], *parts, blocks=(0, 1)).slowest == [SlowRow(row=7, seconds=4.0, calls=4)]


def test_rows_from_the_cache_are_never_slow():
    summary = summed(["a"], verdict(0, 0.5, cached=True, seconds=0.004))
    assert summary.slowest == []
    assert summary.cached == 1


def test_methods_come_with_the_most_frequent_first():
    outcomes = [verdict(row, 0.1, method=method) for row, method in enumerate(["x", "y", "y"])]
    assert list(summed(["a"], *outcomes).methods.items()) == [("y", 2), ("x", 1)]


def test_memory_does_not_grow_with_the_rows():
    summary = Summary(["a"])
    held = []
    for row in range(5_000):
        summary.take(verdict(row, 0.5, seconds=row / 7, usage=Usage(calls=1)), 0)
        held.append(len(summary._waiting) + len(summary._effort._slow))
    assert max(held) <= 1_020
    assert summary.rows == 5_000


def test_the_dictionary_is_json_and_numbers_rows_from_one():
    summary = summed(["a", "b"], verdict(0, 0.25, 0.75), failure(1, status=400))
    found = json.loads(json.dumps(summary.as_dict(), allow_nan=False))
    assert found["first_failures"][0]["row"] == 2
    assert found["categories"][1]["mean"] == 0.75
    assert found["seconds"]["p50"] is None
