"""A batch: every answer ends in exactly one state, in order, and the figures count successes only."""

import json
import random

import anyio
import pytest

from penstock.errors import TimedOut
from penstock.grade import (
    Grader,
    a_score_answer,
    grade_answers,
    score_answer,
    score_answers_batch,
    score_answers_batch_parallel,
)
from penstock.testing import ScriptedModel

FULL = json.dumps({"reasons": ["yes"], "credits": [1], "explanation": "Right.", "feedback": ""})


def answers(count, **more):
    return [
        {
            "user_id": f"u{number}",
            "question_id": "q",
            "question_type": "short_answer",
            "user_answer": f"The water evaporates {number} times.",
            "correct_answer": "The water evaporates.",
            **more,
        }
        for number in range(count)
    ]


def stats(batch):
    return batch["batch_stats"]


def test_an_empty_batch_is_all_zeros():
    batch = grade_answers([])
    assert batch["results"] == []
    assert batch["failed_question_ids"] == []
    assert stats(batch) == {
        "total_count": 0,
        "successful_count": 0,
        "failed_count": 0,
        "average_score": 0.0,
        "correct_count": 0,
        "correct_rate": 0.0,
    }


def test_figures_count_only_answers_with_a_score():
    given = [
        {"user_id": "u", "question_id": "a", "question_type": "true_false", "user_answer": "T", "correct_answer": "T"},
        {"user_id": "u", "question_id": "b", "question_type": "true_false", "user_answer": "F", "correct_answer": "T"},
        {"user_id": "u", "question_id": "c", "question_type": "true_false", "user_answer": "?", "correct_answer": "T"},
        {"user_id": "u", "question_id": "d", "question_type": "true_false", "user_answer": "T"},
    ]
    batch = grade_answers(given)
    assert [mark["question_id"] for mark in batch["results"]] == ["a", "b"]
    assert batch["failed_question_ids"] == ["d"]
    assert batch["states"] == {"graded": 2, "offline": 0, "needs_review": 1, "failed": 1}
    assert stats(batch) == {
        "total_count": 4,
        "successful_count": 2,
        "failed_count": 1,
        "average_score": 50.0,
        "correct_count": 1,
        "correct_rate": 0.5,
    }


@pytest.mark.anyio
async def test_marks_keep_the_order_of_the_answers_however_late_they_come():
    rng = random.Random(7)

    class Late(ScriptedModel):
        async def ask(self, prompt, /):
            await anyio.sleep(rng.random() / 50)
            return await super().ask(prompt)

    batch = await score_answers_batch_parallel(answers(40), grader=Grader(Late(lambda _: FULL)))
    assert [mark.user_id for mark in batch.marks] == [f"u{number}" for number in range(40)]


@pytest.mark.anyio
async def test_no_more_answers_are_in_work_than_allowed():
    working = most = 0

    class Counting(ScriptedModel):
        async def ask(self, prompt, /):
            nonlocal working, most
            working += 1
            most = max(most, working)
            await anyio.sleep(0.001)
            working -= 1
            return await super().ask(prompt)

    await score_answers_batch_parallel(answers(30), grader=Grader(Counting(lambda _: FULL), concurrency=4))
    assert most == 4


def test_one_after_the_other_gives_the_same_marks_as_at_once():
    given = [*answers(5), {}, *answers(1), {"user_id": "u", "question_id": "x"}]
    timeless = ("graded_at", "seconds")

    def plain(batch):
        return [{name: value for name, value in mark.items() if name not in timeless} for mark in batch.marks]

    assert plain(score_answers_batch(given)) == plain(grade_answers(given))


def test_a_second_answer_of_the_same_learner_to_the_same_question_fails_alone():
    batch = grade_answers([*answers(2), *answers(1)])
    assert [mark.state for mark in batch.marks] == ["offline", "offline", "failed"]
    assert batch.marks[2].code == "duplicate"


def test_attempts_tell_two_answers_of_the_same_learner_apart():
    batch = grade_answers([*answers(1, attempt_id="first"), *answers(1, attempt_id="second")])
    assert [mark.attempt_id for mark in batch.marks] == ["first", "second"]
    assert batch.batch_stats.failed_count == 0


@pytest.mark.parametrize("broken", [None, 7, "an answer", [], {"user_answer": object()}, {"user_id": ["x"]}])
def test_what_is_no_answer_fails_with_a_reason_and_leaves_the_others_alone(broken):
    batch = grade_answers([*answers(1), broken, *answers(2)[1:]])
    assert [mark.state for mark in batch.marks] == ["offline", "failed", "offline"]
    assert batch.marks[1].reason.endswith(".")


@pytest.mark.anyio
async def test_all_may_time_out_and_the_batch_comes_back():
    grader = Grader(ScriptedModel(lambda _: TimedOut("no answer within 1 s")))
    batch = await score_answers_batch_parallel(answers(5), grader=grader)
    assert batch.states["offline"] == 5


def test_one_answer_takes_the_same_arguments_as_a_batch():
    mark = score_answer("u", "q", "multiple_choice", "b)", "B", None, 3, "colours", choices=["red", "blue"])
    assert (mark.score, mark["user_id"], mark["question_id"]) == (100, "u", "q")


@pytest.mark.anyio
async def test_one_answer_can_be_awaited():
    assert (await a_score_answer("u", "q", "true_false", "yes", "true")).is_correct


def test_a_mark_reads_like_a_dict_and_goes_into_json():
    mark = score_answer("u", "q", "true_false", "yes", "true")
    assert dict(mark) == mark.as_dict() == json.loads(json.dumps(mark.as_dict()))
    assert mark["score"] == mark.get("score") == 100
    with pytest.raises(KeyError):
        mark["marks"]
