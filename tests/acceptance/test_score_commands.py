"""`penstock score` with everything around it: what it would cost, what it may cost, which rows, what to look at."""

import json
import signal

import pytest
from shells import until, wait

from penstock.tables import open_table
from penstock.testing import Behaviour
from penstock.testing.sheet.process import serve_sheet_in_process

PRICED = ("--price-in", "1000", "--price-out", "1000")


def rows_of(shell, file="scored.csv"):
    table = open_table(shell.folder / file)
    return [dict(zip(table.columns, row.cells, strict=True)) for row in table.rows()]


def column(shell, name, file="scored.csv"):
    return [row[name] for row in rows_of(shell, file)]


@pytest.fixture
def failing(shell, server, asking):
    """A finished job of 40 rows, some of which failed for good, and a server that would answer them now."""
    shell.table(40)
    server.behave(Behaviour(faults={"content_filter": 0.2}, sticky=("content_filter",)))
    assert shell.call(*asking("-q")).code == 1
    failed = column(shell, "score_status").count("failed")
    server.behave(Behaviour())
    server.reset()
    return failed


# --- the group ---


@pytest.mark.parametrize("words", [("score",), ("score", "table")])
def test_the_command_need_not_be_named(shell, words):
    shell.table(2)
    ended = shell.call(*words, "rows.csv", "-t", "comment", "-c", "categories.yaml", "-o", "scored.csv", "-q")
    assert (ended.code, len(rows_of(shell))) == (0, 2)


@pytest.mark.parametrize("name", ["review.csv", "table.csv", "-t"])
def test_a_table_may_be_called_like_a_command(shell, name):
    shell.table(2, name=name if name != "-t" else "rows.csv")
    source = [name] if name != "-t" else []
    ended = shell.call(
        *("score", *source, "-t", "comment", "-c", "categories.yaml", "-o", "scored.csv", "-q"),
        *(["rows.csv"] if not source else []),
    )
    assert (ended.code, len(rows_of(shell))) == (0, 2)


def test_a_file_whose_whole_name_is_a_command_is_named_with_its_folder(shell):
    shell.table(2, name="review")
    ended = shell.call("score", "./review", "-t", "comment", "-c", "categories.yaml", "-o", "scored.csv")
    assert ended.code == 2
    assert "review" in ended.err
    assert "score jobs" not in ended.err  # it was taken for a table


def test_help_shows_the_way_to_the_options(shell):
    assert "penstock score table --help" in shell.call("score", "--help").out
    assert "--only-changed" in shell.call("score", "rows.csv", "--help").out


# --- a look ahead ---


def test_a_preview_asks_for_nothing_and_says_so(shell, server, asking):
    shell.table(30)
    ended = shell.call(*asking("--preview", *PRICED))
    assert (ended.code, server.stats().received) == (0, 0)
    assert ended.out.startswith("30 rows, 30 judgements\n")
    assert "Nothing was asked, so tokens are rough: --ask 20" in ended.out
    assert not (shell.folder / "scored.csv").exists()


def test_a_preview_that_asks_makes_those_rows_free(shell, server, asking):
    shell.table(30)
    ended = shell.call(*asking("--preview", "--ask", "5", *PRICED))
    assert server.stats().received == 5
    assert "remembered for the run" in ended.out
    shell.call(*asking("-q", *PRICED))
    assert server.stats().received == 30


def test_a_preview_without_the_cache_does_not_promise_that_its_answers_are_kept(shell, asking):
    shell.table(30)
    ended = shell.call(*asking("--preview", "--ask", "5", "--no-cache", *PRICED))
    assert "not remembered: the cache is off" in ended.out
    assert "which are then free" not in shell.call(*asking("--preview", "--no-cache")).out


def test_a_preview_is_json_for_scripts(shell, asking):
    shell.table(30)
    found = shell.call(*asking("--preview", "--json")).json()
    assert (found["rows"], found["questions"], found["cost_usd"], found["measured"]) == (30, 30, None, False)
    assert found["calls"] == {"low": 30, "likely": 30, "high": 42}


def test_a_preview_without_a_price_says_what_to_give(shell, asking):
    shell.table(3)
    assert "cost     not known: give --price-in and --price-out" in shell.call(*asking("--preview")).out


def test_a_preview_leaves_no_job(shell, asking):
    shell.table(3)
    shell.call(*asking("--preview", "--ask", "1"))
    assert shell.call("jobs", "list", "--json").json() == []


@pytest.mark.parametrize("other", ["--only-failed", "--only-changed"])
def test_a_preview_is_of_the_whole_command(shell, asking, other):
    shell.table(3)
    ended = shell.call(*asking("--preview", other))
    assert (ended.code, "--preview" in ended.err) == (2, True)


def test_a_preview_of_a_fresh_run_counts_no_unfinished_job(shell, asking):
    shell.table(40)
    given = asking("--no-cache", "--concurrency", "4", *PRICED)
    shell.call(*given, "-q", "--budget", "2")
    assert 0 < shell.call(*given, "--preview", "--json").json()["questions"] < 40
    assert shell.call(*given, "--preview", "--json", "--fresh").json()["questions"] == 40


def test_a_preview_of_the_local_judge_is_refused(shell):
    shell.table(3)
    ended = shell.call("score", "rows.csv", "-t", "comment", "-c", "categories.yaml", "--preview")
    assert (ended.code, "costs nothing" in ended.err) == (2, True)


# --- a budget ---


def test_a_spent_budget_is_exit_code_1_and_a_resume_completes(shell, server, asking):
    shell.table(40)
    ended = shell.call(*asking("-q", "--concurrency", "4", "--budget", "2", *PRICED))
    assert ended.code == 1
    assert "The budget of 2 USD has no room for another call" in ended.out
    assert "go on   penstock jobs resume" in ended.out
    assert not (shell.folder / "scored.csv").exists()
    then = shell.call("jobs", "resume", "-q", "--budget", "100")
    assert (then.code, column(shell, "score_status"), server.stats().answered) == (0, ["ok"] * 40, 40)


def test_the_same_command_with_a_larger_budget_goes_on(shell, server, asking):
    shell.table(40)
    first = shell.call(*asking("--json", "-q", "--concurrency", "4", "--budget", "2", *PRICED)).json()
    then = shell.call(*asking("--json", "-q", "--concurrency", "4", "--budget", "100", *PRICED)).json()
    assert (first["status"], then["status"], then["job"]) == ("interrupted", "completed", first["job"])
    assert (server.stats().answered, then["cost_usd"] > first["cost_usd"]) == (40, True)


def test_a_resume_keeps_the_budget_until_it_is_taken_away(shell, asking):
    shell.table(40)
    shell.call(*asking("-q", "--concurrency", "4", "--budget", "2", *PRICED))
    assert shell.call("jobs", "resume", "-q").code == 1
    assert shell.call("jobs", "resume", "-q", "--budget", "3", "--no-budget").code == 2
    assert shell.call("jobs", "resume", "-q", "--no-budget").code == 0


def test_a_budget_without_a_price_is_refused_before_a_job_is_made(shell, server, asking):
    shell.table(3)
    ended = shell.call(*asking("--budget", "2"))
    assert (ended.code, server.stats().received) == (2, 0)
    assert "give --price-in and --price-out" in ended.err
    assert shell.call("jobs", "list", "--json").json() == []


def test_what_rows_cost_are_columns(shell, asking):
    shell.table(5)
    found = shell.call(*asking("--json", "-q", "--usage", *PRICED)).json()
    assert column(shell, "score_calls") == ["1"] * 5
    assert sum(map(float, column(shell, "score_cost_usd"))) == pytest.approx(found["cost_usd"])
    assert sum(map(int, column(shell, "score_tokens_in"))) == found["tokens_in"]


def test_prices_are_listed_and_looked_up(shell):
    everything = shell.call("prices", "--json").json()
    assert {name.partition("/")[0] for name in everything} >= {"openai", "gemini", "anthropic"}
    some = shell.call("prices", "GPT-5")
    assert [line for line in some.out.splitlines()[1:] if not line.startswith("openai/gpt-5")] == []
    assert "No price is known of a model whose name holds 'nobody'" in shell.call("prices", "nobody").err


def test_prices_of_ones_own_come_first(shell):
    shell.write("p.yaml", "models: [{name: openai/m, in: 0.5, out: 2}]")
    assert next(iter(shell.call("prices", "--prices", "p.yaml", "--json").json())) == "openai/m"


# --- which rows ---


def test_a_limit_and_a_sample_write_only_their_rows(shell, server, asking):
    shell.table(40)
    assert shell.call(*asking("-q", "--limit", "10", "--sample", "4")).code == 0
    assert len(column(shell, "id")) == server.stats().answered == 4
    assert set(column(shell, "id")) < set(map(str, range(10)))


def test_only_failed_asks_for_nothing_else(shell, server, asking, failing):
    assert shell.call(*asking("-q", "--only-failed")).code == 0
    assert server.stats().received == failing > 0
    assert column(shell, "score_status") == ["ok"] * 40


def test_only_changed_asks_for_nothing_else_and_tells_how_much_it_took_over(shell, server, asking):
    shell.table(40)
    shell.call(*asking("-q", "--no-cache"))
    server.reset()
    shell.table(43)
    ended = shell.call(*asking("-q", "--no-cache", "--only-changed"))
    assert (server.stats().received, column(shell, "score_status")) == (3, ["ok"] * 43)
    assert "40 judgements were taken over from an earlier run" in ended.out


# --- a look back ---


def test_a_review_lists_the_least_certain_scores(shell, asking):
    shell.table(20)
    shell.call(*asking("-q"))
    lines = shell.call("score", "review", "-n", "5").out.splitlines()
    assert "(near the middle)" in lines[0]
    doubts = [float(line.split()[3]) for line in lines[1:]]
    assert (len(doubts), doubts) == (5, sorted(doubts, reverse=True))


def test_a_review_is_json_for_scripts(shell, asking):
    shell.table(20)
    shell.call(*asking("-q"))
    found = shell.call("score", "review", "--json").json()
    assert (found["first_row"], found["review"]["scored"], found["review"]["unscored"]) == (1, 40, 0)


def test_a_review_that_was_filled_in_is_not_written_over(shell, asking):
    shell.table(20)
    shell.call(*asking("-q"))
    assert shell.call("score", "review", "-o", "list.csv").code == 0
    path = shell.folder / "list.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",,", ",1,", 1), encoding="utf-8")
    ended = shell.call("score", "review", "-o", "list.csv")
    assert (ended.code, "holds scores that a person gave" in ended.err) == (2, True)


def test_a_review_without_a_job_says_so(shell):
    ended = shell.call("score", "review")
    assert (ended.code, "There are no score jobs" in ended.err) == (2, True)


# --- batches ---


def test_a_cancelled_batch_job_is_cancelled_at_its_provider(shell, server, asking, started):
    server.behave(Behaviour(batch_seconds=20.0))
    shell.table(10)
    process = started(shell.start(*asking("-q", "--batch")))
    until(lambda: server.stats().batches == 1)
    process.send_signal(signal.SIGINT)
    assert wait(process).code == 130
    ended = shell.run("jobs", "cancel")
    assert (ended.code, server.stats().batches_cancelled, server.stats().files) == (0, 1, 0), ended
    assert "1 batch was cancelled at the provider" in ended.out


def test_a_batch_of_a_job_that_was_cancelled_while_it_ran_can_be_cancelled_then(shell, server, asking, started):
    server.behave(Behaviour(batch_seconds=20.0))
    shell.table(10)
    process = started(shell.start(*asking("-q", "--batch")))
    until(lambda: server.stats().batches == 1)
    shell.run("jobs", "cancel")
    assert wait(process).code == 130
    ended = shell.run("jobs", "cancel")
    assert (ended.code, server.stats().batches_cancelled, server.stats().files) == (0, 1, 0), ended
    assert "1 batch was cancelled at the provider" in ended.out


# --- sheets ---


@pytest.fixture
def sheets():
    with serve_sheet_in_process() as server:
        yield server


def test_a_sheet_is_scored_limited_and_reviewed_by_its_own_row_numbers(shell, server, sheets):
    asking = ("score", sheets.sheet_url(), "-m", "openai/m", "--base-url", server.url, "--limit", "4")
    ended = shell.call(*asking, "--json", "-q")
    found = ended.json()
    assert (ended.code, found["status"], found["output"]) == (0, "completed", sheets.sheet_url())
    tab = next(iter(sheets.book().tabs.values()))
    assert [row for row, line in sorted(tab.cells.items()) if row >= 5 and 4 in line] == [5, 6, 7, 8]
    review = shell.call("score", "review", "--json").json()
    assert review["first_row"] == 5
    assert {cell["row"] for cell in review["review"]["cells"]} <= {0, 1, 2, 3}


def test_a_sheet_can_be_previewed_without_a_write(shell, server, sheets):
    ended = shell.call("score", sheets.sheet_url(), "-m", "openai/m", "--base-url", server.url, "--preview", "--json")
    assert (ended.code, json.loads(ended.out)["questions"] > 0) == (0, True)
    assert (sheets.stats().writes, server.stats().received) == (0, 0)
