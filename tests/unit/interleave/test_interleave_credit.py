"""What a click is worth, and on which drafts it may be worth that."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.interleave.analysis import CREDITS, Credit, Shown, outcome
from penstock.interleave.analysis.credit import contested_from, credit_for

A, B = 0, 1


def places(*rows):
    """Make the places of a ranking from (source, ranks) or (source, ranks, credit)."""
    return [Shown(position, *row) for position, row in enumerate(rows, start=1)]


DRAFT = places((A, (1, 1)), (B, (4, 2)), (A, (2, 5)), (B, (None, 3)))


@pytest.mark.parametrize(
    ("clicked", "worth"), [((), 0), ((1,), 1), ((2,), -1), ((1, 2), 0), ((1, 2, 3), 1), ((2, 4), -2), ((1, 1), 1)]
)
def test_team_counts_a_click_for_the_team_of_its_item(clicked, worth):
    assert outcome(DRAFT, clicked, credit=CREDITS["team"]) == worth


@pytest.mark.parametrize(("clicked", "worth"), [((1,), 0), ((1, 2), -1), ((3,), 1)])
def test_clicks_on_the_common_prefix_do_not_count_for_a_team(clicked, worth):
    assert outcome(DRAFT, clicked, credit=CREDITS["team_contested"]) == worth


def test_identical_lists_have_no_contest_and_no_winner():
    same = places((A, (1, 1)), (A, (2, 2)), (B, (3, 3)))
    assert contested_from(same) == 4
    assert all(not outcome(same, {place}, credit=CREDITS["team_contested"]) for place in (1, 2, 3))


def test_an_item_both_have_at_the_same_rank_below_the_prefix_does_count():
    shown = places((A, (1, 2)), (B, (2, 1)), (B, (3, 3)))
    assert outcome(shown, {3}, credit=CREDITS["team_contested"]) == -1


def test_team_compares_any_two_of_three_rankers():
    shown = places((0, (1, 2, 3)), (1, (2, 1, 2)), (2, (3, 3, 1)))
    worths = [outcome(shown, {2}, credit=CREDITS["team_contested"], pair=pair) for pair in ((0, 1), (1, 2), (0, 2))]
    assert worths == [-1, 1, 0]


def test_logged_adds_up_what_the_method_logged():
    shown = places((A, (1, 2), 0.5), (B, (2, 1), -0.5), (A, (3, None), 0.25))
    assert outcome(shown, {1, 3}, credit=CREDITS["logged"]) == 0.75


def test_logged_turns_round_with_the_pair():
    assert outcome(places((A, (1, 2), 0.5)), {1}, credit=CREDITS["logged"], pair=(1, 0)) == -0.5


def test_logged_needs_a_logged_credit():
    with pytest.raises(InputError, match="without the credit"):
        outcome(DRAFT, {1}, credit=CREDITS["logged"])


def test_balanced_interleaving_is_biased_to_a_random_click_as_published():
    """Chapelle et al. (2012): of A = 1 2 3 4 and B = 2 3 4 1, B wins six of eight random clicks."""
    lists = ([1, 2, 3, 4], [2, 3, 4, 1])
    worths = []
    for leader in (A, B):
        items = [[1, 2, 3, 4], [2, 1, 3, 4]][leader]
        shown = places(*((leader, tuple(each.index(item) + 1 for each in lists)) for item in items))
        worths += [outcome(shown, {place}, credit=CREDITS["balanced"]) for place in (1, 2, 3, 4)]
    assert (sum(worth < 0 for worth in worths), sum(worth > 0 for worth in worths)) == (6, 2)


def test_balanced_compares_the_clicks_within_the_heads_that_explain_the_lowest():
    shown = places((A, (1, 3)), (B, (4, 1)), (A, (2, None)))
    assert outcome(shown, {1, 3}, credit=CREDITS["balanced"]) == 2  # heads of 2: A has both, B neither
    assert outcome(shown, {1, 2}, credit=CREDITS["balanced"]) == 0  # heads of 1: A has the one, B the other


def test_no_clicks_are_worth_nothing_to_anybody():
    assert all(not outcome(DRAFT, (), credit=credit) for credit in CREDITS.values())


@given(
    st.lists(st.tuples(st.sampled_from((A, B)), st.tuples(*[st.none() | st.integers(1, 9)] * 2)), max_size=8),
    st.sets(st.integers(1, 8)),
)
def test_turning_the_pair_round_turns_the_worth_round(rows, clicked):
    shown = [Shown(position, source, ranks, 0.5 - source) for position, (source, ranks) in enumerate(rows, start=1)]
    for credit in CREDITS.values():
        there = outcome(shown, clicked, credit=credit)
        assert outcome(shown, clicked, credit=credit, pair=(1, 0)) == -there


def test_team_draft_cannot_see_a_better_list_where_only_the_last_is_relevant():
    """The blind spot: A = 1 2 3, B = 2 3 1, only 3 is clicked; both teams have it equally often."""
    lists = ([1, 2, 3], [2, 3, 1])
    worths = []
    for coins in product((A, B), repeat=2):
        items, sources = drafted(lists, coins)
        shown = places(
            *((team, tuple(each.index(item) + 1 for each in lists)) for item, team in zip(items, sources, strict=True))
        )
        worths.append(outcome(shown, {items.index(3) + 1}, credit=CREDITS["team_contested"]))
    assert sum(worths) == 0
    assert any(worths)


def drafted(lists, coins):
    items, sources = [], []
    for leader in coins:
        for team in (leader, 1 - leader):
            left = [item for item in lists[team] if item not in items]
            if left:
                items.append(left[0])
                sources.append(team)
    return items, sources


def test_every_method_has_a_credit_that_fits_it():
    for method in ("team_draft_v1", "optimized_v1", "balanced_v1", "probabilistic_v1"):
        assert method in credit_for(method).fits


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("team_draft_v1", "logged"),
        ("optimized_v1", "team"),
        ("balanced_v1", "team_contested"),
        ("team_draft_v1", "balanced"),
    ],
)
def test_a_credit_that_does_not_fit_the_method_is_refused(method, name):
    with pytest.raises(InputError, match=f"on {method} it can name the wrong winner"):
        credit_for(method, name)


def test_a_credit_that_nobody_knows_is_refused():
    with pytest.raises(InputError, match="choose one of team_contested, team, logged, balanced"):
        credit_for("team_draft_v1", "inverse")


def test_a_method_that_nobody_knows_has_no_credit():
    with pytest.raises(InputError, match="No credit is known for the method greedy_v1"):
        credit_for("greedy_v1")


def test_a_score_is_the_sign_of_the_worth_unless_the_credit_is_graded():
    plain = Credit(name="own", fits=frozenset(), rule=lambda clicked, contest, pair: 0.0)
    assert [plain.score(worth) for worth in (0.3, 0.0, -2.0)] == [1.0, 0.0, -1.0]
    assert CREDITS["logged"].score(0.3) == 0.3
