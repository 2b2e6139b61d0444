"""Marks of the machine are compared with those of people, and what cannot be compared is counted, never a zero."""

import csv
import json

import pytest
from click.testing import CliRunner

from penstock.cli.grade_agreement import agreement
from penstock.errors import InputError
from penstock.grade.agreement import Resampling, compare, open_marked
from penstock.grade.agreement.wording import basis, left_out

QUICK = Resampling(resamples=100)
HEADS = ("user_id", "question_id", "user_answer", "teacher", "mark_score", "mark_is_correct", "mark_state")
HEADS += ("mark_method", "mark_confidence", "mark_expected_error")


def row(teacher, score, **more):
    state = more.pop("state", "graded" if score != "" else "needs_review")
    given = {"user_id": "u", "question_id": "q", "user_answer": "a", "teacher": teacher, "mark_score": score}
    return {**given, "mark_state": state, "mark_method": "m", **more}


@pytest.fixture
def marked(tmp_path):
    def write(rows, heads=HEADS, name="marked.csv"):
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            out = csv.DictWriter(file, heads, extrasaction="ignore")
            out.writeheader()
            out.writerows(rows)
        return path

    return write


def compared(path, *, human="teacher", question=None, group=None, **more):
    return compare(open_marked(path, human=human, question=question, group=group), resampling=QUICK, **more)


def value(found, name):
    return found.measures[name].value


def test_figures_are_those_of_the_pairs(marked):
    found = compared(marked([row(0, 10), row(100, 80), row(100, 100), row(50, 90)]))
    assert found.overall.pairs == 4
    assert value(found.overall, "mae") == pytest.approx(17.5)
    assert value(found.overall, "bias") == pytest.approx(7.5)
    assert value(found.overall, "accuracy") == pytest.approx(0.75)


def test_answers_without_two_marks_are_counted_and_never_scored_as_zero(marked):
    rows = [row(100, 100), row(100, ""), row(100, "", state="failed"), row("", 50), row(100, 100)]
    found = compared(marked(rows))
    assert (found.rows, found.unmarked, found.overall.pairs) == (5, 1, 2)
    assert value(found.overall, "rmse") == 0
    assert left_out(found) == "1 without a mark by a person, 1 failed, 1 for review"


def test_every_state_says_how_many_of_it_were_compared(marked):
    found = compared(marked([row(100, 90), row("", 90), row(0, "")]))
    counts = {one.state: (one.rows, one.marked, one.compared) for one in found.states}
    assert counts == {"graded": (2, 1, 1), "needs_review": (1, 1, 0)}


def test_a_mark_that_a_person_gave_is_not_compared_with_itself(marked):
    found = compared(marked([row(100, 100, mark_method="human"), row(0, 50), row(100, 90)]))
    assert found.overall.pairs == 2
    assert left_out(found) == "1 marked by a person"


@pytest.mark.parametrize(
    ("marks", "most"),
    [((0, 1), 1), ((0.5, 0.25), 1), ((0, 2), 2), ((1.5, 4), 4), ((3, 10), 10), ((0, 18), 100), (("true", "false"), 1)],
)
def test_the_scale_of_people_is_told_from_the_largest_mark(marked, marks, most):
    found = compared(marked([row(mark, 50) for mark in marks]))
    assert found.scale.most == most
    assert f"people mark from 0 to {most:g} (told from the largest" in basis(found)


def test_marks_in_the_column_human_score_are_points_of_100(marked):
    heads = [name.replace("teacher", "human_score") for name in HEADS]
    rows = [{**row(0, 5), "human_score": 5}, {**row(0, 0), "human_score": 0}]
    found = compared(marked(rows, heads), human="human_score")
    assert found.scale.most == 100
    assert value(found.overall, "rmse") == 0


def test_a_scale_that_is_given_is_taken(marked):
    found = compared(marked([row(2, 40), row(4, 80)]), scale=5)
    assert value(found.overall, "rmse") == pytest.approx(0)
    assert "people mark from 0 to 5;" in basis(found)


def test_what_the_machine_calls_right_wins_over_its_score(marked):
    found = compared(marked([row(100, 70, mark_is_correct="true"), row(0, 20, mark_is_correct="false")]))
    assert value(found.overall, "accuracy") == 1


def test_answers_are_compared_by_question_with_the_largest_errors_first(marked):
    rows = [row(100, 90, question_id="easy")] * 20 + [row(100, 40, question_id="hard")] * 20
    rows += [row(100, 0, question_id="rare")]
    found = compared(marked(rows))
    assert [one.name for one in found.questions] == ["hard", "easy", "rare"]
    assert [one.pairs for one in found.questions] == [20, 20, 1]


def test_few_marks_of_people_are_a_band_each(marked):
    found = compared(marked([row(0, 10), row(50, 60), row(100, 90), row(50, 40)]))
    assert [(one.name, one.pairs) for one in found.bands] == [("0", 1), ("50", 2), ("100", 1)]


def test_many_marks_of_people_are_put_into_bands_that_share_no_answer(marked):
    found = compared(marked([row(mark, 50) for mark in range(0, 101, 5)]))
    assert [(one.name, one.pairs) for one in found.bands] == [
        ("0", 1),
        ("0–25", 5),
        ("25–50", 5),
        ("50–75", 5),
        ("75–100", 4),
        ("100", 1),
    ]


def test_methods_are_compared_apart(marked):
    found = compared(marked([row(100, 100), row(100, 100), row(100, 60, mark_method="offline:keywords")]))
    assert [(one.name, one.pairs, value(one, "mae")) for one in found.methods] == [
        ("m", 2, 0),
        ("offline:keywords", 1, 40),
    ]


def test_learners_are_resampled_where_a_column_says_who_answered(marked):
    rows = [row(mark, mark - 20 * (who % 2), user_id=who) for who in range(30) for mark in (40, 60, 80, 100)]
    path = marked(rows)
    together, apart = compared(path), compared(path, group="mark_score")
    assert (together.overall.groups, together.overall.few) == (30, False)
    assert "by 30 learners" in basis(together)
    assert "groups (mark_score)" in basis(apart)


def test_few_learners_are_called_few_however_many_answers_they_gave(marked):
    found = compared(marked([row(100, 90, user_id=number % 5) for number in range(50)]))
    assert (found.overall.pairs, found.overall.groups, found.overall.few) == (50, 5, True)


def test_every_answer_meets_its_mark_in_the_crossing(marked):
    found = compared(marked([row(0, 10), row(50, 60), row(100, 20), row(100, 100)]))
    assert found.crossing.steps == 2
    assert found.crossing.counts == ((1, 0, 0), (0, 1, 0), (1, 0, 1))


@pytest.mark.parametrize(
    ("rows", "more", "sentence"),
    [
        ([row("", 50)], {}, "no answer has a mark in the column 'teacher'"),
        ([row(50, "")], {}, "no answer has both a mark"),
        ([row("good", 50)], {}, "Row 1 .* teacher must be a number from 0 on, not 'good'"),
        ([row(-1, 50)], {}, "Row 1 .* teacher must be a number"),
        ([row(50, 50), row(1, 101)], {}, "Row 2 .* mark_score must be a number from 0 to 100"),
        ([row(7, 50)], {"scale": 5}, "row 1 is 7, above 5"),
        ([row(7, 50)], {"human": "teachr"}, "did you mean 'teacher'"),
        ([row(7, 50)], {"question": "task"}, "has no column 'task'"),
        ([row(7, 50)], {"human": "mark_score"}, "holds the machine's scores"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(marked, rows, more, sentence):
    with pytest.raises(InputError, match=sentence):
        compared(marked(rows), **more)


def test_a_table_without_marks_is_one_sentence(marked):
    path = marked([row(1, 1)], heads=("teacher", "user_id"))
    with pytest.raises(InputError, match=r"no column 'mark_score'.*--prefix"):
        open_marked(path, human="teacher")


def test_a_table_of_marks_alone_is_enough(marked):
    found = compared(marked([row(100, 90), row(0, 20)], heads=("teacher", "mark_score")))
    assert found.overall.pairs == 2
    assert found.questions == ()
    assert found.curve is None
    assert found.confidence is None


def test_the_command_prints_the_figures(marked):
    done = CliRunner().invoke(agreement, [str(marked([row(100, 90), row(0, 20), row(50, "")])), "--human", "teacher"])
    assert done.exit_code == 0
    assert "marked.csv: 2 answers by 1 learner with both marks, of 3" in done.output
    assert "Weighted kappa" in done.output
    assert "1 for review" in done.output


def test_the_command_prints_json_in_which_nothing_undefined_is_a_number(marked):
    path = marked([row(100, 90, mark_confidence=0.9, mark_expected_error=12), row(100, 95)])
    done = CliRunner().invoke(agreement, [str(path), "--human", "teacher", "--json", "--resamples", "100"])
    found = json.loads(done.output)
    assert found["overall"]["measures"]["kappa"] == {"value": None, "low": None, "high": None}
    assert found["curve"]["points"][0]["coverage"] == 1


def test_equal_commands_print_equal_figures(marked):
    path = marked([row(mark, 100 - mark, user_id=mark) for mark in range(0, 101, 4)])
    done = [CliRunner().invoke(agreement, [str(path), "--human", "teacher"]).output for _ in range(2)]
    assert done[0] == done[1]
