"""`penstock interleave report`, `size` and `sql` as their users meet them."""

import gzip

import pytest

from interleaving import Traffic, click, duel, write_lines


@pytest.fixture
def traffic(shell):
    """Write log and clicks of an experiment that A wins into the folder."""
    made = Traffic(users=150, per_user=6, lead=0.15).make()
    made.write(shell.folder)
    return made


def refused(ended):
    """Give the one sentence that a command was refused with."""
    assert ended.code == 2, ended
    assert "Traceback" not in ended.err
    (line,) = [line for line in ended.err.splitlines() if line.startswith("penstock: error: ")]
    return line.removeprefix("penstock: error: ")


def test_the_verdict_is_printed_and_a_sound_result_ends_with_0(shell, traffic):
    ended = shell.run("interleave", "report", "log.jsonl", "--clicks", "clicks.jsonl")
    assert ended.code == 0
    assert "A is preferred." in ended.out
    assert "checks        8 of 8 passed" in ended.out
    assert not ended.err


def test_json_has_the_whole_report(shell, traffic):
    found = shell.call("interleave", "report", "log.jsonl", "-c", "clicks.jsonl", "--json").json()
    (compared,) = found["comparisons"]
    assert found["ok"] is True
    assert (compared["a"], compared["b"], compared["users"]) == ("A", "B", 150)
    assert compared["by_user"]["low"] > 0
    assert compared["always_valid"]["decided"] is True


def test_the_page_is_written_whole_and_needs_nothing_else(shell, traffic):
    ended = shell.call("interleave", "report", "log.jsonl", "-c", "clicks.jsonl", "--out", "report.html")
    assert ended.code == 0
    page = (shell.folder / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert "A is preferred." in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "<script" not in page
    assert "page          report.html" in ended.out


def test_a_failed_check_ends_with_1_and_is_named(shell):
    write_lines(shell.folder / "log.jsonl", [duel(f"r{number}", user=f"u{number}") for number in range(200)])
    write_lines(shell.folder / "clicks.jsonl", [click("r1", "x"), click("r2", "y")])
    ended = shell.call("interleave", "report", "log.jsonl", "-c", "clicks.jsonl")
    assert ended.code == 1
    assert "NOT OK" in ended.out
    assert "first_pick (home: A against B, team_draft_v1): A has the first place in 100.0%" in ended.out


def test_nothing_to_compare_ends_with_1(shell):
    write_lines(shell.folder / "log.jsonl", [duel("r1", mode="A")])
    write_lines(shell.folder / "clicks.jsonl", [])
    ended = shell.call("interleave", "report", "log.jsonl", "-c", "clicks.jsonl")
    assert ended.code == 1
    assert "No ranking can be compared" in ended.out


def test_several_logs_clicks_and_packed_files_are_read_together(shell, traffic):
    lines = (shell.folder / "log.jsonl").read_bytes().splitlines(keepends=True)
    (shell.folder / "early.gz").write_bytes(gzip.compress(b"".join(lines[:300])))
    (shell.folder / "late.log").write_bytes(b"".join(lines[300:]))
    whole = shell.call("interleave", "report", "log.jsonl", "-c", "clicks.jsonl", "--json").json()
    parts = shell.call("interleave", "report", "early.gz", "late.log", "-c", "clicks.jsonl", "--json").json()
    assert parts["comparisons"] == whole["comparisons"]
    assert parts["log"]["files"] == 2


def test_users_of_a_file_are_left_out(shell, traffic):
    (shell.folder / "testers.txt").write_text("u1\n\nu2\n", encoding="utf-8")
    given = ("interleave", "report", "log.jsonl", "-c", "clicks.jsonl", "--exclude-users", "testers.txt", "--json")
    found = shell.call(*given).json()
    assert found["comparisons"][0]["users"] == 148
    assert found["left_out"]["excluded_user"] == 12


def test_an_experiment_a_pair_and_a_time_may_be_asked_for(shell, traffic):
    given = ("--experiment", "home", "--a", "B", "--b", "A", "--since", "2026-11-03", "--until", "2026-11-05")
    found = shell.call("interleave", "report", "log.jsonl", "-c", "clicks.jsonl", "--json", *given).json()
    (compared,) = found["comparisons"]
    assert [day["date"] for day in compared["days"]] == ["2026-11-03", "2026-11-04"]
    assert compared["by_user"]["estimate"] < 0


def test_rankers_said_to_be_the_same_are_checked_for_it(shell, traffic):
    ended = shell.call("interleave", "report", "log.jsonl", "-c", "clicks.jsonl", "--aa")
    assert ended.code == 1
    assert "The rankers are the same and yet one is preferred" in ended.out


def test_names_in_a_log_cannot_steer_the_terminal(shell):
    write_lines(shell.folder / "log.jsonl", [duel("r1", experiment="\x1b[2Jhome\n")])
    write_lines(shell.folder / "clicks.jsonl", [click("r1", "x")])
    ended = shell.call("interleave", "report", "log.jsonl", "-c", "clicks.jsonl")
    assert "\x1b" not in ended.out
    assert "\\x1b[2Jhome\\n" in ended.out


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("nothing.jsonl", "-c", "clicks.jsonl"), "There is no file nothing.jsonl"),
        (("log.jsonl", "-c", "nothing.csv"), "There is no file nothing.csv"),
        (("clicks.jsonl", "-c", "clicks.jsonl"), "No line of the log is a ranking"),
        (("log.jsonl", "-c", "log.jsonl"), "No line of the clicks has"),
        (("log.jsonl", "-c", "clicks.jsonl", "--credit", "inverse"), "There is no credit 'inverse'"),
        (("log.jsonl", "-c", "clicks.jsonl", "--credit", "logged"), "can name the wrong winner"),
        (("log.jsonl", "-c", "clicks.jsonl", "--a", "A"), "both a and b"),
        (("log.jsonl", "-c", "clicks.jsonl", "--since", "noon"), "which is no time"),
        (("log.jsonl", "-c", "clicks.jsonl", "--experiment", "attic"), "no experiment 'attic'"),
        (("log.jsonl", "-c", "clicks.jsonl", "--out", "no/page.html"), "does not exist"),
        (("log.jsonl", "-c", "clicks.jsonl", "--out", "log.jsonl"), "is one of the files to be read"),
        (("log.jsonl", "-c", "clicks.jsonl", "--exclude-users", "nobody"), "cannot be read as a list of users"),
    ],
)
def test_what_is_wrong_is_one_sentence(shell, traffic, given, why):
    before = {path.name: path.read_bytes() for path in shell.folder.iterdir()}
    assert why in refused(shell.call("interleave", "report", *given))
    assert {path.name: path.read_bytes() for path in shell.folder.iterdir()} == before


def test_the_users_an_effect_takes_are_printed(shell):
    ended = shell.call("interleave", "size", "--effect", "0.02")
    assert (ended.code, ended.out.split()[0]) == (0, "15,896")


def test_the_users_an_effect_takes_are_json_if_asked_for(shell):
    found = shell.call("interleave", "size", "--effect", "0.1", "--sd", "1", "--power", "0.9", "--json").json()
    assert found == {"users": 1053, "effect": 0.1, "sd": 1.0, "alpha": 0.05, "power": 0.9}


def test_an_effect_of_nothing_is_one_sentence(shell):
    assert "effect of 0" in refused(shell.call("interleave", "size", "--effect", "0"))


def test_the_sql_is_printed_with_the_names_asked_for(shell):
    ended = shell.run("interleave", "sql", "--table", "lake.rankings", "--location", "s3://lake/home")
    assert ended.code == 0
    assert "CREATE EXTERNAL TABLE IF NOT EXISTS lake.rankings" in ended.out
    assert "'s3://lake/home/clicks/dt=${dt}/'" in ended.out


def test_a_name_that_would_break_the_sql_is_one_sentence(shell):
    assert "no name of a table" in refused(shell.call("interleave", "sql", "--table", "x; DROP TABLE y"))
