"""Graded examples of a job: read and checked before anything is entered anywhere."""

import csv

import pytest

from penstock import grade_table
from penstock.errors import InputError


def write(path, *rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.mark.parametrize("count", [1, 19])
def test_too_few_graded_examples_are_told_before_a_job_is_entered(tmp_path, count):
    answers = write(tmp_path / "answers.csv", ["question_id", "user_answer"], ["q", "it rains"])
    key = write(tmp_path / "key.csv", ["question_id", "question_type", "correct_answer"], ["q", "short", "Rain falls."])
    rows = [["q", f"rain number {number}", 50] for number in range(count)]
    graded = write(tmp_path / "graded.csv", ["question_id", "user_answer", "human_score"], *rows)
    with pytest.raises(InputError, match=f"hold {count} short answers with a mark in 'human_score'; at least 20"):
        grade_table(answers, key=key, graded=graded, home=tmp_path / "home")
    assert not (tmp_path / "home" / "runs").exists()
    assert not (tmp_path / "answers.marked.csv").exists()
