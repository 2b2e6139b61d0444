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
from penstock.judge.numeric import ScorePrompt, read_scores
from penstock.models import ModelSpec, Session
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


async def client(url: str, source: Path, in_flight: int) -> int:
    """Ask Penstock's model client for every row: pace, retry, wire format and check, but no ledger and no tables."""
    prompt = ScorePrompt([Category(name=name) for name in CATEGORIES])
    texts = iter([row.cells[1] for row in open_table(source).rows()])
    good = 0

    async with Session() as session:
        model = session.model(ModelSpec(name="openai/m", base_url=url, concurrency=in_flight).settled())

        async def worker() -> None:
            nonlocal good
            for text in texts:
                reply = await model.ask(prompt(text))
                good += len(read_scores(reply.text, len(CATEGORIES))) == len(CATEGORIES)

        await asyncio.gather(*(worker() for _ in range(in_flight)))
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
    speeds: dict[str, list[float]] = {"client": [], "job": []}
    prices: dict[str, list[float]] = {"client": [], "job": []}
    with tempfile.TemporaryDirectory() as folder:
        source = make_rows(Path(folder) / "rows.csv", given.rows)
        with serve_in_process(Behaviour(latency=given.latency), cpu=1 if cores > 1 else None) as server:
            anyio.run(bare, server.url, make_rows(Path(folder) / "warm.csv", 400), given.in_flight)
            for number in range(given.rounds):
                home = Path(folder) / f"round{number}"
                home.mkdir()
                runs = {"bare": (bare,), "client": (client,), "job": (penstock, home)}
                names = list(runs)
                found = {}
                for name in names[number % 3 :] + names[: number % 3]:
                    run, *more = runs[name]
                    found[name] = timed(run, server.url, source, given.in_flight, *more)
                    if found[name][2] != given.rows:
                        raise SystemExit(f"{name}: {found[name][2]} of {given.rows} rows")
                for name, values in speeds.items():
                    values.append(found["bare"][0] / found[name][0])
                    prices[name].append(found[name][1] / found["bare"][1])
                said = (
                    f"{name} {given.rows / wall:.0f} rows/s, {1e6 * cpu / given.rows:.0f} us CPU a call"
                    for name, (wall, cpu, _) in sorted(found.items())
                )
                print(f"round {number + 1}: {'; '.join(said)}", flush=True)
    for name, what in (("client", "model client alone"), ("job", "whole job: table, ledger, cache, report")):
        print(f"{what}: throughput / bare {spread(speeds[name])}, CPU a call / bare {spread(prices[name])}")


if __name__ == "__main__":
    main()
