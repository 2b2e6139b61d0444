"""Stated confidence and stated errors are held against what came true."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.grade.agreement import trust
from penstock.grade.agreement.pairs import Pairs
from penstock.judge import raters

lists = st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=60)


def pairs(confidence, agree, *, expected_error=None, difference=0.0):
    agree = np.asarray(agree, dtype=bool)
    n = len(agree)
    human, machine_right = np.full(n, 50.0), np.zeros(n, dtype=bool)
    machine = human + difference
    terms = raters.terms(human, machine, human_right=~agree, machine_right=machine_right, most=100, steps=4)
    names = np.array(["x"] * n)
    stated = np.full(n, math.nan) if expected_error is None else np.asarray(expected_error, dtype=float)
    return Pairs(
        human=human,
        machine=machine,
        human_right=~agree,
        machine_right=machine_right,
        confidence=np.asarray(confidence, dtype=float),
        expected_error=stated,
        question=names,
        group=names,
        method=names,
        state=names,
        steps=4,
        terms=terms,
    )


def test_the_surest_marks_come_first():
    found = trust.curve(pairs([0.9, 0.6, 0.8, 0.7], [True, False, True, False]))
    assert [point.coverage for point in found.points] == [0.25, 0.5, 0.75, 1.0]
    assert [point.accuracy for point in found.points] == pytest.approx([1, 1, 2 / 3, 1 / 2])
    assert [point.confidence for point in found.points] == [0.9, 0.8, 0.7, 0.6]


def test_equally_sure_marks_are_kept_or_dropped_together():
    found = trust.curve(pairs([0.9, 0.9, 0.9, 0.5], [True, False, True, True]))
    assert [point.pairs for point in found.points] == [3, 4]


def test_the_part_that_reaches_the_target_is_the_largest_one():
    agree = [True] * 60 + [False] * 40
    found = trust.curve(pairs(np.linspace(1, 0, 100), agree), target=0.95)
    assert found.reached.pairs == 63  # 60 of 63 are 95.2 %
    assert found.reached.confidence == pytest.approx(np.linspace(1, 0, 100)[62])


def test_a_few_sure_marks_are_not_enough_to_reach_the_target():
    found = trust.curve(pairs([0.9] * 19 + [0.1] * 19, [True] * 19 + [False] * 19))
    assert found.reached is None


def test_marks_without_a_stated_confidence_are_counted_apart():
    found = trust.curve(pairs([0.9, math.nan, 0.8], [True, True, True]))
    assert (found.pairs, found.unstated) == (2, 1)


def test_there_is_no_curve_where_no_confidence_is_stated():
    assert trust.curve(pairs([math.nan] * 3, [True] * 3)) is None
    assert trust.confidence_calibration(pairs([math.nan] * 3, [True] * 3), seed=0) is None


@given(given_pairs=lists)
def test_all_marks_are_kept_at_the_end_of_the_curve(given_pairs):
    tenths, agree = zip(*given_pairs, strict=True)
    found = trust.curve(pairs(np.array(tenths) / 10, agree), points=7)
    assert len(found.points) <= 7
    assert found.points[-1].coverage == 1
    assert found.points[-1].accuracy == pytest.approx(np.mean(agree))


def test_calibration_compares_stated_chances_with_what_came_true():
    agree = [True] * 9 + [False] + [True] * 2 + [False] * 8
    found = trust.confidence_calibration(pairs([0.9] * 10 + [0.6] * 10, agree), seed=0)
    assert [(one.pairs, one.stated, one.seen) for one in found.bins] == [
        (10, pytest.approx(0.6), 0.2),
        (10, pytest.approx(0.9), 0.9),
    ]
    assert found.error == pytest.approx(0.2)


def test_perfect_statements_have_no_more_error_than_chance_makes():
    random = np.random.default_rng(1)
    stated = random.uniform(0.5, 1, 2_000)
    found = trust.confidence_calibration(pairs(stated, random.random(2_000) < stated), seed=0)
    assert found.error == pytest.approx(found.by_chance, abs=0.015)
    boasting = trust.confidence_calibration(pairs(stated, random.random(2_000) < stated - 0.2), seed=0)
    assert boasting.error == pytest.approx(0.2, abs=0.03)


def test_stated_errors_are_held_against_root_mean_squares():
    found = trust.error_calibration(pairs([0.9] * 2, [True] * 2, expected_error=[30, 40], difference=np.array([6, -8])))
    assert found.stated == pytest.approx(math.sqrt(1250))
    assert found.seen == pytest.approx(math.sqrt(50))
    assert found.by_chance is None


@given(given_pairs=lists)
def test_the_bins_hold_every_mark_once(given_pairs):
    tenths, agree = zip(*given_pairs, strict=True)
    found = trust.confidence_calibration(pairs(np.array(tenths) / 10, agree), seed=0)
    assert sum(one.pairs for one in found.bins) == len(agree)
    assert sum(one.pairs * one.seen for one in found.bins) == pytest.approx(sum(agree))
