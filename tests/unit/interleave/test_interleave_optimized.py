"""Optimized interleaving: published figures, unbiasedness, optimality, pages."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from penstock.errors import InputError
from penstock.interleave.coins import Coins
from penstock.interleave.draft import interleave
from penstock.interleave.feed import Feed
from penstock.interleave.methods.optimized import LONGEST_BLOCK, Optimized
from penstock.interleave.methods.pair import Pair, pair_up
from penstock.interleave.methods.plan import solve

WORTH = {"inverse": lambda place: 1 / place, "linear": lambda place: -place}


def planned(first, second, k, **settings):
    pair, first, second = pair_up(first, second, k)
    return solve(pair, **settings), first, second


def distribution(first, second, k, **settings):
    plan, first, second = planned(first, second, k, **settings)
    return plan.distribution(first, second)


def drafted(first, second, k, seed="seed", **settings):
    return Optimized(**settings).draft([Feed(first), Feed(second)], k, Coins(seed))


def allowed(first, second, k):
    """Every list whose items are each the best unseen one of either list: the definition, without states."""
    lists = [()]
    for _ in range(k):
        longer = set()
        for shown in lists:
            for source in (first, second):
                rest = [item for item in source if item not in shown]
                longer |= {(*shown, item) for item in rest[:1]}
        lists = sorted(longer)
    return lists


def credit_of(item, first, second, worth):
    missing = len(first) + 1
    return worth(first.index(item) + 1 if item in first else missing) - worth(
        second.index(item) + 1 if item in second else missing
    )


def best_by_enumeration(first, second, credit):
    """Least objective over all lists, by an independent solver that knows nothing of states."""
    lists = allowed(first, second, len(first))
    worth = WORTH[credit]
    deltas = [[credit_of(item, first, second, worth) for item in shown] for shown in lists]
    gathered = np.cumsum(np.array(deltas, dtype=float), axis=1)
    conditions = np.vstack([gathered.T, np.ones(len(lists))])
    wanted = np.append(np.zeros(len(first)), 1.0)
    looked_at = [1 / place for place in range(1, len(first) + 1)] + [0]
    stops = -np.diff(looked_at)
    found = linprog(gathered**2 @ stops, A_eq=conditions, b_eq=wanted, method="highs")
    assert found.success
    return found.fun


@st.composite
def two_lists(draw, most=8):
    """Two lists without duplicates, of any lengths, that share anything from nothing to everything."""
    pool = draw(st.integers(1, 2 * most))
    items = st.lists(st.integers(0, pool - 1), max_size=most, unique=True)
    return draw(items), draw(items)


@st.composite
def even_lists(draw, least=1, most=6):
    """Two lists of one length."""
    n = draw(st.integers(least, most))
    items = st.lists(st.integers(0, 2 * n - 1), min_size=n, max_size=n, unique=True)
    return draw(items), draw(items)


def test_the_published_distribution_is_reproduced():
    found = distribution([1, 2], [2, 3], 2)
    exact = {(1, 2): Fraction(3, 7), (2, 1): Fraction(13, 35), (2, 3): Fraction(1, 5)}
    assert found.keys() == exact.keys()
    assert all(found[shown] == pytest.approx(float(exact[shown]), abs=1e-12) for shown in exact)
    assert [round(found[shown], 5) for shown in exact] == [0.42857, 0.37143, 0.2]


def test_draws_follow_the_distribution():
    method = Optimized()
    counts = dict.fromkeys([(1, 2), (2, 1), (2, 3)], 0)
    for seed in range(4000):
        counts[method.draft([Feed([1, 2]), Feed([2, 3])], 2, Coins(str(seed))).items] += 1
    assert [counts[shown] / 4000 for shown in counts] == pytest.approx([3 / 7, 13 / 35, 1 / 5], abs=0.04)


@pytest.mark.parametrize("credit", ["inverse", "linear"])
@given(lists=two_lists(), k=st.integers(1, 18))
def test_expected_credit_is_zero_at_every_depth(credit, lists, k):
    plan, first, second = planned(*lists, k, credit=credit)
    assert plan.length <= min(k, len({*first, *second}))
    assert bool(plan.length) == bool(first)
    assert max(map(abs, plan.expected_credit()), default=0) < 1e-9


@given(places=st.permutations(range(24)), shared=st.integers(0, 24))
@settings(max_examples=25)
def test_expected_credit_is_zero_for_long_lists(places, shared):
    plan = solve(Pair(places=tuple(p if p < shared else -1 for p in places), listed=(24, 24)))
    assert plan.exact
    assert max(map(abs, plan.expected_credit())) < 1e-9


@given(lists=even_lists(most=5))
def test_the_credits_of_a_drawn_list_average_to_zero_exactly(lists):
    plan, first, _ = planned(*lists, len(lists[0]))
    for depth in range(len(first)):
        mean = sum(
            Fraction(weight) * sum(map(Fraction, route.credits[: depth + 1]))
            for route, weight in zip(plan.routes, plan.weights, strict=True)
        )
        assert abs(mean) < Fraction(1, 10**12)


@pytest.mark.parametrize("credit", ["inverse", "linear"])
@given(lists=even_lists(most=7))
@settings(max_examples=60)
def test_no_unbiased_plan_is_better(credit, lists):
    plan, first, second = planned(*lists, len(lists[0]), credit=credit)
    assert plan.exact
    assert plan.objective == pytest.approx(best_by_enumeration(first, second, credit), abs=1e-6)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], [2, 3, 4, 5, 6, 7, 1, 0]),
        ([0, 1, 2, 3, 4, 5, 6, 7], [7, 6, 5, 4, 3, 2, 1, 0]),
        ([0, 1, 2, 3, 4, 5, 6, 7], [1, 0, 2, 3, 4, 5, 7, 6]),
        ([0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11, 12, 13, 14, 15]),
        ([0, 1, 2, 3, 4, 5, 6, 7], [9, 8, 7, 0, 10, 11, 12, 13]),
    ],
    ids=["rotated", "reversed", "near", "disjoint", "overlapping"],
)
def test_no_unbiased_plan_of_eight_items_is_better(first, second):
    plan, *_ = planned(first, second, 8)
    assert plan.objective == pytest.approx(best_by_enumeration(first, second, "inverse"), abs=1e-6)


@given(lists=even_lists())
def test_every_list_begins_with_best_items_of_both(lists):
    first, second = lists
    assert distribution(first, second, len(first)).keys() <= set(allowed(first, second, len(first)))


def test_a_difference_that_team_draft_cannot_see_is_seen():
    plan, first, second = planned([1, 2, 3], [2, 3, 1], 3, credit="linear")
    credit_of_3 = sum(
        weight * sum(c for item, c in zip(route.show(first, second), route.credits, strict=True) if item == 3)
        for route, weight in zip(plan.routes, plan.weights, strict=True)
    )
    assert credit_of_3 == pytest.approx(-1)  # only 3 is relevant, and the second ranker has it higher


def test_all_structures_of_up_to_five_items_have_an_unbiased_plan():
    for n in range(1, 6):
        for size in range(n + 1):
            for mine in itertools.combinations(range(n), size):
                for theirs in itertools.permutations(range(n), size):
                    at = dict(zip(mine, theirs, strict=True))
                    plan = solve(Pair(places=tuple(at.get(i, -1) for i in range(n)), listed=(n, n)))
                    assert plan.exact
                    assert plan.length == n
                    assert max(map(abs, plan.expected_credit())) < 1e-9


@given(lists=two_lists(), k=st.integers(0, 20), seed=st.text(max_size=5))
def test_a_draft_has_all_that_was_asked_for_once(lists, k, seed):
    draft = drafted(*lists, k, seed)
    union = {*lists[0], *lists[1]}
    assert len(draft.items) == len(set(draft.items)) == min(k, len(union))
    assert set(draft.items) <= union
    assert len(draft.sources) == len(draft.credits) == len(draft.items)


@given(lists=two_lists(), k=st.integers(1, 12), seed=st.text(max_size=5))
def test_sources_agree_with_credits_and_lists(lists, k, seed):
    draft = drafted(*lists, k, seed)
    for item, source, credit in zip(*draft, strict=True):
        if credit:
            assert source == (credit < 0)
        assert item in lists[source]


@given(lists=even_lists(), seed=st.text(max_size=5))
def test_a_credit_is_the_difference_of_two_ranks(lists, seed):
    draft = drafted(*lists, len(lists[0]), seed)
    assert draft.credits == pytest.approx([credit_of(item, *lists, WORTH["inverse"]) for item in draft.items])


def test_an_item_that_both_offer_is_attributed_by_a_coin():
    firsts = [drafted([1, 2], [1, 2], 2, str(seed)).sources[0] for seed in range(400)]
    assert 140 < sum(firsts) < 260


@given(lists=two_lists(), k=st.integers(1, 10), seed=st.text(max_size=5))
def test_the_same_coins_give_the_same_draft(lists, k, seed):
    assert drafted(*lists, k, seed) == drafted(*lists, k, seed)


@given(lists=two_lists(most=14), block=st.integers(1, 5), k=st.integers(0, 25), more=st.integers(0, 10))
def test_a_longer_draft_begins_with_the_shorter_one(lists, block, k, more):
    short = interleave(lists, k, method="optimized_v1", seed="s", block=block)
    longer = interleave(lists, k + more, method="optimized_v1", seed="s", block=block)
    assert all(all_[: len(some)] == some for some, all_ in zip(short, longer, strict=True))


def test_the_second_block_is_planned_on_what_is_left():
    first, second = list(range(20)), list(range(19, -1, -1))
    draft = interleave([first, second], 6, method="optimized_v1", seed="s", block=3)
    mine, theirs = ([item for item in ranking if item not in draft.items[:3]][:3] for ranking in (first, second))
    assert draft.items[3:] in allowed(mine, theirs, 3)
    assert draft.credits[3:] == pytest.approx(
        [credit_of(item, mine, theirs, WORTH["inverse"]) for item in draft.items[3:]]
    )


def test_a_ranking_longer_than_a_block_can_be_is_planned_in_several():
    k = LONGEST_BLOCK + 10
    ranking = list(range(2 * k))
    draft = interleave([ranking, ranking[::-1]], k, method="optimized_v1", seed="s")
    assert draft == interleave([ranking, ranking[::-1]], k, method="optimized_v1", seed="s", block=LONGEST_BLOCK)
    assert len(set(draft.items)) == k


def test_no_list_is_read_further_than_the_block():
    rankings = [iter(range(100)), iter(range(99, -1, -1))]
    interleave(rankings, 10, method="optimized_v1", seed="s")
    assert [next(ranking) for ranking in rankings] == [10, 89]


def test_identical_lists_favour_nobody():
    draft = drafted("abcde", "abcde", 5)
    assert "".join(draft.items) == "abcde"
    assert draft.credits == (0, 0, 0, 0, 0)


def test_empty_lists_give_an_empty_draft():
    assert drafted([], [], 3) == ((), (), ())


def test_an_empty_list_leaves_everything_to_the_other():
    assert drafted([], [1, 2, 3], 5) == ((1, 2, 3), (1, 1, 1), (0, 0, 0))


def test_one_ranker_alone_is_shown_as_it_is():
    draft = interleave([[3, 1, 2]], 3, method="optimized_v1", seed="s")
    assert draft == ((3, 1, 2), (0, 0, 0), (0, 0, 0))


def test_a_short_list_is_continued_with_what_it_lacks():
    pair, first, second = pair_up(["x"], ["y", "x", "z"], 3)
    assert (first, second) == (["x", "y", "z"], ["y", "x", "z"])
    assert pair == Pair(places=(1, 0, 2), listed=(1, 3))


@given(lists=even_lists(most=8))
def test_the_closed_form_is_unbiased_as_far_as_it_goes(lists):
    plan, *_ = planned(*lists, len(lists[0]), closed_form=True)
    assert plan.length > 0
    assert max(map(abs, plan.expected_credit())) < 1e-9


def test_where_the_closed_form_ends_early_the_search_goes_on():
    pairs = [Pair(places=places, listed=(5, 5)) for places in itertools.permutations(range(5))]
    hard = [pair for pair in pairs if solve(pair, closed_form=True).length < 5]
    assert hard
    assert all(solve(pair).length == 5 for pair in hard)


@given(lists=even_lists(most=8), seed=st.text(max_size=5))
def test_a_closed_form_that_ends_early_is_followed_by_another(lists, seed):
    draft = drafted(*lists, len(lists[0]), seed, closed_form=True)
    assert len(set(draft.items)) == len(draft.items) == len(lists[0])


UNBALANCED = (3, 4, 7, 5, 1, 2, 6, 10, 15, 13, 12, 18, 8, 9, 11, 16, 17, 19, 0, 14)
"""The first list's places in the second, of a pair that has no plan of more than 5 items with linear credit."""


def test_a_pair_without_an_unbiased_plan_is_planned_as_far_as_it_goes():
    plan = solve(Pair(places=UNBALANCED, listed=(20, 20)), credit="linear")
    assert plan.length == 5
    assert plan.exact
    assert max(map(abs, plan.expected_credit())) < 1e-9


def test_what_is_left_of_a_pair_without_an_unbiased_plan_is_planned_afresh():
    first = list(range(20))
    second = sorted(first, key=UNBALANCED.__getitem__)
    draft = drafted(first, second, 20, credit="linear")
    assert sorted(draft.items) == first
    rest = [[item for item in ranking if item not in draft.items[:5]] for ranking in (first, second)]
    assert draft.credits[5:10] == pytest.approx([credit_of(item, *rest, WORTH["linear"]) for item in draft.items[5:10]])


def test_a_shorter_draft_of_a_pair_without_an_unbiased_plan_begins_the_longer_one():
    first = list(range(20))
    second = sorted(first, key=UNBALANCED.__getitem__)
    method = Optimized(credit="linear")
    short, longer = (method.draft([Feed(first), Feed(second)], k, Coins("s"), block=20) for k in (8, 20))
    assert all(all_[:8] == some for some, all_ in zip(short, longer, strict=True))


def test_a_search_that_is_cut_short_is_unbiased():
    for places in itertools.permutations(range(6)):
        pair = Pair(places=places, listed=(6, 6))
        for pivots in range(solve(pair).pivots):
            plan = solve(pair, pivots=pivots)
            assert plan.length > 0
            assert not (plan.exact and plan.length == 6)
            assert max(map(abs, plan.expected_credit())) < 1e-9


def test_some_pairs_of_six_items_need_a_search():
    pairs = (Pair(places=places, listed=(6, 6)) for places in itertools.permutations(range(6)))
    assert sum(solve(pair).pivots > 1 for pair in pairs) > 10


def test_a_plan_that_ends_early_is_followed_up_to_the_end_of_the_block():
    first = list(range(40))
    second = sorted(range(20), key=UNBALANCED.__getitem__) + first[20:]
    rankings = [iter(first), iter(second)]
    draft = Optimized(credit="linear").draft([Feed(ranking) for ranking in rankings], 20, Coins("s"))
    assert sorted(draft.items) == first[:20]
    assert [next(ranking) for ranking in rankings] == [20, 20]


def test_plans_are_remembered_up_to_a_bound():
    method = Optimized(remembered=2)
    pairs = [Pair(places=places, listed=(3, 3)) for places in [(0, 1, 2), (1, 0, 2), (2, 1, 0)]]
    kept = method.plan(pairs[1])
    assert method.plan(pairs[1]) is kept
    for pair in pairs:
        method.plan(pair)
    assert method.plan(pairs[2]) is method.plan(pairs[2])
    assert len(method._plans) == 2


def test_many_threads_may_use_one_method():
    method = Optimized(remembered=3)
    rankings = [list(order) for order in itertools.permutations(range(4))]

    def one(number):
        first, second = rankings[number % 24], rankings[number // 24]
        return method.draft([Feed(first), Feed(second)], 4, Coins(str(number)))

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(one, range(576)))
    assert together == [one(number) for number in range(576)]


def test_an_unknown_credit_is_refused():
    with pytest.raises(InputError, match="no credit 'binary'"):
        Optimized(credit="binary")
