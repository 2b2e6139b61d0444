"""What an answer must have to be graded, and what is said of one that has not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import Unfit
from penstock.grade import Answer, Criterion, Rubric
from penstock.grade.answer import LONGEST, listed

WHOLE = {
    "user_id": "u1",
    "question_id": "q1",
    "question_type": "short_answer",
    "user_answer": "Water evaporates.",
    "correct_answer": "The water evaporates.",
}


def refused(**changes):
    values = {**WHOLE, **changes}
    with pytest.raises(Unfit) as refusal:
        Answer.of({name: value for name, value in values.items() if value is not ...})
    return refusal.value


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"user_id": ""}, "missing_id", "no user_id"),
        ({"user_id": ...}, "missing_id", "no user_id"),
        ({"question_id": None}, "missing_id", "no question_id"),
        ({"question_id": "  "}, "missing_id", "no question_id"),
        ({"user_answer": ...}, "missing_answer", "no user_answer"),
        ({"question_type": ...}, "unknown_type", "no question type"),
        ({"question_type": "riddle"}, "unknown_type", "'riddle' is unknown"),
        ({"correct_answer": None}, "missing_key", "neither a reference answer"),
        ({"question_type": "true_false", "correct_answer": ""}, "missing_key", "no correct answer"),
        ({"user_answer": ["a"]}, "wrong_type", "The answer must be text, not a list"),
        ({"user_answer": {"a": 1}}, "wrong_type", "must be text, not a mapping"),
        ({"question_id": b"q"}, "wrong_type", "must be text, not bytes"),
        ({"difficulty": "hard"}, "wrong_type", "Difficulty must be a whole number, not 'hard'"),
        ({"tolerance": -1}, "wrong_type", "Tolerance must be a number from 0 up"),
        ({"tolerance": "inf"}, "wrong_type", "Tolerance must be a number from 0 up"),
        ({"user_answer": "x" * (LONGEST + 1)}, "too_long", "has 50,001 characters"),
        ({"rubric": [{"name": "a", "wait": 1}]}, "bad_key", "unknown field `wait`"),
        ({"rubric": "{"}, "bad_key", "The rubric cannot be used"),
        ({"rubric": []}, "bad_key", "no criterion with a weight above 0"),
        ({"correct_keywords": "[1,"}, "wrong_type", "begins like a JSON list"),
    ],
)
def test_what_cannot_be_graded_says_why_in_one_word_and_one_sentence(changes, code, said):
    error = refused(**changes)
    assert error.code == code
    assert said in str(error)
    assert str(error).endswith(".")


@pytest.mark.parametrize("given_type", ["short", "Short Answer", "SHORT-ANSWER", "sa", " essay "])
def test_a_question_type_may_be_written_in_several_ways(given_type):
    assert Answer.of({**WHOLE, "question_type": given_type}).question_type == "short_answer"


def test_other_names_of_a_mapping_are_not_looked_at():
    assert Answer.of({**WHOLE, "session_id": object()}) == Answer.of(WHOLE)


def test_plain_values_are_read_as_text():
    answer = Answer.of({**WHOLE, "user_id": 7, "question_type": "true_false", "user_answer": True, "correct_answer": 1})
    assert (answer.user_id, answer.user_answer, answer.correct_answer) == ("7", "true", ("1",))


def test_an_answer_that_is_made_by_hand_is_checked_too():
    bare = Answer(user_id="u", question_id="q", question_type="true_false", user_answer="yes")
    with pytest.raises(Unfit, match="no correct answer"):
        Answer.of(bare)


def test_a_checked_answer_stays_as_it_is():
    answer = Answer.of({**WHOLE, "rubric": ["idea"], "correct_keywords": ["water|H2O", "gas"]})
    assert Answer.of(answer) == answer


def test_a_rubric_may_come_as_names_mappings_or_json():
    rubric = Rubric(criteria=(Criterion(name="idea"), Criterion(name="units", weight=0.5)))
    for given_rubric in (
        rubric,
        ["idea", {"name": "units", "weight": 0.5}],
        '["idea", {"name": "units", "weight": 0.5}]',
    ):
        assert Answer.of({**WHOLE, "rubric": given_rubric}).rubric == rubric


def test_half_characters_are_replaced():
    assert Answer.of({**WHOLE, "user_answer": "a\ud800b"}).user_answer == "a?b"


@pytest.mark.parametrize("blank", ["", " \n\t", "\u3000", "\u200b\ufeff"])
def test_an_answer_without_anything_that_is_written_is_blank(blank):
    assert Answer.of({**WHOLE, "user_answer": blank}).is_blank


def test_the_same_answer_has_the_same_attempt_and_another_one_another():
    one = Answer.of(WHOLE)
    assert one.attempt == Answer.of(dict(WHOLE)).attempt
    assert one.attempt != Answer.of({**WHOLE, "user_id": "u2"}).attempt
    assert Answer.of({**WHOLE, "attempt_id": "a-7"}).attempt == "a-7"


@pytest.mark.parametrize(
    ("cell", "parts"),
    [("", ()), ("one", ("one",)), ("one; two;", ("one", "two")), ('["a;b", 2]', ("a;b", "2")), ("a\nb", ("a", "b"))],
)
def test_a_list_in_a_cell_is_json_or_divided_by_semicolons(cell, parts):
    assert listed(cell) == parts


ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.binary(max_size=4),
)


@given(st.dictionaries(st.sampled_from([*WHOLE, "rubric", "choices", "unit", "difficulty"]), ANY))
def test_whatever_is_given_is_an_answer_or_is_refused_with_a_reason(values):
    code = answer = None
    try:
        answer = Answer.of(values)
    except Unfit as error:
        code = error.code
    assert (answer is None) == (code is not None)
    assert code != "unfit"
