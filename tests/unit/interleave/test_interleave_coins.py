"""Coins that follow from a seed, and buckets that have nothing to do with them."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from penstock.interleave.coins import BUCKETS, Coins, bucket, in_sample, pseudonym
from penstock.interleave.request import unit_of

USERS = 200_000


@pytest.fixture(scope="module")
def buckets():
    return [bucket("home", f"user:{number}") for number in range(USERS)]


def test_the_same_seed_gives_the_same_coins():
    first, second = Coins("a seed"), Coins("a seed")
    assert [first.flip() for _ in range(2_000)] == [second.flip() for _ in range(2_000)]


def test_the_stream_of_a_seed_never_changes():
    coins = Coins("penstock")
    assert (coins.bits(64), coins.below(10), coins.uniform()) == (7562782950299146367, 0, 0.6768916598283624)


def test_another_seed_gives_other_coins():
    assert Coins("a").bits(256) != Coins("b").bits(256)


@given(st.lists(st.integers(0, 700), max_size=12))
def test_many_coins_at_once_are_the_coins_one_by_one(counts):
    at_once, singly = Coins("x"), Coins("x")
    for count in counts:
        assert at_once.bits(count) == sum(singly.flip() << place for place in range(count))


def test_the_stream_does_not_repeat_itself():
    coins = Coins("x")
    blocks = [coins.bits(512) for _ in range(200)]
    assert len(set(blocks)) == 200


def test_coins_of_one_stream_are_fair_and_each_its_own():
    coins = Coins("x")
    tosses = [coins.flip() for _ in range(100_000)]
    patterns = Counter(pairwise(tosses))
    assert stats.chisquare(list(patterns.values())).pvalue > 1e-4
    assert abs(sum(tosses) / len(tosses) - 0.5) < 0.01


@pytest.mark.parametrize("n", [1, 2, 3, 6, 7, 100])
def test_draws_below_a_number_are_all_alike(n):
    coins = Coins(f"below {n}")
    drawn = Counter(coins.below(n) for _ in range(20_000))
    assert set(drawn) == set(range(n))
    assert stats.chisquare([drawn[each] for each in range(n)]).pvalue > 1e-4 or n == 1


def test_uniform_numbers_are_uniform_and_below_one():
    coins = Coins("x")
    numbers = [coins.uniform() for _ in range(20_000)]
    assert min(numbers) >= 0
    assert max(numbers) < 1
    assert stats.kstest(numbers, "uniform").pvalue > 1e-4


@given(st.text())
def test_any_words_are_a_seed_and_a_user(words):
    assert Coins(words).flip() in {0, 1}
    assert 0 <= bucket("home", words) < BUCKETS
    assert len(pseudonym("home", words)) == 16


def test_half_a_character_is_a_user_too():
    assert 0 <= bucket("home", "\ud800") < BUCKETS
    assert Coins("\ud800").flip() in {0, 1}


def test_buckets_are_filled_evenly(buckets):
    counts = Counter(buckets)
    assert stats.chisquare([counts[number] for number in range(BUCKETS)]).pvalue > 1e-3


def test_experiments_do_not_sample_the_same_users(buckets):
    others = (bucket("other", f"user:{number}") for number in range(USERS))
    both = sum(mine < 1_000 and theirs < 1_000 for mine, theirs in zip(buckets, others, strict=True))
    assert both / USERS == pytest.approx(0.01, abs=0.001)


def test_the_end_of_the_salt_and_the_start_of_the_user_are_kept_apart():
    assert (bucket("ab", "c"), pseudonym("ab", "c")) != (bucket("a", "bc"), pseudonym("a", "bc"))


@given(st.integers(0, BUCKETS - 1), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_rate_keeps_everybody_who_was_in(number, one, other):
    smaller, larger = sorted((one, other))
    assert in_sample(number, larger) or not in_sample(number, smaller)


@pytest.mark.parametrize("parts", [0, 1, 7, 100, 700, 1_400, 2_900, 5_700, 9_999, 10_000])
def test_a_rate_takes_its_share_of_the_buckets_and_not_one_more(parts):
    assert sum(in_sample(number, parts / BUCKETS) for number in range(BUCKETS)) == parts


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("strategy", ["user", "request"])
def test_among_the_sampled_users_the_first_coins_are_fair(share, strategy):
    patterns = Counter()
    number = 0
    while patterns.total() < 6_000:
        number += 1
        unit = unit_of("home", number, None)
        if in_sample(unit.bucket, share):
            seed = f"user|{unit.name}|20261121" if strategy == "user" else f"request|20261121-{number:020x}"
            patterns[Coins(f"home|{seed}").bits(2)] += 1
    assert (patterns[1] + patterns[3]) / patterns.total() == pytest.approx(0.5, abs=0.02)
    assert all(patterns[pattern] / patterns.total() == pytest.approx(0.25, abs=0.02) for pattern in range(4))


def test_one_hash_for_bucket_and_coin_would_be_noticed():
    users = [number for number in range(50_000) if bucket("home", f"user:{number}") < 100]
    coins = [bucket("home", f"user:{number}") * 2 // BUCKETS for number in users]
    assert set(coins) == {0}
