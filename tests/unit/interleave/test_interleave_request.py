"""What is known of a request: who asks, whether they are in the sample, what their ranking is called."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.interleave.coins import bucket, pseudonym
from penstock.interleave.request import Request, Unit, mode_for, ranking_name, unit_of
from penstock.interleave.settings import Settings
from penstock.interleave.snapshot import Held

NOON = 1_795_262_400.0  # 2026-11-21 12:00 UTC
MIDNIGHT = 1_795_305_600.0


def request(*, strategy="request", unit=None, version="20261121", ranking_id="r1"):
    return Request(
        held=Held(settings=Settings(mode="INTERLEAVE", seed_strategy=strategy), state="fresh"),
        setting="INTERLEAVE",
        mode="INTERLEAVE",
        unit=unit,
        ranking_id=ranking_id,
        version=version,
        k=10,
        offset=0,
        began=0.0,
    )


@pytest.mark.parametrize("user", [7, 7.0, "7", np.int64(7), np.float64(7)])
def test_a_user_is_the_same_whatever_type_the_id_has(user):
    assert unit_of("home", user, None) == unit_of("home", "7", None)


@pytest.mark.parametrize("nobody", [None, "", math.nan, pd.NA])
def test_without_an_id_the_session_stands_for_the_user(nobody):
    assert unit_of("home", nobody, "s1").kind == "session"
    assert unit_of("home", nobody, nobody) is None


def test_the_user_goes_before_the_session():
    assert unit_of("home", "u1", "s1") == unit_of("home", "u1", None)


def test_user_0_is_a_user():
    assert unit_of("home", 0, None).kind == "user"


def test_a_user_and_a_session_of_the_same_name_are_two_units():
    user, session = unit_of("home", "x", None), unit_of("home", None, "x")
    assert user.name != session.name
    assert user.bucket != session.bucket


def test_the_name_in_the_log_does_not_say_who_it_is():
    assert "ann" not in unit_of("home", "ann@example.org", None).name
    assert unit_of("home", "ann", None).name != unit_of("other", "ann", None).name


def test_bucket_and_pseudonym_have_hashes_of_their_own():
    assert bucket("home", "user:ann") != int(pseudonym("home", "user:ann"), 16) * 10_000 >> 64


def test_the_units_of_a_user_never_change():
    assert unit_of("home", "ann", None) == Unit(kind="user", name="b4ef11d41fed5a0e", bucket=7_837)


@pytest.mark.parametrize(("setting", "done"), [("A", "A"), ("B", "B"), ("INTERLEAVE", "INTERLEAVE"), ("C", "A")])
def test_somebody_in_the_sample_gets_what_is_set(setting, done):
    assert mode_for(Unit(kind="user", name="x", bucket=0), setting, 1.0, ("A", "B")) == done


@pytest.mark.parametrize("unit", [None, Unit(kind="user", name="x", bucket=5_000)])
def test_those_outside_the_sample_get_the_baseline(unit):
    assert mode_for(unit, "INTERLEAVE", 0.5, ("A", "B")) == "A"


def test_a_fixed_mode_is_for_everybody():
    assert mode_for(None, "B", 0.0, ("A", "B")) == "B"


def test_new_names_differ_and_begin_with_the_day():
    names = {ranking_name(None, NOON) for _ in range(1_000)}
    assert len(names) == 1_000
    assert all(re.fullmatch(r"20261121-[0-9a-f]{20}", name) and day == "20261121" for name, day in names)


def test_a_name_keeps_its_day_over_midnight():
    name, _ = ranking_name(None, MIDNIGHT - 1)
    assert ranking_name(name, MIDNIGHT + 1) == (name, "20261121")


def test_a_name_without_a_day_is_of_today():
    assert ranking_name("my-own", NOON) == ("my-own", "20261121")


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "a" * 65,
        'x","mode":"A',
        "a\nb",
        "a\n",
        "a b",
        "é",
        "٢٠٢٦١١٢١-x",
        "\x00",
        "\ud800",
        "a|b",
        "../../x",
        7,
        ["r"],
        b"r",
    ],
)
def test_a_name_that_is_none_is_replaced(hostile):
    name, _ = ranking_name(hostile, NOON)
    assert name.startswith("20261121-")


@given(st.text(max_size=70))
def test_every_name_is_made_of_harmless_characters(given_name):
    assert re.fullmatch(r"[A-Za-z0-9._:~-]{1,64}", ranking_name(given_name, NOON)[0])


ANN, BOB = unit_of("home", "ann", None), unit_of("home", "bob", None)


def test_a_user_s_seed_is_of_the_user_and_the_version_and_not_of_the_request():
    seed = request(strategy="user", unit=ANN).seed
    assert request(strategy="user", unit=ANN, ranking_id="r2").seed == seed
    assert request(strategy="user", unit=BOB).seed != seed
    assert request(strategy="user", unit=ANN, version="20261122").seed != seed
    assert request(strategy="user", unit=ANN).seed_id == "user:20261121"


def test_a_request_s_seed_is_of_the_request_and_not_of_the_user():
    seed = request(unit=ANN).seed
    assert request(unit=BOB, version="x").seed == seed
    assert request(unit=ANN, ranking_id="r2").seed != seed
    assert request(unit=ANN).seed_id == "request"
