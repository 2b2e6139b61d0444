"""The page about agreement stands alone, shows what was found, and no text of learners becomes part of it."""

import csv
import re

import pytest
from click.testing import CliRunner

from browsing import Page
from penstock.cli.grade_agreement import agreement
from penstock.errors import InputError
from penstock.grade.agreement import Resampling, compare, doubtful, open_marked
from penstock.grade.agreement.page import render

HEADS = ("user_id", "question_id", "user_answer", "teacher", "mark_score", "mark_state", "mark_method")
HEADS += ("mark_confidence", "mark_expected_error", "mark_reason")
HOSTILE = "</td><script>alert(1)</script>\u202e<img src=x onerror=alert(1)>"


def rows(count, *, most=100, **more):
    for number in range(count):
        human = number * 37 % (most + 1)
        score = min(100, max(0, 100 * human / most + number * 13 % 41 - 20))
        yield {
            "user_id": f"u{number % 30}",
            "question_id": f"q{number % 3}",
            "user_answer": f"Answer {number}",
            "teacher": human,
            "mark_score": score,
            "mark_state": ("graded", "offline")[number % 2],
            "mark_method": ("m", "offline:keywords", "n")[number % 3],
            "mark_confidence": 0.5 + number % 50 / 100,
            "mark_expected_error": 5 + number % 30,
            **more,
        }


@pytest.fixture
def page(tmp_path):
    def make(given):
        path = tmp_path / "marked.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            out = csv.DictWriter(file, HEADS)
            out.writeheader()
            out.writerows(given)
        table = open_marked(path, human="teacher")
        found = compare(table, resampling=Resampling(resamples=100))
        return Page(render(found, doubtful(table.answers(), limit=50)))

    return make


def heads(page):
    return re.findall(r"<h2>(.*?)</h2>", page.source)


def test_the_page_stands_alone(page):
    found = page(rows(60))
    assert found.open == []
    assert found.needs() == []


def test_the_page_has_all_its_parts(page):
    assert heads(page([*rows(60), *rows(1, teacher="")])) == [
        "Agreement",
        "Who gave which mark",
        "By the mark that people gave",
        "By method",
        "By question",
        "The surest marks",
        "Stated confidence and stated error",
        "Worth a look",
        "What was left out",
        "How to read it",
    ]


def test_parts_without_anything_to_show_are_left_out(page):
    bare = {
        "mark_method": "m",
        "mark_state": "graded",
        "question_id": "q",
        "mark_confidence": "",
        "mark_expected_error": "",
    }
    found = page(rows(5, **bare))
    assert heads(found)[3:5] == ["The surest marks", "What was left out"]
    assert "No confidence is stated for the marks." in found.text
    assert "all of this is rough" in found.text


def test_few_marks_are_a_table_of_counts_and_many_are_dots(page):
    assert "People ↓ machine →" in page(rows(60, most=2)).text
    assert "People ↓ machine →" not in page(rows(60)).text


@pytest.mark.parametrize(
    "column", ["user_answer", "question_id", "user_id", "mark_method", "mark_reason", "mark_state"]
)
def test_no_text_of_the_table_becomes_part_of_the_page(page, column):
    found = page([*rows(30), *rows(30, **{column: HOSTILE}), *rows(3, **{column: HOSTILE}, teacher="")])
    assert found.open == []
    assert not found.all("script")
    assert not found.all("img")


def test_long_answers_are_cut_off(page):
    found = page([*rows(3), *rows(1, user_answer="word " * 20_000, teacher="")])
    assert "word word" in found.text
    assert len(found.source) < 60_000


def test_the_command_for_the_whole_list_can_be_copied(page):
    found = page([*rows(3), *rows(1, teacher="")])
    assert "penstock grade review marked.csv -o review.csv --human teacher" in found.text


def test_answers_of_people_who_gave_a_mark_are_not_shown(page):
    assert "Answer 1" not in page(rows(5)).text


@pytest.mark.parametrize("given", [{"teacher": 0, "mark_score": 0}, {"teacher": 100, "mark_score": 100}])
def test_a_page_can_be_made_where_nothing_varies(page, given):
    assert page(rows(1, **given)).open == []
    assert page(rows(30, **given, mark_confidence=1, mark_expected_error=0)).open == []


def test_the_command_writes_the_page(tmp_path):
    source, out = tmp_path / "marked.csv", tmp_path / "page.html"
    source.write_text("teacher,mark_score\n1,90\n0,20\n")
    done = CliRunner().invoke(agreement, [str(source), "--human", "teacher", "--report", str(out)])
    assert done.exit_code == 0
    assert str(out) in done.output
    assert "Machine and people on" in Page(out.read_text()).text


def test_the_page_does_not_take_the_place_of_the_marks(tmp_path):
    source = tmp_path / "marked.csv"
    source.write_text("teacher,mark_score\n1,90\n")
    done = CliRunner().invoke(agreement, [str(source), "--human", "teacher", "--report", str(source)])
    assert isinstance(done.exception, InputError)
    assert source.read_text().startswith("teacher")
