"""The page about a grade job says what the summary says, and names no learner."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from browsing import Page
from penstock.grade.config import GradeConfig
from penstock.grade.mark import Mark
from penstock.grade.report import ReportFacts, render
from penstock.grade.summary import Summary
from penstock.grade.work import outcome_of
from penstock.ledger.ledger import Chunk, Job
from penstock.models.session import ModelSpec
from penstock.records import Item, Key

MODEL = ModelSpec(name="openai/small", base_url="https://user:hunter2@models.example/v1")
FULL = {
    "models": (MODEL,),
    "graded": "/home/somebody/graded.csv",
    "rubric": "/home/somebody/rubric.yaml",
    "key": "/home/somebody/key.csv",
}


def mark(state, score=None, *, question="q1", **more):
    right = None if score is None else score >= 80
    given = {"method": "openai/small", "attempts": 1, "seconds": 1.5, **more}
    return Mark(
        attempt_id="a", user_id="somebody", question_id=question, question_type="short_answer",
        state=state, score=score, is_correct=right, **given,
    )  # fmt: skip


def facts(marks=(), *, rows=None, status="completed", settings=None, **rest):
    config = GradeConfig(source="/home/somebody/answers.csv", output="/home/somebody/marked.csv", **(settings or {}))
    summary = Summary()
    for row, one in enumerate(marks):
        summary.take(outcome_of(Item(key=Key(row), fields={}), one), one)
    total = len(marks) if rows is None else rows
    job = Job(id="grade-1", system="grade", fingerprint="", config="{}", folder="", status=status, rows=total)
    return ReportFacts(job=job, config=config, summary=summary, **rest)


@pytest.fixture
def full():
    """A page with every part."""
    marks = [
        mark("graded", 100.0, cached=True),
        mark("offline", 35.0, question="q2", code="timeout", reason="graded without it"),
        mark("needs_review", question="q2", code="samples_disagree", reason="between 0 and 75", proposed_score=50.0),
        mark("failed", method="", code="bad_reply", reason="the reply is cut off", status=502),
    ]
    course = [
        {"seconds": float(at), "done": at, "failed": 0, "rate": 1.0, "working": 2, "in_flight": 2, "limit": 4.0}
        | {"calls": at, "throttled": at // 4, "cuts": 0, "cache_hits": 1, "cache_misses": 2}
        for at in range(12)
    ]
    return facts(
        marks,
        settings=FULL,
        progress=course,
        pace=[{"at": 1.5, "limit": 6, "rate": None, "why": "found"}],
        chunks=[Chunk(number=0, first_row=0, rows=4, status="failed", retry_count=3, failed=1, last_error="cut off")],
        stage_seconds={"judge": 8.0},
        queue_depths={"in": 3},
        quality={"n_examples": 40, "rmse": 0.123, "accuracy": 0.9, "ece": math.nan},
    )


def test_every_element_is_closed_and_every_part_has_a_heading(full):
    found = Page(render(full))
    assert found.open == []
    assert found.tags["h1"] == 1
    assert found.tags["h2"] == found.tags["section"] == 13


def test_nothing_is_loaded_from_outside_and_nothing_runs(full):
    found = Page(render(full))
    assert found.needs() == []
    assert found.tags["script"] == 0


def test_every_table_has_a_caption_and_every_chart_its_words(full):
    found = Page(render(full))
    assert found.tags["caption"] == found.tags["table"] > 6
    charts = [one for one in found.all("svg") if one.get("class") != "share"]
    assert charts
    assert all(one.get("role") == "img" and one.get("aria-label") for one in charts)


def test_the_page_fits_dark_screens_narrow_ones_and_paper(full):
    source = render(full)
    for told in ("width=device-width", "prefers-color-scheme: dark", "@media print", "max-width: 40rem"):
        assert told in source


def test_the_verdict_says_how_the_answers_ended(full):
    text = Page(render(full)).text
    assert "4 answers, 2 with a score, 1 for a person, 1 failed, 67.5 points on average, 11.0 s, 11 calls" in text
    assert "2 refused, 33 % from the cache." in text


def test_states_and_what_led_to_them_are_counted(full):
    text = Page(render(full)).text
    assert "1graded: with a score1offline: with a score, without a model1needs review: left to a person1failed" in text
    assert "needs reviewsamples_disagree1" in text


def test_questions_stand_with_the_hardest_first(full):
    text = Page(render(full)).text
    assert "q2short answer235.00 %10q1short answer2100.0100 %01" in text


def test_answers_for_a_person_are_listed_with_what_is_proposed(full):
    assert "All of themRowQuestionProposedWhy3q250.0between 0 and 75" in Page(render(full)).text


def test_the_trained_grader_tells_how_good_it_is(full):
    text = Page(render(full)).text
    assert "On 40 graded answers, each left out in turn" in text
    assert "Error of the score (RMSE), points12.3" in text


def test_no_name_of_a_learner_no_folder_and_no_secret_is_shown(full):
    source = render(full)
    assert "somebody" not in source
    assert "hunter2" not in source


def test_a_job_without_scores_has_a_page():
    text = Page(render(facts([mark("failed", code="unfit", reason="empty")]))).text
    assert "No answer has a score." in text


def test_rows_that_wait_are_told_and_how_to_go_on():
    text = Page(render(facts([mark("graded", 5.0)], rows=3, status="interrupted"))).text
    assert "2 still to do" in text
    assert "What was graded is kept. Go on with penstock jobs resume grade-1" in text


@given(words=st.text(min_size=1, max_size=60))
def test_any_text_of_others_leaves_the_page_whole(words):
    marks = [
        mark("failed", question=words, method="", code=words, reason=words),
        mark("needs_review", question=words, code=words, reason=words, method=words),
    ]
    found, plain = (
        Page(render(facts([*marks]))),
        Page(render(facts([mark("failed", code="c"), mark("needs_review")]))),
    )
    assert found.open == plain.open == []
    assert found.tags["script"] == 0
    assert found.tags["section"] == plain.tags["section"]


def test_two_thousand_questions_stay_a_page_one_can_open():
    marks = [mark("graded", float(one % 101), question=f"question {one}") for one in range(2_500)]
    assert len(render(facts(marks)).encode()) < 200_000
