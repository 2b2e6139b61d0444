"""Whatever is wrong with what was given: one sentence, exit code 2, nothing half-written; or one row that failed."""

import ctypes
import os
import resource
import socket
import sqlite3
import subprocess
from contextlib import closing
from shutil import which

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shells import PENSTOCK, Ended

from penstock.tables import open_table
from penstock.testing import Behaviour

TABLE = "id,comment\n1,thank you\n2,late again\n"
SCORE = ("score", "rows.csv", "-t", "comment", "-c", "categories.yaml", "-o", "scored.csv", "-q")


def refusal(ended):
    """Give the one sentence that a command ended with."""
    assert ended.code == 2, ended
    assert "Traceback" not in ended.err
    lines = ended.err.splitlines()
    said = [line for line in lines if line.startswith("penstock: error: ")]
    assert len(said) == 1, ended.err
    assert said[0].endswith("."), said
    return said[0].removeprefix("penstock: error: ")


def refused(shell, *given):
    """Run a command that must be refused, and see that it leaves nothing behind; gives its sentence."""
    before = shell.listing()
    ended = shell.call(*given)
    said = refusal(ended)
    assert ended.err.count("\n") == 1, ended.err
    assert ended.out == ""
    assert shell.listing() == before
    return said


def scored(shell, name="scored.csv"):
    """Read a scored table: a mapping for each row."""
    table = open_table(shell.folder / name)
    return [dict(zip(table.columns, row.cells, strict=True)) for row in table.rows()]


# --- the table ---

TABLES = {
    "a broken file called .xlsx": ("rows.xlsx", b"PK\x03\x04 and then nothing", ["rows.xlsx"]),
    "an unknown ending": ("rows.doc", b"x", ["rows.doc", ".csv"]),
    "an empty file": ("rows.csv", b"", ["rows.csv", "empty"]),
    "a header only": ("rows.csv", b"id,comment\n", ["rows.csv", "row"]),
    "blank lines only": ("rows.csv", b"\n\n\n", ["rows.csv"]),
    "a wrong column": ("rows.csv", b"id,text\n1,a\n", ["rows.csv", "'comment'", "text"]),
    "a column twice": ("rows.csv", b"id,comment,comment\n1,a,b\n", ["rows.csv", "'comment'"]),
    "a column without a name": ("rows.csv", b"id,,comment\n1,a,b\n", ["rows.csv", "Column 2"]),
    "a picture called .csv": ("rows.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 8, ["rows.csv"]),
    "a workbook called .csv": ("rows.csv", b"PK\x03\x04" + bytes(200), ["rows.csv"]),
    "a broken line of JSON first": ("rows.jsonl", b"{oops\n", ["rows.jsonl"]),
    "a parquet file cut off": ("rows.parquet", b"PAR1 and no end", ["rows.parquet"]),
}


@pytest.mark.parametrize(("name", "content", "words"), TABLES.values(), ids=TABLES)
def test_a_table_that_cannot_be_used_is_refused_in_one_sentence(shell, name, content, words):
    shell.write(name, content)
    said = refused(shell, "score", name, "-t", "comment", "-c", "categories.yaml", "-q")
    assert [word for word in words if word not in said] == [], said


@pytest.mark.parametrize("name", ["missing.csv", "no/such/folder.csv", "line\nbreak.csv", "-dash.csv"])
def test_a_missing_table_is_named_in_one_line(shell, name):
    said = refused(shell, "score", "-t", "comment", "-c", "categories.yaml", "-q", "--", name)
    assert "There is no file" in said


def test_a_folder_in_place_of_the_table_is_refused(shell):
    (shell.folder / "rows.csv").mkdir()
    assert "is a folder" in refused(shell, *SCORE)


def test_a_pipe_in_place_of_the_table_is_refused(shell):
    os.mkfifo(shell.folder / "rows.csv")
    assert "not a regular file" in refusal(shell.call(*SCORE))


ENCODINGS = {
    "utf-8 with a mark": "utf-8-sig",
    "utf-16": "utf-16",
    "shift_jis": "shift_jis",
    "windows-1252 by name": "cp1252",
}


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)
def test_tables_of_other_encodings_are_read(shell, encoding):
    text = "naïve café" if encoding == "cp1252" else "電車がまた遅れました。とても困ります。ありがとう。"
    shell.write("rows.csv", f"id,comment\n1,{text}\n2,{text}\n".encode(encoding))
    given = ("--encoding", encoding) if encoding == "cp1252" else ()
    assert shell.call(*SCORE, *given).code == 0
    assert scored(shell)[0]["comment"] == text


def test_an_encoding_that_does_not_exist_is_refused(shell):
    shell.write("rows.csv", TABLE)
    assert "utf-99" in refused(shell, *SCORE, "--encoding", "utf-99")


# --- one row of it ---


def failing_row(shell, name="rows.csv", *, number=1, more=()):
    """Score a table of three rows, of which one cannot be judged; gives that row."""
    ended = shell.call("score", name, "-t", "comment", "-c", "categories.yaml", "-o", "scored.jsonl", "-q", *more)
    assert ended.code == 1, ended
    assert "Traceback" not in ended.err
    rows = scored(shell, "scored.jsonl")
    assert [row["score_status"] for row in rows] == ["failed" if at == number else "ok" for at in range(3)]
    assert (rows[number]["praise"], rows[number]["complaint"]) == (None, None)
    return rows[number]


def test_a_broken_row_fails_alone(shell):
    shell.write("rows.csv", "id,comment\n1,thank you\n2,late,again\n3,fine\n")
    assert "unfit: " in failing_row(shell)["score_reason"]


def test_a_broken_line_of_json_fails_alone(shell):
    shell.write("rows.jsonl", '{"id":1,"comment":"thanks"}\n{"id":2,"comm\n{"id":3,"comment":"fine"}\n')
    assert "unfit: " in failing_row(shell, "rows.jsonl")["score_reason"]


MIXED = b"id,comment\n1,thanks\n2," + "電車".encode("shift_jis") + b"\n3,fine\n"


def test_a_table_of_mixed_encodings_asks_for_one(shell):
    shell.write("rows.csv", MIXED)
    assert "--encoding" in refused(shell, *SCORE)


def test_a_row_that_is_not_in_the_named_encoding_fails_alone(shell):
    shell.write("rows.csv", MIXED)
    assert "Line 3" in failing_row(shell, more=("--encoding", "utf-8"))["score_reason"]


@pytest.mark.parametrize("text", ["", "   ", '" \n "'])
def test_an_empty_cell_fails_alone(shell, text):
    shell.write("rows.csv", f"id,comment\n1,thank you\n2,{text}\n3,fine\n")
    assert failing_row(shell)["score_reason"] == "unfit: the text is empty"


def test_not_a_number_is_no_text_to_judge(shell):
    table = pa.table({"id": [1, 2, 3], "comment": pa.array([1.5, float("nan"), 2.5])})
    pq.write_table(table, shell.folder / "rows.parquet")
    assert "unfit: " in failing_row(shell, "rows.parquet")["score_reason"]


def test_a_nan_in_json_fails_alone(shell):
    shell.write("rows.jsonl", '{"comment":"thanks"}\n{"comment":NaN}\n{"comment":"fine"}\n')
    assert "unfit: " in failing_row(shell, "rows.jsonl")["score_reason"]


def test_a_cell_of_a_hundred_thousand_characters_is_judged(shell):
    shell.write("rows.csv", f"id,comment\n1,{'late again ' * 9_091}\n2,fine\n")
    assert shell.call(*SCORE).code == 0
    assert [row["score_status"] for row in scored(shell)] == ["ok", "ok"]


def test_a_formula_goes_in_as_text_and_comes_out_as_text(shell):
    shell.write("rows.csv", 'id,comment\n1,"=HYPERLINK(""http://x"",""late"")"\n2,+1 from me\n3,@all fine\n')
    assert shell.call(*SCORE).code == 0
    lines = (shell.folder / "scored.csv").read_text().splitlines()[1:]
    assert not any(cell.lstrip('"')[:1] in "=+@-" for line in lines for cell in line.split(",", 2)[1:2])
    ended = shell.call("score", "rows.csv", "-t", "comment", "-c", "categories.yaml", "-o", "scored.xlsx", "-q")
    assert ended.code == 0
    sheet = openpyxl.load_workbook(shell.folder / "scored.xlsx").active
    assert {cell.data_type for row in sheet.iter_rows(max_col=2) for cell in row} <= {"s", "n"}


# --- the categories ---

CATEGORIES = {
    "none": ("[]", ["no categories"]),
    "an empty file": ("", []),
    "one twice": ("[praise, complaint, praise]", ["'praise'", "twice"]),
    "one twice but for spaces": ("[praise, ' praise ']", ["'praise'", "twice"]),
    "one without a name": ("[praise, '']", ["Category 2", "no name"]),
    "an unknown key": ("categories: [praise]\ntemprature: 1\n", ["temprature"]),
    "an unknown key of one": ("- name: praise\n  defintion: warm\n", ["defintion"]),
    "no name": ("- definition: warm\n", ["name"]),
    "not YAML": ("categories: [praise\n", []),
    "a tab": ("categories:\n\t- praise\n", []),
    "a word": ("praise", []),
    "a number of something": ("- name: praise\n  definition: 7\n", ["definition"]),
    "too many": ("\n".join(f"- category {n}" for n in range(201)), ["201", "200"]),
    "a list in a list": ("- [praise]\n", []),
    "an object": ("!!python/object/apply:os.system ['true']", []),
    "not text": (b"\xff\xfe\x00\xd8", []),
    "one called like a column": ("[comment, praise]", ["'comment'", "--prefix"]),
    "one called like an added column": ("[score_status, praise]", ["'score_status'"]),
}


@pytest.mark.parametrize(("content", "words"), CATEGORIES.values(), ids=CATEGORIES)
def test_categories_that_cannot_be_used_are_refused_in_one_sentence(shell, content, words):
    shell.write("rows.csv", TABLE)
    shell.write("categories.yaml", content)
    said = refused(shell, *SCORE)
    added = content in ("[comment, praise]", "[score_status, praise]")
    assert [word for word in [*words, *([] if added else ["categories.yaml"])] if word not in said] == [], said


def test_a_missing_categories_file_is_named(shell):
    shell.write("rows.csv", TABLE)
    said = refused(shell, "score", "rows.csv", "-t", "comment", "-c", "none.yaml")
    assert "none.yaml" in said


# --- the output ---


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("taken", ["taken"]),
        ("taken.csv", ["taken.csv", "folder"]),
        ("nowhere/scored.csv", ["nowhere", "does not exist"]),
        ("rows.csv", ["rows.csv", "table itself"]),
        ("./sub/../rows.csv", ["table itself"]),
        ("scored.doc", ["scored.doc", ".csv"]),
        ("/dev/null", ["/dev/null"]),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_any_work(shell, output, words):
    shell.write("rows.csv", TABLE)
    (shell.folder / "sub").mkdir()
    (shell.folder / "taken.csv").mkdir()
    said = refused(shell, "score", "rows.csv", "-t", "comment", "-c", "categories.yaml", "-o", output, "-q")
    assert [word for word in words if word not in said] == [], said


def test_the_table_under_another_name_is_no_output(shell):
    shell.write("rows.csv", TABLE)
    (shell.folder / "scored.csv").symlink_to("rows.csv")
    assert "table itself" in refused(shell, *SCORE)


@pytest.mark.parametrize("lock", [".~lock.scored.csv#", "~$scored.csv"])
def test_an_output_that_is_open_in_an_office_program_is_refused(shell, lock):
    shell.write("rows.csv", TABLE)
    shell.write(lock, "somebody")
    assert "open in an office program" in refused(shell, *SCORE)


def test_a_read_only_output_is_refused(shell):
    shell.write("rows.csv", TABLE)
    shell.write("scored.csv", "old").chmod(0o444)
    assert "read-only" in refused(shell, *SCORE)


def bound_by_permissions():
    """Give up what lets root write anywhere (CAP_DAC_OVERRIDE), for the program that is started next."""
    drop_from_bounding_set, dac_override = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, dac_override)


def test_a_folder_that_is_closed_is_refused(shell, tmp_path_factory):
    shell.write("rows.csv", TABLE)
    shell.folder.chmod(0o555)
    home = tmp_path_factory.mktemp("home")
    ended = shell.run(*SCORE, "--home", home, preexec_fn=bound_by_permissions)
    shell.folder.chmod(0o755)
    assert "Permission denied" in refusal(ended)
    assert not (shell.folder / "scored.csv").exists()


def test_a_workspace_that_is_closed_is_refused(shell):
    shell.write("rows.csv", TABLE)
    assert shell.call(*SCORE).code == 0
    before = shell.everything()
    closed = [shell.folder / ".penstock", *(shell.folder / ".penstock").rglob("*")]
    for path in closed:
        path.chmod(0o555 if path.is_dir() else 0o444)
    ended = [
        shell.run(*given, preexec_fn=bound_by_permissions)
        for given in (SCORE, ("jobs", "resume", "-q"), ("jobs", "cancel"))
    ]
    for path in closed:
        path.chmod(0o755)
    assert all("ledger.db" in refusal(each) for each in ended)
    assert shell.everything() == before


# --- the server ---


def test_a_server_that_is_not_there_ends_the_run_with_what_to_do(shell):
    shell.write("rows.csv", TABLE)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    before = shell.listing()
    ended = shell.run(
        *SCORE,
        "--model",
        "openai/m",
        "--base-url",
        f"http://127.0.0.1:{port}/v1",
        "--patience",
        "1",
        "--retry-limit",
        "0",
    )
    assert str(port) in refusal(ended)
    assert shell.listing() == before


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (Behaviour(api_key="right"), ["401", "key"]),
        (Behaviour(models=("other",)), ["404", "openai/m", "name"]),
    ],
)
def test_an_account_that_is_turned_away_ends_the_run(shell, server, asking, behaviour, words):
    shell.write("rows.csv", TABLE)
    server.behave(behaviour)
    said = refused(shell, *asking("-q"))
    assert [word for word in words if word not in said] == [], said


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/v1", "127.0.0.1:8000", "http://", "http://u:p@127.0.0.1/v1", "http://127.0.0.1:99999/v1"]
)
def test_an_address_that_is_none_is_refused(shell, url):
    shell.write("rows.csv", TABLE)
    said = refused(shell, *SCORE, "--model", "openai/m", "--base-url", url)
    assert "u:p" not in said


@pytest.mark.parametrize("model", ["gpt", "openai/", "other/m", ""])
def test_a_model_that_is_none_is_refused(shell, model):
    shell.write("rows.csv", TABLE)
    assert "model" in refused(shell, *SCORE, "--model", model)


def test_a_key_file_that_is_missing_is_refused(shell, asking):
    shell.write("rows.csv", TABLE)
    before = shell.listing()
    ended = shell.run(*asking("-q"), environment={"OPENAI_API_KEY_FILE": "/no/such/key"})
    assert "OPENAI_API_KEY_FILE" in refusal(ended)
    assert shell.listing() == before


# --- the examples ---

EXAMPLES = {
    "missing": (None, ["labelled.csv"]),
    "without labels": ("comment\nfine\n", ["labelled.csv"]),
    "with a label that is no number": ("comment,praise,complaint\nfine,much,0\n", ["labelled.csv"]),
    "without rows": ("comment,praise,complaint\n", ["labelled.csv"]),
    "without the text": ("text,praise,complaint\nfine,1,0\n", ["labelled.csv", "'comment'"]),
}


@pytest.mark.parametrize(("content", "words"), EXAMPLES.values(), ids=EXAMPLES)
def test_examples_that_cannot_be_used_are_refused(shell, content, words):
    shell.write("rows.csv", TABLE)
    if content is not None:
        shell.write("labelled.csv", content)
    said = refused(shell, *SCORE, "--examples", "labelled.csv")
    assert [word for word in words if word not in said] == [], said


# --- the disk ---


def small_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def test_a_disk_that_fills_up_at_the_output_leaves_the_old_table(shell, tmp_path_factory):
    shell.write("rows.csv", "id,comment\n" + "".join(f"{n},{'late again ' * 150}\n" for n in range(250)))
    shell.write("scored.csv", "old")
    before = shell.listing()
    ended = shell.run(*SCORE, preexec_fn=small_files)
    assert "scored.csv" in refusal(ended)
    assert shell.listing() == before
    resumed = shell.run("jobs", "resume", "-q")
    assert resumed.code == 0, resumed
    assert len(scored(shell)) == 250


def test_a_disk_that_fills_up_at_the_ledger_ends_the_run_and_can_be_resumed(shell):
    shell.table(6_000)
    before = shell.listing()
    ended = shell.run(*SCORE, preexec_fn=small_files)
    assert "ledger.db" in refusal(ended)
    assert shell.listing() == before
    assert shell.run(*SCORE).code == 0
    assert len(scored(shell)) == 6_000


def mounts():
    """Whether this machine lets us mount a file system of our own."""
    tried = subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False, timeout=20
    )
    return tried.returncode == 0


@pytest.mark.skipif(not (which("unshare") and mounts()), reason="needs to mount a small disk")
@pytest.mark.parametrize("full", ["out", ".penstock"])
def test_a_disk_that_is_really_full_ends_the_run_and_the_job_resumes_when_there_is_room(shell, full):
    shell.table(4_000)
    for name in ("out", ".penstock"):
        (shell.folder / name).mkdir()
    command = (PENSTOCK, "score", "rows.csv", "-t", "comment", "-c", "categories.yaml", "-o", "out/scored.csv", "-q")
    mount = f'mount -t tmpfs -o size=128k tmpfs {full} && exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, "sh", *command],
        cwd=shell.folder,
        capture_output=True,
        check=False,
        timeout=60,
    )
    said = refusal(Ended(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode()))
    assert "full" in said or "No space left" in said
    assert list((shell.folder / "out").iterdir()) == []
    again = ("jobs", "resume", "-q") if full == "out" else tuple(command[1:])
    assert shell.run(*again).code == 0
    assert len(scored(shell, "out/scored.csv")) == 4_000


# --- names and numbers ---


@pytest.mark.parametrize("option", ["-o", "-t", "--home", "--prefix"])
def test_a_name_that_is_no_text_is_refused(shell, option):
    shell.write("rows.csv", TABLE)
    assert "no" in refused(shell, *SCORE, option, "bad\udcff.csv")


def test_a_table_whose_name_is_no_text_is_refused(shell):
    shell.write("bad\udcff.csv", TABLE)
    said = refused(shell, "score", "bad\udcff.csv", "-t", "comment", "-c", "categories.yaml", "-q")
    assert "another name" in said


def test_an_output_whose_name_is_too_long_is_refused(shell):
    shell.write("rows.csv", TABLE)
    assert "too long" in refused(shell, *SCORE, "-o", f"{'x' * 300}.csv")


@pytest.mark.parametrize("number", ["inf", "nan"])
@pytest.mark.parametrize("option", ["--timeout", "--patience", "--temperature", "--rpm", "--tpm", "--cache-ttl"])
def test_a_number_without_end_is_refused(shell, option, number):
    shell.write("rows.csv", TABLE)
    said = refused(shell, *SCORE, "-m", "openai/m", "--base-url", "http://127.0.0.1:9/v1", option, number)
    assert "cannot be used" in said


def test_more_calls_in_flight_than_the_machine_has_files_for_are_refused(shell, asking):
    shell.write("rows.csv", TABLE)

    def few_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 256))

    before = shell.listing()
    ended = shell.run(*asking("-q", "--concurrency", "1000"), preexec_fn=few_files)
    assert "--concurrency" in refusal(ended)
    assert shell.listing() == before
    assert shell.run(*asking("-q", "--concurrency", "150"), preexec_fn=few_files).code == 0


# --- the workspace ---


@pytest.mark.parametrize("command", ["show", "resume", "cancel", "retry-failed"])
def test_a_job_that_is_not_there_is_named(shell, command):
    assert "no jobs" in refused(shell, "jobs", command)
    shell.write("rows.csv", TABLE)
    assert shell.call(*SCORE).code == 0
    assert "'score-none'" in refused(shell, "jobs", command, "score-none")


def test_a_beginning_that_several_jobs_share_is_refused(shell):
    shell.write("rows.csv", TABLE)
    for _ in range(2):
        assert shell.call(*SCORE).code == 0
    assert "2 jobs begin with 'score'" in refused(shell, "jobs", "show", "score")


def test_a_job_that_another_process_works_on_is_left_alone(shell, server, asking, started):
    shell.table(50)
    server.behave(Behaviour(latency=0.2))
    command = asking("--concurrency", "2")
    first = started(shell.start(*command))
    first.stderr.readline()
    for late in ((*command, "-q"), ("jobs", "resume", "-q"), ("jobs", "retry-failed", "-q")):
        assert "another process" in refused(shell, *late)


def test_a_workspace_that_is_a_file_is_refused(shell):
    shell.write("rows.csv", TABLE)
    shell.write("home", "")
    ended = shell.call(*SCORE, "--home", "home/below")
    assert "home" in refusal(ended)


def test_a_ledger_that_is_no_database_is_refused(shell):
    shell.write("rows.csv", TABLE)
    (shell.folder / ".penstock").mkdir()
    shell.write(".penstock/ledger.db", "no database at all, but long enough to be looked at " * 40)
    assert "ledger" in refused(shell, *SCORE)


def test_a_ledger_of_another_version_is_refused(shell):
    shell.write("rows.csv", TABLE)
    (shell.folder / ".penstock").mkdir()
    with closing(sqlite3.connect(shell.folder / ".penstock" / "ledger.db")) as db:
        db.execute("pragma user_version = 99")
    assert "99" in refused(shell, *SCORE)


# --- the same through a process ---


@pytest.mark.parametrize(
    "given",
    [
        ("score", "missing.csv", "-t", "comment", "-c", "categories.yaml"),
        ("score", "rows.csv", "-t", "comment", "-c", "twice.yaml"),
        ("score", "rows.csv", "-t", "comment", "-c", "categories.yaml", "-o", "/nowhere/at/all.csv"),
        ("jobs", "show", "none"),
        ("testing", "serve-model", "--fault", "no_such=0.1"),
    ],
)
def test_a_process_ends_with_the_same_line_and_code(shell, given):
    shell.write("rows.csv", TABLE)
    shell.write("twice.yaml", "[a, a]")
    before = shell.listing()
    ended = shell.run(*given)
    assert refusal(ended)
    assert ended.out == ""
    assert shell.listing() == before
