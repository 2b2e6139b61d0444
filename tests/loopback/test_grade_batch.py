"""Whole batches against a model server on loopback: what succeeds, what fails, and what a batch leaves behind."""

import asyncio
import json
from contextlib import asynccontextmanager

import anyio.to_thread
import pytest

from penstock.grade import (
    Criterion,
    Grader,
    Rubric,
    a_score_answer,
    score_answers_batch,
    score_answers_batch_parallel,
)
from penstock.models import ModelSpec
from penstock.testing import Behaviour, Latency, ModelServer, expected_credits
from penstock.testing.answers import score_text

pytestmark = pytest.mark.anyio

RUBRIC = Rubric(criteria=tuple(Criterion(name=name, weight=weight) for name, weight in (("idea", 3), ("units", 1))))
NEVER = 30.0
"""Seconds that nobody waits for in a test that passes."""


@pytest.fixture
def anyio_backend():
    return "asyncio"


def short(number, text=None, **more):
    return {
        "user_id": f"u{number}",
        "question_id": f"q{number}",
        "question_type": "short_answer",
        "user_answer": text or f"Answer {number}: the water evaporates.",
        "correct_answer": "The water evaporates.",
        "correct_keywords": ["water", "evaporates"],
        "rubric": RUBRIC,
        **more,
    }


def objective(number):
    """A true or false question; every third answer is wrong."""
    said = "false" if number % 3 == 0 else "true"
    return short(number, said, question_type="true_false", correct_answer="true", correct_keywords=[], rubric=None)


def right_score(text):
    return RUBRIC.total(expected_credits(text, 2))


def all_right(given, marks):
    """Whether every mark belongs to its answer and holds the score of that answer's text."""
    return all(
        (mark.user_id, mark.question_id) == (answer["user_id"], answer["question_id"])
        and mark.state == "graded"
        and mark.score == right_score(answer["user_answer"])
        for answer, mark in zip(given, marks, strict=True)
    )


@asynccontextmanager
async def grading(behaviour=None, *, answer=None, spec=None, **settings):
    """A server that behaves so, and a grader that asks it once."""
    async with ModelServer(behaviour, answer=answer) as server:
        model = ModelSpec(
            **{"name": "openai/m", "base_url": server.url, "timeout": 10.0, "attempts": 1, **(spec or {})}
        )
        async with Grader(model, **settings) as grader:
            yield server, grader


async def until(condition):
    """Let the loop go round until something is so; the test's own time limit bounds it."""
    while not condition():  # noqa: ASYNC110 - what is waited for happens on the other side of a socket
        await asyncio.sleep(0.001)


def broken_for(*words):
    """A model that answers nonsense to answers with one of these words."""

    def answer(body):
        said = body["messages"][-1]["content"]
        return "I like it." if any(word in said for word in words) else score_text(body)

    return answer


@pytest.mark.parametrize("count", [5, 20, 50])
async def test_a_batch_that_succeeds_has_a_mark_with_words_for_every_answer(count):
    given = [short(number) for number in range(count)]
    async with grading(Behaviour(latency=Latency(seconds=0.02, share=0.5))) as (server, grader):
        batch = await score_answers_batch_parallel(given, grader=grader)
        assert server.stats().answered == count
    assert all_right(given, batch.results)
    assert all(mark.explanation and mark.feedback and mark.criteria for mark in batch.results)
    assert batch.batch_stats.total_count == batch.batch_stats.successful_count == count


async def test_answers_that_fail_leave_the_others_as_they_are():
    given = [short(number) for number in range(5)]
    async with grading(answer=broken_for("Answer 0", "Answer 2", "Answer 3")) as (_, grader):
        batch = await score_answers_batch_parallel(given, grader=grader)
    assert all_right([given[1], given[4]], batch.results)
    assert batch.failed_question_ids == ("q0", "q2", "q3")
    assert {(mark.code, mark.attempts) for mark in batch.failures} == {("bad_reply", 2)}
    assert (batch.batch_stats.successful_count, batch.batch_stats.failed_count) == (2, 3)
    assert batch.batch_stats.average_score == sum(mark.score for mark in batch.results) / 2


async def test_a_model_that_hangs_for_one_answer_leaves_it_to_the_offline_grader_which_says_so():
    given = [short(number) for number in range(8)]
    behaviour = Behaviour(faults={"hang": 0.4}, sticky=("hang",), hang_seconds=NEVER, seed=1)
    async with grading(behaviour, spec={"timeout": 1.0}) as (server, grader):
        await grader.mark(short("before"))  # so that somebody has answered already
        server.reset()
        batch = await score_answers_batch_parallel(given, grader=grader)
        hung = server.stats().faults["hang"]
    fallen = [mark for mark in batch.marks if mark.state == "offline"]
    assert len(fallen) == hung > 0
    assert batch.states == {"graded": 8 - hung, "offline": hung, "needs_review": 0, "failed": 0}
    assert all(mark.code == "timeout" and mark.method == "offline:keywords" for mark in fallen)
    assert all("no answer within 1 s" in mark.reason and mark.expected_error > 0 for mark in fallen)


async def test_a_model_that_never_answers_leaves_the_whole_batch_to_the_offline_grader():
    given = [short(number) for number in range(10)]
    async with grading(Behaviour(faults={"hang": 1.0}, hang_seconds=NEVER), spec={"timeout": 0.2}) as (_, grader):
        batch = await score_answers_batch_parallel(given, grader=grader)
    assert batch.states == {"graded": 0, "offline": 10, "needs_review": 0, "failed": 0}
    assert batch.batch_stats.successful_count == 10
    assert {mark.code for mark in batch.marks} == {"timeout"}


async def test_a_server_that_is_not_there_leaves_the_whole_batch_to_the_offline_grader():
    async with ModelServer() as server:
        url = server.url
    grader = Grader(ModelSpec(name="openai/m", base_url=url, attempts=1))
    batch = await score_answers_batch_parallel([short(number) for number in range(10)], grader=grader)
    assert batch.states["offline"] == 10
    assert all("Cannot reach" in mark.reason and mark.method == "offline:keywords" for mark in batch.marks)


async def test_a_server_that_goes_away_midway_costs_no_answer_and_no_mark_that_was_made():
    given = [short(number) for number in range(40)]
    spec = {"concurrency": 8, "patience": 0.3}
    async with grading(Behaviour(latency=Latency(seconds=0.05, share=1.0)), spec=spec) as (server, grader):
        batch = asyncio.create_task(grader.mark_all(given))
        await until(lambda: server.stats().answered >= 10)
        answered = server.stats().answered
        await server.close()
        done = await batch
    assert done.states["graded"] >= answered
    assert done.states["offline"] > 0
    assert done.states["graded"] + done.states["offline"] + done.states["failed"] == 40
    assert all(
        mark.score == right_score(g["user_answer"]) for g, mark in zip(given, done.marks, strict=True) if not mark.code
    )


async def test_refusals_of_a_busy_server_cost_no_answer():
    given = [short(number) for number in range(50)]
    async with grading(Behaviour(latency=0.02, capacity=5)) as (server, grader):
        batch = await score_answers_batch_parallel(given, grader=grader)
        assert server.stats().refused > 0
    assert all_right(given, batch.results)


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (Behaviour(faults={"prose": 1.0}), "bad_reply"),
        (Behaviour(faults={"nan": 1.0}), "bad_reply"),
        (Behaviour(faults={"http_500": 1.0}), "unreachable"),
        (Behaviour(api_key="another"), "refused"),
    ],
)
async def test_a_batch_of_which_everything_fails_comes_back_with_zeros_and_reasons(behaviour, code):
    async with grading(behaviour) as (_, grader):
        batch = await score_answers_batch_parallel([short(number) for number in range(5)], grader=grader)
    assert [mark.code for mark in batch.failures] == [code] * 5
    assert all(mark.reason and mark.score is None for mark in batch.failures)
    assert batch.batch_stats.as_dict() == {
        "total_count": 5,
        "successful_count": 0,
        "failed_count": 5,
        "average_score": 0.0,
        "correct_count": 0,
        "correct_rate": 0.0,
    }


async def test_every_kind_of_error_ends_in_its_own_state_in_one_batch():
    faults = dict.fromkeys(("http_500", "prose", "wrong_count", "out_of_range", "policy", "hang", "drop"), 0.12)
    behaviour = Behaviour(faults=faults, sticky=tuple(faults), hang_seconds=NEVER, seed=3)
    given = [short(number) for number in range(60)]
    async with grading(behaviour, spec={"timeout": 1.0}) as (server, grader):
        await grader.mark(short("before"))
        server.reset()
        batch = await score_answers_batch_parallel(given, grader=grader)
        met = server.stats().faults
    codes = [mark.code for mark in batch.marks]
    bad = met["prose"] + met["wrong_count"] + met["out_of_range"]
    assert set(met) == set(faults)
    assert (codes.count("bad_reply") * 2, codes.count("unreachable")) == (bad, met["http_500"] + met["drop"])
    assert (codes.count("refusal"), codes.count("timeout")) == (met["policy"], met["hang"])
    plain = [(one, mark) for one, mark in zip(given, batch.marks, strict=True) if not mark.code]
    assert plain
    assert all_right(*zip(*plain, strict=True))


async def test_a_batch_that_is_cancelled_leaves_nothing_running():
    before = asyncio.all_tasks()
    async with grading(Behaviour(latency=NEVER), spec={"timeout": NEVER}) as (server, grader):
        batch = asyncio.create_task(score_answers_batch_parallel([short(n) for n in range(30)], grader=grader))
        await until(lambda: server.stats().in_flight == 30)
        batch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await batch
        await until(lambda: server.stats().in_flight == 0)
        assert asyncio.all_tasks() == before
        assert server.stats().received == 30


async def test_a_grader_goes_on_after_a_batch_that_was_cancelled():
    async with grading(Behaviour(latency=0.05)) as (server, grader):
        batch = asyncio.create_task(grader.mark_all([short(number) for number in range(30)]))
        await until(lambda: server.stats().in_flight > 3)
        batch.cancel()
        await asyncio.wait([batch])
        given = [short(number, f"Once more {number}") for number in range(10)]
        assert all_right(given, (await grader.mark_all(given)).results)


async def test_batches_that_run_at_once_on_one_grader_do_not_mix():
    batches = [[short(f"{batch}-{number}") for number in range(50)] for batch in range(4)]
    async with grading(Behaviour(latency=Latency(seconds=0.02, share=1.0))) as (_, grader):
        done = await asyncio.gather(*(score_answers_batch_parallel(batch, grader=grader) for batch in batches))
        assert all(all_right(given, batch.results) for given, batch in zip(batches, done, strict=True))


async def test_answers_marked_one_by_one_at_once_belong_to_their_answers():
    given = [short(number) for number in range(50)]
    async with grading(Behaviour(latency=Latency(seconds=0.02, share=1.0))) as (_, grader):
        marks = await asyncio.gather(*(a_score_answer(**one, grader=grader) for one in given))
    assert all_right(given, marks)


async def test_one_after_the_other_gives_the_same_marks():
    faults = {"prose": 0.2, "http_500": 0.1, "policy": 0.1}
    given = [short(number) for number in range(20)]
    async with ModelServer(Behaviour(faults=faults, sticky=tuple(faults))) as server:
        grader = Grader(ModelSpec(name="openai/m", base_url=server.url, attempts=1))
        at_once = await score_answers_batch_parallel(given, grader=grader)
        in_turn = await anyio.to_thread.run_sync(lambda: score_answers_batch(given, grader=grader))
    assert at_once.states["graded"] < 20
    assert [timeless(mark) for mark in in_turn.marks] == [timeless(mark) for mark in at_once.marks]


def timeless(mark):
    return {name: value for name, value in mark.as_dict().items() if name not in {"graded_at", "seconds"}}


async def test_an_empty_batch_asks_nobody():
    async with grading() as (server, grader):
        batch = await score_answers_batch_parallel([], grader=grader)
        assert (batch.marks, server.stats().received) == ((), 0)


async def test_a_batch_of_one_is_a_batch():
    async with grading() as (_, grader):
        assert all_right([short(1)], (await score_answers_batch_parallel([short(1)], grader=grader)).results)


async def test_ten_thousand_answers_are_all_marked_and_only_the_short_ones_are_asked_about():
    given = [short(number) if number % 5 == 0 else objective(number) for number in range(10_000)]
    async with grading(Behaviour(latency=0.01), spec={"first": 50}) as (server, grader):
        batch = await score_answers_batch_parallel(given, grader=grader)
        stats = server.stats()
    assert [mark.user_id for mark in batch.marks] == [one["user_id"] for one in given]
    assert all_right(given[::5], batch.marks[::5])
    assert all(m.score == 100 * (n % 3 != 0) for n, m in enumerate(batch.marks) if n % 5)
    assert (stats.received, stats.answered_again) == (2_000, 0)
    assert stats.peak_in_flight <= 50


@pytest.mark.parametrize(
    "text",
    [
        "물이 햇빛 때문에 증발한다.",
        "水在阳光下蒸发了。",
        "水は日光で蒸発する。",
        "물 evaporates 因为 太陽 でした 🌞",
        "Ｔｈｅ　ｗａｔｅｒ　ｅｖａｐｏｒａｔｅｓ１２３",
        "e\u0301vapore \u1112\u1161\u11ab\u1100\u1173\u11af",
        "évapore 한글",
        "يتبخر الماء بفعل الشمس",
        'quotes " and \\ backslashes\nand lines\u2028of all kinds\x00',
    ],
)
async def test_an_answer_in_any_script_reaches_the_model_as_it_was_written(text):
    async with grading() as (_, grader):
        mark = await a_score_answer(**short(1, text), grader=grader)
    assert (mark.state, mark.score) == ("graded", right_score(text))


async def test_composed_and_decomposed_letters_are_different_answers_with_marks_of_their_own():
    given = [short(number, text) for number, text in enumerate(("évapore", "e\u0301vapore", "ｅvapore"))]
    async with grading() as (server, grader):
        batch = await score_answers_batch_parallel(given, grader=grader)
        assert server.stats().distinct == 3
    assert all_right(given, batch.results)


async def test_half_a_character_is_replaced_and_the_answer_marked():
    async with grading() as (_, grader):
        mark = await a_score_answer(**short(1, "half \ud800 a character"), grader=grader)
    assert mark.score == right_score("half ? a character")
    assert json.dumps(mark.as_dict(), ensure_ascii=False).encode()
