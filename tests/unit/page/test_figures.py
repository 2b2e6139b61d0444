"""Numbers are written as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.page.figures import decimal, duration, moment, percent, plural, short_count, steps, time_steps


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0.0 s"),
        (0.041, "0.04 s"),
        (41.23, "41.2 s"),
        (119.94, "119.9 s"),
        (119.96, "2 min"),
        (200, "3 min 20 s"),
        (7_500, "2 h 5 min"),
        (math.nan, "–"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds, written):
    assert duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == written


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0, "0 %"),
        (0.0001, "< 0.1 %"),
        (0.041, "4.1 %"),
        (0.29, "29 %"),
        (0.992, "99.2 %"),
        (0.99999, "> 99.9 %"),
        (1, "100 %"),
        (math.nan, "–"),
    ],
)
def test_a_share_is_zero_or_whole_only_where_it_is(share, written):
    assert percent(share).replace("\N{NO-BREAK SPACE}", " ") == written


@pytest.mark.parametrize(
    ("number", "written"),
    [(0, "0"), (812, "812"), (1_000, "1 k"), (41_230, "41.2 k"), (999_960, "1 M"), (1_234_567, "1.2 M"), (2e9, "2 G")],
)
def test_a_short_count_tells_the_size(number, written):
    assert short_count(number).replace("\N{NO-BREAK SPACE}", " ") == written


def test_a_noun_is_plural_unless_there_is_one():
    assert [plural(number, "row") for number in (0, 1, 2_000)] == ["0 rows", "1 row", "2,000 rows"]


def test_a_number_that_is_none_is_a_dash():
    assert decimal(None) == decimal(math.nan) == decimal(math.inf) == "–"


def test_a_moment_is_told_in_utc():
    assert moment(86_400.0) == "1970-01-02 00:00 UTC"


@given(most=st.floats(1e-6, 1e12), about=st.integers(2, 6))
def test_steps_begin_at_zero_rise_evenly_and_stay_within(most, about):
    found = steps(most, about=about)
    assert found[0] == 0
    assert found[-1] <= most * (1 + 1e-5)
    assert 1 <= len(found) <= about + 1


@given(seconds=st.floats(0.001, 1e8))
def test_a_time_axis_has_at_most_six_labels_and_all_lie_on_it(seconds):
    found = time_steps(seconds)
    assert 1 <= len(found) <= 6
    assert all(0 <= at <= seconds * (1 + 1e-5) for at, _ in found)


def test_a_time_axis_speaks_in_the_unit_that_fits():
    assert [written for _, written in time_steps(3_000)][-1] == "50\N{NO-BREAK SPACE}min"
    assert [written for _, written in time_steps(36_000)][1] == "2\N{NO-BREAK SPACE}h"
