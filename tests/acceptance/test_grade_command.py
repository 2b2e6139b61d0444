"""`penstock grade` as its users meet it: marked, killed and resumed, retried, refused in a sentence."""

import signal
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import msgspec
import pytest
from shells import until, wait

from markings import KEY, answered, rainy, read, written
from penstock.grade.table import grade_table
from penstock.testing import Behaviour, expected_credits

EXAMPLES = Path(__file__).parents[2] / "examples"
ASIDE = {"mark_graded_at"}
"""What no two runs have in common."""


@pytest.fixture
def exam(shell):
    """A folder with a key; gives what writes the answers."""
    shell.write("key.csv", written(KEY))
    return lambda rows: shell.write("answers.csv", written(rows))


@pytest.fixture
def grading(server):
    """Arguments that mark `answers.csv` with the server."""

    def arguments(*more):
        given = ("grade", "answers.csv", "--key", "key.csv", "-o", "marked.csv", "-q", "--no-cache")
        return (*given, "--model", "openai/m", "--base-url", server.url, *more)

    return arguments


def marked(shell, name="marked.csv"):
    rows = read(shell.folder / name)
    return [{name: cell for name, cell in row.items() if name not in ASIDE} for row in rows]


def column(shell, name):
    return [row[f"mark_{name}"] for row in marked(shell)]


def locally(shell, *more):
    return shell.call("grade", "answers.csv", "--key", "key.csv", "-o", "marked.csv", "-q", *more)


# --- marking ---


def test_the_example_is_marked_without_a_model(shell):
    ended = shell.call(
        "grade", EXAMPLES / "answers.csv", "--key", EXAMPLES / "answer_key.csv", "--rubric", EXAMPLES / "rubric.yaml",
        "-o", "marked.csv", "--json", "-q",
    )  # fmt: skip
    assert ended.code == 0, ended
    found = ended.json()
    assert found["states"]["failed"] == 0
    assert sum(found["states"].values()) == len(marked(shell)) == found["rows"] == 43


def test_scores_are_what_the_credits_of_the_model_add_up_to(shell, server, exam, grading):
    exam(rainy(5))
    assert shell.call(*grading()).code == 0
    expected = [round(100 * sum(expected_credits(row["user_answer"], 3)) / 3, 2) for row in rainy(5)]
    assert [float(score) for score in column(shell, "score")] == expected
    assert server.stats().received == 5


def test_objective_and_blank_answers_ask_no_model(shell, server, exam, grading):
    exam([answered("a", "mc", "B"), answered("a", "tf", "no"), answered("a", "num", "12"), answered("a", "rain", " ")])
    assert shell.call(*grading()).code == 0
    assert column(shell, "score") == ["100.0", "0.0", "100.0", "0.0"]
    assert server.stats().received == 0


def test_the_columns_stand_behind_those_of_the_answers_in_the_agreed_order(shell, exam):
    exam([answered("a", "tf", "yes", seat="7")])
    assert locally(shell, "--prefix", "m_").code == 0
    heads = (shell.folder / "marked.csv").read_text(encoding="utf-8").splitlines()[0]
    assert heads == (
        "user_id,question_id,user_answer,seat,m_score,m_is_correct,m_state,m_proposed_score,m_confidence,"
        "m_expected_error,m_agreement,m_samples,m_explanation,m_feedback,m_keyword_matches,m_criteria,m_method,"
        "m_code,m_reason,m_attempts,m_attempt_id,m_graded_at"
    )


def test_ten_thousand_objective_answers_are_marked_without_a_model(shell, exam):
    texts = {"mc": ("B", "A", "Bergen"), "tf": ("true", "false", "yes"), "num": ("12", "13", "12.4")}
    kinds = list(texts)
    exam([answered(f"u{one}", kind := kinds[one % 3], texts[kind][one // 3 % 3]) for one in range(10_000)])
    ended = locally(shell, "--json")
    assert (ended.code, ended.json()["states"]["graded"]) == (0, 10_000)
    assert ended.json()["correct"] == sum(one // 3 % 3 != 1 for one in range(10_000))


def test_a_row_that_cannot_be_marked_says_why_and_the_others_are_marked(shell, exam):
    exam([
        answered("a", "tf", "true"), answered("a", "tf", "false"), answered("", "tf", "true"),
        answered("b", "snow", "white"), answered("b", "rain", "long " * 20_000), answered("b", "tf", "perhaps"),
    ])  # fmt: skip
    ended = locally(shell)
    assert ended.code == 1
    assert column(shell, "code") == ["", "duplicate", "missing_id", "missing_key", "too_long", "unreadable"]
    assert column(shell, "state") == ["graded", "failed", "failed", "failed", "failed", "needs_review"]
    assert "1 graded, 0 offline, 1 needs review, 4 failed; the table says which, and why" in ended.out


def test_answers_for_a_person_are_told_and_are_no_failure(shell, exam):
    exam([answered("a", "tf", "perhaps")])
    ended = locally(shell)
    assert ended.code == 0
    assert "0 graded, 0 offline, 1 needs review, 0 failed" in ended.out


def test_formulas_in_answers_stay_harmless_texts(shell, exam):
    exam([answered("a", "rain", "=HYPERLINK(1)"), answered("=b", "rain", "@SUM(A1)"), answered("c", "tf", "+true")])
    assert locally(shell).code == 0
    assert [row["user_answer"] for row in marked(shell)] == ["'=HYPERLINK(1)", "'@SUM(A1)", "'+true"]


def test_the_mark_of_a_person_wins(shell, exam):
    exam([answered("a", "tf", "true"), answered("b", "tf", "true")])
    shell.write("mine.csv", "user_id,question_id,human_score\nb,tf,15\na,tf,\n")
    assert locally(shell, "--overrides", "mine.csv").code == 0
    assert column(shell, "score") == ["100.0", "15.0"]
    assert column(shell, "method") == ["objective:truth", "human"]


def test_what_a_person_filled_into_the_review_list_comes_back_as_marks(shell, exam):
    exam([answered("a", "tf", "perhaps"), answered("=b", "tf", "perhaps"), answered("c", "tf", "true")])
    assert locally(shell).code == 0
    assert shell.call("grade", "review", "marked.csv", "-o", "review.csv", "--limit", "2").code == 0
    listed = [{**row, "human_score": "85"} for row in read(shell.folder / "review.csv")]
    shell.write("review.csv", written(listed))
    assert locally(shell, "--overrides", "review.csv").code == 0
    assert column(shell, "score") == ["85.0", "85.0", "100.0"]


def test_answers_without_learners_and_key_are_marked_by_their_own_columns(shell):
    rows = [{"question_id": "q", "user_answer": one, "question_type": "tf", "correct_answer": "no"} for one in "ny"]
    shell.write("answers.csv", written(rows))
    assert shell.call("grade", "answers.csv", "-q").code == 0
    assert [row["mark_score"] for row in marked(shell, "answers.marked.csv")] == ["100.0", "0.0"]


def test_the_offline_grader_is_trained_on_graded_answers_and_kept(shell, exam):
    graded = [answered(f"g{one}", "rain", text, score=points) for one, (text, points) in enumerate(GRADED * 5)]
    shell.write("graded.csv", written(graded))
    exam([answered("a", "rain", "the air rises, then it cools and the water falls"), answered("b", "rain", "magic")])
    ended = locally(shell, "--graded", "graded.csv", "--graded-max", "5", "--json")
    assert ended.code == 0, ended
    assert column(shell, "method") == ["offline:trained"] * 2
    high, low = map(float, column(shell, "score"))
    assert high > low
    assert ended.json()["quality"]["n_examples"] == len(graded)
    assert list(shell.folder.glob(".penstock/runs/*/grader.npz"))


GRADED = [
    ("warm air rises and cools, so the water falls as rain", 5),
    ("the air rises, it cools, and lets its water go", 5),
    ("air goes up and the water comes down", 3),
    ("it becomes cold", 1),
    ("the sea is near", 0),
]


def test_a_table_is_graded_from_python_too(shell, exam):
    exam([answered("a", "tf", "true"), answered("a", "mc", "A")])
    result = grade_table("answers.csv", key="key.csv", output="marked.csv")
    assert (result.states["graded"], result.mean_score, result.correct) == (2, 50.0, 1)
    assert result.report is not None
    assert column(shell, "is_correct") == ["true", "false"]


# --- stopped and taken up again ---


def test_a_resumed_job_goes_on_with_the_grader_that_was_trained(shell, server, exam, grading):
    exam(rainy(1))
    graded = [answered(f"g{one}", "rain", text, score=points) for one, (text, points) in enumerate(GRADED * 5)]
    shell.write("graded.csv", written(graded))
    server.behave(Behaviour(api_key="another"))
    assert (
        shell.call(*grading("--graded", "graded.csv", "--graded-max", "5", "--timeout", "0.2", "--attempts", "1")).code
        == 2
    )
    (shell.folder / "graded.csv").unlink()
    server.behave(Behaviour(latency=5.0))
    assert shell.call("jobs", "resume", "-q").code == 0
    assert column(shell, "method") == ["offline:trained"]


def test_killed_and_resumed_it_gives_the_marks_of_an_undisturbed_run(shell, server, exam, grading, started):
    exam([*rainy(60), answered("a", "mc", "B"), answered("a", "snow", "white")])
    assert shell.call(*grading("--home", "calm")).code == 1
    calm = marked(shell)
    (shell.folder / "marked.csv").unlink()
    server.reset()
    server.behave(Behaviour(latency=0.1))
    process = started(shell.start(*grading("--concurrency", "4")))
    until(lambda: server.stats().answered >= 12)
    process.send_signal(signal.SIGKILL)
    wait(process)
    assert not (shell.folder / "marked.csv").exists()
    server.behave(Behaviour())
    assert shell.run("jobs", "resume", "-q").code == 1
    assert marked(shell) == calm
    assert server.stats().admitted_again <= 4


def test_retry_failed_asks_exactly_for_what_failed(shell, server, exam, grading):
    exam([*rainy(20), answered("a", "tf", "true")])
    server.behave(Behaviour(faults={"truncated": 0.3}, sticky=("truncated",), seed=3))
    assert shell.call(*grading("--asks", "1")).code == 1
    before = marked(shell)
    failed = [row["mark_state"] == "failed" for row in before]
    assert 0 < sum(failed) < 20
    server.reset()
    server.behave(Behaviour())
    assert shell.call("jobs", "retry-failed", "-q").code == 0
    assert server.stats().received == sum(failed)
    kept = [one for one, lost in zip(before, failed, strict=True) if not lost]
    assert [one for one, lost in zip(marked(shell), failed, strict=True) if not lost] == kept


def test_a_key_that_was_mended_counts_when_the_job_goes_on(shell, server, exam, grading):
    exam([*rainy(4), answered("a", "mc", "A")])
    server.behave(Behaviour(api_key="another"))
    assert shell.call(*grading()).code == 2
    server.behave(Behaviour())
    shell.write(
        "key.csv", written([{**one, "correct_answer": "A"} if one["question_id"] == "mc" else one for one in KEY])
    )
    assert shell.call("jobs", "resume", "-q").code == 0
    assert column(shell, "score")[-1] == "100.0"


def test_a_model_that_gives_no_answer_in_time_leaves_it_to_the_offline_grader(shell, server, exam, grading):
    exam(rainy(2))
    server.behave(Behaviour(latency=5.0))
    assert shell.call(*grading("--timeout", "0.2", "--attempts", "1")).code == 0
    assert column(shell, "state") == ["offline"] * 2
    assert column(shell, "code") == ["timeout"] * 2


def test_a_refused_account_stops_the_job_which_resumes(shell, server, exam, grading):
    exam(rainy(3))
    server.behave(Behaviour(api_key="another"))
    ended = shell.call(*grading())
    assert ended.code == 2
    assert not (shell.folder / "marked.csv").exists()
    server.behave(Behaviour())
    assert shell.call("jobs", "resume", "-q").code == 0
    assert column(shell, "state") == ["graded"] * 3


def test_a_job_can_be_delivered_before_it_is_done(shell, server, exam, grading):
    exam([answered("a", "tf", "true"), *rainy(2)])
    server.behave(Behaviour(api_key="another"))
    shell.call(*grading("--concurrency", "1"))
    assert shell.call("jobs", "deliver", "-o", "early.csv").code == 0
    assert [row["mark_state"] for row in marked(shell, "early.csv")] == ["graded", "pending", "pending"]


def test_a_job_of_an_unknown_system_is_told(shell, exam):
    exam([answered("a", "tf", "true")])
    locally(shell)
    with closing(connect(shell.folder / ".penstock" / "ledger.db")) as ledger:
        ledger.execute("update job set system = 'sing'")
        ledger.commit()
    ended = shell.call("jobs", "resume")
    assert (ended.code, "no system 'sing'" in ended.err) == (2, True)


# --- refused in a sentence ---

GOOD = {
    "answers.csv": "user_id,question_id,user_answer\na,tf,true\n",
    "key.csv": written(KEY),
    "rubric.yaml": "'*': [cause]\n",
    "mine.csv": "user_id,question_id,human_score\na,tf,50\n",
    "graded.csv": written([answered(str(one), "rain", f"air {one}", score=one) for one in range(30)]),
}
COMMAND = (
    "grade", "answers.csv", "--key", "key.csv", "-o", "marked.csv", "-q", "--rubric", "rubric.yaml",
    "--overrides", "mine.csv", "--graded", "graded.csv", "--graded-max", "30",
)  # fmt: skip
MARKED = "user_id,question_id,user_answer,mark_score\na,tf,b,1\n"
CHOICE = {"question_id": "tf", "question_type": "mc", "correct_answer": "Z", "choices": "a; b"}
WRONG = {
    "no table": ({"answers.csv": None}, (), "answers.csv"),
    "an empty table": ({"answers.csv": ""}, (), "empty"),
    "a header only": ({"answers.csv": "user_id,question_id,user_answer\n"}, (), "no rows"),
    "no question column": ({"answers.csv": "user_id,user_answer\na,b\n"}, (), "question_id"),
    "no answer column": ({}, ("--answer", "said"), "said"),
    "no user column that was named": ({}, ("--user", "pupil"), "pupil"),
    "no attempt column that was named": ({}, ("--attempt", "visit"), "visit"),
    "a table that was marked already": ({"answers.csv": MARKED}, (), "mark_score"),
    "no key": ({"key.csv": None}, (), "key.csv"),
    "a key without types": ({"key.csv": "question_id\ntf\n"}, (), "question_type"),
    "a question twice": ({"key.csv": written([*KEY, KEY[1]])}, (), "'tf' stands in the key already"),
    "an unknown type": ({"key.csv": "question_id,question_type\ntf,song\n"}, (), "'song' is unknown"),
    "a key that is among no choices": ({"key.csv": written([CHOICE])}, (), "Row 1"),
    "no rubric": ({"rubric.yaml": None}, (), "rubric.yaml"),
    "a rubric that is no YAML": ({"rubric.yaml": "{"}, (), "rubric.yaml"),
    "a rubric without weight": ({"rubric.yaml": "rain: [{name: a, weight: 0}]"}, (), "weight"),
    "a rubric of no question": ({"rubric.yaml": "snow: [a]"}, (), "'snow'"),
    "no overrides": ({"mine.csv": None}, (), "mine.csv"),
    "an override that is no number": ({"mine.csv": "user_id,question_id,human_score\na,tf,ok\n"}, (), "'ok'"),
    "no graded answers": ({"graded.csv": None}, (), "graded.csv"),
    "graded answers without marks": ({"graded.csv": "question_id,user_answer\nrain,air\n"}, (), "human_score"),
    "a mark above the best": ({}, ("--graded-max", "5"), "from 0 to 5"),
    "too few graded answers": ({"graded.csv": "question_id,user_answer,score\nrain,air,1\n"}, (), "20"),
    "an output without a folder": ({}, ("-o", "none/marked.csv"), "none"),
    "the key as output": ({}, ("-o", "key.csv"), "key.csv"),
    "an unknown ending": ({}, ("-o", "marked.doc"), ".doc"),
    "an unknown model": ({}, ("--model", "other/m"), "other/m"),
    "a fallback without a model": ({}, ("--fallback", "openai/m"), "no fallback"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_sentence_and_nothing_is_written(shell, name):
    files, more, told = WRONG[name]
    for path, content in {**GOOD, **files}.items():
        if content is not None:
            shell.write(path, content)
    before = shell.listing()
    ended = shell.call(*COMMAND, *more)
    assert ended.code == 2, ended
    assert ended.err.startswith("penstock: error: ")
    assert ended.err.count("\n") == 1
    assert told in ended.err
    assert (ended.out, shell.listing()) == ("", before)


def test_the_same_files_without_a_slip_are_marked(shell):
    for path, content in GOOD.items():
        shell.write(path, content)
    ended = shell.call(*COMMAND)
    assert ended.code == 0, ended
    assert column(shell, "score") == ["50.0"]


def test_every_option_of_the_table_is_shown_and_the_group_names_its_commands(shell):
    assert "--on-timeout" in shell.call("grade", "table", "--help").out
    assert "table" in shell.call("grade", "--help").out


def test_run_meta_holds_the_summary(shell, exam):
    exam([answered("a", "tf", "true")])
    assert locally(shell).code == 0
    (path,) = shell.folder.glob(".penstock/runs/*/run_meta.json")
    assert msgspec.json.decode(path.read_bytes())["summary"]["states"]["graded"] == 1
