"""One file, several processes, full disks and wrong files."""

import sqlite3
import subprocess
import sys
import textwrap

import pytest

from ledgers import CACHES, LEDGERS, job, verdict
from penstock.errors import LedgerError
from penstock.jobs.chunks import plan
from penstock.ledger.ledger import Tally
from penstock.ledger.sqlite import SqliteLedger

pytestmark = pytest.mark.anyio


def start(script, *arguments):
    code = textwrap.dedent(script)
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


WRITER = """
import sys
from pathlib import Path
import anyio
from penstock.ledger.sqlite import SqliteLedger
from penstock.ledger.cache import SqliteCache
from penstock.records import Key, Verdict

async def main(folder, first, rows):
    sys.stdin.readline()  # all begin together
    async with SqliteLedger(Path(folder, "ledger.db")) as ledger, SqliteCache(Path(folder, "cache.db")) as cache:
        for row in range(first, first + rows):
            if rows > 1:
                await ledger.record("score-1", [Verdict(key=Key(row), scores=(0.5,), method="m")])
            cache.put(str(row), "answer")

anyio.run(main, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
"""


def together(folder, *, processes, rows):
    started = [start(WRITER, folder, 1000 * number, rows) for number in range(processes)]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        ended(process)


async def test_several_processes_may_open_the_same_new_file_at_once(tmp_path):
    together(tmp_path, processes=4, rows=1)
    async with LEDGERS["sqlite"](tmp_path) as ledger, CACHES["sqlite"](tmp_path) as cache:
        assert await ledger.jobs() == []
        assert [await cache.get(str(1000 * number)) for number in range(4)] == ["answer"] * 4


async def test_two_processes_may_write_at_once(tmp_path):
    async with LEDGERS["sqlite"](tmp_path) as ledger:
        await ledger.add_job(job(rows=2000), plan(2000, chunk_rows=500))
        together(tmp_path, processes=2, rows=60)
        assert await ledger.tally("score-1") == Tally(verdicts=120)


async def test_the_ledger_is_in_write_ahead_mode_and_synced_at_every_commit(tmp_path):
    async with LEDGERS["sqlite"](tmp_path) as ledger:
        assert await ledger._desk.do(lambda db: db.execute("pragma journal_mode").fetchone()) == ("wal",)
        assert await ledger._desk.do(lambda db: db.execute("pragma synchronous").fetchone()) == (2,)


@pytest.mark.parametrize("kind", ["ledger", "cache"])
async def test_a_file_of_a_newer_version_is_turned_down_in_one_sentence(tmp_path, kind):
    opening = {"ledger": LEDGERS, "cache": CACHES}[kind]["sqlite"]
    async with opening(tmp_path):
        pass
    path = tmp_path / f"{kind}.db"
    db = sqlite3.connect(path)
    db.execute("pragma user_version = 9")
    db.close()
    with pytest.raises(LedgerError) as caught:
        async with opening(tmp_path):
            pass
    assert str(caught.value) == (
        f"{path} was made by another version of Penstock (layout 9, this one reads 1); "
        "use that version, or another folder."
    )


async def test_a_file_that_is_no_database_is_named_in_one_sentence(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"comment,score\n" * 400)
    with pytest.raises(LedgerError) as caught:
        async with SqliteLedger(path):
            pass
    assert str(caught.value) == (
        f"The ledger {path} cannot be used: file is not a database; make room or check the folder, then resume."
    )
    assert path.read_bytes() == b"comment,score\n" * 400


async def test_a_folder_in_the_place_of_the_file_is_named(tmp_path):
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(LedgerError, match=r"ledger\.db cannot be used"):
        async with SqliteLedger(tmp_path / "ledger.db"):
            pass


async def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(LedgerError, match=r"home.ledger\.db cannot be used"):
        async with SqliteLedger(tmp_path / "home" / "ledger.db"):
            pass


async def test_the_folder_is_made_with_the_file(tmp_path):
    async with SqliteLedger(tmp_path / "a" / "b" / "ledger.db") as ledger:
        assert await ledger.jobs() == []


FULL_DISK = """
import resource, sys
from pathlib import Path
import anyio
from penstock.errors import LedgerError
from penstock.ledger.ledger import Job
from penstock.ledger.sqlite import SqliteLedger
from penstock.records import Key, Verdict

async def main(path):
    recorded = 0
    async with SqliteLedger(path) as ledger:
        await ledger.add_job(
            Job(id="score-1", system="score", fingerprint="f", config="{}", folder="", rows=100_000), []
        )
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
        try:
            for first in range(0, 100_000, 50):
                rows = range(first, first + 50)
                await ledger.record("score-1", [Verdict(key=Key(row), scores=(0.5,), method="m" * 200) for row in rows])
                recorded += 50
        except LedgerError as error:
            print(error)
    print(recorded)

anyio.run(main, Path(sys.argv[1]))
"""


async def test_a_full_disk_is_told_and_nothing_that_was_recorded_is_lost(tmp_path):
    sentence, recorded = ended(start(FULL_DISK, tmp_path / "ledger.db")).splitlines()
    assert sentence.startswith(f"The ledger {tmp_path / 'ledger.db'} cannot be used: ")
    assert sentence.endswith("; make room or check the folder, then resume.")
    async with LEDGERS["sqlite"](tmp_path) as ledger:
        assert 0 < int(recorded) < 100_000
        assert await ledger.tally("score-1") == Tally(verdicts=int(recorded))
        await ledger.record("score-1", [verdict(99_999)])  # there is room again
        assert len(await ledger.outcomes("score-1", 99_999, 1)) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
import anyio
from penstock.ledger.ledger import Job
from penstock.ledger.sqlite import SqliteLedger
from penstock.records import Key, Verdict

async def main(path):
    async with SqliteLedger(path) as ledger:
        await ledger.add_job(Job(id="score-1", system="score", fingerprint="f", config="{}", folder="", rows=9), [])
        for row in range(7):
            await ledger.record("score-1", [Verdict(key=Key(row), scores=(0.5,), method="m")])
        os.kill(os.getpid(), signal.SIGKILL)

anyio.run(main, Path(sys.argv[1]))
"""


async def test_what_was_recorded_before_a_kill_is_there(tmp_path):
    process = start(KILLED, tmp_path / "ledger.db")
    process.communicate(timeout=60)
    assert process.returncode == -9
    async with LEDGERS["sqlite"](tmp_path) as ledger:
        assert await ledger.tally("score-1") == Tally(verdicts=7)
