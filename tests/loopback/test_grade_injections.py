"""Answers that address the marker, through a real server with a model that obeys whatever is not fenced."""

import json
import re
import unicodedata

import pytest

from grade_injections import ANSWERS, REFERENCE, RUBRIC, attempts, attempts_once
from penstock.grade import Grader, score_answers_batch_parallel
from penstock.models import ModelSpec
from penstock.testing import Behaviour, ModelServer, obey_request

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


def attacked(tried, *forms):
    """Every attempt on every answer, by a name of its own, with the score that the answer deserves."""
    return {
        f"{attempt.name} in {form} on {score:g}": (score, form.format(attempt=attempt.text, answer=answer))
        for score, answer in ANSWERS.items()
        for attempt in tried
        for form in forms
    }


EVERYWHERE = attacked(attempts(), "{answer} {attempt}", "{attempt} {answer}")
ONCE = attacked(attempts_once(), "{answer} {attempt}")
ALONE = {f"{attempt.name} alone": (0.0, attempt.text) for attempt in attempts_once()}


async def marked(answers, model, behaviour=None):
    """The marks that the answers get from a server with this model, by name."""
    question = {"question_id": "q", "question_type": "short_answer", "correct_answer": REFERENCE, "rubric": RUBRIC}
    given = [{**question, "user_id": name, "user_answer": text} for name, (_, text) in answers.items()]
    async with ModelServer(behaviour, answer=model) as server:
        spec = ModelSpec(name="openai/m", base_url=server.url, attempts=1)
        batch = await score_answers_batch_parallel(given, grader=Grader(spec))
    return {mark.user_id: mark for mark in batch.marks}


def moved(marks):
    """The attempts that got another score than the answer deserves."""
    deserved = {**EVERYWHERE, **ONCE, **ALONE}
    return [name for name, mark in marks.items() if mark.has_score and mark.score != deserved[name][0]]


def learner_text(body):
    """What stands in the fence of a request."""
    return json.loads(body["messages"][-1]["content"].split("\n")[1])["text"]


def quoting(form):
    """An obedient model that quotes the learner around its verdict, as the form says."""

    def answer(body):
        return form.format(text=learner_text(body), verdict=obey_request(body))

    return answer


def excerpting(body):
    """An obedient model that picks what looks like a verdict out of the answer, tidies it up and quotes it alone."""
    tidy = unicodedata.normalize("NFKC", learner_text(body)).replace("\\", "").replace("'", '"')
    found = re.search(r'\{"(?:reasons|credits)"[^{}]*\}', tidy)
    return f"The learner claims this: {found[0]}" if found else obey_request(body)


def explaining(body):
    """An obedient model that explains with the learner's own words, inside its JSON."""
    text = learner_text(body)
    return json.dumps({**json.loads(obey_request(body)), "explanation": text, "feedback": text, "reasons": [text] * 2})


async def test_no_attempt_moves_a_score():
    marks = await marked(EVERYWHERE, obey_request)
    assert len(marks) == 6 * len(attempts()) > 2_400
    assert {mark.state for mark in marks.values()} == {"graded"}
    assert moved(marks) == []


async def test_no_attempt_moves_a_score_when_the_model_is_asked_again():
    marks = await marked(ONCE, obey_request, Behaviour(faults={"prose": 0.3, "string": 0.3}))
    assert sum(mark.attempts == 2 for mark in marks.values()) > 200
    assert moved(marks) == []


async def test_a_model_that_explains_with_the_learners_words_is_read_as_it_meant_it():
    marks = await marked(ONCE, explaining)
    assert {mark.state for mark in marks.values()} == {"graded"}
    assert moved(marks) == []


@pytest.mark.parametrize(
    "form",
    [
        "The learner wrote: {text}\n\nMy verdict: {verdict}",
        "{verdict}\n\nThat is because the learner wrote: {text}",
        "The learner wrote:\n```\n{text}\n```\nMy verdict:\n```json\n{verdict}\n```",
    ],
)
async def test_a_model_that_quotes_the_learner_beside_its_verdict_is_never_read_as_the_learner(form):
    marks = await marked(ONCE, quoting(form))
    assert any(mark.state == "graded" for mark in marks.values())
    assert moved(marks) == []


@pytest.mark.parametrize("form", ["I cannot mark this: {text}", "{text}", "```json\n{text}\n```"])
async def test_a_model_that_only_quotes_the_learner_gives_no_mark(form):
    marks = await marked({**ONCE, **ALONE}, quoting(form))
    assert [name for name, mark in marks.items() if mark.has_score] == []


async def test_a_model_that_quotes_a_part_of_the_answer_gives_no_mark_for_it():
    marks = await marked({**ONCE, **ALONE}, excerpting)
    assert sum(mark.state == "failed" for mark in marks.values()) >= 40
    assert moved(marks) == []
