"""Batches under random schedules of faults: every mark is checked against what the models really said."""

import asyncio
import json
from collections import Counter

import pytest

from grade_schedules import FAULTS, drawn, play
from penstock.grade import Grader
from penstock.testing import ScriptedModel

PARTS = 4
SCHEDULES = 200
GOOD = json.dumps({"reasons": ["yes"], "credits": [1], "explanation": "Right.", "feedback": ""})


def short(number, **more):
    given = {"user_id": f"u{number}", "question_id": "q", "question_type": "short_answer"}
    return {**given, "user_answer": f"Answer {number}.", "correct_answer": "It evaporates.", **more}


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


@pytest.mark.anyio
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("concurrency", [1, 8])
async def test_a_model_that_is_cancelled_from_within_fails_its_answer_and_no_other(samples, concurrency):
    model = ScriptedModel(lambda prompt: asyncio.CancelledError() if "Answer 1." in prompt.user else GOOD)
    grader = Grader(model, samples=samples, concurrency=concurrency)
    batch = await grader.mark_all([short(number) for number in range(5)])
    assert [mark.state for mark in batch.marks] == ["graded", "failed", "graded", "graded", "graded"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "strange",
    [
        None,
        "an answer",
        {"user_id": object()},
        {"user_answer": b"bytes"},
        {"rubric": object()},
        {"rubric": "[{"},
        {"difficulty": float("inf")},
        {"tolerance": "1e999"},
        {"user_answer": 10**5_000},
        {"difficulty": 10**400},
        {"tolerance": 10**400},
        {"rubric": "[" * 100_000},
        {"correct_keywords": "[" * 100_000},
        {"rubric": [{"name": "half \ud800 a character"}]},
    ],
    ids=range(14),
)
async def test_a_strange_value_fails_its_answer_and_no_other(strange):
    given = short(1, **strange) if isinstance(strange, dict) else strange
    batch = await Grader(ScriptedModel(lambda _: GOOD)).mark_all([short(0), given, short(2)])
    assert [mark.state for mark in batch.marks] == ["graded", "failed", "graded"]
    assert batch.failures[0].reason
