"""Balanced interleaving: published lists, unequal lists, and the bias it is known for."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from penstock.interleave.coins import Coins
from penstock.interleave.draft import interleave
from penstock.interleave.feed import Feed
from penstock.interleave.methods.balanced import Balanced

LISTS = st.tuples(*[st.lists(st.integers(0, 15), max_size=10, unique=True)] * 2)


def drafts(first, second, k):
    """Every draft there is, found by enough seeds."""
    return {Balanced().draft([Feed(first), Feed(second)], k, Coins(str(seed))) for seed in range(40)}


def winner(shown, clicked, first, second):
    """Who wins by the rule of Chapelle et al.: clicks among the best r of each list; 1, -1 or 0."""
    lowest = shown[max(clicked)]
    depth = min(ranking.index(lowest) + 1 for ranking in (first, second) if lowest in ranking)
    clicks = [{shown[place] for place in clicked} & set(ranking[:depth]) for ranking in (first, second)]
    return (len(clicks[0]) > len(clicks[1])) - (len(clicks[0]) < len(clicks[1]))


def test_a_coin_says_who_leads():
    assert {draft.items for draft in drafts([1, 2], [3, 4], 3)} == {(1, 3, 2), (3, 1, 4)}


def test_both_leaders_are_equally_likely():
    leads = [interleave([[1], [2]], 2, method="balanced_v1", seed=str(seed)).items[0] for seed in range(1000)]
    assert 430 < leads.count(1) < 570


def test_an_item_has_the_list_it_came_from_as_its_source():
    assert {(draft.items, draft.sources) for draft in drafts([1, 2], [2, 3], 3)} == {
        ((1, 2, 3), (0, 1, 1)),
        ((2, 1, 3), (1, 0, 1)),
    }


def test_the_longer_list_goes_on():
    assert {draft.items for draft in drafts([1, 2, 3], [1], 3)} == {(1, 2, 3)}
    assert {draft.items for draft in drafts([], [4, 5], 3)} == {(4, 5)}


def test_one_ranker_alone_is_shown_as_it_is():
    assert interleave([[3, 1, 2]], 3, method="balanced_v1", seed="s") == ((3, 1, 2), (0, 0, 0), None)


def test_a_random_click_makes_the_second_ranker_win_in_six_of_eight_cases():
    first, second = [1, 2, 3, 4], [2, 3, 4, 1]
    found = drafts(first, second, 4)
    assert len(found) == 2  # one for each side of the coin
    outcomes = [winner(draft.items, [place], first, second) for draft in found for place in range(4)]
    assert outcomes.count(-1) == 6
    assert Fraction(sum(outcomes), 8) == Fraction(-1, 2)


@given(lists=LISTS, k=st.integers(0, 25), seed=st.text(max_size=5))
def test_a_draft_has_all_that_was_asked_for_once(lists, k, seed):
    draft = interleave(lists, k, method="balanced_v1", seed=seed)
    assert len(set(draft.items)) == len(draft.items) == min(k, len({*lists[0], *lists[1]}))
    assert all(item in lists[source] for item, source in zip(draft.items, draft.sources, strict=True))
    assert draft.credits is None


@given(lists=LISTS, k=st.integers(0, 12), more=st.integers(0, 8))
def test_a_longer_draft_begins_with_the_shorter_one(lists, k, more):
    short, longer = (interleave(lists, n, method="balanced_v1", seed="s") for n in (k, k + more))
    assert longer.items[: len(short.items)] == short.items
    assert longer.sources[: len(short.items)] == short.sources


@given(lists=LISTS, k=st.integers(1, 12), seed=st.text(max_size=5))
def test_every_depth_holds_the_best_of_both_lists(lists, k, seed):
    items = interleave(lists, k, method="balanced_v1", seed=seed).items
    for depth in range(len(items) + 1):
        shown = set(items[:depth])
        assert any(
            shown == {*lists[0][:i], *lists[1][:j]} for i in range(len(lists[0]) + 1) for j in range(len(lists[1]) + 1)
        )


def test_no_list_is_read_further_than_needed():
    rankings = [iter(range(100)), iter(range(100, 200))]
    interleave(rankings, 10, method="balanced_v1", seed="s")
    assert [next(ranking) for ranking in rankings] == [5, 105]
