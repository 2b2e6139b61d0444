"""Team draft and team draft multileaving: which drafts there are, how likely, how fair, and what they read."""

from collections import Counter
from fractions import Fraction
from itertools import count, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interleaved import every_draft
from penstock.errors import InputError
from penstock.interleave import METHODS, interleave
from penstock.interleave.methods.team_draft import TeamDraft

LISTS = st.lists(st.integers(0, 12), max_size=10)
PAIRS = [
    ([1, 2, 3], [2, 3, 1]),
    ([1, 2, 3, 4], [2, 3, 4, 1]),
    ([1, 2, 3, 4], [5, 6, 7, 8]),
    ([1, 2, 3, 4, 5, 6], [3, 9, 1, 8, 7, 2]),
    ([1, 2, 3, 4], [1, 2, 3, 4]),
]


def drawn(rankings, k, times=4_000):
    return Counter(interleave(rankings, k, seed=f"{number}").items for number in range(times))


def chances(rankings, k):
    drafts = every_draft(TeamDraft(), rankings, k)
    return {
        outcome: Fraction(times, len(drafts))
        for outcome, times in Counter((draft.items, draft.sources) for draft in drafts).items()
    }


def lists_of(outcomes):
    lists = Counter()
    for (items, _sources), chance in outcomes.items():
        lists[items] += chance
    return lists


def test_two_lists_that_overlap_give_either_order_of_their_first_items():
    assert set(drawn([[1, 2], [2, 3]], 2)) == {(1, 2), (2, 1)}


@pytest.mark.parametrize("k", [3, 4])
def test_two_lists_that_overlap_give_their_union_and_no_more(k):
    assert set(drawn([[1, 2], [2, 3]], k)) == {(1, 2, 3), (2, 1, 3)}


def test_two_disjoint_lists_give_four_drafts_all_alike():
    assert lists_of(chances([[1, 2], [3, 4]], 3)) == dict.fromkeys(
        [(1, 3, 2), (1, 3, 4), (3, 1, 2), (3, 1, 4)], Fraction(1, 4)
    )


def test_the_seeded_coins_draw_as_the_enumeration_says():
    shares = drawn([[1, 2], [3, 4]], 3, times=8_000)
    assert len(shares) == 4
    assert all(times / 8_000 == pytest.approx(0.25, abs=0.02) for times in shares.values())


def test_a_list_and_its_rotation_have_exactly_four_outcomes_all_alike():
    outcomes = chances([[1, 2, 3], [2, 3, 1]], 3)
    assert len(outcomes) == 4
    assert set(outcomes.values()) == {Fraction(1, 4)}


def test_three_rankers_give_every_pair_of_first_items():
    shares = drawn([[1, 2], [3, 4], [5, 6]], 2, times=6_000)
    assert set(shares) == set(permutations((1, 3, 5), 2))
    assert all(times / 6_000 == pytest.approx(1 / 6, abs=0.02) for times in shares.values())


@pytest.mark.parametrize("rankings", PAIRS)
def test_to_somebody_who_clicks_at_random_it_is_fair_at_every_depth(rankings):
    depth = len({*rankings[0], *rankings[1]})
    drafts = every_draft(TeamDraft(), rankings, min(depth, 6))
    for top in range(1, min(depth, 6) + 1):
        assert sum(1 - 2 * source for draft in drafts for source in draft.sources[:top]) == 0


def test_it_is_blind_to_an_item_that_only_one_ranker_has_high():
    credit = Counter()
    for (items, sources), chance in chances([[1, 2, 3], [2, 3, 1]], 3).items():
        credit[sources[items.index(3)]] += chance
    assert credit[0] - credit[1] == 0


@given(st.lists(LISTS, min_size=1, max_size=5), st.integers(0, 30), st.text(max_size=5))
def test_a_draft_has_k_items_or_the_union_and_none_twice(rankings, k, seed):
    draft = interleave(rankings, k, seed=seed)
    union = {item for ranking in rankings for item in ranking}
    assert len(draft.items) == len(set(draft.items)) == min(k, len(union))
    assert set(draft.items) <= union
    assert len(draft.sources) == len(draft.items)
    assert draft.credits is None


@given(st.lists(LISTS, min_size=2, max_size=4), st.integers(1, 30))
def test_each_item_is_the_best_of_its_source_that_was_left(rankings, k):
    draft = interleave(rankings, k, seed="x")
    for place, (item, source) in enumerate(zip(draft.items, draft.sources, strict=True)):
        assert item == next(each for each in rankings[source] if each not in draft.items[:place])


@given(st.lists(LISTS, min_size=2, max_size=4), st.integers(0, 12), st.integers(0, 12))
def test_a_shorter_draft_is_the_beginning_of_a_longer_one(rankings, one, other):
    short, long = sorted((one, other))
    first, whole = interleave(rankings, short, seed="x"), interleave(rankings, long, seed="x")
    assert (first.items, first.sources) == (whole.items[:short], whole.sources[:short])


@given(st.lists(LISTS, min_size=2, max_size=4), st.integers(0, 20))
def test_teams_never_differ_by_more_than_one_while_all_lists_last(rankings, k):
    unique = [[(number, item) for item in dict.fromkeys(ranking)] for number, ranking in enumerate(rankings)]
    k = min(k, len(unique) * min(map(len, unique)))
    teams = Counter(interleave(unique, k, seed="x").sources)
    sizes = [teams[number] for number in range(len(unique))]
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(2, 4), st.integers(0, 12))
def test_no_more_items_are_read_than_are_needed(rankers, k):
    lists = [[(number, item) for item in range(100)] for number in range(rankers)]
    sources = [iter(items) for items in lists]
    draft = interleave(sources, k, seed="x")
    assert sum(100 - len(list(source)) for source in sources) == len(draft.items) == k


def test_endless_rankings_are_read_as_far_as_they_are_needed():
    assert len(interleave([count(), count(5)], 50, seed="x").items) == 50


def test_a_k_far_beyond_the_union_costs_nothing():
    assert sorted(interleave([[1], [2]], 10**12, seed="x").items) == [1, 2]


def test_a_long_draft_never_runs_out_of_coins():
    sources = interleave([range(2_000), range(2_000, 4_000)], 4_000, seed="x").sources
    leaders = sources[::2]
    assert sum(leaders) / len(leaders) == pytest.approx(0.5, abs=0.05)
    assert leaders[:64] != leaders[64:128]


def test_one_ranking_alone_comes_out_as_it_is():
    assert interleave([[3, 1, 2, 1]], 5, seed="x").items == (3, 1, 2)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rankings", [([], []), ([], [1, 2]), ([1, 2], []), ([1], [1, 2, 3]), ([7] * 5, [7, 7])])
def test_no_method_minds_empty_nested_or_repeated_lists(method, rankings):
    union = {item for ranking in rankings for item in ranking}
    assert set(interleave(rankings, 5, method=method, seed="x").items) == union


@pytest.mark.parametrize("method", METHODS)
def test_no_items_are_a_draft_of_none(method):
    assert interleave([[1], [2]], 0, method=method, seed="x").items == ()


def test_a_negative_k_is_an_input_error():
    with pytest.raises(InputError, match="k is -1"):
        interleave([[1], [2]], -1, seed="x")


def test_an_unknown_method_is_an_input_error_that_lists_the_known_ones():
    with pytest.raises(InputError, match=r"'draft_v9'.*team_draft_v1"):
        interleave([[1], [2]], 1, method="draft_v9", seed="x")


@pytest.mark.parametrize("method", [name for name in METHODS if name != "team_draft_v1"])
def test_a_method_for_two_rankers_refuses_three(method):
    with pytest.raises(InputError, match="compares 2 rankers, not 3"):
        interleave([[1], [2], [3]], 1, method=method, seed="x")


def test_no_ranking_at_all_is_an_input_error():
    with pytest.raises(InputError, match="one or more rankers, not 0"):
        interleave([], 1, seed="x")
