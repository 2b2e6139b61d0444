"""Rows become answers, or marks that say why there is nothing to grade."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markings import KEY, answered, written
from penstock.errors import InputError
from penstock.grade.config import GradeConfig
from penstock.grade.key import Key, Question, read_key
from penstock.grade.overrides import Names, read_overrides
from penstock.grade.source import AnswerSource
from penstock.tables import open_table

NAMES = Names(user="user_id", question="question_id", attempt="attempt_id", made="mark_attempt_id")


@pytest.fixture
def items(tmp_path):
    def read(rows, *, overrides=None, keyed=True, **settings):
        for name, table in (("answers.csv", rows), ("key.csv", KEY), ("overrides.csv", overrides)):
            if table:
                tmp_path.joinpath(name).write_text(written(table), encoding="utf-8")
        config = GradeConfig(source="answers.csv", output="o.csv", key="key.csv" if keyed else "", **settings)
        given = read_overrides(tmp_path / "overrides.csv", NAMES) if overrides else None
        key = read_key(tmp_path / "key.csv", {}) if keyed else Key(rubrics={})
        source = AnswerSource(open_table(tmp_path / "answers.csv"), config, key, given)
        return [item for (item,) in source.rows()]

    return read


def codes(found):
    return [item.fields["mark"].code if "mark" in item.fields else "" for item in found]


def test_an_answer_has_all_that_it_is_graded_by(items):
    (item,) = items([answered("ann", "num", "12.3")])
    answer = item.fields["answer"]
    assert (answer.user_id, answer.question_type, answer.tolerance) == ("ann", "numeric", 0.5)


def test_of_two_answers_of_a_learner_to_a_question_the_later_one_fails_and_names_the_first(items):
    found = items([answered("ann", "tf", "yes"), answered("bob", "tf", "yes"), answered("ann", "tf", "no")])
    assert codes(found) == ["", "", "duplicate"]
    assert found[2].fields["mark"].reason == "Row 1 holds the same learner's answer to the question already."


def test_with_attempts_a_learner_may_answer_twice_but_an_attempt_counts_once(items):
    rows = [answered("ann", "tf", "yes", attempt_id=one) for one in ("1", "2", "2")]
    assert codes(items(rows, attempt="attempt_id")) == ["", "", "duplicate"]


def test_an_answer_that_could_not_be_graded_does_not_stand_in_the_way_of_a_later_one(items):
    rows = [answered("ann", "rain", "x" * 50_001), answered("ann", "rain", "it cools")]
    assert codes(items(rows)) == ["too_long", ""]


def test_without_learners_the_rows_stand_for_them(items):
    rows = [{"question_id": "tf", "user_answer": "yes"}] * 2
    found = items(rows, user="")
    assert [item.fields["answer"].user_id for item in found] == ["row 1", "row 2"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (answered("", "tf", "yes"), "missing_id"),
        (answered("ann", " ", "yes"), "missing_id"),
        (answered("ann", "snow", "yes"), "missing_key"),
    ],
)
def test_a_row_that_is_not_gradable_says_why_and_keeps_its_names(items, row, code):
    found = items([row, answered("bob", "tf", "yes")])
    assert codes(found) == [code, ""]
    assert found[0].fields["mark"].user_id == row["user_id"]


def test_the_mark_of_a_person_wins_even_where_there_is_no_key(items):
    rows = [answered("ann", "tf", "yes"), answered("ann", "snow", "white")]
    human = [{"user_id": "ann", "question_id": one, "human_score": score} for one, score in (("tf", 30), ("snow", 90))]
    found = items(rows, overrides=human)
    marks = [item.fields["mark"] for item in found]
    assert [(one.score, one.is_correct, one.method, one.state) for one in marks] == [
        (30.0, False, "human", "graded"),
        (90.0, True, "human", "graded"),
    ]


def test_a_mark_of_a_person_that_is_taken_back_or_changed_changes_the_digest(items):
    rows = [answered("ann", "tf", "yes")]
    human = [{"user_id": "ann", "question_id": "tf", "human_score": "30"}]
    others = [{**human[0], "human_score": "31"}]
    found = [items(rows, overrides=one)[0].digest for one in (None, human, others)]
    assert len(set(found)) == 3


@pytest.mark.parametrize("column", ["question", "answer", "user", "attempt"])
def test_a_column_that_is_not_there_is_told(items, column):
    with pytest.raises(InputError, match="no column 'elsewhere'"):
        items([answered("ann", "tf", "yes")], **{column: "elsewhere"})


def test_without_a_key_the_table_must_say_the_types(items):
    with pytest.raises(InputError, match=r"no column 'question_type': add it, or give a key \(--key\)"):
        items([answered("ann", "tf", "yes")], keyed=False)


def test_without_a_key_its_columns_stand_beside_the_answers(items):
    rows = [answered("ann", "q", "yes", question_type=kind, correct_answer="yes") for kind in ("true_false", "")]
    rows[1]["user_id"] = "bob"
    found = items(rows, keyed=False)
    assert codes(found) == ["", "unknown_type"]
    assert found[0].fields["answer"].correct_answer == ("yes",)


@given(rows=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["tf", "mc"])), min_size=1, max_size=9))
def test_exactly_the_first_answer_of_each_learner_to_each_question_is_graded(rows):
    with TemporaryDirectory() as folder:
        path = Path(folder, "answers.csv")
        path.write_text(written([answered(*row, "yes") for row in rows]), encoding="utf-8")
        key = Key(questions={one: Question(given=KEYED[one], digest=one) for one in KEYED}, rubrics={})
        source = AnswerSource(open_table(path), GradeConfig(source="s", output="o", key="k"), key, None)
        graded = [rows[item.key.row] for (item,) in source.rows() if "answer" in item.fields]
    assert graded == list(dict.fromkeys(rows))


KEYED = {
    "tf": {"question_type": "true_false", "correct_answer": "true"},
    "mc": {"question_type": "multiple_choice", "correct_answer": "B"},
}
