"""The command line while it works: stopped, taken up again, watched, asked about."""

import gzip
import json
import os
import pty
import re
import signal
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import rmtree

import click
import pytest
from shells import until, wait

from penstock.cli import main
from penstock.judge import Category
from penstock.judge.numeric import ScorePrompt
from penstock.tables import open_table
from penstock.testing import Behaviour, expected_scores

SLOW = Behaviour(latency=0.15)


def column(shell, name, file="scored.csv"):
    table = open_table(shell.folder / file)
    place = table.column(name)
    return [row.cells[place] for row in table.rows()]


@pytest.fixture
def working(shell, server, asking, started):
    """A job of 80 rows that is well under way, in a process of its own."""
    shell.table(80)
    server.behave(SLOW)
    process = started(shell.start(*asking("--concurrency", "4", "--no-cache")))
    until(lambda: server.stats().answered >= 8)
    return process


def resumed(shell, server, rows=80):
    """Take the newest job up again; gives how often the server answered a row that it had answered before."""
    server.behave(Behaviour())
    ended = shell.run("jobs", "resume", "-q")
    assert ended.code == 0, ended
    assert column(shell, "score_status") == ["ok"] * rows
    return server.stats().answered_again


# --- stopping ---


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_what_is_in_flight_and_asks_nothing_twice(shell, server, working, number):
    working.send_signal(number)
    ended = wait(working)
    assert ended.code == 130, ended
    assert "Stopping" in ended.err
    assert "interrupted" in ended.out
    assert "penstock jobs resume" in ended.out
    assert server.stats().abandoned == 0
    assert not (shell.folder / "scored.csv").exists()
    assert resumed(shell, server) == 0


def test_a_second_ctrl_c_stops_at_once_and_the_job_resumes(shell, server, working):
    before = server.stats()
    server.behave(Behaviour(latency=60.0))
    until(lambda: server.stats().answered >= before.answered + before.in_flight)
    working.send_signal(signal.SIGINT)
    until(lambda: b"Stopping" in working.stderr.readline())
    working.send_signal(signal.SIGINT)
    ended = wait(working, seconds=30)
    assert ended.code in {130, -signal.SIGINT}  # to a shell both are 130; the second one may meet it on its way out
    assert not (shell.folder / "scored.csv").exists()
    assert shell.call("jobs", "show", "--json").json()["status"] == "interrupted"
    assert resumed(shell, server) <= 4


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(faults={"hang": 1.0}),
        Behaviour(capacity=0),
        Behaviour(requests_per_minute=10, burst_seconds=6, retry_after=60),
        Behaviour(faults={"http_500": 1.0}),
    ],
    ids=["hangs", "refuses", "asks to wait a minute", "fails"],
)
def test_ctrl_c_ends_a_job_whose_server_does_not_answer(shell, server, asking, started, behaviour):
    shell.table(20)
    server.behave(behaviour)
    process = started(shell.start(*asking("--timeout", "2")))
    until(lambda: server.stats().received >= 2)
    process.send_signal(signal.SIGINT)
    ended = wait(process, seconds=30)
    assert ended.code == 130, ended
    assert resumed(shell, server, rows=20) == 0


def test_ctrl_c_before_the_first_call_ends_with_its_code(shell, server, asking, started):
    shell.table(200_000)
    process = started(shell.start(*asking()))
    until((shell.folder / ".penstock" / "ledger.db").exists)
    process.send_signal(signal.SIGINT)
    ended = wait(process)
    assert ended.code == 130, ended
    assert "Traceback" not in ended.err
    assert not (shell.folder / "scored.csv").exists()


def test_a_job_that_is_killed_while_it_is_planned_begins_anew(shell, server, asking, started):
    shell.table(200_000)
    process = started(shell.start(*asking()))
    until((shell.folder / ".penstock" / "ledger.db").exists)
    process.kill()
    assert wait(process).err.count("rows") == 0
    shell.table(5)
    assert shell.run(*asking("-q")).code == 0
    assert column(shell, "score_status") == ["ok"] * 5


# --- jobs ---


def test_another_process_sees_and_cancels_a_running_job(shell, server, working):
    assert [job["status"] for job in shell.call("jobs", "list", "--json").json()] == ["running"]
    assert "running" in shell.call("jobs", "list").out
    said = shell.call("jobs", "cancel")
    assert said.code == 0
    assert "is being stopped" in said.out
    ended = wait(working)
    assert ended.code == 130
    assert "cancelled" in ended.out
    assert shell.call("jobs", "show", "--json").json()["status"] == "cancelled"
    assert server.stats().abandoned == 0
    assert "cancelled already" in shell.call("jobs", "cancel").out


def test_a_cancelled_job_is_left_alone_by_the_same_command_and_can_be_resumed(shell, server, working, asking):
    shell.call("jobs", "cancel")
    wait(working)
    job = shell.call("jobs", "show", "--json").json()["id"]
    server.behave(Behaviour())
    assert shell.call(*asking("--concurrency", "4", "--no-cache", "-q")).code == 0
    assert len(shell.call("jobs", "list", "--json").json()) == 2
    assert shell.call("jobs", "resume", job, "-q").code == 0
    assert shell.call("jobs", "show", job, "--json").json()["status"] == "completed"


def test_what_a_stopped_job_has_can_be_delivered(shell, server, working):
    working.kill()
    wait(working)
    assert "interrupted" in shell.call("jobs", "list").out
    done = shell.call("jobs", "show", "--json").json()["tally"]["verdicts"]
    ended = shell.call("jobs", "deliver", "-o", "so-far.xlsx")
    assert (ended.code, ended.out) == (0, "so-far.xlsx\n")
    found = column(shell, "score_status", "so-far.xlsx")
    assert (found.count("ok"), found.count("pending")) == (done, 80 - done)
    assert resumed(shell, server) <= 4


def test_retry_failed_asks_for_the_failed_rows_alone(shell, server, asking):
    shell.table(60)
    server.behave(Behaviour(faults={"content_filter": 0.3}, sticky=("content_filter",)))
    ended = shell.call(*asking("--json", "-q"))
    failed = ended.json()["failures"]
    assert (ended.code, ended.json()["status"]) == (1, "completed")
    assert 0 < failed < 60
    assert column(shell, "score_status").count("failed") == failed
    server.behave(Behaviour())
    server.reset()
    assert shell.call("jobs", "retry-failed", "-q").code == 0
    assert server.stats().received == failed
    assert column(shell, "score_status") == ["ok"] * 60


def test_resume_leaves_rows_that_failed_for_good(shell, server, asking):
    shell.table(30)
    server.behave(Behaviour(faults={"content_filter": 0.5}, sticky=("content_filter",)))
    assert shell.call(*asking("-q")).code == 1
    server.behave(Behaviour())
    server.reset()
    assert shell.call("jobs", "resume", "-q").code == 1
    assert server.stats().received == 0


def test_the_same_command_goes_on_with_its_unfinished_job(shell, server, working, asking):
    working.kill()
    wait(working)
    server.behave(Behaviour())
    ended = shell.call(*asking("--concurrency", "4", "--no-cache", "-q", "--json"))
    assert ended.json()["status"] == "completed"
    assert len(shell.call("jobs", "list", "--json").json()) == 1
    assert server.stats().answered_again <= 4


def test_fresh_begins_a_new_job(shell, server, working, asking):
    working.kill()
    wait(working)
    server.behave(Behaviour())
    assert shell.call(*asking("--concurrency", "4", "--no-cache", "-q", "--fresh")).code == 0
    assert [job["status"] for job in shell.call("jobs", "list", "--json").json()] == ["completed", "interrupted"]


def test_a_finished_command_runs_again_from_the_cache(shell, server, asking):
    shell.table(40)
    assert shell.call(*asking("-q")).code == 0
    first = (shell.folder / "scored.csv").read_bytes()
    server.reset()
    ended = shell.call(*asking("-q", "--json"))
    assert server.stats().received == 0
    assert ended.json()["gauges"]["cache_hits"] == 40
    assert ended.json()["gauges"]["calls"] == 0
    assert (shell.folder / "scored.csv").read_bytes() == first


def test_two_jobs_of_one_workspace_run_side_by_side(shell, server, asking, started):
    shell.table(150)
    shell.table(150, name="more.csv")
    server.behave(Behaviour(latency=0.05, capacity=16))
    both = [
        started(shell.start(*asking("-q", "--no-cache", source=source, output=output)))
        for source, output in (("rows.csv", "one.csv"), ("more.csv", "two.csv"))
    ]
    assert [wait(each).code for each in both] == [0, 0]
    assert (shell.folder / "one.csv").read_bytes() == (shell.folder / "two.csv").read_bytes()
    assert [job["status"] for job in shell.call("jobs", "list", "--json").json()] == ["completed", "completed"]


def test_the_same_command_twice_at_once_is_one_job(shell, server, asking, started):
    shell.table(60)
    server.behave(Behaviour(latency=0.1))
    both = [started(shell.start(*asking("-q", "--concurrency", "8"))) for _ in range(2)]
    ended = [wait(each) for each in both]
    assert {each.code for each in ended} <= {0, 2}, ended
    assert 0 in {each.code for each in ended}
    assert column(shell, "score_status") == ["ok"] * 60
    assert not [each for each in ended if "Traceback" in each.err]


# --- what changes between a stop and a resume ---


def test_a_row_that_was_changed_meanwhile_is_judged_as_it_is_now(shell, server, working):
    working.kill()
    wait(working)
    before = (shell.folder / "rows.csv").read_text()
    (shell.folder / "rows.csv").write_text(before.replace("number 0 was late", "number 0 was early"))
    assert resumed(shell, server) <= 4
    expected = expected_scores("the ferry number 0 was early again", 2)
    assert [float(column(shell, name)[0]) for name in ("praise", "complaint")] == expected


def test_a_table_of_another_length_is_refused_by_resume_and_begun_anew_by_its_command(shell, server, working, asking):
    working.kill()
    wait(working)
    shell.table(70)
    ended = shell.call("jobs", "resume", "-q")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "had 80 rows" in ended.err
    server.behave(Behaviour())
    assert shell.call(*asking("--concurrency", "4", "--no-cache", "-q")).code == 0
    assert len(column(shell, "score_status")) == 70


def test_a_run_folder_that_was_deleted_costs_nothing(shell, server, working):
    working.kill()
    wait(working)
    rmtree(shell.folder / ".penstock" / "runs")
    assert resumed(shell, server) <= 4


def test_a_job_goes_on_with_the_judge_it_has_trained_when_its_examples_are_gone(shell, started):
    kinds = ("thank you all,1,0", "late again today,0,1")
    examples = "".join(f"number {n} {kinds[n % 2]}\n" for n in range(60))
    shell.write("labelled.csv", f"comment,praise,complaint\n{examples}")
    shell.table(100_000)
    given = ("score", "rows.csv", "-t", "comment", "-c", "categories.yaml", "--examples", "labelled.csv", "-o", "o.csv")
    process = started(shell.start(*given))
    until(lambda: b"Ctrl-C" in process.stderr.readline())  # trained, and begun
    process.kill()
    wait(process)
    (shell.folder / "labelled.csv").unlink()
    ended = shell.run("jobs", "resume", "-q")
    assert ended.code == 0, ended
    assert column(shell, "score_method", "o.csv") == ["local:trained"] * 100_000


# --- what is printed ---


@pytest.mark.parametrize(("table", "output"), [("rows.csv", "rows.scored.csv"), ("rows.csv.gz", "rows.scored.csv.gz")])
def test_the_output_lies_beside_the_table_where_nobody_says_otherwise(shell, table, output):
    content = b"id,comment\n1,thanks\n"
    shell.write(table, gzip.compress(content) if table.endswith(".gz") else content)
    ended = shell.call("score", table, "-t", "comment", "-c", "categories.yaml", "-q", "--json")
    assert ended.json()["output"] == str(shell.folder / output)
    assert column(shell, "score_status", output) == ["ok"]


def test_a_name_with_a_line_break_is_printed_in_one_line(shell):
    shell.write("a\n\x1b[31mb.csv", "id,comment\n1,thanks\n")
    ended = shell.call("score", "a\n\x1b[31mb.csv", "-t", "comment", "-c", "categories.yaml", "-q")
    assert ended.code == 0
    assert "a\\n\\x1b[31mb.scored.csv" in ended.out
    assert "\x1b" not in ended.out


def test_json_has_its_keys(shell, server, asking):
    shell.table(3)
    ended = shell.call(*asking("-q", "--json"))
    assert list(ended.json()) == [
        "job",
        "status",
        "error",
        "rows",
        "verdicts",
        "failures",
        "seconds",
        "output",
        "report",
        "gauges",
        "agreement",
        "adopted",
        "tokens_in",
        "tokens_out",
        "cost_usd",
    ]
    assert {"calls", "throttled", "cuts", "in_flight", "waiting", "limit", "cache_hits", "cache_misses"} <= {
        *ended.json()["gauges"]
    }
    shown = shell.call("jobs", "show", "--json").json()
    assert shown["id"] == ended.json()["job"]
    assert {"status", "rows", "config", "folder", "tally", "chunks", "failures"} <= {*shown}
    listed = shell.call("jobs", "list", "--json").json()
    assert [job["id"] for job in listed] == [shown["id"]]


def test_nothing_to_list_is_an_empty_list(shell):
    assert shell.call("jobs", "list", "--json").json() == []
    ended = shell.call("jobs", "list")
    assert (ended.code, ended.out) == (0, "")


def test_progress_is_plain_lines_where_there_is_no_terminal(shell, server, asking):
    shell.table(3)
    ended = shell.run(*asking())
    assert ended.code == 0
    assert re.fullmatch(r"score-\S+: 3 rows; Ctrl-C keeps what is done\n", ended.err)
    assert "\x1b" not in ended.err + ended.out


def test_quiet_says_nothing_on_the_way(shell, server, asking):
    shell.table(3)
    ended = shell.run(*asking("--quiet"))
    assert (ended.code, ended.err) == (0, "")
    assert "completed" in ended.out


def test_a_terminal_gets_a_live_line(shell, server, asking, started):
    shell.table(60)
    server.behave(Behaviour(latency=0.2))
    ours, theirs = pty.openpty()
    with closing(os.fdopen(ours, "rb", buffering=0)) as terminal:
        process = started(
            shell.start(*asking("--concurrency", "4"), stderr=theirs, environment={"TERM": "xterm", "COLUMNS": "120"})
        )
        os.close(theirs)
        shown = read_all(terminal).decode()
    assert wait(process).code == 0
    assert re.search(r"\d+/60 rows \(\d+ %\), .* in flight", shown), shown
    assert "\x1b[" in shown


def read_all(terminal):
    """Read what a process writes to its terminal until it leaves it."""
    found = b""
    while True:
        try:
            piece = terminal.read(65_536)
        except OSError:  # the other end is closed
            return found
        if not piece:
            return found
        found += piece


def commands(group=main, words=()):
    yield words
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_has_help(shell, words):
    ended = shell.call(*words, "--help")
    assert ended.code == 0
    assert ended.out.startswith("Usage: ")
    assert "\n\n  " in ended.out


# --- what models are asked ---


def test_many_categories_are_asked_for_in_blocks_and_land_in_their_columns(shell, server, asking):
    names = [f"category {number}" for number in range(25)]
    shell.write("categories.yaml", "".join(f"- {name}\n" for name in names))
    shell.table(4)
    server.behave(Behaviour(scores_from="prompt"))
    assert shell.call(*asking("-q", "--no-cache")).code == 0
    assert server.stats().received == 12
    blocks = [names[start : start + 10] for start in (0, 10, 20)]
    for block in blocks:
        system = ScorePrompt([Category(name=name) for name in block])("x").system
        for number in range(4):
            expected = expected_scores(f"the ferry number {number} was late again", len(block), system=system)
            assert [float(column(shell, name)[number]) for name in block] == expected


def test_one_failed_block_leaves_the_other_columns_of_its_row(shell, server, asking):
    shell.write("categories.yaml", "".join(f"- category {number}\n" for number in range(20)))
    shell.table(40)
    server.behave(Behaviour(faults={"content_filter": 0.2}, sticky=("content_filter",), scores_from="prompt"))
    assert shell.call(*asking("-q")).code == 1
    status = column(shell, "score_status")
    first, second = column(shell, "category 0"), column(shell, "category 10")
    for row, ended in enumerate(status):
        assert (ended == "failed") == (first[row] in ("", None) or second[row] in ("", None))
    assert any((first[row] in ("", None)) != (second[row] in ("", None)) for row in range(40))


def test_a_fallback_answers_where_the_first_model_fails_and_is_named(shell, server, asking):
    shell.table(40)
    server.behave(Behaviour(faults={"content_filter": 0.4}, sticky=("content_filter",)))
    assert shell.call(*asking("-q", "--fallback", "openai/second")).code in {0, 1}
    method, status = column(shell, "score_method"), column(shell, "score_status")
    assert any("second" in each for each in method)
    assert any("second" not in each for each in method)
    assert all(each for each, ended in zip(method, status, strict=True) if ended == "ok")


@pytest.mark.parametrize("where", ["variable", "file"])
def test_a_key_is_never_written_down(shell, server, asking, where, tmp_path_factory):
    secret = "sk-planted-0123456789abcdef"
    shell.table(4)
    server.behave(Behaviour(api_key=secret, faults={"policy": 0.5}))
    key = tmp_path_factory.mktemp("secrets") / "key"
    key.write_text(f"{secret}\n")
    environment = {"OPENAI_API_KEY": secret} if where == "variable" else {"OPENAI_API_KEY_FILE": str(key)}
    ended = [
        shell.run(*asking("-t", "comment", "--json"), environment=environment),
        shell.run("jobs", "show", "--json", environment=environment),
        shell.run("jobs", "retry-failed", environment=environment),
    ]
    assert server.stats().answered > 0
    assert not [each for each in ended if secret in each.out + each.err]
    assert not [path for path, content in shell.everything().items() if secret.encode() in content]


class Parrot(BaseHTTPRequestHandler):
    """Turns everybody away, and says back which key it was given: some servers do."""

    status = 401

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        told = self.headers["Authorization"]
        body = json.dumps({"error": {"message": f"Incorrect API key provided: {told}", "code": told}}).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_a_key_that_a_server_says_back_is_not_repeated(shell, status):
    secret = "sk-planted-0123456789abcdef"
    shell.table(2)
    parrot = ThreadingHTTPServer(("127.0.0.1", 0), type("Parrot", (Parrot,), {"status": status}))
    serving = threading.Thread(target=parrot.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        ended = shell.run(
            "score", "rows.csv", "-t", "comment", "-c", "categories.yaml", "-m", "openai/m", "--json",
            "--base-url", f"http://127.0.0.1:{parrot.server_port}/v1", "--patience", "1", "--retry-limit", "0",
            "--attempts", "1",
            environment={"OPENAI_API_KEY": secret},
        )  # fmt: skip
    finally:
        parrot.shutdown()
        serving.join()
        parrot.server_close()
    assert ended.code in {1, 2}, ended
    assert secret not in ended.out + ended.err
    assert not [path for path, content in shell.everything().items() if secret.encode() in content]


# --- the model server ---


def test_serve_model_prints_its_address_and_ends_when_asked(shell, started):
    process = started(shell.start("testing", "serve-model", "--port", "0", "--latency", "0.01"))
    url = process.stdout.readline().decode().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", url)
    shell.table(3)
    ended = shell.call(
        "score", "rows.csv", "-t", "comment", "-c", "categories.yaml", "--model", "openai/m", "--base-url", url, "-q"
    )
    assert ended.code == 0
    process.send_signal(signal.SIGTERM)
    assert wait(process).code == 0


def test_a_command_that_is_read_no_further_does_not_complain(shell, server, asking, started):
    shell.table(3)
    assert shell.call(*asking("-q")).code == 0
    process = started(shell.start("jobs", "show", "--json"))
    process.stdout.close()
    process.stdout = None
    assert "Traceback" not in wait(process).err


@pytest.mark.parametrize("given", ["missing.csv", "rows.csv"])
def test_a_closed_error_stream_changes_no_exit_code(shell, given):
    shell.table(3)
    command = ("score", given, "-t", "comment", "-c", "categories.yaml")
    assert shell.run(*command, stderr=None, preexec_fn=lambda: os.close(2)).code == (0 if given == "rows.csv" else 2)


def test_progress_that_cannot_be_printed_does_not_stop_the_job(shell):
    shell.table(3)
    with Path("/dev/full").open("wb") as full:
        ended = shell.run("score", "rows.csv", "-t", "comment", "-c", "categories.yaml", stderr=full)
    assert ended.code == 0
    assert column(shell, "score_status", "rows.scored.csv") == ["ok"] * 3


def test_a_result_that_cannot_be_printed_is_one_sentence(shell):
    shell.table(3)
    with Path("/dev/full").open("wb") as full:
        ended = shell.run("score", "rows.csv", "-t", "comment", "-c", "categories.yaml", "-q", stdout=full)
    assert ended.code == 2
    assert ended.err.startswith("penstock: error: The result cannot be printed")
    assert ended.err.count("\n") == 1


def test_the_environment_holds_junk(shell):
    shell.table(3)
    junk = {"PENSTOCK_HOME": "", "OPENAI_BASE_URL": "not an address", "OPENAI_API_KEY": "a\tb", "COLUMNS": "x"}
    assert shell.run("score", "rows.csv", "-t", "comment", "-c", "categories.yaml", environment=junk).code == 0
    ended = shell.run("score", "rows.csv", "-t", "comment", "-c", "categories.yaml", "-m", "openai/m", environment=junk)
    assert (ended.code, ended.err.count("\n")) == (2, 1), ended
