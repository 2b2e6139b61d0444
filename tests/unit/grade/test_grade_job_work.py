"""A mark goes into the ledger and comes out as it was."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.grade.deliver import ADDED, added_columns, cells
from penstock.grade.mark import CriterionMark, Mark
from penstock.grade.work import mark_of, outcome_of
from penstock.records import Failure, Item, Key, Verdict

ITEM = Item(key=Key(3), fields={}, digest="0123456789abcdef")
words = st.text(max_size=20)
points = st.none() | st.floats(0, 100)
criteria = st.builds(CriterionMark, name=words, weight=st.floats(-2, 2), credit=st.floats(0, 1), reason=words)
names = {"attempt_id": "a1", "user_id": "ann", "question_id": "q", "question_type": "short_answer"}


@st.composite
def marks(draw):
    state = draw(st.sampled_from(["graded", "offline", "needs_review", "failed"]))
    scored = state in {"graded", "offline"}
    apart = {"later": draw(st.booleans()), "status": 503} if state == "failed" else {"method": draw(words)}
    return Mark(
        **names,
        **apart,
        state=state,
        score=draw(st.floats(0, 100)) if scored else None,
        is_correct=draw(st.booleans()) if scored else None,
        proposed_score=draw(points),
        explanation=draw(words),
        keyword_matches=tuple(draw(st.lists(words, max_size=3))),
        criteria=tuple(draw(st.lists(criteria, max_size=3))),
        confidence=draw(st.none() | st.floats(0, 1)),
        samples=draw(st.integers(0, 5)),
        agreement=draw(st.none() | st.floats(0, 1)),
        code=draw(words),
        reason=draw(words),
        attempts=draw(st.integers(0, 9)),
        tokens_in=7,
        seconds=1.5,
        graded_at="2026-01-31T23:59:59.000+00:00",
    )


@given(mark=marks())
def test_a_mark_is_the_same_after_its_way_through_the_ledger(mark):
    outcome = outcome_of(ITEM, mark)
    kept = msgspec.json.decode(msgspec.json.encode(outcome), type=type(outcome))
    assert mark_of(kept) == mark


@given(mark=marks())
def test_exactly_a_failed_mark_is_a_failure_and_exactly_a_score_is_a_number(mark):
    outcome = outcome_of(ITEM, mark)
    assert isinstance(outcome, Failure) == (mark.state == "failed")
    if isinstance(outcome, Verdict):
        assert outcome.scores == (() if mark.score is None else (mark.score / 100,))
    assert (outcome.key, outcome.digest, outcome.usage.calls) == (ITEM.key, ITEM.digest, mark.attempts)


def test_the_added_cells_stand_under_their_columns():
    found = CriterionMark(name="cause", weight=2.0, credit=0.5, reason="half")
    mark = Mark(
        **names, state="graded", score=50.0, is_correct=False, keyword_matches=("air", "sea"), criteria=(found,)
    )
    row = dict(zip(ADDED, cells(mark), strict=True))
    assert (row["score"], row["is_correct"], row["keyword_matches"]) == (50.0, "false", "air; sea")
    assert msgspec.json.decode(row["criteria"]) == [{"name": "cause", "weight": 2.0, "credit": 0.5, "reason": "half"}]


def test_the_added_columns_carry_the_prefix_in_the_agreed_order():
    assert added_columns("m_")[:4] == ["m_score", "m_is_correct", "m_state", "m_proposed_score"]
    assert len(added_columns("")) == 18


@pytest.mark.parametrize("kind", [Verdict, Failure])
def test_an_outcome_that_was_written_before_there_were_details_is_read(kind):
    old = {"key": [3, 0], "scores": [0.5], "method": "m", "code": "unfit", "reason": "empty"}
    assert msgspec.json.decode(msgspec.json.encode(old), type=kind).detail == ""
