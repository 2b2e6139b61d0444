import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.interleave.methods import METHODS
from penstock.interleave.settings import NAMES, Settings, asks_for, parse

FULL = {
    "mode": "INTERLEAVE",
    "sampling_rate": "0.05",
    "parallel_enabled": "false",
    "interleave_method": "optimized_v1",
    "seed_strategy": "user",
    "pool_size": "500",
}
MALFORMED = [
    ("mode", "C"),
    ("mode", ""),
    ("mode", 1),
    ("mode", ["A"]),
    ("sampling_rate", "1.5"),
    ("sampling_rate", -0.01),
    ("sampling_rate", "5%"),
    ("sampling_rate", ""),
    ("sampling_rate", "nan"),
    ("sampling_rate", math.nan),
    ("sampling_rate", math.inf),
    ("sampling_rate", 10**400),
    ("sampling_rate", True),
    ("sampling_rate", Decimal("0.1")),
    ("parallel_enabled", "yes please"),
    ("parallel_enabled", 2),
    ("parallel_enabled", 1.0),
    ("interleave_method", "softmax"),
    ("interleave_method", "team_draft"),
    ("seed_strategy", "session"),
    ("seed_strategy", "user,request"),
    ("pool_size", "0"),
    ("pool_size", -5),
    ("pool_size", "500.5"),
    ("pool_size", 500.5),
    ("pool_size", math.inf),
    ("pool_size", True),
    ("pool_size", "9" * 5000),
]


def test_without_arguments_settings_are_the_baseline():
    assert Settings() == Settings(
        mode="A",
        sampling_rate=0.0,
        parallel_enabled=True,
        interleave_method="team_draft_v1",
        seed_strategy="request",
        pool_size=None,
    )


def test_words_are_read_into_their_types():
    assert parse(FULL) == Settings(
        mode="INTERLEAVE",
        sampling_rate=0.05,
        parallel_enabled=False,
        interleave_method="optimized_v1",
        seed_strategy="user",
        pool_size=500,
    )


def test_typed_values_mean_the_same_as_words():
    typed = {**FULL, "sampling_rate": 0.05, "parallel_enabled": False, "pool_size": 500}
    assert parse(typed) == parse(FULL)


def test_a_whole_number_may_be_written_as_a_float():
    assert parse({"mode": "A", "pool_size": 500.0}).pool_size == 500


@pytest.mark.parametrize("name", NAMES)
def test_white_space_and_case_are_forgiven(name):
    assert parse({**FULL, name: f" {FULL[name].swapcase()}\n"}) == parse(FULL)


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("true", True),
        ("1", True),
        ("YES", True),
        (" on ", True),
        (1, True),
        (True, True),
        ("False", False),
        ("0", False),
        ("no", False),
        ("OFF", False),
        (0, False),
        (False, False),
    ],
)
def test_a_switch_has_several_words(word, means):
    assert parse({"mode": "A", "parallel_enabled": word}).parallel_enabled is means


@pytest.mark.parametrize("rate", ["0", "1", 0, 1, "1.0", "1e-4"])
def test_the_ends_of_the_range_are_inside(rate):
    assert parse({"mode": "INTERLEAVE", "sampling_rate": rate}).sampling_rate == float(rate)


@pytest.mark.parametrize(("name", "value"), MALFORMED)
def test_a_malformed_value_is_named_with_its_setting_and_source(name, value):
    with pytest.raises(InputError, match=rf"^{name} in the file is .+: it must be .+\.$"):
        parse({**FULL, name: value}, source="the file")


def test_a_long_value_is_shortened_in_the_message():
    with pytest.raises(InputError) as caught:
        parse({"mode": "x" * 5000})
    assert len(str(caught.value)) < 150


def test_the_message_says_what_is_allowed():
    with pytest.raises(InputError, match=r"^mode in the settings is 'C': it must be A, B or INTERLEAVE\.$"):
        parse({"mode": "C"})


def test_an_unknown_setting_is_refused():
    with pytest.raises(InputError, match="'samplingrate'"):
        parse({"mode": "A", "samplingrate": "0.1"})


def test_the_mode_must_be_there():
    with pytest.raises(InputError, match="There is no mode in the settings"):
        parse({"sampling_rate": "0.1"})


def test_interleaving_needs_a_sampling_rate():
    with pytest.raises(InputError, match="There is no sampling_rate in the settings"):
        parse({"mode": "INTERLEAVE"})


def test_a_single_ranker_needs_no_sampling_rate():
    assert parse({"mode": "B"}) == Settings(mode="B")


@pytest.mark.parametrize("name", NAMES[1:])
def test_even_what_the_mode_does_not_use_must_be_well_formed(name):
    with pytest.raises(InputError, match=name):
        parse({"mode": "A", name: "?"})


def test_none_counts_as_not_given():
    assert parse({"mode": "A", "pool_size": None, "seed_strategy": None}) == Settings()


def test_rankers_may_have_names_of_their_own():
    assert parse({"mode": "Challenger"}, rankers=("champion", "challenger")).mode == "challenger"
    with pytest.raises(InputError, match="champion, challenger or INTERLEAVE"):
        parse({"mode": "A"}, rankers=("champion", "challenger"))


def test_rankers_that_differ_only_in_case_are_told_apart():
    assert parse({"mode": "a"}, rankers=("A", "a")).mode == "a"


def test_a_word_that_fits_two_rankers_fits_none():
    with pytest.raises(InputError, match="'aA'"):
        parse({"mode": "aA"}, rankers=("AA", "aa"))


@given(
    st.tuples(
        st.sampled_from(["A", "B", "INTERLEAVE"]),
        st.floats(0, 1),
        st.booleans(),
        st.sampled_from(METHODS),
        st.sampled_from(["user", "request"]),
        st.integers(1, 10**6),
    )
)
def test_what_is_written_as_words_is_read_back_exactly(values):
    read = parse({name: str(value) for name, value in zip(NAMES, values, strict=True)})
    assert tuple(getattr(read, name) for name in NAMES) == values


@given(st.dictionaries(st.sampled_from(NAMES), st.text() | st.floats() | st.integers() | st.booleans() | st.none()))
def test_whatever_is_given_is_read_or_refused_in_words(values):
    try:
        read = parse(values)
    except InputError:
        return
    assert read.mode in {"A", "B", "INTERLEAVE"}
    assert 0 <= read.sampling_rate <= 1
    assert read.pool_size is None or read.pool_size >= 1


@pytest.mark.parametrize(
    ("values", "asks"),
    [({"mode": " a ", "x": 1}, True), ({"mode": "B"}, False), ({}, False), ({"mode": 5}, False), ({"mode": ""}, False)],
)
def test_a_mode_can_be_told_from_values_that_are_wrong_otherwise(values, asks):
    assert asks_for("A", values) is asks
