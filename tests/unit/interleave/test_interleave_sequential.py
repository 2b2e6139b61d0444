"""The interval that may be looked at every day: what it says, and that looking does no harm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.interleave.analysis import ConfidenceSequence, preference
from penstock.interleave.analysis.running import Running, always_valid
from penstock.interleave.analysis.sequential import Sums

DAYS = 14


def experiment(rng, *, users=200, per_user=20, lead=0.0, frozen=False):
    """Make an experiment: of each user's rankings the day, whether it was clicked, the score; (users, per_user)."""
    day = rng.integers(DAYS, size=(users, per_user))
    clicked = rng.random((users, per_user)) < rng.beta(1, 2, (users, 1))
    drawn = rng.random((users, 1 if frozen else per_user))
    score = np.where(drawn < (1 + lead) / 2, 1.0, -1.0)
    return day, clicked, score * np.ones((users, per_user))


def by_day(day, clicked, score):
    """Give (totals, counts) as they stand at the end of each day."""
    for today in range(DAYS):
        so_far = clicked & (day <= today)
        yield (score * so_far).sum(axis=1), so_far.sum(axis=1)


@pytest.mark.parametrize("frozen", [False, True])
def test_looking_every_day_finds_a_winner_between_equal_rankers_no_more_often_than_promised(frozen):
    rng = np.random.default_rng(11)
    sequence = ConfidenceSequence(planned=1300)
    wrong, naive = 0, 0
    for _ in range(200):
        looks = list(by_day(*experiment(rng, frozen=frozen)))
        wrong += any(sequence.look(*look).decided for look in looks)
        naive += any((preference(*look).p_value or 1.0) < 0.05 for look in looks)
    assert wrong <= 10
    assert naive > 20


@pytest.mark.parametrize("lead", [0.2, -0.2])
def test_a_better_ranker_is_found_and_named(lead):
    rng = np.random.default_rng(12)
    sequence = ConfidenceSequence(planned=1300)
    looks = [[sequence.look(*look) for look in by_day(*experiment(rng, lead=lead))] for _ in range(20)]
    assert sum(any(look.decided for look in run) for run in looks) >= 18
    assert all(run[-1].estimate * lead > 0 for run in looks)


def test_all_intervals_together_hold_the_truth_as_often_as_promised():
    rng = np.random.default_rng(13)
    sequence = ConfidenceSequence(planned=1300)
    kept = 0
    for _ in range(200):
        looks = (sequence.look(*look) for look in by_day(*experiment(rng, lead=0.4)))
        kept += all(look.low <= 0.4 <= look.high for look in looks)
    assert kept >= 190


@given(st.lists(st.tuples(st.integers(-2, 6), st.integers(6, 9)), min_size=1, max_size=60), st.floats(1, 1e4))
def test_the_interval_excludes_0_exactly_where_the_evidence_decides(rows, planned):
    look = ConfidenceSequence(planned=planned).look(*np.array(rows).T)
    near = abs(np.log(look.e_value) - np.log(20)) < 1e-6
    assert near or look.decided == (look.low > 0 or look.high < 0)
    assert look.low <= look.estimate <= look.high


def test_the_ends_are_where_the_published_boundary_is_met():
    rng = np.random.default_rng(15)
    counts = rng.integers(1, 9, 80)
    totals = np.round(counts * rng.uniform(-0.4, 1, 80))
    sequence = ConfidenceSequence(planned=300)
    look = sequence.look(totals, counts)
    for theta in (look.low, look.high):
        clock = ((totals - theta * counts) ** 2).sum() + sequence.prior
        reach = np.sqrt(clock * np.log(clock / (sequence.prior * 0.05**2)))
        assert abs(totals.sum() - theta * counts.sum()) == pytest.approx(reach)


def test_the_evidence_is_the_published_mixture():
    totals, counts = np.array([2.0, -1.0, 3.0]), np.array([2, 1, 4])
    sequence = ConfidenceSequence(planned=10)
    clock = 14 + sequence.prior
    expected = np.sqrt(sequence.prior / clock) * np.exp(4.0**2 / (2 * clock))
    assert sequence.look(totals, counts).e_value == pytest.approx(expected)


def test_before_the_first_ranking_nothing_is_known():
    look = ConfidenceSequence().look([], [])
    assert (look.estimate, look.low, look.high, look.e_value, look.decided) == (None, -1.0, 1.0, 1.0, False)


def test_a_few_users_who_agree_decide_nothing():
    assert not ConfidenceSequence(planned=1000).look([1.0] * 15, [1] * 15).decided


def test_the_interval_is_tightest_about_where_it_was_planned():
    def width(planned):
        look = ConfidenceSequence(planned=planned).look([1.0, -1.0] * 1000, [1] * 2000)
        return look.high - look.low

    assert min((200, 600, 2000, 6000, 20000), key=width) == 2000
    assert width(6000) < 1.1 * width(2000)


def test_it_is_wider_than_an_interval_that_is_looked_at_once():
    totals, counts = [1.0, -1.0, 0.0] * 300, [1] * 900
    once, always = preference(totals, counts), ConfidenceSequence(planned=600).look(totals, counts)
    assert 1.3 < (always.high - always.low) / (once.high - once.low) < 1.8


def test_scores_in_another_unit_with_their_scale_give_the_same_evidence():
    rng = np.random.default_rng(14)
    totals, counts = rng.normal(size=50), np.full(50, 3)
    small = ConfidenceSequence(scale=0.01, bound=np.inf).look(totals / 100, counts)
    large = ConfidenceSequence(bound=np.inf).look(totals, counts)
    assert small.e_value == pytest.approx(large.e_value)
    assert small.high * 100 == pytest.approx(large.high)


def test_an_end_that_is_out_of_sight_is_open():
    look = ConfidenceSequence(bound=np.inf).look([1.0], [1])
    assert (look.low, look.high) == (-np.inf, np.inf)


@pytest.mark.parametrize("wrong", [{"planned": 0}, {"scale": -1}, {"planned": float("inf")}, {"bound": 0}])
def test_a_sequence_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(InputError, match="above 0"):
        ConfidenceSequence(**wrong)


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from((-1.0, 0.0, 1.0, 0.25))), min_size=1, max_size=60))
def test_sums_taken_ranking_by_ranking_are_those_of_the_users_at_that_moment(rows):
    users, scores = np.array([user for user, _ in rows]), np.array([score for _, score in rows])
    running = Running(users, scores)
    for last in range(len(rows)):
        totals = np.bincount(users[: last + 1], weights=scores[: last + 1])
        expected = Sums.of(totals, np.bincount(users[: last + 1]))
        found = running.at(last)
        for name in ("users", "rankings", "total", "squares", "products", "counts"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name))


def followed(scores, *, planned=50.0):
    numbers = np.arange(len(scores))
    sequence = ConfidenceSequence(planned=planned)
    return always_valid(numbers, np.array(scores), numbers.astype(float), names=("A", "B"), sequence=sequence)


def test_what_was_once_decided_stays_decided():
    found = followed([-1.0] * 60 + [1.0] * 60)
    assert found.decided
    assert found.winner == "B"
    assert found.low <= 0 <= found.high


def test_the_time_of_the_decision_is_that_of_the_ranking_that_brought_it():
    found = followed([1.0] * 100)
    at = int(found.decided_time.removesuffix(".000Z")[-2:])
    assert not followed([1.0] * at).decided
    assert followed([1.0] * (at + 1)).decided
    assert found.decided_users == at + 1


def test_a_plot_has_at_most_some_two_hundred_points_and_ends_now():
    found = followed([1.0, -1.0] * 5000)
    assert len(found.trajectory) <= 201
    assert found.trajectory[-1].rankings == 10_000


def test_of_nothing_there_is_nothing_to_follow():
    found = followed([])
    assert (found.estimate, found.low, found.decided, found.trajectory) == (None, None, False, ())
