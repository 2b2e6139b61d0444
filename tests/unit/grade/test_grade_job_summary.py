"""The summary of a grade job says what counting by hand would say."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.grade import summary as module
from penstock.grade.mark import Mark
from penstock.grade.summary import Summary
from penstock.grade.work import outcome_of
from penstock.records import Item, Key


def marked(state, score=None, *, question="q", code="", **more):
    right = None if score is None else score >= 80
    return Mark(
        attempt_id="a", user_id="u", question_id=question, question_type="short_answer",
        state=state, score=score, is_correct=right, code=code, **more,
    )  # fmt: skip


def summed(marks, **limits):
    summary = Summary(**limits)
    for row, mark in enumerate(marks):
        summary.take(outcome_of(Item(key=Key(row), fields={}), mark), mark)
    return summary


found = st.one_of(
    st.builds(marked, st.sampled_from(["graded", "offline"]), st.integers(0, 100), question=st.sampled_from("abc")),
    st.builds(marked, st.just("needs_review"), question=st.sampled_from("abc"), code=st.just("unreadable")),
    st.builds(marked, st.just("failed"), question=st.sampled_from("abc"), code=st.sampled_from(["unfit", "timeout"])),
)


@given(marks=st.lists(found, max_size=40))
def test_states_reasons_and_scores_equal_a_count_by_hand(marks):
    summary = summed(marks)
    states = Counter(mark.state for mark in marks)
    assert {state: number for state, number in summary.states.items() if number} == states
    assert summary.codes == Counter((mark.state, mark.code) for mark in marks if mark.code)
    scores = [mark.score for mark in marks if mark.score is not None]
    assert (summary.total.scored, summary.total.points, sum(summary.counts)) == (len(scores), sum(scores), len(scores))


@given(marks=st.lists(found, max_size=40))
def test_questions_add_up_to_the_whole(marks):
    summary = summed(marks)
    for name in ("answers", "scored", "correct", "review", "failed"):
        assert sum(getattr(one, name) for one in summary.questions) == getattr(summary.total, name)


def test_only_answers_with_a_score_count_in_the_mean():
    summary = summed([marked("graded", 90.0), marked("offline", 30.0), marked("needs_review"), marked("failed")])
    assert (summary.total.mean, summary.total.rate) == (60.0, 0.5)


def test_without_a_score_there_is_no_mean():
    summary = summed([marked("needs_review"), marked("failed", code="unfit")])
    assert (summary.total.mean, summary.as_dict()["correct_rate"]) == (None, None)


def test_answers_for_a_person_are_listed_up_to_a_limit():
    summary = summed([marked("needs_review", code="unreadable", proposed_score=5.0)] * 7, reviews=3)
    assert [(one.row, one.proposed) for one in summary.reviews] == [(0, 5.0), (1, 5.0), (2, 5.0)]


def test_questions_beyond_the_limit_are_counted_together(monkeypatch):
    monkeypatch.setattr(module, "MOST_QUESTIONS", 2)
    summary = summed([marked("graded", 50.0, question=str(number)) for number in range(5)])
    assert [(one.name, one.answers) for one in summary.questions] == [("0", 1), ("1", 1), ("all others", 3)]


@pytest.mark.parametrize("marks", [[], [marked("graded", 50.0), marked("failed", code="unfit")]])
def test_everything_is_written_as_json(marks):
    assert json.loads(json.dumps(summed(marks).as_dict()))["rows"] == len(marks)
