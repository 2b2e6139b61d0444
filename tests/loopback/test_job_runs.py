"""Jobs from start to end: a real ledger, real files, and a judge that does what the test says."""

import asyncio
import hashlib
import json
import subprocess
import sys
from collections import Counter
from contextlib import asynccontextmanager, suppress
from itertools import count

import anyio
import pytest

from ledgers import failure, verdict
from penstock.errors import DeliveryError, JobError, Outage
from penstock.flow.shield import waiting
from penstock.jobs.chunks import plan
from penstock.jobs.events import ChunkChanged, JobChanged, Progress
from penstock.jobs.run import Runner, Work
from penstock.jobs.workspace import Workspace
from penstock.ledger.ledger import Job, Tally
from penstock.records import Item, Key

pytestmark = pytest.mark.anyio


class Texts:
    """A source of texts, one item per row and part."""

    def __init__(self, texts, *, parts=1):
        self.texts = list(texts)
        self.parts = parts

    def rows(self):
        for row, text in enumerate(self.texts):
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            yield [Item(key=Key(row, part), fields={"text": text}, digest=digest) for part in range(self.parts)]


class Judge:
    """Judges as told, and counts how often each row was asked."""

    def __init__(self, outcome=lambda row, nth: verdict(row)):
        self.outcome = outcome
        self.asked = Counter()

    async def __call__(self, batch):
        outcomes = []
        for item in batch:
            self.asked[item.key] += 1
            made = self.outcome(item.key.row, self.asked[item.key])
            if asyncio.iscoroutine(made):
                made = await made
            outcomes.append(type(made)(**{**fields_of(made), "key": item.key, "digest": item.digest}))
        return outcomes

    @property
    def rows(self):
        return sorted(key.row for key in self.asked)


def fields_of(value):
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def later(row=0):
    return failure(row, code="unreachable", reason="no answer within 3 s", later=True)


class Rig:
    """A workspace with one job in it."""

    def __init__(self, workspace, *, chunk_rows):
        self.workspace = workspace
        self.ledger = workspace.ledger
        self.chunk_rows = chunk_rows

    async def begin(self, rows):
        job = Job(id="score-1", system="score", fingerprint="f", config="{}", folder="", rows=rows)
        await self.ledger.add_job(job, plan(rows, chunk_rows=self.chunk_rows))

    async def runner(self, source, judge, *, workers=3, batch=1, **settings):
        return Runner(
            job=await self.ledger.job("score-1"),
            ledger=self.ledger,
            source=source,
            work=Work(judge=judge, workers=workers, batch=batch),
            folder=self.workspace.folder("score-1"),
            chunk_rows=self.chunk_rows,
            **settings,
        )

    async def run(self, source, judge, **settings):
        runner = await self.runner(source, judge, **settings)
        with runner.folder.locked():
            return await runner.run()

    async def outcomes(self):
        return await self.ledger.outcomes("score-1", 0, 10_000)

    async def status(self):
        return (await self.ledger.job("score-1")).status


@asynccontextmanager
async def rigged(folder, *, rows, chunk_rows=4):
    async with Workspace(folder) as workspace:
        rig = Rig(workspace, chunk_rows=chunk_rows)
        await rig.begin(rows)
        yield rig


def hasty():
    """A clock on which a minute passes between two looks, so that no pause is waited for."""
    minutes = count(0.0, 60.0)
    return lambda: next(minutes)


def texts(rows):
    return [f"text {row}" for row in range(rows)]


@pytest.mark.parametrize(("workers", "batch", "parts"), [(1, 1, 1), (3, 1, 2), (2, 5, 1), (7, 3, 3)])
async def test_a_job_asks_for_each_item_once_and_is_completed(tmp_path, workers, batch, parts):
    judge = Judge()
    async with rigged(tmp_path, rows=22) as rig:
        job = await rig.run(Texts(texts(22), parts=parts), judge, workers=workers, batch=batch)
        assert (job.status, job.error, await rig.status()) == ("completed", "", "completed")
        assert set(judge.asked.values()) == {1}
        assert [tuple(one.key) for one in await rig.outcomes()] == [(r, p) for r in range(22) for p in range(parts)]
        assert {chunk.status for chunk in await rig.ledger.chunks("score-1")} == {"completed"}


async def test_a_job_without_rows_is_completed(tmp_path):
    async with rigged(tmp_path, rows=0) as rig:
        assert (await rig.run(Texts([]), Judge())).status == "completed"


async def test_an_outcome_is_durable_before_it_counts(tmp_path):
    seen = []

    async with rigged(tmp_path, rows=8) as rig, Workspace(tmp_path) as other:

        def listen(event):
            if isinstance(event, ChunkChanged):
                seen.append(event.chunk)

        await rig.run(Texts(texts(8)), Judge(), listeners=[listen])
        assert len(seen) == 2
        for chunk in seen:
            assert len(await other.ledger.outcomes("score-1", chunk.first_row, chunk.rows)) == chunk.rows


async def test_failures_for_good_do_not_stop_a_job_nor_are_they_asked_again(tmp_path):
    judge = Judge(lambda row, nth: failure(row) if row in {1, 6} else verdict(row))
    async with rigged(tmp_path, rows=8) as rig:
        assert (await rig.run(Texts(texts(8)), judge)).status == "completed"
        again = Judge()
        assert (await rig.run(Texts(texts(8)), again)).status == "completed"
        assert again.rows == []
        assert await rig.ledger.tally("score-1") == Tally(verdicts=6, failures=2)


async def test_failures_for_good_are_asked_again_when_that_is_wanted(tmp_path):
    judge = Judge(lambda row, nth: failure(row) if row in {1, 6} else verdict(row))
    async with rigged(tmp_path, rows=8) as rig:
        await rig.run(Texts(texts(8)), judge)
        again = Judge()
        await rig.run(Texts(texts(8)), again, again=True)
        assert again.rows == [1, 6]
        assert await rig.ledger.tally("score-1") == Tally(verdicts=8)
        assert [chunk.failed for chunk in await rig.ledger.chunks("score-1")] == [0, 0]


async def test_a_completed_chunk_is_skipped_and_a_changed_text_alone_is_asked_again(tmp_path):
    async with rigged(tmp_path, rows=12) as rig:
        await rig.run(Texts(texts(12)), Judge())
        changed = texts(12)
        changed[5] = "another text"
        again = Judge()
        runner = await rig.runner(Texts(changed), again)
        assert (await runner.run()).status == "completed"
        assert again.rows == [5]
        assert runner.progress().skipped == 11


async def test_only_the_failed_items_of_a_chunk_are_tried_again(tmp_path):
    judge = Judge(lambda row, nth: later(row) if row in {1, 2} and nth < 3 else verdict(row))
    async with rigged(tmp_path, rows=8) as rig:
        assert (await rig.run(Texts(texts(8)), judge, clock=hasty())).status == "completed"
        assert {key.row: asked for key, asked in judge.asked.items()} == {r: 3 if r in {1, 2} else 1 for r in range(8)}
        assert [chunk.retry_count for chunk in await rig.ledger.chunks("score-1")] == [2, 0]


async def test_a_chunk_is_given_up_after_its_retries_and_the_job_says_which_rows(tmp_path):
    judge = Judge(lambda row, nth: later(row) if row == 5 else verdict(row))
    async with rigged(tmp_path, rows=12) as rig:
        job = await rig.run(Texts(texts(12)), judge, clock=hasty(), retry_limit=3)
        assert judge.asked[Key(5)] == 4
        assert job.status == "failed"
        assert job.error == "Given up on some of rows 5-8: row 6: no answer within 3 s."
        assert [chunk.status for chunk in await rig.ledger.chunks("score-1")] == ["completed", "failed", "completed"]
        assert await rig.ledger.tally("score-1") == Tally(verdicts=11, later=1)


async def test_a_resume_tries_a_given_up_item_again(tmp_path):
    judge = Judge(lambda row, nth: later(row) if row == 5 else verdict(row))
    async with rigged(tmp_path, rows=12) as rig:
        await rig.run(Texts(texts(12)), judge, clock=hasty(), retry_limit=0)
        again = Judge()
        job = await rig.run(Texts(texts(12)), again)
        assert again.rows == [5]
        assert (job.status, job.error) == ("completed", "")


async def test_the_pause_before_a_new_try_is_waited_for(tmp_path):
    clock = [0.0]
    tried = []

    def outcome(row, nth):
        tried.append(clock[0])
        return later(row)

    def look():  # a second passes at each look
        clock[0] += 1.0
        return clock[0]

    async with rigged(tmp_path, rows=1) as rig:
        runner = await rig.runner(Texts(texts(1)), Judge(outcome), clock=look, tick=0.005, retry_limit=1)
        with anyio.move_on_after(5):
            await runner.run()
    assert tried[1] - tried[0] >= 2


async def test_many_chunks_that_wait_for_their_turn_stop_the_reading(tmp_path):
    """A server that is down must not burn through the table."""
    judge = Judge(lambda row, nth: later(row))
    async with rigged(tmp_path, rows=400) as rig:
        runner = await rig.runner(Texts(texts(400)), judge, workers=2, tick=0.01)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(runner.run)
            await anyio.sleep(0.3)  # long enough to read the whole table, if nothing held the reading back
            runner.stop()
    assert len(judge.asked) <= 4 * (8 + 2)


async def test_a_request_from_another_connection_cancels_the_job_and_keeps_what_is_there(tmp_path):
    begun = anyio.Event()

    async def slowly(row):
        if row == 20:
            begun.set()
        with waiting():
            await anyio.sleep(0 if row < 20 else 30)
        return verdict(row)

    async with rigged(tmp_path, rows=100) as rig, Workspace(tmp_path) as other:

        async def ask_to_stop():
            await begun.wait()
            await other.ledger.request_stop("score-1")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask_to_stop)
            job = await rig.run(Texts(texts(100)), Judge(lambda row, nth: slowly(row)), tick=0.01)
        assert job.status == await rig.status() == "cancelled"
        assert [one.key.row for one in await rig.outcomes()] == list(range(20))


async def test_a_stop_keeps_what_is_in_flight_and_a_resume_asks_only_for_the_rest(tmp_path):
    flying = anyio.Event()
    answered = anyio.Event()

    async def fly(row):
        if row == 9:
            flying.set()
        if row >= 7:
            await answered.wait()
        return verdict(row)

    first = Judge(lambda row, nth: fly(row))
    second = Judge()
    async with rigged(tmp_path, rows=30) as rig:
        runner = await rig.runner(Texts(texts(30)), first)

        async def stop():
            await flying.wait()
            runner.stop()
            answered.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop)
            job = await runner.run()
        assert job.status == await rig.status() == "interrupted"
        assert [one.key.row for one in await rig.outcomes()] == first.rows == list(range(10))
        assert {chunk.status for chunk in await rig.ledger.chunks("score-1")} == {"completed", "pending"}
        assert (await rig.run(Texts(texts(30)), second)).status == "completed"
        assert second.rows == list(range(10, 30))


async def test_a_stop_while_the_last_chunk_is_being_read_does_not_complete_the_job(tmp_path):
    class Stopping(Texts):
        def rows(self):
            for row, items in enumerate(super().rows()):
                if row == 6:
                    anyio.from_thread.run_sync(runner.stop)
                yield items

    judge = Judge()
    async with rigged(tmp_path, rows=8) as rig:
        runner = await rig.runner(Stopping(texts(8)), judge)
        assert (await runner.run()).status == "interrupted"
        assert max(judge.rows) < 4
        assert (await rig.run(Texts(texts(8)), judge)).status == "completed"
        assert judge.rows == list(range(8))


async def test_a_stop_before_the_start_asks_for_nothing(tmp_path):
    judge = Judge()
    async with rigged(tmp_path, rows=8) as rig:
        runner = await rig.runner(Texts(texts(8)), judge)
        runner.stop()
        assert (await runner.run()).status == "interrupted"
        assert judge.rows == []


async def test_a_stop_when_all_is_done_leaves_a_completed_job(tmp_path):
    async with rigged(tmp_path, rows=2) as rig:
        runner = await rig.runner(Texts(texts(2)), Judge(), listeners=[])
        runner.listeners = [lambda event: runner.stop() if isinstance(event, ChunkChanged) else None]
        assert (await runner.run()).status == "completed"


async def test_a_bug_in_the_judge_stops_the_run_as_itself_and_the_job_can_be_resumed(tmp_path):
    def outcome(row, nth):
        return verdict(row) if row != 6 else verdict(row + {}["missing"])

    async with rigged(tmp_path, rows=8) as rig:
        with pytest.raises(KeyError, match="missing") as caught:
            await rig.run(Texts(texts(8)), Judge(outcome), workers=1)
        assert any(entry.name == "outcome" for entry in caught.traceback)
        assert await rig.status() == "interrupted"
        again = Judge()
        assert (await rig.run(Texts(texts(8)), again)).status == "completed"
        assert 6 in again.rows
        assert set(again.rows) <= {5, 6, 7}


@pytest.mark.parametrize("made", [lambda batch: [], lambda batch: [verdict(99)], lambda batch: [verdict(0)] * 2])
async def test_a_judge_that_forgets_or_invents_items_is_a_bug(tmp_path, made):
    async def judge(batch):
        return made(batch)

    async with rigged(tmp_path, rows=1) as rig:
        with anyio.fail_after(20), pytest.raises(ValueError, match="outcomes for 1 items"):
            await rig.run(Texts(texts(1)), judge)
        assert await rig.outcomes() == []


async def test_an_error_that_no_row_is_to_blame_for_fails_the_job_with_its_sentence(tmp_path):
    async def gone(row):
        raise Outage("openai/m gave no good answer for 300 s.")

    async with rigged(tmp_path, rows=8) as rig:
        with pytest.raises(Outage):
            await rig.run(Texts(texts(8)), Judge(lambda row, nth: gone(row)))
        job = await rig.ledger.job("score-1")
        assert (job.status, job.error) == ("failed", "openai/m gave no good answer for 300 s.")
        assert (await rig.run(Texts(texts(8)), Judge())).status == "completed"


async def test_a_source_that_has_become_shorter_is_told(tmp_path):
    async with rigged(tmp_path, rows=8) as rig:
        with pytest.raises(JobError, match="fewer rows than when the job began"):
            await rig.run(Texts(texts(6)), Judge())
        assert await rig.status() == "failed"


async def test_an_error_of_a_listener_stops_the_run_as_itself(tmp_path):
    def listen(event):
        if isinstance(event, Progress):
            raise ZeroDivisionError

    async def slowly(row):
        await anyio.sleep(10)
        return verdict(row)

    async with rigged(tmp_path, rows=8) as rig:
        with pytest.raises(ZeroDivisionError):
            await rig.run(Texts(texts(8)), Judge(lambda row, nth: slowly(row)), listeners=[listen], tick=0.01)
        assert await rig.status() == "interrupted"


async def test_a_run_that_is_cancelled_from_outside_is_interrupted(tmp_path):
    async def slowly(row):
        await anyio.sleep(30)
        return verdict(row)

    async with rigged(tmp_path, rows=8) as rig:
        with anyio.move_on_after(0.05):
            await rig.run(Texts(texts(8)), Judge(lambda row, nth: slowly(row)))
        assert await rig.status() == "interrupted"


async def test_results_are_delivered_before_the_job_is_completed(tmp_path):
    seen = []

    async with rigged(tmp_path, rows=8) as rig:

        async def deliver():
            seen.append((await rig.status(), len(await rig.outcomes())))

        await rig.run(Texts(texts(8)), Judge(), deliver=deliver)
    assert seen == [("running", 8)]


async def test_results_that_could_not_be_delivered_are_delivered_by_a_resume(tmp_path):
    async def closed():
        raise DeliveryError("The table cannot be written.")

    async with rigged(tmp_path, rows=8) as rig:
        with pytest.raises(DeliveryError):
            await rig.run(Texts(texts(8)), Judge(), deliver=closed)
        assert await rig.status() == "failed"
        delivered, again = [], Judge()

        async def deliver():
            delivered.append(True)

        assert (await rig.run(Texts(texts(8)), again, deliver=deliver)).status == "completed"
        assert delivered == [True]
        assert again.rows == []


async def test_a_second_runner_of_one_job_is_turned_away(tmp_path):
    async with rigged(tmp_path, rows=1) as rig:
        with rig.workspace.folder("score-1").locked():
            with pytest.raises(JobError, match="another process"):
                await rig.run(Texts(texts(1)), Judge())
            assert await rig.status() == "pending"


HOLDER = """
import sys
from penstock.jobs.workspace import Workspace
with Workspace(sys.argv[1]).folder("score-1").locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder):
    """A process that holds the job."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], **pipes)
    assert holder.stdout.readline() == b"held\n"
    return holder


async def test_the_hold_on_a_job_goes_with_the_process_however_it_ends(tmp_path):
    async with rigged(tmp_path, rows=1) as rig:
        holder = hold(tmp_path)
        with pytest.raises(JobError):
            await rig.run(Texts(texts(1)), Judge())
        holder.kill()
        holder.communicate(timeout=30)
        assert (await rig.run(Texts(texts(1)), Judge())).status == "completed"


async def test_the_run_folder_shows_the_end(tmp_path):
    judge = Judge(lambda row, nth: failure(row) if row == 1 else verdict(row))
    async with rigged(tmp_path, rows=8) as rig:
        await rig.run(Texts(texts(8)), judge)
        folder = rig.workspace.folder("score-1").path
    job, chunks, checkpoint = (
        json.loads((folder / f"{name}.json").read_bytes()) for name in ("run_meta", "chunk_meta", "checkpoint")
    )
    assert (job["status"], job["rows"]) == ("completed", 8)
    assert [(chunk["row_range"], chunk["status"], chunk["failed"]) for chunk in chunks] == [
        ([0, 3], "completed", 1),
        ([4, 7], "completed", 0),
    ]
    assert (checkpoint["done"], checkpoint["failed"], checkpoint["items"]) == (8, 1, 8)


async def test_the_files_of_the_run_folder_are_whole_at_any_moment(tmp_path):
    looked = 0

    async def slowly(row):
        await anyio.sleep(0.002)
        return verdict(row)

    async with rigged(tmp_path, rows=120, chunk_rows=2) as rig:
        folder = rig.workspace.folder("score-1").path
        async with anyio.create_task_group() as tasks:
            runner = await rig.runner(Texts(texts(120)), Judge(lambda row, nth: slowly(row)), tick=0.002)
            tasks.start_soon(runner.run)
            while runner.job.status in {"pending", "running"}:
                for name in ("run_meta", "chunk_meta", "checkpoint"):
                    with suppress(FileNotFoundError):
                        json.loads((folder / f"{name}.json").read_bytes())
                        looked += 1
                await anyio.sleep(0.001)
    assert looked > 10


async def test_listeners_are_told_of_the_job_its_chunks_and_its_progress(tmp_path):
    events = []

    async def slowly(row):
        await anyio.sleep(0.01)
        return verdict(row)

    async with rigged(tmp_path, rows=12) as rig:
        judge = Judge(lambda row, nth: slowly(row))
        await rig.run(Texts(texts(12)), judge, listeners=[events.append], tick=0.01)
    assert [event.job.status for event in events if isinstance(event, JobChanged)] == ["running", "completed"]
    assert sorted(event.chunk.number for event in events if isinstance(event, ChunkChanged)) == [0, 1, 2]
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done
    assert done == sorted(done)


async def test_progress_counts_what_earlier_runs_had_settled(tmp_path):
    async with rigged(tmp_path, rows=8) as rig:
        await rig.run(Texts(texts(8)), Judge(lambda row, nth: failure(row) if row < 2 else verdict(row)))
        runner = await rig.runner(Texts([*texts(7), "changed"]), Judge())
        await runner.run()
        progress = runner.progress()
    assert (progress.items, progress.done, progress.skipped, progress.failed) == (8, 8, 7, 2)


FULL_DISK = """
import resource, sys
import anyio
from penstock.errors import LedgerError
sys.path.insert(0, sys.argv[2])
from loopback.test_job_runs import Judge, Texts, rigged, texts
from ledgers import verdict

async def main(folder):
    async with rigged(folder, rows=4000, chunk_rows=50) as rig:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        try:
            await rig.run(Texts(texts(4000)), Judge(lambda row, nth: verdict(row, note="n" * 300)))
        except LedgerError as error:
            print("told:", error)

anyio.run(main, sys.argv[1])
"""


def fill_the_disk(folder, tests):
    """Run a job in a process whose files may not grow beyond a size."""
    return subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(folder), str(tests)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


async def test_a_full_disk_stops_the_job_and_a_resume_asks_only_for_what_is_missing(tmp_path, request):
    full = fill_the_disk(tmp_path, request.config.rootpath / "tests")
    assert full.stdout.startswith("told: The ledger "), full.stderr
    async with Workspace(tmp_path) as workspace:
        rig = Rig(workspace, chunk_rows=50)
        had = {one.key.row for one in await rig.outcomes()}
        assert 0 < len(had) < 4000
        judge = Judge()
        assert (await rig.run(Texts(texts(4000)), judge, workers=20)).status == "completed"
        assert set(judge.rows) == set(range(4000)) - had
        assert len(await rig.outcomes()) == 4000


async def test_an_outcome_that_cannot_be_written_down_is_a_bug_and_harms_no_other(tmp_path):
    def outcome(row, nth):
        return verdict(row) if row < 5 else verdict(row, note="half a character: \ud800")

    async with rigged(tmp_path, rows=8) as rig:
        with pytest.raises(UnicodeEncodeError):
            await rig.run(Texts(texts(8)), Judge(outcome), workers=1)
        assert await rig.status() == "interrupted"
        assert [one.key.row for one in await rig.outcomes()] == list(range(5))
