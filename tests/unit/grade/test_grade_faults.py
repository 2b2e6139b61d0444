"""Batches under random schedules of faults: every mark is checked against what the models really said."""

from collections import Counter

import pytest

from grade_schedules import FAULTS, drawn, play

PARTS = 4
SCHEDULES = 200


@pytest.mark.parametrize("part", range(PARTS))
def test_no_schedule_of_faults_makes_a_wrong_mark_or_loses_an_answer(part):
    ended = sum((play(seed) for seed in range(part, SCHEDULES, PARTS)), Counter())
    assert set(ended) == {"graded", "offline", "needs_review", "failed", "cancelled"}


def test_the_schedules_have_every_fault_and_every_way_to_grade():
    schedules = [drawn(seed) for seed in range(SCHEDULES)]
    assert {fault for one in schedules for model in one.models for fault in model._faults} == set(FAULTS)
    assert {one.settings["samples"] for one in schedules} == {1, 2, 3, 5}
    assert {one.settings["on_timeout"] for one in schedules} == {"offline", "fail"}
    assert {len(one.models) for one in schedules} == {1, 2}
    assert {one.is_paced for one in schedules} == {True, False}


def test_a_schedule_is_the_same_again():
    assert [play(seed) for seed in range(20)] == [play(seed) for seed in range(20)]
