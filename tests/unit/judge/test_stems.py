"""English families of words share one stem."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.judge.stems import stem


@pytest.mark.parametrize(
    "family",
    [
        "joy joyful joyous joyfully",
        "happy happier happiness happily",
        "sad sadder sadness sadly",
        "love loves loved loving lovely",
        "angry anger angrier",
        "amuse amusing amused amusement",
        "disappoint disappointed disappointment disappointing",
        "surprise surprised surprising",
        "realize realise realization",
        "approve approval approving",
        "story stories",
        "delivery deliver delivered",
    ],
)
def test_a_family_shares_its_stem(family):
    assert len({stem(word) for word in family.split()}) == 1


@pytest.mark.parametrize(("one", "other"), [("care", "car"), ("hope", "hop"), ("news", "new"), ("bus", "bu")])
def test_words_that_only_look_alike_stay_apart(one, other):
    assert stem(one) != stem(other)


@example("'s")
@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz'", min_size=1))
def test_a_stem_is_never_empty_for_a_word(word):
    assert stem(word) or not word.removesuffix("'s")
