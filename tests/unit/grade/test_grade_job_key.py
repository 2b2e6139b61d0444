"""The key: every slip of the pen in it is told before an answer is graded."""

import pytest

from markings import KEY, written
from penstock.errors import InputError, Unfit
from penstock.grade.answer import Answer
from penstock.grade.key import Key, read_key, read_rubrics
from penstock.grade.rubric import Criterion, Rubric

RUBRIC = Rubric(criteria=(Criterion(name="cause"),))


@pytest.fixture
def key(tmp_path):
    def read(rows, rubrics=None):
        path = tmp_path / "key.csv"
        path.write_text(rows if isinstance(rows, str) else written(rows), encoding="utf-8")
        return read_key(path, rubrics or {})

    return read


@pytest.fixture
def rubric(tmp_path):
    def read(text):
        path = tmp_path / "rubric.yaml"
        path.write_text(text, encoding="utf-8")
        return read_rubrics(path)

    return read


def answer_to(question):
    return Answer.of({"user_id": "a", "question_id": "q", "user_answer": "b", **question.given})


def test_every_question_is_found_with_what_it_is_graded_by(key):
    found = key(KEY)
    choice = answer_to(found.question("mc", {}))
    assert (choice.correct_answer, choice.choices) == (("B",), ("Oslo", "Bergen", "Vardo"))
    assert answer_to(found.question("rain", {})).correct_keywords == ("air rises", "cools", "water")
    assert answer_to(found.question("num", {})).tolerance == 0.5


def test_several_reference_answers_are_written_as_a_json_list(key):
    found = key([{"question_id": "q", "question_type": "short_answer", "correct_answer": '["one", "another"]'}])
    assert answer_to(found.question("q", {})).correct_answer == ("one", "another")


def test_a_question_that_is_not_in_the_key_is_the_answers_own_failure(key):
    with pytest.raises(Unfit, match="The key has no question 'snow'") as caught:
        key(KEY).question("snow", {})
    assert caught.value.code == "missing_key"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("question,question_type\nq,true_false\n", "question_id"),
        ("question_id,correct_answer\nq,true\n", "question_type"),
        ("question_id,question_type,correct_answer\n", "no rows"),
        ([*KEY, KEY[0]], "Row 5 .*'mc' stands in the key already"),
        ([{"question_id": "", "question_type": "true_false"}], "Row 1 .*no question_id"),
        ([{"question_id": "q", "question_type": "riddle"}], "Row 1 .*'riddle' is unknown"),
        ([{"question_id": "q", "question_type": "true_false", "correct_answer": ""}], "Row 1 .*no correct answer"),
        ([{"question_id": "q", "question_type": "numeric", "correct_answer": "a lot"}], "Row 1"),
        ([{"question_id": "q", "question_type": "short_answer", "rubric": "[{]"}], "Row 1 .*rubric"),
    ],
)
def test_what_is_wrong_with_the_file_is_one_sentence_that_names_the_place(key, rows, told):
    with pytest.raises(InputError, match=told):
        key(rows)


def test_a_rubric_of_its_own_wins_over_that_of_all_others(key):
    rubrics = {"*": Rubric(criteria=(Criterion(name="other"),)), "rain": RUBRIC}
    assert answer_to(key(KEY, rubrics).question("rain", {})).rubric == RUBRIC


def test_a_rubric_for_a_question_that_is_not_there_is_told(key):
    with pytest.raises(InputError, match="names the question 'ran'"):
        key(KEY, {"ran": RUBRIC})


def test_the_digest_changes_with_the_key_and_with_the_rubric(key):
    other = [{**row, "question": "Why?"} if row["question_id"] == "rain" else row for row in KEY]
    found = [key(KEY), key(other), key(KEY, {"*": RUBRIC})]
    assert len({one.question("rain", {}).digest for one in found}) == 3
    assert key(KEY).question("rain", {}) == key(KEY).question("rain", {})


def test_without_a_file_the_key_stands_in_the_row():
    cells = {"question_type": "true_false", "correct_answer": True, "else": 3}
    assert answer_to(Key(rubrics={}).question("q", cells)).correct_answer == ("true",)


def test_a_rubric_file_names_criteria_by_question(rubric):
    found = rubric("7: [cause, {name: clear, weight: 2}]\n'*': {criteria: [cause], instructions: Be kind.}\n")
    assert [one.weight for one in found["7"].criteria] == [1.0, 2.0]
    assert found["*"].instructions == "Be kind."


@pytest.mark.parametrize(
    "text", ["", "[a, b]", "q: []", "q: [{nam: a}]", "q: {criteria: [a], more: 1}", "q: [a, a]", "{", "q: 7"]
)
def test_a_rubric_file_that_cannot_be_used_is_one_sentence(rubric, text):
    with pytest.raises(InputError, match=r"rubric\.yaml"):
        rubric(text)
