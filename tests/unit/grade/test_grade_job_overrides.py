"""Marks of people: found by learner and question, by attempt, or by the id that an earlier run added."""

import pytest

from markings import written
from penstock.errors import InputError
from penstock.grade.answer import Answer
from penstock.grade.overrides import Names, read_overrides

NAMES = Names(user="user_id", question="question_id", attempt="attempt_id", made="mark_attempt_id")
ANSWER = Answer(user_id="ann", question_id="q", question_type="true_false", user_answer="yes")


@pytest.fixture
def overrides(tmp_path):
    def read(rows):
        path = tmp_path / "overrides.csv"
        path.write_text(rows if isinstance(rows, str) else written(rows), encoding="utf-8")
        return read_overrides(path, NAMES)

    return read


@pytest.mark.parametrize(
    "named", [{"user_id": "ann", "question_id": "q"}, {"mark_attempt_id": ANSWER.attempt, "question_id": "q"}]
)
def test_a_mark_is_found_by_what_its_row_names(overrides, named):
    assert overrides([{**named, "human_score": "70"}]).score(ANSWER) == 70.0


def test_an_attempt_of_the_answer_is_found_by_its_id(overrides):
    answer = Answer(user_id="ann", question_id="q", question_type="numeric", user_answer="1", attempt_id="7")
    assert overrides([{"attempt_id": "7", "human_score": "5"}]).score(answer) == 5.0


def test_a_row_that_was_not_filled_in_yet_marks_nothing(overrides):
    assert overrides([{"user_id": "ann", "question_id": "q", "human_score": ""}]).score(ANSWER) is None


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("user_id,question_id\nann,q\n", "human_score"),
        ("user_id,human_score\nann,5\n", "do not say whose answers"),
        ([{"user_id": "ann", "question_id": "q", "human_score": "good"}], "Row 1 .* from 0 to 100, not 'good'"),
        ([{"user_id": "ann", "question_id": "q", "human_score": "101"}], "Row 1"),
        ([{"user_id": "ann", "question_id": "q", "human_score": "nan"}], "Row 1"),
        ([{"user_id": "", "question_id": "q", "human_score": "1"}], "Row 1 .*whose answer"),
        ([{"user_id": "a", "question_id": "q", "human_score": one} for one in "12"], "Row 2 .*another mark above"),
    ],
)
def test_what_is_wrong_with_the_file_is_one_sentence(overrides, rows, told):
    with pytest.raises(InputError, match=told):
        overrides(rows)
