"""One answer through the grader: which state it ends in, and why."""

import json

import pytest

from penstock.errors import BadReply, InputError, Outage, Refused, Rejected, Throttled, TimedOut, Unreachable
from penstock.grade import Criterion, Grader, Rubric
from penstock.ledger.cache import SqliteCache
from penstock.testing import ScriptedModel

pytestmark = pytest.mark.anyio

RUBRIC = Rubric(criteria=(Criterion(name="idea", weight=3), Criterion(name="units", weight=1)))


def reply(*given, **words):
    whole = {"reasons": ["because"] * len(given), "credits": given, "explanation": "So it is.", "feedback": "More."}
    return json.dumps({**whole, **words})


def short(text="The water evaporates.", **more):
    return {
        "user_id": "u1",
        "question_id": "q1",
        "question_type": "short_answer",
        "user_answer": text,
        "correct_answer": "The water evaporates.",
        "rubric": RUBRIC,
        **more,
    }


def objective(kind, text, key, **more):
    return short(text, question_type=kind, correct_answer=key, rubric=None, **more)


async def marked(given, script, **settings):
    return await Grader(ScriptedModel(script, name="openai/m"), **settings).mark(given)


async def test_credits_are_added_up_here_and_explained_by_the_same_reply():
    model = ScriptedModel([reply(1, 0.5)], name="openai/m")
    mark = await Grader(model).mark(short())
    assert (mark.state, mark.score, mark.is_correct, mark.method) == ("graded", 87.5, True, "openai/m")
    assert (mark.explanation, mark.feedback, mark.attempts) == ("So it is.", "More.", 1)
    assert [(one.name, one.weight, one.credit, one.reason) for one in mark.criteria] == [
        ("idea", 3, 1.0, "because"),
        ("units", 1, 0.5, "because"),
    ]


async def test_what_the_model_says_of_the_total_does_not_count():
    assert (await marked(short(), [reply(0, 0, score=100, total=100)])).score == 0


async def test_keywords_found_are_told():
    mark = await marked(short(rubric=None, correct_keywords=["evaporates", "sun"]), [reply(1, 0)])
    assert mark.keyword_matches == ("evaporates",)
    assert mark.score == 50


async def test_the_passing_score_decides_what_is_right():
    assert (await marked(short(), [reply(1, 0)], passing=75)).is_correct
    assert not (await marked(short(), [reply(1, 0)], passing=76)).is_correct


async def test_a_bad_reply_is_asked_for_again_and_counted():
    mark = await marked(short(), ["full marks", reply(1, 1)])
    assert (mark.score, mark.attempts) == (100, 2)


async def test_a_model_that_never_gives_a_usable_reply_fails_the_answer():
    mark = await marked(short(), [reply(85, 1)] * 2)
    assert (mark.state, mark.score, mark.code, mark.attempts) == ("failed", None, "bad_reply", 2)
    assert "credit 1 is not on the scale" in mark.reason


@pytest.mark.parametrize("error", [TimedOut("no answer within 20 s"), TimeoutError(), TimeoutError("slow")])
async def test_a_model_that_times_out_leaves_it_to_the_offline_grader_which_says_so(error):
    mark = await marked(short(), [error])
    assert mark.state == "offline"
    assert mark.method.startswith("offline:")
    assert mark.code == "timeout"
    assert "The model gave no answer" in mark.reason
    assert mark.score is not None
    assert mark.expected_error is not None


async def test_a_timeout_may_be_a_failure_instead():
    mark = await marked(short(), [TimedOut("no answer within 20 s")], on_timeout="fail")
    assert (mark.state, mark.score, mark.code, mark.later) == ("failed", None, "timeout", True)


async def test_a_timeout_without_anything_to_go_by_is_a_failure():
    mark = await marked(short(correct_answer="", question="Why?"), [TimedOut("no answer within 20 s")])
    assert (mark.state, mark.score, mark.code) == ("failed", None, "timeout")


@pytest.mark.parametrize(
    ("error", "code", "status", "later"),
    [
        (Unreachable("the server had an error", status=500), "unreachable", 500, True),
        (Throttled("too many"), "throttled", 429, True),
        (BadReply("the reply was cut off"), "bad_reply", None, False),
        (Refused("the key is wrong"), "refused", None, False),
        (ValueError("no such thing"), "error", None, False),
        (RuntimeError("broken"), "error", None, False),
    ],
)
async def test_any_other_error_is_a_failure_with_its_reason_and_no_score(error, code, status, later):
    mark = await marked(short(), [error, error])
    assert (mark.state, mark.score, mark.is_correct) == ("failed", None, None)
    assert (mark.code, mark.status, mark.later) == (code, status, later)
    assert str(error).rstrip(".") in mark.reason


async def test_a_model_that_declines_leaves_it_to_a_person_with_a_proposal():
    mark = await marked(short(), [Rejected("content policy", status=400)])
    assert (mark.state, mark.score, mark.code) == ("needs_review", None, "refusal")
    assert mark.proposed_score is not None


async def test_a_model_out_of_reach_is_not_asked_again_for_every_answer_of_the_batch():
    model = ScriptedModel(lambda _: Outage("nothing for 300 s"))
    grader = Grader(model)
    assert (await grader.mark(short())).state == "offline"
    assert (await grader.mark(short())).state == "offline"
    assert len(model.prompts) == 1


async def test_while_a_model_is_out_of_reach_objective_answers_are_marked_as_ever():
    grader = Grader(ScriptedModel(lambda _: Outage("nothing for 300 s")))
    marks = [await grader.mark(given) for given in (short(), objective("true_false", "no", "false"), short(" "))]
    assert [mark.method for mark in marks] == ["offline:keywords", "objective:truth", "rule:blank"]


async def test_the_fallback_model_is_asked_and_named():
    second = ScriptedModel([reply(1, 1)], name="openai/second")
    first = ScriptedModel([Unreachable("down", status=500)], name="openai/first")
    mark = await Grader(first, fallback=[second]).mark(short())
    assert (mark.state, mark.method, mark.code) == ("graded", "openai/second", "fallback")
    assert "openai/first" in mark.reason


async def test_samples_that_agree_give_the_median_with_its_own_words():
    script = [reply(1, 0, explanation="middle"), reply(1, 0.5, explanation="high"), reply(0.9, 0, explanation="low")]
    mark = await marked(short(), script, samples=3, passing=70)
    assert (mark.score, mark.explanation, mark.samples) == (75, "middle", 3)
    assert mark.agreement == pytest.approx(2 / 3)


async def test_samples_that_lie_apart_are_left_to_a_person():
    mark = await marked(short(), [reply(1, 1), reply(0, 0), reply(1, 0)], samples=3)
    assert (mark.state, mark.score, mark.code, mark.proposed_score) == ("needs_review", None, "samples_disagree", 75)
    assert mark.reason == "3 samples gave between 0 and 100 points."


async def test_samples_are_different_draws_of_the_same_question():
    model = ScriptedModel([reply(1, 1)] * 3)
    await Grader(model, samples=3).mark(short())
    assert {prompt.draw for prompt in model.prompts} == {0, 1, 2}
    assert len({(prompt.system, prompt.user) for prompt in model.prompts}) == 1
    assert {prompt.temperature for prompt in model.prompts} == {0.7}


async def test_a_sample_that_fails_is_done_without_while_most_of_them_come():
    script = [reply(1, 1), Unreachable("down"), reply(1, 1)]
    mark = await marked(short(), script, samples=3)
    assert (mark.state, mark.samples, mark.attempts) == ("graded", 2, 3)


async def test_an_answer_without_most_of_its_samples_fails():
    script = [Unreachable("down"), Unreachable("down"), reply(1, 1)]
    assert (await marked(short(), script, samples=3)).state == "failed"


async def test_every_sample_is_remembered_by_itself(tmp_path):
    async with SqliteCache(tmp_path / "cache.db", ttl=60, entries=100) as cache:
        first = await marked(short(), [reply(1, 1), reply(1, 0)], samples=2, cache=cache)
        await cache.flush()
        second = await marked(short(), [], samples=2, cache=cache)
    assert (first.score, first.attempts, first.cached) == (second.score, 2, False)
    assert (second.attempts, second.cached, second.agreement) == (0, True, 0.5)


@pytest.mark.parametrize(
    ("given", "score", "method"),
    [
        (objective("multiple_choice", "(b)", "B", choices=["red", "blue"]), 100, "objective:choice"),
        (objective("multiple_choice", "red", "B", choices=["red", "blue"]), 0, "objective:choice"),
        (objective("true_false", "참", "true"), 100, "objective:truth"),
        (objective("true_false", "いいえ", True), 0, "objective:truth"),
        (objective("numeric", "1,5 km", "1500 m"), 100, "objective:number"),
        (objective("numeric", "9.7", "9.8", tolerance=0.05), 0, "objective:number"),
    ],
)
async def test_objective_answers_need_no_model(given, score, method):
    mark = await marked(given, [])
    assert (mark.state, mark.score, mark.is_correct, mark.method) == ("graded", score, score == 100, method)


async def test_an_objective_answer_that_cannot_be_read_is_left_to_a_person():
    mark = await marked(objective("multiple_choice", "either of them", "B", choices=["red", "blue"]), [])
    assert (mark.state, mark.score, mark.code) == ("needs_review", None, "unreadable")


async def test_a_key_that_makes_no_sense_fails_the_answer():
    mark = await marked(objective("multiple_choice", "B", "F", choices=["red", "blue"]), [])
    assert (mark.state, mark.code) == ("failed", "bad_key")


@pytest.mark.parametrize("kind", ["short_answer", "multiple_choice", "true_false", "numeric"])
async def test_a_blank_answer_is_worth_nothing_and_asks_nobody(kind):
    mark = await marked(objective(kind, " \u3000", "1"), [])
    assert (mark.state, mark.score, mark.is_correct, mark.code) == ("graded", 0, False, "blank")


async def test_without_a_model_a_short_answer_is_graded_offline():
    mark = await Grader().mark(short())
    assert (mark.state, mark.method) == ("offline", "offline:keywords")
    assert mark.attempts == 0


async def test_without_a_model_and_without_anything_to_go_by_there_is_no_score():
    mark = await Grader().mark(short(correct_answer="", question="Why?"))
    assert (mark.state, mark.score, mark.code) == ("failed", None, "no_grader")


async def test_an_unsure_offline_mark_is_left_to_a_person_where_that_is_wanted():
    mark = await Grader(review_below=1.0).mark(short("The water goes away somewhere."))
    assert (mark.state, mark.score, mark.code) == ("needs_review", None, "low_confidence")
    assert mark.proposed_score is not None


@pytest.mark.parametrize(
    "settings",
    [{"samples": 0}, {"concurrency": 0}, {"passing": 0}, {"passing": 101}, {"max_spread": -1}, {"review_below": 2}],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError):
        Grader(**settings)
