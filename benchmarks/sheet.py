"""Scores 10,000 rows x 10 categories into a Google sheet on loopback, at Google's quotas, against the bound.

    python benchmarks/sheet.py [--rows 10000] [--width 10] [--latency 1] [--capacity 100] [--rounds 3]
    python benchmarks/sheet.py --latency 0

What is timed is the whole command `penstock score URL`, from outside: starting, reading the sheet and comparing it with
the ledger at the end count. The servers run in a process of their own; the clock is the machine's, the same for all.

- bound: the longer of what cannot be shortened. The model: calls x latency / capacity. The sheet: the writes that the
  cells need (of a megabyte, once each), at 60 a minute.
- wall/bound: must not exceed 1.10.
- p50, p95, max: seconds from an answer that left the model to its last cell, written; p95 must not exceed 2.5.
- reads, writes: most within any 60 s; Google allows 60 of each. refused: 429s met; none.
- wrong: cells of the whole book that hold something else than they must; none.

With `--latency 0` neither is the bound, so the same rows are scored from a CSV file into a CSV file, too, and what the
sheet adds is told.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import math
import multiprocessing
import os
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from measuring import PENSTOCK, cores, must, spread, watched
from penstock.tables.google.cells import LARGEST_PAYLOAD
from penstock.testing import Behaviour, Latency
from penstock.testing.sheet.sample import FIRST_ROW, TAB
from sheet_jobs import BLOCK, FIRST, plan, world

if TYPE_CHECKING:
    from collections.abc import Generator
    from multiprocessing.connection import Connection

    from measuring import Ended
    from penstock.testing.sheet.tally import SheetStats
    from sheet_jobs import World

PER_MINUTE = 60
RATIO, LAG = 1.10, 2.5
"""What must be reached: wall by bound, and seconds to visibility at p95."""
CELL = 5
"""Bytes of a score in a request, such as `0.37,`."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the servers have seen of a run.

    Attributes:
        lags: Seconds from each answer to its last cell, ascending.
        asking: Seconds from the first answer to the last.
        ended: Seconds from the last answer to the last cell.
        wrong: Cells that are not as they must be.
        sheet: The sheet server's counts.
    """

    lags: list[float]
    asking: float
    ended: float
    wrong: list[str]
    sheet: SheetStats


# --- the servers ---


def serve(pipe: Connection, given: argparse.Namespace, core: int | None) -> None:
    """Be the process of the servers: tell their addresses, and at a word what was seen."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    asyncio.run(_serve(pipe, given))


async def _serve(pipe: Connection, given: argparse.Namespace) -> None:
    # Half an answer's time is drawn by lot, so that answers do not come in volleys.
    behaviour = Behaviour(latency=Latency(seconds=given.latency, share=0.5), capacity=given.capacity)
    async with world(plan(given.rows, given.width, seed=1), model=behaviour) as servers:
        pipe.send((servers.url, servers.model.url))
        while await asyncio.to_thread(pipe.recv):
            pipe.send(_seen(servers))


def _seen(servers: World) -> Seen:
    """Match every answer with the moment at which its last cell was filled."""
    filled, asked = servers.book.tabs[TAB].filled, servers.asked
    rows = {text: FIRST_ROW + number for number, text in enumerate(servers.plan.texts)}
    lags: list[float] = []
    parts: dict[str, int] = {}
    for (text, size), answered in zip(asked.answers, asked.times, strict=True):
        start = FIRST + parts.get(text, 0)  # of one row the first block is asked first: cells are told apart by it
        parts[text] = parts.get(text, 0) + size
        lags.append(max(filled.get((rows[text], at), math.inf) for at in range(start, start + size)) - answered)
    last = max(moment for (row, column), moment in filled.items() if row >= FIRST_ROW and column >= FIRST)
    return Seen(
        lags=sorted(lags),
        asking=asked.times[-1] - asked.times[0],
        ended=last - asked.times[-1],
        wrong=servers.wrong(),
        sheet=servers.sheet.stats(),
    )


@contextmanager
def served(given: argparse.Namespace) -> Generator[tuple[Connection, str, str]]:
    """Run the servers in a process of their own; gives the way to it, the sheet's address and the model's."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there, given, cores()[1]))
    process.start()
    try:
        yield here, *here.recv()
    finally:
        here.send(False)
        process.join(10)
        process.kill()


# --- the commands ---


def scored(source: str, url: str, home: Path, given: argparse.Namespace, *more: str) -> Ended:
    """Run the command that is timed."""
    command = [PENSTOCK, "score", source, "--model=openai/m", f"--base-url={url}", f"--home={home}", "--quiet"]
    limit = [] if given.unknown else [f"--concurrency={given.capacity}"] * bool(given.capacity)
    os.sched_setaffinity(0, {cores()[0]})
    return must(watched([*command, *limit, *more]))


def scored_file(url: str, folder: Path, given: argparse.Namespace) -> Ended:
    """Score the same texts from a file into a file."""
    made = plan(given.rows, given.width, seed=1)
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["text"], *([text] for text in made.texts)])
    (folder / "categories.yaml").write_text("".join(f"- category {number}\n" for number in range(given.width)))
    source, categories = str(folder / "rows.csv"), str(folder / "categories.yaml")
    return scored(source, url, folder, given, "--text=text", f"--categories={categories}")


def bounds(given: argparse.Namespace) -> dict[str, float]:
    """Seconds that the model and the sheet need at least."""
    calls = given.rows * math.ceil(given.width / BLOCK)
    model = calls * given.latency / given.capacity if given.capacity else 0.0
    writes = math.ceil(given.rows * given.width * CELL / LARGEST_PAYLOAD)
    return {"model": model, "sheet": writes * 60 / PER_MINUTE}


def at(lags: list[float], share: float) -> float:
    """The lag that this share of the answers had at most."""
    return lags[math.ceil(share * len(lags)) - 1]


def measured(number: int, folder: Path, given: argparse.Namespace) -> dict[str, float]:
    """Run one round and print its line."""
    home = folder / f"round{number}"
    home.mkdir()
    with served(given) as (pipe, sheet, model):
        ended = scored(sheet, model, home, given)
        pipe.send(True)
        seen: Seen = pipe.recv()
        file = scored_file(model, home, given).seconds if not given.latency else math.nan
    ratio = ended.seconds / max(bounds(given).values())
    stats = seen.sheet
    p50, p95, most = at(seen.lags, 0.5), at(seen.lags, 0.95), seen.lags[-1]
    print(
        f"{ended.seconds:>8.1f}{ratio:>9.3f}{p50:>7.2f}{p95:>7.2f}{most:>7.2f}{stats.most_reads:>7}"
        f"{stats.most_writes:>8}{stats.refused:>9}{len(seen.wrong):>7}{seen.asking:>8.1f}{seen.ended:>7.2f}{file:>7.1f}"
        f"{ended.cpu:>7.1f}{os.getloadavg()[0]:>7.1f}",
        flush=True,
    )
    print("".join(f"  {one}\n" for one in seen.wrong[:5]), end="")
    over = max(stats.most_reads, stats.most_writes) > PER_MINUTE or stats.refused > 0
    missed = bool(given.latency) and (ratio > RATIO or p95 > LAG)
    return {
        "ratio": ratio,
        "p95": p95,
        "max": most,
        "beyond": ended.seconds - file,
        "broken": over or missed or bool(seen.wrong),
    }


def main() -> None:
    """Print a line per round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--width", type=int, default=10, help="categories")
    parser.add_argument("--latency", type=float, default=1.0, help="seconds of an answer; half of it by lot")
    parser.add_argument("--capacity", type=int, default=100, help="calls at once that the model bears")
    parser.add_argument("--unknown", action="store_true", help="do not tell the command what the model bears")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if not given.latency:
        given.capacity = None
    told = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in bounds(given).items())
    print(f"{given.rows} rows x {given.width} categories; bounds: {told}")
    heads = {"wall s": 8, "w/bound": 9, "p50": 7, "p95": 7, "max": 7, "reads": 7, "writes": 8, "refused": 9, "wrong": 7}
    heads |= {"asking": 8, "tail": 7, "file s": 7, "cpu s": 7, "load": 7}
    print("".join(f"{name:>{width}}" for name, width in heads.items()), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        rounds = [measured(number, Path(folder), given) for number in range(given.rounds)]
    each = {name: [one[name] for one in rounds] for name in rounds[0]}
    p95 = f"p95 {spread(each['p95'])} s, longest {max(each['max']):.2f} s"
    if given.latency:
        print(f"wall / bound {spread(each['ratio'], form='.3f')}, {p95}")
    else:
        print(f"the sheet adds {spread(each['beyond'], form='.1f')} s to the same rows of a file, {p95}")
    sys.exit(any(one["broken"] for one in rounds))


if __name__ == "__main__":
    main()
