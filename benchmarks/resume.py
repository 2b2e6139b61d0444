"""How long a resumed job takes to its first new call when it has many finished rows.

    python benchmarks/resume.py [--finished 100000] [--left 1000] [--rounds 3]

A job is run in this process with a model that answers at once, and stops itself after the finished rows. Then
`penstock jobs resume` goes on with it, in a process of its own, against a server that notes the time of the first call
and counts the calls: only what was left may be asked. `first call` is from the start of the process; `empty` is
the same for a job of which nothing is finished, so that the difference is the price of the finished rows.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from instant import InstantModel, InstantSession
from measuring import CATEGORIES, PENSTOCK, cores, make_rows, must, spread, watched
from penstock.errors import Refused
from penstock.models import ModelSpec
from penstock.score import a_score_table
from penstock.testing import serve_in_process

if TYPE_CHECKING:
    from penstock.testing import ServerProcess


IN_FLIGHT = 256
"""What was being asked when the job stopped may be asked again."""


async def begin(folder: Path, url: str, *, rows: int, finished: int) -> None:
    """Leave behind a job of which so many rows are finished."""
    async with InstantSession(InstantModel(len(CATEGORIES), calls=finished)) as session:
        try:
            await a_score_table(
                make_rows(folder / "rows.csv", rows),
                text="comment",
                categories=CATEGORIES,
                output=folder / "scored.csv",
                model=ModelSpec(name="openai/m", base_url=url, concurrency=IN_FLIGHT),
                home=folder / "home",
                session=session,
            )
        except Refused:
            return
    sys.exit("the job did not stop")


def resumed(server: ServerProcess, *, finished: int, left: int) -> tuple[float, float]:
    """Seconds from the start of `jobs resume` to its first call, and to its end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        anyio.run(lambda: begin(folder, server.url, rows=finished + left, finished=finished))
        server.reset()
        began = time.perf_counter()
        ended = must(watched([PENSTOCK, "jobs", "resume", "--home", str(folder / "home"), "--quiet"], every=0.02))
        stats = server.stats()
        since_first = stats.seconds
        first = time.perf_counter() - began - since_first
    if not left <= stats.distinct <= left + IN_FLIGHT:
        sys.exit(f"{stats.distinct} rows were asked, {left} were left")
    return first, ended.seconds


def main() -> None:
    """Print the seconds of each round, and the price of a finished row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--finished", type=int, default=100_000)
    parser.add_argument("--left", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    here, other = cores()
    os.sched_setaffinity(0, {here})
    found: dict[int, list[tuple[float, float]]] = {0: [], given.finished: []}
    with serve_in_process(cpu=other) as server:
        for _ in range(given.rounds):
            for finished, times in found.items():
                times.append(resumed(server, finished=finished, left=given.left))
    print(f"{'finished rows':>13}  first call, s         whole run, s")
    for finished, times in found.items():
        first, whole = zip(*times, strict=True)
        print(f"{finished:13,}  {spread(first):20}  {spread(whole)}")
    prices = [1e6 * (late[0] - early[0]) / given.finished for early, late in zip(*found.values(), strict=True)]
    print(f"microseconds to the first call per finished row: {spread(prices, form='.1f')}")


if __name__ == "__main__":
    main()
