"""Throughput and CPU of a whole score job against a bare HTTP client, side by side in one run.

    python benchmarks/throughput.py [--rounds 5] [--rows 5000] [--latency 0.2] [--in-flight 200]

The server runs on its own core. The bare client is aiohttp with as many workers, sending the same prompts and
decoding the replies; it keeps no ledger, checks nothing and writes no table. Each round runs both, in turn first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path

import aiohttp
import anyio

from measuring import CATEGORIES, make_rows, spread
from penstock.judge import Category
from penstock.judge.numeric import ScorePrompt
from penstock.models import ModelSpec
from penstock.score import a_score_table
from penstock.tables import open_table
from penstock.testing import Behaviour, serve_in_process


async def bare(url: str, source: Path, in_flight: int) -> int:
    """Send every row's prompt with a bare client; returns the number of good replies."""
    prompt = ScorePrompt([Category(name=name) for name in CATEGORIES])
    texts = iter([row.cells[1] for row in open_table(source).rows()])
    good = 0

    async def worker(session: aiohttp.ClientSession) -> None:
        nonlocal good
        for text in texts:
            asked = prompt(text)
            body = {
                "model": "m",
                "messages": [{"role": "system", "content": asked.system}, {"role": "user", "content": asked.user}],
                "temperature": 0,
                "response_format": {"type": "json_schema", "json_schema": {"name": "r", "schema": asked.schema}},
            }
            async with session.post(f"{url}/chat/completions", json=body) as answer:
                reply = json.loads(await answer.read())
                good += len(json.loads(reply["choices"][0]["message"]["content"])["scores"]) == len(CATEGORIES)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(worker(session) for _ in range(in_flight)))
    return good


async def penstock(url: str, source: Path, in_flight: int, home: Path) -> int:
    """Score the same rows with a whole job: table in, ledger, cache, table and report out."""
    result = await a_score_table(
        source,
        text="comment",
        categories=CATEGORIES,
        output=home / "scored.csv",
        model=ModelSpec(name="openai/m", base_url=url, concurrency=in_flight),
        home=home,
    )
    return result.tally.verdicts


def timed(run: object, *arguments: object) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds and result of one run."""
    wall, cpu = time.perf_counter(), time.process_time()
    good = anyio.run(run, *arguments)
    return time.perf_counter() - wall, time.process_time() - cpu, good


def main() -> None:
    """Print both, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--in-flight", type=int, default=200)
    given = parser.parse_args()
    cores = os.cpu_count() or 1
    if cores > 1:
        os.sched_setaffinity(0, {0})
    speeds, prices = [], []
    with tempfile.TemporaryDirectory() as folder:
        source = make_rows(Path(folder) / "rows.csv", given.rows)
        with serve_in_process(Behaviour(latency=given.latency), cpu=1 if cores > 1 else None) as server:
            anyio.run(bare, server.url, make_rows(Path(folder) / "warm.csv", 400), given.in_flight)
            for number in range(given.rounds):
                home = Path(folder) / f"round{number}"
                home.mkdir()
                pair = {}
                for name in ("bare", "penstock") if number % 2 else ("penstock", "bare"):
                    run, more = (bare, ()) if name == "bare" else (penstock, (home,))
                    pair[name] = timed(run, server.url, source, given.in_flight, *more)
                    if pair[name][2] != given.rows:
                        raise SystemExit(f"{name}: {pair[name][2]} of {given.rows} rows")
                (wall, cpu, _), (wall_bare, cpu_bare, _) = pair["penstock"], pair["bare"]
                speeds.append(wall_bare / wall)
                prices.append(cpu / cpu_bare)
                print(
                    f"round {number + 1}: bare {given.rows / wall_bare:6.0f} rows/s {1e3 * cpu_bare / given.rows:.2f} "
                    f"ms CPU a call; penstock {given.rows / wall:6.0f} rows/s {1e3 * cpu / given.rows:.2f} ms",
                    flush=True,
                )
    print(f"throughput, penstock / bare: {spread(speeds)}")
    print(f"CPU per call, penstock / bare: {spread(prices)}")


if __name__ == "__main__":
    main()
