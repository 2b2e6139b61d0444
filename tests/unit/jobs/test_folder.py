import json
import threading

import pytest

from ledgers import job
from penstock.errors import DeliveryError, JobError
from penstock.jobs.chunks import plan
from penstock.jobs.events import Progress
from penstock.jobs.folder import RunFolder
from penstock.ledger.ledger import Chunk

PROGRESS = Progress(
    job_id="score-1",
    seconds=1.23456,
    rows=4,
    items=4,
    done=2,
    failed=1,
    skipped=0,
    rate=1.987654,
    eta=None,
    working=2,
    gauges={"throttled": 3},
)


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "runs" / "score-1")


def read(folder, name):
    return json.loads((folder.path / name).read_bytes())


def test_the_job_is_shown_with_its_configuration_and_facts(folder):
    folder.write_run(job(config='{"text":"comment"}', status="running"), {"stage_seconds": {"judge": 1.5}})
    shown = read(folder, "run_meta.json")
    assert (shown["id"], shown["status"], shown["config"]) == ("score-1", "running", {"text": "comment"})
    assert shown["stage_seconds"] == {"judge": 1.5}


def test_the_chunks_are_shown_with_their_rows_and_why_they_failed(folder):
    given_up = Chunk(number=1, first_row=2, rows=2, status="failed", retry_count=3, failed=1, last_error="row 3: no")
    folder.write_chunks([plan(4, chunk_rows=2)[0], given_up])
    first, second = read(folder, "chunk_meta.json")
    assert (first["chunk_id"], first["row_range"], first["status"]) == (0, [0, 1], "pending")
    assert second == {
        "chunk_id": 1,
        "row_range": [2, 3],
        "status": "failed",
        "retry_count": 3,
        "failed": 1,
        "last_error": "row 3: no",
        "updated_at": 0.0,
    }


def test_the_checkpoint_shows_how_far_the_job_is(folder):
    folder.write_checkpoint(PROGRESS)
    assert {"done": 2, "failed": 1, "gauges": {"throttled": 3}}.items() <= read(folder, "checkpoint.json").items()


def test_the_course_of_the_job_grows_by_a_line(folder):
    folder.add_progress(PROGRESS)
    folder.add_progress(PROGRESS)
    line = {"seconds": 1.235, "done": 2, "failed": 1, "rate": 1.99, "working": 2, "throttled": 3}
    assert folder.lines("progress.jsonl") == [line, line]


def test_a_line_that_a_crash_cut_off_is_left_out_and_spoils_no_other(folder):
    folder.add_line("progress.jsonl", {"done": 1})
    with (folder.path / "progress.jsonl").open("ab") as file:
        file.write(b'{"done": 2, "ra')
    assert folder.lines("progress.jsonl") == [{"done": 1}]
    folder.add_line("progress.jsonl", {"done": 3})
    assert folder.lines("progress.jsonl") == [{"done": 1}, {"done": 3}]


def test_a_file_that_is_not_there_has_no_lines(folder):
    assert folder.lines("progress.jsonl") == []


def test_the_files_are_whole_at_any_moment(folder):
    folder.write_chunks(plan(1, chunk_rows=1))
    over = threading.Event()
    broken = []

    def look():
        while not over.is_set():
            try:
                read(folder, "chunk_meta.json")
            except ValueError as error:
                broken.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    for rows in range(1, 150):
        folder.write_chunks(plan(rows, chunk_rows=1))
    over.set()
    reader.join()
    assert broken == []


def test_a_job_is_held_by_one_at_a_time(folder):
    other = RunFolder(folder.path)
    with (
        folder.locked(),
        pytest.raises(JobError, match="Job score-1 is being worked on by another process"),
        other.locked(),
    ):
        pass


def test_a_job_that_was_let_go_can_be_held_again(folder):
    for _ in range(2):
        with folder.locked():
            pass


def test_a_job_is_busy_while_it_is_held(folder):
    other = RunFolder(folder.path)
    assert not other.busy()
    with folder.locked():
        assert other.busy()
    assert not other.busy()


def test_looking_at_a_job_that_never_ran_makes_no_folder(folder):
    assert not folder.busy()
    assert not folder.path.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "runs").write_text("a file")
    folder = RunFolder(tmp_path / "runs" / "score-1")
    with pytest.raises(DeliveryError, match=r"runs.score-1"), folder.locked():
        pass
    with pytest.raises(DeliveryError, match=r"chunk_meta\.json cannot be written"):
        folder.write_chunks([])
    with pytest.raises(DeliveryError, match=r"progress\.jsonl cannot be written"):
        folder.add_line("progress.jsonl", {})
