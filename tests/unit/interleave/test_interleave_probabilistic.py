"""Probabilistic interleaving: published probabilities, exact credit, unbiasedness, pages."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.interleave.coins import Coins
from penstock.interleave.draft import interleave
from penstock.interleave.feed import Feed
from penstock.interleave.methods.probabilistic import DEPTH, Softmax

LISTS = st.tuples(*[st.lists(st.integers(0, 15), max_size=10, unique=True)] * 2)


def drafted(first, second, k, seed="seed"):
    return interleave([first, second], k, method="probabilistic_v1", seed=seed)


def chance(ranking, shown, item):
    """How likely a ranker draws an item after others were shown, in fractions."""
    rest = {other: Fraction(1, place**3) for place, other in enumerate(ranking, 1) if other not in shown}
    return rest.get(item, Fraction(0)) / sum(rest.values()) if rest else Fraction(0)


def credits_by_assignments(first, second, shown):
    """The sum of the paper, over all 2 ** k ways in which rankers may have drawn what is shown."""
    total = Fraction(0)
    credit = [Fraction(0)] * len(shown)
    for assignment in itertools.product((0, 1), repeat=len(shown)):
        likely = Fraction(1)
        for place, ranker in enumerate(assignment):
            likely *= chance((first, second)[ranker], shown[:place], shown[place])
        total += likely
        for place, ranker in enumerate(assignment):
            credit[place] += likely * (1 - 2 * ranker)
    return [one / total for one in credit]


def test_the_first_of_three_documents_has_the_published_probabilities():
    softmax = Softmax(Feed([1, 2, 3]))
    assert [round(softmax.probability(item), 5) for item in (1, 2, 3)] == [0.86056, 0.10757, 0.03187]


def test_the_last_document_is_certain():
    softmax = Softmax(Feed(range(50)))
    for item in range(49):
        softmax.remove(item, set())
    assert softmax.probability(49) == 1.0


def test_draws_follow_the_probabilities():
    softmax = Softmax(Feed([1, 2, 3]))
    coins = Coins("s")
    drawn = [softmax.draw(coins) for _ in range(4000)]
    assert [drawn.count(item) / 4000 for item in (1, 2, 3)] == pytest.approx([0.86, 0.108, 0.032], abs=0.02)


def test_credits_are_the_published_ones():
    # The published library's table for [1, 2] and [2, 3], shown [1, 2]: A drew both with the weight 8/9,
    # A the first and B the second with 64/81; B cannot have drawn 1.
    found = next(draft for seed in range(1000) if (draft := drafted([1, 2], [2, 3], 2, str(seed))).items == (1, 2))
    assert found.credits == pytest.approx([1, (8 / 9 - 64 / 81) / (8 / 9 + 64 / 81)])


@given(
    lists=st.tuples(*[st.lists(st.integers(0, 9), min_size=6, max_size=6, unique=True)] * 2),
    seed=st.text(max_size=5),
)
def test_credits_are_the_sum_over_all_assignments(lists, seed):
    draft = drafted(*lists, 6, seed)
    assert draft.credits == pytest.approx([float(one) for one in credits_by_assignments(*lists, draft.items)], abs=1e-9)


@given(
    lists=st.tuples(*[st.lists(st.integers(0, 9), min_size=3, max_size=6, unique=True)] * 2),
    seed=st.text(max_size=5),
)
def test_the_credit_of_the_next_place_averages_to_zero(lists, seed):
    first, second = (Softmax(Feed(ranking)) for ranking in lists)
    union = {*lists[0], *lists[1]}
    pairs = [(first.probability(item), second.probability(item)) for item in union]
    assert sum((a + b) / 2 * (a - b) / (a + b) for a, b in pairs) == pytest.approx(0, abs=1e-12)


def test_both_rankers_draw_equally_often():
    sources = [drafted([1, 2, 3], [4, 5, 6], 1, str(seed)).sources[0] for seed in range(1000)]
    assert 430 < sum(sources) < 570


def test_identical_lists_favour_nobody():
    assert drafted("abcd", "abcd", 4).credits == (0, 0, 0, 0)


def test_a_click_where_only_one_list_is_left_counts_for_nobody():
    draft = drafted([1], [2, 3, 4], 4)
    at = draft.items.index(1)
    assert all(draft.credits[: at + 1])
    assert not any(draft.credits[at + 1 :])


def test_one_ranker_alone_draws_everything():
    draft = interleave([[3, 1, 2]], 3, method="probabilistic_v1", seed="s")
    assert sorted(draft.items) == [1, 2, 3]
    assert (draft.sources, draft.credits) == ((0, 0, 0), (0, 0, 0))


def test_empty_lists_give_an_empty_draft():
    assert drafted([], [], 3) == ((), (), ())


@given(lists=LISTS, k=st.integers(0, 25), seed=st.text(max_size=5))
def test_a_draft_has_all_that_was_asked_for_once(lists, k, seed):
    draft = drafted(*lists, k, seed)
    assert len(set(draft.items)) == len(draft.items) == min(k, len({*lists[0], *lists[1]}))
    assert all(item in lists[source] for item, source in zip(draft.items, draft.sources, strict=True))
    assert all(-1 <= credit <= 1 for credit in draft.credits)


@given(lists=LISTS, k=st.integers(0, 12), more=st.integers(0, 8))
def test_a_longer_draft_begins_with_the_shorter_one(lists, k, more):
    short, longer = (drafted(*lists, n) for n in (k, k + more))
    assert all(all_[: len(some)] == some for some, all_ in zip(short, longer, strict=True))


def test_lists_longer_than_the_depth_are_drawn_to_their_end():
    first, second = list(range(DEPTH + 30)), list(range(DEPTH + 20, -20, -1))
    draft = drafted(first, second, 1000)
    assert sorted(draft.items) == sorted({*first, *second})


def test_no_list_is_read_further_than_the_depth():
    rankings = [iter(range(10_000)), iter(range(10_000, 20_000))]
    interleave(rankings, 10, method="probabilistic_v1", seed="s")
    assert [next(ranking) % 10_000 for ranking in rankings] <= [DEPTH + 10, DEPTH + 10]
