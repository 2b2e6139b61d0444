"""Score jobs on a sheet under random faults and kills: the sheet ends as without them, and nothing is asked twice.

    python benchmarks/sheet_faults.py [--seeds 1-200] [--together 4]

Each seed draws a sheet (40 to 120 rows, 3 to 12 categories in one or two blocks; rows without a text, texts that a hand
would type as formulas, texts that no model can judge, cells with old scores), faults of the sheet's server, quotas,
faults of the model's server, and in three of five seeds one to three moments at which the command is killed (SIGKILL)
or stopped in order (Ctrl-C).
The command is `penstock score URL`, then `penstock jobs resume` until the job is completed. A minute of the sheet's
quotas passes in three seconds for its server and its client.

Checked at the end of each seed:
- the whole book, cell for cell: scores where they belong, blank cells for texts that could not be judged, everything
  else as it was; no formula among the cells.
- after every kill and every run that failed: no question whose outcome was in the ledger was asked again.
- after every stop in order: what this run has found out is in the sheet.
- while one process lives: no more answers given twice than texts that cannot be judged explain.
- without refusals by the faults themselves: no request refused, at most 60 reads and 60 writes in any minute.

Exit code 1 where one of these does not hold.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL
from typing import TYPE_CHECKING, Any

import anyio

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from penstock.testing import Behaviour, Latency
from penstock.testing.sheet.behaviour import SheetBehaviour
from penstock.testing.sheet.sample import FIRST_ROW, TAB
from sheet_hurried import TIMEOUT, clock
from sheet_jobs import BLOCK, FIRST, UNFIT, Plan, World, plan, world

if TYPE_CHECKING:
    from anyio.abc import Process

    from penstock.testing import Fault, Stats
    from penstock.testing.sheet.behaviour import SheetFault

COMMAND = str(Path(__file__).resolve().parent.parent / "tests" / "sheet_hurried.py")
SHEET_FAULTS: tuple[SheetFault, ...] = (
    *("http_429", "http_500", "http_502_html", "http_503", "reset", "hang", "slow"),
    *("applied_then_503", "applied_then_reset", "applied_then_hang"),
)
SPOILT: tuple[Fault, ...] = ("truncated_body", "html_body", "wrong_count", "prose", "empty", "nan")
"""What the server takes for an answer, and the client for none."""
MODEL_FAULTS: tuple[Fault, ...] = (
    *("http_500", "http_502", "http_503", "drop", "drop_midway"),
    *SPOILT,
)
IN_FLIGHT, ASKS = 16, 4
MOST_RUNS = 15
LONGEST = 60.0
"""Seconds that one run may take."""
STOPPED = 130
"""The exit code of a command that was stopped in order."""
USUAL = 60
"""Google's quota."""


@dataclass(frozen=True, kw_only=True)
class Kill:
    """When to kill: so many seconds after both servers have seen so much in this run; or only to stop in order."""

    gently: bool = False
    answers: int = 0
    writes: int = 0
    after: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What a seed draws."""

    plan: Plan
    sheet: SheetBehaviour
    model: Behaviour
    kills: tuple[Kill, ...]


@dataclass(kw_only=True)
class Course:
    """What happened to a job.

    Attributes:
        schedule: What was drawn.
        kills: Kills that met a living process.
        stops: Stops in order that did.
        runs: Processes started.
        broken: What did not hold.
        counts: Requests and faults.
        seen: Questions that were looked at.
    """

    schedule: Schedule
    kills: int = 0
    stops: int = 0
    runs: int = 0
    broken: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    seen: int = 0

    def met(self, kill: Kill, process: Process) -> None:
        """Count a kill, if there is anybody to be killed."""
        self.stops += process.returncode is None and kill.gently
        self.kills += process.returncode is None and not kill.gently

    def new(self, servers: World) -> list[tuple[str, int]]:
        """Give the questions that were answered since the last look."""
        found = servers.asked.answers[self.seen :]
        self.seen += len(found)
        return found


def drawn(seed: int) -> Schedule:
    """Draw a schedule."""
    rng = random.Random(seed)
    made = plan(
        rng.randint(40, 120),
        rng.randint(3, 12),
        seed=seed,
        blank=rng.choice([0, 0.1]),
        unfit=rng.choice([0, 0.05]),
        stale=rng.choice([0, 0.2]),
    )
    count = rng.randint(1, 3) if rng.random() < 0.6 else 0
    return Schedule(
        plan=made,
        sheet=SheetBehaviour(
            seed=seed,
            latency=Latency(seconds=rng.choice([0.0, 0.02, 0.1]), share=0.5),
            writes_per_minute_per_user=rng.choice([USUAL, USUAL, USUAL, 5]),
            reads_per_minute_per_user=rng.choice([USUAL, USUAL, USUAL, 5]),
            retry_after=rng.choice([None, None, 3.0]),
            faults=_shares(SHEET_FAULTS, rng, (0.0, 0.1, 0.3, 0.5)),
            hang_seconds=rng.choice([0.3, 3 * TIMEOUT]),
            slow_seconds=rng.choice([0.2, 2 * TIMEOUT]),
        ),
        model=Behaviour(
            seed=seed,
            latency=Latency(seconds=0.12, share=0.5),
            faults=_shares(MODEL_FAULTS, rng, (0.0, 0.05, 0.15)),
            capacity=rng.choice([None, 8]),
        ),
        kills=tuple(_kill(rng, made) for _ in range(count)),
    )


def _shares(names: tuple[Any, ...], rng: random.Random, totals: tuple[float, ...]) -> dict[Any, float]:
    chosen = rng.sample(names, rng.randint(1, 4))
    return dict.fromkeys(chosen, rng.choice(totals) / len(chosen))


def _kill(rng: random.Random, made: Plan) -> Kill:
    kind = rng.choice(["time", "answers", "writes", "stop", "stop"])
    if kind == "time":
        return Kill(after=rng.uniform(0.2, 4.0))
    if kind == "stop":
        return Kill(gently=True, answers=rng.randint(1, len(made.texts) // 2))
    if kind == "answers":
        return Kill(answers=rng.randint(1, len(made.texts)), after=rng.uniform(0.0, 0.2))
    return Kill(writes=rng.randint(2, 5), after=rng.uniform(0.0, 0.2))


# --- one job ---


async def played(seed: int, folder: Path) -> Course:
    """Run the job of a seed to its end, and check it."""
    schedule = drawn(seed)
    course = Course(schedule=schedule)
    async with world(schedule.plan, sheet=schedule.sheet, model=schedule.model, clock=clock) as servers:
        kills = list(schedule.kills)
        settled: set[tuple[int, int]] = set()
        while course.runs < MOST_RUNS:
            before = servers.model.stats()
            code = await run(servers, folder, course, kills.pop(0) if kills else None)
            await quiet(servers)
            _check_run(servers, course, settled, before)
            status, known = ledger(folder)
            if code == STOPPED:
                _check_stop(servers, course, known - settled)
            settled = known
            if status == "completed":
                break
        else:
            course.broken.append(f"the job did not end in {MOST_RUNS} runs")
        _check_end(servers, course)
        stats = servers.sheet.stats()
        course.counts.update(writes=stats.writes, reads=stats.reads, refused=stats.refused, again=stats.applied_again)
        course.counts.update({f"sheet {name}": met for name, met in stats.faults.items()})
        course.counts.update({f"model {name}": met for name, met in servers.model.stats().faults.items()})
    return course


async def run(servers: World, folder: Path, course: Course, kill: Kill | None) -> int | None:
    """Run the command, or a resume where there is a job, until it ends or is killed; returns its exit code."""
    begun = ledger(folder)[0]
    command = ["jobs", "resume"] if begun else _command(servers)
    given = [sys.executable, COMMAND, *command, "--home", str(folder), "--quiet"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "PENSTOCK_"))}
    course.runs += 1
    said = folder.with_suffix(".err")
    with said.open("wb") as file:
        process = await anyio.open_process(given, env=environment, stdin=None, stdout=DEVNULL, stderr=file)
    try:
        with anyio.fail_after(LONGEST):
            if kill is not None:
                await until(servers, process, kill)
                course.met(kill, process)
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT if kill.gently else signal.SIGKILL)
            await process.wait()
    except TimeoutError:
        course.broken.append(f"a run did not end within {LONGEST:.0f} s")
        process.kill()
        await process.wait()
    if "Traceback" in said.read_text():
        course.broken.append(said.read_text().strip().splitlines()[-1])
    return process.returncode


def _command(servers: World) -> list[str]:
    return [
        "score",
        servers.url,
        "--model=openai/m",
        f"--base-url={servers.model.url}",
        f"--concurrency={IN_FLIGHT}",
        f"--asks={ASKS}",
        "--timeout=5",
        "--no-cache",
        "--flush-interval=0.1",
        "--flush-count=20",
    ]


async def until(servers: World, process: Process, kill: Kill) -> None:
    """Wait for the moment of a kill, or for the end of the process."""
    answers, writes = len(servers.asked.answers), servers.sheet.stats().writes

    def due() -> bool:
        seen = len(servers.asked.answers) - answers >= kill.answers
        return seen and servers.sheet.stats().writes - writes >= kill.writes

    while process.returncode is None and not due():  # noqa: ASYNC110 - it is another process that moves
        await anyio.sleep(0.005)
    with anyio.move_on_after(kill.after):
        await process.wait()


async def quiet(servers: World) -> None:
    """Wait until the model's server has seen every connection of a dead process close."""
    with anyio.fail_after(30):
        while servers.model.stats().in_flight:  # noqa: ASYNC110 - it ends on the other side of a socket
            await anyio.sleep(0.005)


def ledger(folder: Path) -> tuple[str, set[tuple[int, int]]]:
    """Read the status of the job, and the row and part of each outcome that stands."""
    path = folder / "ledger.db"
    if not path.exists():
        return "", set()
    with closing(sqlite3.connect(path, timeout=10.0)) as db:
        if not db.execute("select count(*) from sqlite_master where name = 'outcome'").fetchone()[0]:
            return "", set()
        status = db.execute("select status from job order by number desc limit 1").fetchone()
        return (status[0] if status else ""), set(db.execute("select row, part from outcome where standing < 2"))


# --- what must hold ---


def _check_run(servers: World, course: Course, settled: set[tuple[int, int]], before: Stats) -> None:
    """See that a run asked for nothing that was in the ledger, and for nothing twice that was answered well."""
    rows = {text: row for row, text in enumerate(course.schedule.plan.texts)}
    blocks = course.schedule.plan.blocks
    now = servers.model.stats()
    asked = [(rows[text], blocks.index(size)) for text, size in course.new(servers)]
    repeated = sorted(settled.intersection(asked))
    if repeated:
        course.broken.append(f"{len(repeated)} outcomes of the ledger were asked again, such as {repeated[0]}")
    unfit = sum(UNFIT in course.schedule.plan.texts[row] for row, _ in asked)
    spoilt = sum(now.faults.get(name, 0) - before.faults.get(name, 0) for name in SPOILT)
    # What was in flight when an earlier run ended may have been answered to nobody.
    allowed = unfit + spoilt + (IN_FLIGHT if course.runs > 1 else 0)
    found = now.answered_again - before.answered_again
    if found > allowed:
        course.broken.append(f"{found} answers were given twice, {allowed} at most were expected")


def _check_stop(servers: World, course: Course, new: set[tuple[int, int]]) -> None:
    """See that a run that was stopped in order has brought everything that it found out into the sheet."""
    wanted, found = course.schedule.plan.cells()[TAB], servers.book.tabs[TAB].cells
    places = [
        (FIRST_ROW + row, FIRST + BLOCK * part + column)
        for row, part in new
        for column in range(course.schedule.plan.blocks[part])
    ]
    missing = [at for at in places if found.get(at[0], {}).get(at[1]) != wanted.get(at[0], {}).get(at[1])]
    if missing:
        course.broken.append(
            f"{len(missing)} cells that a run had found out were not in the sheet after its stop: {missing[0]}"
        )


def _check_end(servers: World, course: Course) -> None:
    """See that the sheet is as it must be, and that nobody asked it too often."""
    wrong = servers.wrong()
    if wrong:
        course.broken.append(f"{len(wrong)} cells are wrong, such as {wrong[0]}")
    if servers.book.formulas():
        course.broken.append(f"there are formulas: {servers.book.formulas()[:3]}")
    behaviour, stats = course.schedule.sheet, servers.sheet.stats()
    for kind, most in (("reads", stats.most_reads), ("writes", stats.most_writes)):
        quota = getattr(behaviour, f"{kind}_per_minute_per_user")
        if quota == USUAL and most > quota:
            course.broken.append(f"{most} {kind} came in one minute")
    usual = behaviour.reads_per_minute_per_user == behaviour.writes_per_minute_per_user == USUAL
    if usual and stats.refused:
        course.broken.append(f"{stats.refused} requests were refused")


# --- all of them ---


async def campaign(seeds: range, together: int) -> tuple[list[tuple[int, Course]], float]:
    """Play all seeds, some at the same time."""
    courses: list[tuple[int, Course]] = []
    turns = anyio.CapacityLimiter(together)
    began = time.monotonic()

    async def one(seed: int, place: Path) -> None:
        async with turns:
            course = await played(seed, place)
        courses.append((seed, course))
        for what in course.broken:
            print(f"seed {seed}: {what}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        async with anyio.create_task_group() as tasks:
            for seed in seeds:
                tasks.start_soon(one, seed, Path(folder) / str(seed))
    return courses, time.monotonic() - began


def told(courses: list[tuple[int, Course]], seconds: float) -> str:
    """Sum the campaign up."""
    found = [course for _, course in courses]
    counts = sum((course.counts for course in found), Counter[str]())
    faults = {side: sum(met for name, met in counts.items() if name.startswith(side)) for side in ("sheet ", "model ")}
    cells = sum(len(course.schedule.plan.texts) * course.schedule.plan.width for course in found)
    return (
        f"{len(found)} seeds, {seconds:.0f} s: {cells} cells, {sum(course.runs for course in found)} runs,"
        f" {sum(course.kills for course in found)} kills, {sum(course.stops for course in found)} stops;"
        f" {counts['reads']} reads and {counts['writes']} writes,"
        f" {faults['sheet ']} met faults, {counts['refused']} refused by quotas, {counts['again']} applied again;"
        f" {faults['model ']} faults of the model; broken: {sum(bool(course.broken) for course in found)}"
    )


def main() -> None:
    """Print what did not hold, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1-200", help="one, or the first and the last")
    parser.add_argument("--together", type=int, default=4, help="seeds that are played at the same time")
    given = parser.parse_args()
    first, _, last = given.seeds.partition("-")
    courses, seconds = anyio.run(campaign, range(int(first), int(last or first) + 1), given.together)
    print(told(courses, seconds))
    sys.exit(any(course.broken for _, course in courses))


if __name__ == "__main__":
    main()
