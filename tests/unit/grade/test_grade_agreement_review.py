"""The list for review: the most doubtful marks first, as a table that can be filled in and read back."""

import csv

import pytest
from click.testing import CliRunner

from penstock.cli.grade_agreement import review
from penstock.errors import InputError
from penstock.grade.agreement import doubtful, open_marked, write_review
from penstock.grade.answer import Answer
from penstock.grade.overrides import Names, read_overrides
from penstock.tables import open_table

HEADS = ("user_id", "question_id", "user_answer", "mark_score", "mark_state", "mark_proposed_score", "mark_confidence")
HEADS += ("mark_expected_error", "mark_method", "mark_attempt_id", "human_score", "school")


def row(name, **more):
    given = {"user_id": name, "question_id": "q1", "user_answer": f"Answer of {name}", "school": "north"}
    return {**given, "mark_score": 50, "mark_state": "graded", "mark_attempt_id": f"id-{name}", **more}


@pytest.fixture
def marked(tmp_path):
    def write(rows, heads=HEADS):
        path = tmp_path / "marked.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            out = csv.DictWriter(file, heads, extrasaction="ignore")
            out.writeheader()
            out.writerows(rows)
        return path

    return write


def order(path, **more):
    return [one.group for one in doubtful(open_marked(path, human=None).answers(), **more)]


def rows_of(path):
    table = open_table(path)
    return [dict(zip(table.columns, row.cells, strict=True)) for row in table.rows()]


def test_what_has_no_score_comes_first_then_the_largest_error_to_be_expected(marked):
    rows = [
        row("sure", mark_expected_error=5),
        row("failed", mark_state="failed", mark_score=""),
        row("unsure", mark_expected_error=30),
        row("unread", mark_state="needs_review", mark_score=""),
    ]
    assert order(marked(rows)) == ["unread", "failed", "unsure", "sure"]


def test_doubt_stands_for_an_error_that_is_not_stated(marked):
    rows = [row("a", mark_expected_error=20), row("b", mark_confidence=0.6), row("c", mark_confidence=0.9)]
    assert order(marked(rows)) == ["b", "a", "c"]


def test_of_equal_errors_the_less_confident_mark_comes_first(marked):
    rows = [
        row("a", mark_expected_error=20, mark_confidence=0.9),
        row("b", mark_expected_error=20, mark_confidence=0.6),
    ]
    assert order(marked(rows)) == ["b", "a"]


def test_marks_that_a_rule_made_come_last(marked):
    rows = [
        row("rule", mark_method="objective:choice"),
        row("silent", mark_method="m"),
        row("a", mark_expected_error=1),
    ]
    assert order(marked(rows)) == ["a", "silent", "rule"]


def test_what_a_person_has_marked_and_what_is_not_marked_yet_is_left_out(marked):
    rows = [row("a", human_score=70), row("b", mark_method="human"), row("c", mark_state="pending"), row("d")]
    assert order(marked(rows)) == ["d"]


def test_a_limit_keeps_the_most_doubtful(marked):
    rows = [row(f"u{error}", mark_expected_error=error) for error in range(20)]
    path = marked(rows)
    assert order(path, limit=3) == order(path)[:3] == ["u19", "u18", "u17"]


def test_the_list_keeps_the_answers_columns_and_has_one_to_fill_in(marked, tmp_path):
    table = open_marked(marked([row("a", mark_proposed_score=40)]), human=None)
    assert write_review(table, tmp_path / "review.csv") == 1
    written = rows_of(tmp_path / "review.csv")[0]
    assert list(written)[:5] == ["user_id", "question_id", "user_answer", "school", "human_score"]
    assert written["human_score"] == ""
    assert written["mark_proposed_score"] == "40"
    assert "mark_attempt_id" in written


@pytest.mark.parametrize("name", ["review.csv", "review.xlsx", "review.jsonl"])
def test_the_list_is_written_in_any_format(marked, tmp_path, name):
    write_review(open_marked(marked([row("a"), row("b")]), human=None), tmp_path / name)
    assert [one["user_id"] for one in rows_of(tmp_path / name)] == ["a", "b"]


def test_a_list_that_was_filled_in_is_read_as_marks_that_win(marked, tmp_path):
    path = tmp_path / "review.csv"
    write_review(open_marked(marked([row("a"), row("b")]), human=None), path)
    path.write_text(path.read_text().replace("Answer of a,north,,", "Answer of a,north,65,"))
    names = Names(user="user_id", question="question_id", attempt="attempt_id", made="mark_attempt_id")
    overrides = read_overrides(path, names)
    answers = [Answer(user_id=who, question_id="q1", question_type="short_answer", user_answer="") for who in "ab"]
    assert [overrides.score(answer) for answer in answers] == [65, None]


def test_the_command_says_how_many_answers_are_to_be_looked_at(marked, tmp_path):
    path = marked([row(f"u{number}") for number in range(9)])
    done = CliRunner().invoke(review, [str(path), "-o", str(tmp_path / "review.csv"), "--limit", "4"])
    assert done.output.startswith("4 answers to look at")
    assert len(rows_of(tmp_path / "review.csv")) == 4


def test_the_column_of_marks_by_people_may_have_another_name(marked, tmp_path):
    path = marked([row("a", teacher=5), row("b", teacher="")], heads=(*HEADS, "teacher"))
    CliRunner().invoke(review, [str(path), "-o", str(tmp_path / "review.csv"), "--human", "teacher"])
    written = rows_of(tmp_path / "review.csv")
    assert [one["user_id"] for one in written] == ["b"]
    assert "teacher" not in written[0]


def test_a_list_that_holds_marks_is_not_written_over(marked, tmp_path):
    out = tmp_path / "review.csv"
    out.write_text("user_id,human_score\na,70\n")
    done = CliRunner().invoke(review, [str(marked([row("a")])), "-o", str(out)])
    assert isinstance(done.exception, InputError)
    assert out.read_text() == "user_id,human_score\na,70\n"


def test_a_list_without_marks_is_written_anew(marked, tmp_path):
    command = [str(marked([row("a")])), "-o", str(tmp_path / "review.csv")]
    assert [CliRunner().invoke(review, command).exit_code for _ in range(2)] == [0, 0]


def test_the_list_does_not_take_the_place_of_the_marks(marked):
    path = marked([row("a")])
    done = CliRunner().invoke(review, [str(path), "-o", str(path)])
    assert isinstance(done.exception, InputError)
    assert "is the file to be read" in str(done.exception)
