"""Kills a score job again and again with SIGKILL, and checks that nothing is lost and nothing asked needlessly.

    python benchmarks/kill.py [--times 20] [--rows 3000] [--seed 1] [--latency 0.15] [--capacity 32] [--faults]

An uninterrupted run gives the table to compare with and the time a run takes. Then the moments of the kills are spread
evenly, with jitter, over that time: start, planning, judging, delivery and report. Each trial holds one to three of
them; after each, the job goes on with `penstock jobs resume` (or with the same command where it was killed before it
had an id). A last pair of kills waits for the delivery itself: for the part of the output to appear.

Checked after every kill:
- the output is the old table or the new one, whole; never a piece of one.
Checked at the end of every trial:
- the table is byte-identical to the uninterrupted one.
Checked without faults, from the counts of the server (the cache is off, so that only the ledger protects):
- open: calls that were asked and not yet durable when the process died (contents the server had let in, minus the
  outcomes in the ledger). At most `--concurrency`, since each worker holds one item from the question to the commit.
- again: contents that the server let in once more after the kill. At most `open`: what was durable is never repeated.
- behind: calls that the server was just answering. What `open` has beyond it was answered and on its way to the disk.

Exit code 1 where one of these does not hold.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import make_rows
from penstock.testing import Behaviour, Stats, serve_in_process

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from penstock.testing import Fault, ServerProcess

FAULTS: dict[Fault, float] = {
    "http_500": 0.02,
    "drop": 0.01,
    "truncated_body": 0.01,
    "wrong_count": 0.02,
    "content_filter": 0.005,
}
OLD = b"the table of an earlier run\n"
LONGEST = 300.0
"""Seconds that one run may take."""
LOOK = 0.001
"""Seconds between two looks for the part of the output."""


class Violation(Exception):
    """Something that must hold does not."""


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One kill: when it was to come, what the job was doing, and what it left open."""

    trial: int
    at: float
    stage: str
    durable: int
    behind: int
    open: int | None
    again_before: int


@dataclass(kw_only=True)
class Bench:
    """A folder with the table, a server, and how the job is called."""

    folder: Path
    server: ServerProcess
    rows: int
    concurrency: int
    counted: bool
    reference: bytes = b""
    kills: list[Kill] = field(default_factory=list)
    again: list[int] = field(default_factory=list)

    @property
    def output(self) -> Path:
        return self.folder / "scored.csv"

    @property
    def part(self) -> Path:
        return self.folder / ".scored.csv.part"

    def start(self, home: Path, *, resume: bool) -> subprocess.Popen[bytes]:
        """Start the command, or a resume where there is a job."""
        given = ["jobs", "resume"] if resume else self._command()
        return subprocess.Popen(
            [Path(sys.executable).with_name("penstock"), *given, "--home", str(home), "--quiet"],
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "PENSTOCK_"))},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def _command(self) -> list[str]:
        return [
            "score",
            "rows.csv",
            "--text=comment",
            "--categories=categories.yaml",
            "--output=scored.csv",
            "--model=openai/m",
            f"--base-url={self.server.url}",
            f"--concurrency={self.concurrency}",
            "--no-cache",
            "--asks=8",
            "--attempts=12",
        ]

    def finish(self, home: Path, *, resume: bool) -> float:
        """Run to the end; returns the seconds it took."""
        began = time.monotonic()
        process = self.start(home, resume=resume)
        try:
            _, said = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Violation(f"a run did not end within {LONGEST:.0f} s") from None
        if process.returncode not in {0, 1}:
            raise Violation(f"a run ended with {process.returncode}: {said.decode()}")
        return time.monotonic() - began

    def check_output(self, *, done: bool) -> str:
        """See that the output is a whole table; says which."""
        found = self.output.read_bytes() if self.output.exists() else None
        if found == self.reference:
            return "new"
        if not done and found == OLD:
            return "old"
        raise Violation(f"{self.output.name} is neither the old table nor the new one, whole")

    def settle(self) -> Stats:
        """Wait until the server has noticed that its client is gone."""
        until = time.monotonic() + 10.0
        while (stats := self.server.stats()).in_flight and time.monotonic() < until:
            time.sleep(0.02)
        return stats


def let_in(stats: Stats) -> int:
    """Contents that the server let in at least once; holds without faults."""
    return stats.answered + stats.abandoned + stats.in_flight - stats.admitted_again


def durable(home: Path) -> tuple[str, int]:
    """Read from the ledger what it holds after a kill: the status of the job, and how many outcomes."""
    path = home / "ledger.db"
    if not path.exists():
        return "none", 0
    with closing(sqlite3.connect(path, timeout=10.0)) as db:
        if not db.execute("select count(*) from sqlite_master where name = 'job'").fetchone()[0]:
            return "none", 0
        status = db.execute("select status from job order by number desc limit 1").fetchone()
        return (status[0] if status else "none"), db.execute("select count(*) from outcome").fetchone()[0]


def stop_and_kill(bench: Bench, process: subprocess.Popen[bytes]) -> int:
    """Freeze the process, look at the server, and kill; returns the calls that the server was answering."""
    process.send_signal(signal.SIGSTOP)
    behind = bench.server.stats().in_flight
    process.kill()
    process.communicate(timeout=30)
    return behind


def wait_for(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Let the process run for a while; false when it ended before."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def wait_for_part(bench: Bench, process: subprocess.Popen[bytes], more: float) -> bool:
    """Wait until the output is being written, and a little more; false when the process ended before."""
    until = time.monotonic() + LONGEST
    answered = False
    while process.poll() is None and time.monotonic() < until:
        answered = answered or bench.server.stats().answered >= bench.rows
        if answered and bench.part.exists():
            time.sleep(more)
            return True
        time.sleep(LOOK if answered else 10 * LOOK)
    return False


def note(bench: Bench, *, trial: int, at: float, home: Path, behind: int) -> None:
    """Look at what a kill left, and check it."""
    stats = bench.settle()
    status, kept = durable(home)
    table = bench.check_output(done=False)
    left = let_in(stats) - kept
    everything = kept == bench.rows
    stage = {"none": "start", "pending": "planned", "completed": "done"}.get(status, "judging")
    if everything and status != "completed":
        stage = "reporting" if table == "new" else "delivering"
    bench.kills.append(
        Kill(
            trial=trial,
            at=at,
            stage=stage,
            durable=kept,
            behind=behind,
            open=left if bench.counted else None,
            again_before=stats.admitted_again,
        )
    )
    if bench.counted and not 0 <= left <= bench.concurrency:
        raise Violation(f"{left} calls were asked and not durable, with {bench.concurrency} in flight at most")


def trial(bench: Bench, number: int, moments: Sequence[float], whole: float, *, delivery: float | None = None) -> None:
    """Run one job with kills at these shares of a run's time, or in the delivery; check it at its end."""
    home = bench.folder / f"home{number}"
    bench.server.reset()
    bench.output.write_bytes(OLD)
    first = len(bench.kills)
    came = 0.0
    for at in moments:
        process = bench.start(home, resume=durable(home)[0] != "none")
        if delivery is None:
            running = wait_for(process, (at - came) * whole)
        else:
            running = wait_for_part(bench, process, delivery)
        if not running:
            process.communicate()
            break
        behind = stop_and_kill(bench, process)
        note(bench, trial=number, at=at, home=home, behind=behind)
        came = at
    bench.finish(home, resume=durable(home)[0] != "none")
    bench.check_output(done=True)
    if bench.counted:
        check_repeats(bench, bench.kills[first:], bench.settle())


def check_repeats(bench: Bench, kills: Sequence[Kill], end: Stats) -> None:
    """See that after each kill no more was asked again than it left open."""
    counts = [*(kill.again_before for kill in kills), end.admitted_again]
    if counts[0]:
        raise Violation(f"{counts[0]} calls were repeated before the first kill")
    for kill, before, after in zip(kills, counts, counts[1:], strict=False):
        bench.again.append(after - before)
        if kill.open is not None and after - before > kill.open:
            raise Violation(f"{after - before} calls were repeated after a kill that left {kill.open} open")
    if let_in(end) != bench.rows:
        raise Violation(f"{let_in(end)} of {bench.rows} rows were asked")


def spread_moments(times: int, rng: random.Random) -> list[list[float]]:
    """Spread the kills over the time of a run, from 0 to 1, and group them into trials of one to three."""
    moments = [(number + rng.random()) / times for number in range(times)]
    rng.shuffle(moments)
    trials: list[list[float]] = []
    while moments:
        size = rng.randint(1, 3)
        trials.append(sorted(moments[:size]))
        del moments[:size]
    return trials


@contextmanager
def prepared(given: argparse.Namespace) -> Generator[Bench]:
    """Make the table, start the server, run once without a kill."""
    behaviour = Behaviour(
        seed=given.seed,
        latency=given.latency,
        capacity=given.capacity,
        faults=FAULTS if given.faults else {},
        sticky=("content_filter",) if given.faults else (),
    )
    with tempfile.TemporaryDirectory() as place, serve_in_process(behaviour) as server:
        folder = Path(place)
        make_rows(folder / "rows.csv", given.rows, seed=given.seed)
        (folder / "categories.yaml").write_text("[praise, complaint, fear, joy, anger, question]\n")
        yield Bench(
            folder=folder, server=server, rows=given.rows, concurrency=given.concurrency, counted=not given.faults
        )


def campaign(bench: Bench, given: argparse.Namespace) -> None:
    """Run all trials."""
    rng = random.Random(given.seed)
    whole = bench.finish(bench.folder / "undisturbed", resume=False)
    bench.reference = bench.output.read_bytes()
    rows = bench.reference.count(b"\n") - 1
    if rows != given.rows:
        raise Violation(f"the uninterrupted run gave {rows} rows of {given.rows}")
    print(f"uninterrupted: {given.rows} rows in {whole:.1f} s", flush=True)
    trials = spread_moments(given.times, rng)
    for number, moments in enumerate(trials):
        trial(bench, number, moments, whole)
        show(bench.kills, number)
    for number in range(len(trials), len(trials) + given.deliveries):
        trial(bench, number, [1.0], whole, delivery=rng.uniform(0.0, 0.01))
        show(bench.kills, number)


def show(kills: Sequence[Kill], trial: int) -> None:
    """Print the kills of a trial."""
    for kill in kills:
        if kill.trial == trial:
            print(
                f"trial {kill.trial:3}  {100 * kill.at:3.0f} % of the time  {kill.stage:<10}  {kill.durable:6} durable"
                f"  {kill.behind:4} behind  {'not counted' if kill.open is None else f'{kill.open:4} open'}",
                flush=True,
            )


def verdict(bench: Bench) -> str:
    """Sum the campaign up."""
    counted = ""
    if bench.counted:
        left = sum(kill.open or 0 for kill in bench.kills)
        behind = sum(kill.behind for kill in bench.kills)
        most = max((kill.open or 0 for kill in bench.kills), default=0)
        counted = (
            f"; {sum(bench.again)} calls repeated, {left} were open ({behind} at the server), "
            f"at most {most} at one kill of {bench.concurrency} allowed"
        )
    return f"held: {len(bench.kills)} kills, every table byte-identical, no row lost{counted}"


def main() -> None:
    """Print what each kill met, and whether all held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--deliveries", type=int, default=2, help="kills during the delivery, besides")
    parser.add_argument("--rows", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0.15)
    parser.add_argument("--capacity", type=int, default=32)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--faults", action="store_true", help="the server misbehaves, too; repeats are not counted")
    given = parser.parse_args()
    with prepared(given) as bench:
        try:
            campaign(bench, given)
        except Violation as violation:
            show(bench.kills, bench.kills[-1].trial if bench.kills else 0)
            print(f"VIOLATED: {violation}")
            sys.exit(1)
        print(verdict(bench))


if __name__ == "__main__":
    main()
