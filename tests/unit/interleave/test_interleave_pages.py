"""Pages of one ranking are pieces of one draft, however they are cut and whenever they are asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interleaved import EVERYBODY, ONE_BY_ONE, Trial
from penstock.interleave.methods import METHODS

FIRST, SECOND = list(range(12)), [5, 20, 3, 21, 1, 22, 11, 23]
MIDNIGHT = 1_795_305_600.0  # the end of 2026-11-21 UTC
LISTS = st.lists(st.integers(0, 15), min_size=1, max_size=12)
CUTS = st.lists(st.integers(1, 6), min_size=1, max_size=6)


def pages(trial, sizes, **more):
    """Ask for pages of these sizes one after the other."""
    shown, name = [], None
    for size in sizes:
        served = trial.rank(k=size, offset=len(shown), ranking_id=name, **more)
        shown += served.ranking
        name = served.ranking_id
    return shown, name


def logged(trial):
    return [item for record in trial.records for item in record.items]


@pytest.mark.parametrize("strategy", ["user", "request"])
@given(LISTS, LISTS, CUTS)
def test_pages_put_together_are_the_whole_draft(strategy, first, second, sizes):
    trial = Trial(first, second, settings={**ONE_BY_ONE, "seed_strategy": strategy})
    shown, name = pages(trial, sizes)
    sources = [item.source_ranker for item in logged(trial)]
    whole = trial.rank(k=sum(sizes), ranking_id=name)
    assert shown == whole.ranking
    assert sources == [item.source_ranker for item in whole.record.items]
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize("method", METHODS)
@given(LISTS, LISTS, CUTS)
def test_pages_of_every_method_are_one_draft_when_the_block_is_set(method, first, second, sizes):
    trial = Trial(first, second, settings={**ONE_BY_ONE, "interleave_method": method}, block=5)
    shown, name = pages(trial, sizes)
    assert shown == trial.rank(k=sum(sizes), ranking_id=name).ranking


@pytest.mark.parametrize("method", METHODS)
def test_pages_of_one_size_are_one_draft_without_more_ado(method):
    trial = Trial(FIRST, SECOND, settings={**EVERYBODY, "interleave_method": method})
    shown, _ = pages(trial, [4, 4, 4])
    assert len(set(shown)) == 12


@given(st.lists(LISTS, min_size=3, max_size=4), CUTS)
def test_pages_of_more_than_two_rankers_are_one_draft(lists, sizes):
    trial = Trial(*lists, settings=ONE_BY_ONE)
    shown, name = pages(trial, sizes)
    assert shown == trial.rank(k=sum(sizes), ranking_id=name).ranking


@given(LISTS, LISTS, CUTS)
def test_streams_and_lists_give_the_same_pages(first, second, sizes):
    lists = Trial(first, second, settings=ONE_BY_ONE)
    streams = Trial(lambda _context: iter(first), lambda _context: iter(second), settings=ONE_BY_ONE)
    shown, name = pages(lists, sizes)
    assert streams.rank(k=sum(sizes), ranking_id=name).ranking == shown


@pytest.mark.parametrize("strategy", ["user", "request"])
def test_a_page_after_midnight_goes_on_in_the_same_draft(strategy):
    now = [MIDNIGHT - 1]
    settings = {**EVERYBODY, "seed_strategy": strategy}
    for user in range(30):
        trial = Trial(FIRST, SECOND, settings=settings, clock=lambda: now[0])
        now[0] = MIDNIGHT - 1
        first = trial.rank(k=4, user_id=user)
        now[0] = MIDNIGHT + 1
        second = trial.rank(k=4, offset=4, user_id=user, ranking_id=first.ranking_id)
        whole = trial.rank(k=8, user_id=user, ranking_id=first.ranking_id)
        assert first.ranking + second.ranking == whole.ranking
        assert first.record.seed == second.record.seed


def test_positions_count_over_all_pages():
    trial = Trial(FIRST, SECOND)
    pages(trial, [3, 4])
    assert [item.position for item in logged(trial)] == [1, 2, 3, 4, 5, 6, 7]
    assert [record.offset for record in trial.records] == [0, 3]


def test_pages_share_the_ranking_s_name():
    trial = Trial(FIRST, SECOND)
    _, name = pages(trial, [3, 3])
    assert {record.ranking_id for record in trial.records} == {name}


def test_a_page_behind_the_end_is_empty_and_no_fallback():
    trial = Trial([1, 2], [2, 3])
    assert trial.rank(k=5, offset=40).ranking == []
    assert trial.record.fallback_reason is None


def test_a_page_of_nothing_is_empty_and_no_fallback():
    trial = Trial([1, 2], [2, 3])
    assert trial.rank(k=0).ranking == []
    assert trial.record.fallback_reason is None


@pytest.mark.parametrize("mode", ["A", "B"])
def test_pages_of_one_ranker_are_its_ranking(mode):
    trial = Trial(FIRST, SECOND, settings={"mode": mode})
    shown, _ = pages(trial, [3, 2, 20])
    assert shown == (FIRST if mode == "A" else SECOND)
    assert [item.position for item in logged(trial)] == list(range(1, len(shown) + 1))


@pytest.mark.parametrize("hostile", ["", "a" * 65, "x\n", '{"a":1}', "../x", 7])
def test_a_name_that_is_none_starts_a_new_ranking(hostile):
    trial = Trial(FIRST, SECOND)
    served = trial.rank(ranking_id=hostile)
    assert served.ranking_id != hostile
    assert served.record.ranking_id == served.ranking_id


def test_a_retry_of_a_page_shows_the_same_items():
    trial = Trial(FIRST, SECOND)
    first = trial.rank(k=5, offset=5, ranking_id="20261121-abc")
    assert trial.rank(k=5, offset=5, ranking_id="20261121-abc").ranking == first.ranking
