"""What a provider's batch API saves, and that nothing is sent to it twice.

    python benchmarks/batches.py [--rows 2000] [--kills 10]

First the same table is scored with calls and in a batch, each by `penstock score` in a process of its own, against a
server on a core of its own, at 1 USD per million tokens in and 4 out; `ratio` is the cost of the second by that of the
first. Then jobs are killed with SIGKILL at moments drawn evenly over their time, and resumed. `lines` are the questions
that the server was given in batches, `again` those of them it had been given before, `direct` the calls beside them,
`files` what is left at the provider. Exit code 1 where a question was sent again, a file is left, or a table differs.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from measuring import PENSTOCK, cores, make_categories, make_rows, must, spread, watched
from penstock.testing import Behaviour, serve_in_process

if TYPE_CHECKING:
    from penstock.testing import ServerProcess

PRICES = ("--price-in", "1", "--price-out", "4")


def main() -> None:
    """Print the two comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=10)
    given = parser.parse_args()
    here, other = cores()
    os.sched_setaffinity(0, {here})
    with tempfile.TemporaryDirectory() as name, serve_in_process(cpu=other) as server:
        folder = Path(name)
        make_rows(folder / "rows.csv", given.rows)
        make_categories(folder / "categories.yaml")
        seconds, equal = _compare(folder, server)
        kept = _kill(folder, server, kills=given.kills, seconds=seconds)
    sys.exit(not (equal and kept))


def _command(folder: Path, server: ServerProcess, name: str, *more: str) -> list[str]:
    command = [PENSTOCK, "score", str(folder / "rows.csv"), "--text", "comment"]
    command += ["--categories", str(folder / "categories.yaml"), "--model", "openai/m", "--base-url", server.url]
    command += ["--output", str(folder / f"{name}.csv"), "--home", str(folder / name), "--json", "--quiet"]
    return [*command, *PRICES, *more]


def _compare(folder: Path, server: ServerProcess) -> tuple[float, bool]:
    """Give the seconds of the batch, and whether both ways made the same table."""
    print("run     seconds   cost USD  ratio  direct  lines")
    live = 0.0
    seconds = 0.0
    tables: list[bytes] = []
    for name, more in (("calls", ()), ("batch", ("--batch",))):
        server.reset()
        ended = must(watched(_command(folder, server, name, *more)))
        told: dict[str, Any] = msgspec.json.decode(ended.out)
        cost = told["cost_usd"]
        live = live or cost
        stats = server.stats()
        lines = stats.batch_lines
        print(f"{name:7} {ended.seconds:7.2f} {cost:10.4f} {cost / live:6.3f} {stats.received:7} {lines:6}", flush=True)
        tables.append((folder / f"{name}.csv").read_bytes())
        seconds = ended.seconds
    print("the two tables are equal" if tables[0] == tables[1] else "THE TWO TABLES DIFFER")
    return seconds, tables[0] == tables[1]


def _kill(folder: Path, server: ServerProcess, *, kills: int, seconds: float) -> bool:
    """Say whether all was as without the kills."""
    rng = random.Random(1)
    server.behave(Behaviour(batch_seconds=2.0))
    wanted = (folder / "calls.csv").read_bytes()
    moments = [rng.uniform(0.3, seconds + 2.0) for _ in range(kills)]
    again = left = differing = 0
    direct: list[int] = []
    for number, moment in enumerate(moments):
        server.reset()
        name = f"killed{number}"
        command = _command(folder, server, name, "--batch")
        files = server.stats().files
        _killed_after(command, moment)
        resume = [PENSTOCK, "jobs", "resume", "--home", str(folder / name), "--quiet"]
        if watched(resume).code:  # killed before there was a job
            must(watched(command))
        stats = server.stats()
        again += stats.batch_lines_again
        left += stats.files - files
        direct.append(stats.received)
        differing += (folder / f"{name}.csv").read_bytes() != wanted
    print(f"\n{kills} kills after {spread(moments)} s")
    print(f"again {again}, direct {spread(direct, form='g')}, files {left}, tables that differ {differing}")
    return not (again or left or differing)


def _killed_after(command: list[str], seconds: float) -> None:
    with tempfile.TemporaryFile() as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)


if __name__ == "__main__":
    main()
