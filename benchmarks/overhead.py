"""What Penstock itself costs per row: jobs whose model answers at once, with everything on one core.

    python benchmarks/overhead.py [--rows 20000] [--rounds 3]

Each line adds a part to the one above: the queues with 256 workers; the judge, which makes prompts and checks
replies; the ledger, synced to the disk; the runner with its chunks, reading a CSV; the whole score job with the scored
table and the report; the cache; and the same command again, answered from the cache. Rows per second are by the
clock; microseconds per row are CPU time of all threads, and `more` is what the part added to the line above it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from instant import InstantModel, InstantSession
from measuring import CATEGORIES, cores, make_rows, spread
from penstock.flow.run import flow
from penstock.jobs.chunks import plan
from penstock.jobs.folder import RunFolder
from penstock.jobs.run import Runner, Work
from penstock.judge import Category
from penstock.judge.scorer import ModelJudge
from penstock.ledger.ledger import Job
from penstock.ledger.sqlite import SqliteLedger
from penstock.models import ModelSpec
from penstock.records import Verdict
from penstock.score import a_score_table
from penstock.score.source import TableSource
from penstock.tables import open_table

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence

    from penstock.flow.run import Stage
    from penstock.records import Item, Outcome

WORKERS = 256
JOB = Job(id="overhead", system="score", fingerprint="f", config="{}", folder="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of one run: as a table, as items, and where the run may write."""

    source: Path
    items: Sequence[Item]
    home: Path


def new_judge() -> ModelJudge:
    """The judge of a score job, with the instant model."""
    return ModelJudge([[Category(name=name) for name in CATEGORIES]], [InstantModel(len(CATEGORIES))])


async def put_through(items: Sequence[Item], stage: Stage[Item, Outcome]) -> int:
    """Run items through a flow; returns how many came out."""

    async def feed() -> AsyncGenerator[Item, None]:
        for item in items:
            yield item

    count = 0
    async with flow(feed(), stage, workers=WORKERS) as running:
        async for _ in running:
            count += 1
    return count


async def queues(rows: Rows) -> int:
    """Queues and workers, nothing else."""
    verdict = [Verdict(key=rows.items[0].key, scores=(0.0,) * len(CATEGORIES), method="none")]

    async def stage(_: Item) -> Sequence[Outcome]:
        return verdict

    return await put_through(rows.items, stage)


async def judged(rows: Rows) -> int:
    """And the judge."""
    judge = new_judge()

    async def stage(item: Item) -> Sequence[Outcome]:
        return [await judge.judge(item)]

    return await put_through(rows.items, stage)


async def recorded(rows: Rows) -> int:
    """And the ledger."""
    judge = new_judge()
    async with SqliteLedger(rows.home / "ledger.db") as ledger:
        await ledger.add_job(JOB, [])

        async def stage(item: Item) -> Sequence[Outcome]:
            outcomes = [await judge.judge(item)]
            await ledger.record(JOB.id, outcomes)
            return outcomes

        return await put_through(rows.items, stage)


async def run_in_chunks(rows: Rows) -> int:
    """And the runner."""
    judge = new_judge()

    async def one(batch: Sequence[Item]) -> Sequence[Outcome]:
        return [await judge.judge(batch[0])]

    async with SqliteLedger(rows.home / "ledger.db") as ledger:
        job = Job(id="o", system="score", fingerprint="f", config="{}", folder="", rows=len(rows.items))
        runner = Runner(
            job=await ledger.add_job(job, plan(job.rows, chunk_rows=500)),
            ledger=ledger,
            source=TableSource(open_table(rows.source), text="comment", parts=1),
            work=Work(judge=one, workers=WORKERS),
            folder=RunFolder(rows.home / "run"),
        )
        await runner.run()
        return (await ledger.tally(job.id)).verdicts


async def score(rows: Rows, *, cache: bool) -> int:
    """The whole job."""
    async with InstantSession(InstantModel(len(CATEGORIES))) as session:
        result = await a_score_table(
            rows.source,
            text="comment",
            categories=CATEGORIES,
            output=rows.home / "scored.csv",
            model=ModelSpec(name="openai/instant", base_url="http://127.0.0.1:1/v1", concurrency=WORKERS),
            home=rows.home,
            session=session,
            cache=cache,
            cache_entries=len(rows.items),
        )
    return result.tally.verdicts


async def whole(rows: Rows) -> int:
    """The whole job without its cache."""
    return await score(rows, cache=False)


async def cached(rows: Rows) -> int:
    """The whole job."""
    return await score(rows, cache=True)


PARTS: dict[str, Callable[[Rows], Coroutine[Any, Any, int]]] = {
    "queues alone": queues,
    "+ judge": judged,
    "+ ledger": recorded,
    "+ runner, CSV in": run_in_chunks,
    "whole job, no cache": whole,
    "whole job, cache": cached,
    "again, from the cache": cached,
}


def run_all(source: Path, items: Sequence[Item], folder: Path) -> dict[str, tuple[float, float]]:
    """Wall and CPU seconds of every part, once."""
    found: dict[str, tuple[float, float]] = {}
    for name, part in PARTS.items():
        home = folder / part.__name__
        home.mkdir(exist_ok=True)  # the last part finds the cache that the one before has filled
        wall, cpu = time.perf_counter(), time.process_time()
        count = anyio.run(part, Rows(source=source, items=items, home=home))
        found[name] = time.perf_counter() - wall, time.process_time() - cpu
        if count != len(items):
            sys.exit(f"{name}: {count} of {len(items)} rows came out")
    return found


def main() -> None:
    """Print rows per second and what each part costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.sched_setaffinity(0, {cores()[0]})
    rounds: list[dict[str, tuple[float, float]]] = []
    with tempfile.TemporaryDirectory() as folder:
        source = make_rows(Path(folder) / "rows.csv", given.rows)
        items = [row[0] for row in TableSource(open_table(source), text="comment", parts=1).rows()]
        few = make_rows(Path(folder) / "few.csv", 200)
        for number in range(given.rounds + 1):
            place = Path(folder) / f"round{number}"
            place.mkdir()
            if number:
                rounds.append(run_all(source, items, place))
            else:
                run_all(few, items[:200], place)  # loads what is loaded late
    print(f"{given.rows} rows on one core{'':24} rows/s     us/row     more")
    before = 0.0
    for name in PARTS:
        speeds = [given.rows / found[name][0] for found in rounds]
        price = statistics.median(1e6 * found[name][1] / given.rows for found in rounds)
        print(f"{name:24} {spread(speeds, form='7.0f'):>30} {price:10.1f} {price - before:+8.1f}")
        before = price


if __name__ == "__main__":
    main()
