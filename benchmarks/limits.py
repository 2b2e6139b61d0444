"""How near whole score jobs come to limits that nobody told them, and how often they are refused on the way.

    python benchmarks/limits.py [--scenario S1 S2 S3 S4 S5 S5H] [--rounds 1] [--together]

    S1   32 calls in flight, 1 s each                       bound: calls / 32 in flight
    S2   10 calls a second, 10 at once, Retry-After 2       bound: (calls - 10) / 10 a second, and the last answer
    S3   48 in flight, 12 from 30 s on, 48 from 60 s on     bound: the 1,080 calls that fit into 90 s
    S4   32 calls in flight, 3 s each                       bound: calls / 32 in flight
    S5   240,000 tokens a minute, one second's worth at once, refusals that say nothing
    S5H  the same, and headers that tell the limit          bound: the tokens that were served, and the last answer

Every call takes its seconds +-20 %, and up to 256 are offered at once. Each scenario is a whole job: a CSV through
`a_score_table`, with ledger, cache, table and report, against a server on a core of its own. `job` is the job's own
run, delivery of the table included; `call` is the whole call, with the counting of the rows before and the report
after it. The start of Python is in neither. `known` is a bare client that was told the limit, in the same round.

Rows lost must be 0. A round takes 9 minutes one after the other, 2 at the same time (--together).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from measuring import CATEGORIES, cores, make_rows, spread
from penstock.models import ModelSpec
from penstock.score import a_score_table
from penstock.testing import Behaviour, Latency, serve_in_process
from throughput import bare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.testing import ServerProcess, Stats

OFFERED = 256
TOKENS = 240_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A limit, and how much is put through it.

    Attributes:
        limit: The server's behaviour besides its latency.
        seconds: Of one call, +-20 %.
        calls: Rows of the table.
        bound: Seconds that nobody can beat; None: follows from the tokens that were served.
        longest: Words of the longest text, where texts differ in length.
        in_flight: For a bare client that knows the limit; 0: none is run.
    """

    limit: Behaviour
    seconds: float = 3.0
    calls: int
    bound: float | None = None
    longest: int = 0
    in_flight: int = 0

    def behaviour(self, seed: int) -> Behaviour:
        """The server of one round."""
        return replace(self.limit, seed=seed, latency=Latency(seconds=self.seconds, share=0.2))

    def least(self, stats: Stats) -> float:
        """Seconds that nobody can beat."""
        if self.bound is not None:
            return self.bound
        per_second = TOKENS / 60  # and as many at once in the beginning
        return (stats.tokens_in + stats.tokens_out) / per_second - 1 + self.seconds


_BUDGET = Behaviour(tokens_per_minute=TOKENS, burst_seconds=1.0)

SCENARIOS = {
    "S1": Scenario(limit=Behaviour(capacity=32), seconds=1.0, calls=1_200, bound=1_200 / 32, in_flight=32),
    "S2": Scenario(limit=Behaviour(rate=10.0, burst=10, retry_after=2), calls=600, bound=590 / 10 + 3),
    "S3": Scenario(limit=Behaviour(capacity={0: 48, 30: 12, 60: 48}), calls=1_080, bound=90.0),
    "S4": Scenario(limit=Behaviour(capacity=32), calls=640, bound=640 / 32 * 3, in_flight=32),
    "S5": Scenario(limit=_BUDGET, calls=900, longest=160),
    "S5H": Scenario(limit=replace(_BUDGET, rate_headers=True), calls=900, longest=160),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How one job went."""

    share: float
    refused: float
    lost: int
    line: str


async def measure(name: str, scenario: Scenario, server: ServerProcess, home: Path) -> Found:
    """Run one job against its server, and the client that knows the limit after it."""
    source = make_rows(home / "rows.csv", scenario.calls, longest=scenario.longest)
    began = time.perf_counter()
    result = await a_score_table(
        source,
        text="comment",
        categories=CATEGORIES,
        output=home / "scored.csv",
        model=ModelSpec(name="openai/m", base_url=server.url, concurrency=OFFERED),
        home=home,
    )
    called = time.perf_counter() - began
    stats = server.stats()
    least = scenario.least(stats)
    lost = scenario.calls - result.tally.verdicts
    refused = 100 * stats.refused / scenario.calls
    line = (
        f"{name:4} {least:7.1f} {result.seconds:7.1f} {called:7.1f} {least / result.seconds:7.1%} "
        f"{stats.received:6} {stats.refused:8} {refused:9.2f} {lost:5} {stats.peak_in_flight:5}"
    )
    if scenario.in_flight:
        server.reset()
        began = time.perf_counter()
        if await bare(server.url, source, scenario.in_flight) != scenario.calls:
            sys.exit(f"{name}: the bare client did not get an answer to every call")
        known = time.perf_counter() - began
        line += f"   known {known:.1f} s = {least / known:.1%}"
    return Found(share=least / result.seconds, refused=refused, lost=lost, line=line)


async def warm_up(home: Path, url: str) -> None:
    """Load what a job loads, so that the first scenario does not pay for it."""
    await a_score_table(
        make_rows(home / "rows.csv", 10),
        text="comment",
        categories=CATEGORIES,
        output=home / "scored.csv",
        model=ModelSpec(name="openai/m", base_url=url),
        home=home,
    )


async def round_of(
    names: Sequence[str], *, folder: Path, seed: int, cpu: int | None, together: bool
) -> dict[str, Found]:
    """Run the scenarios of one round, each against a server of its own on the core `cpu`."""
    found: dict[str, Found] = {}
    turns = anyio.CapacityLimiter(len(names) if together else 1)

    async def one(name: str, server: ServerProcess) -> None:
        async with turns:
            home = folder / f"{name}-{seed}"
            home.mkdir()
            found[name] = await measure(name, SCENARIOS[name], server, home)
            print(found[name].line, flush=True)

    with ExitStack() as servers:
        warm = folder / f"warm-{seed}"
        warm.mkdir()
        await warm_up(warm, servers.enter_context(serve_in_process(cpu=cpu)).url)
        started = {name: serve_in_process(SCENARIOS[name].behaviour(seed), cpu=cpu) for name in names}
        async with anyio.create_task_group() as tasks:
            for name, server in {name: servers.enter_context(server) for name, server in started.items()}.items():
                tasks.start_soon(one, name, server)
    return found


def main() -> None:
    """Print one line per scenario and round, and the spread over the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", nargs="+", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--together", action="store_true", help="all scenarios of a round at the same time")
    given = parser.parse_args()
    print("       bound     job    call   of it  calls  refused   per 100  lost  peak")
    here, cpu = cores()
    os.sched_setaffinity(0, {here})
    rounds: list[dict[str, Found]] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(given.rounds):
            settings = {"folder": Path(folder), "seed": seed, "cpu": cpu, "together": given.together}
            rounds.append(anyio.run(partial(round_of, given.scenario, **settings)))
    if given.rounds > 1:
        for name in given.scenario:
            shares = spread([100 * found[name].share for found in rounds], form=".1f")
            refused = spread([found[name].refused for found in rounds])
            print(f"{name:4} % of the bound {shares}   refused per 100 {refused}")
    lost = sum(found.lost for run in rounds for found in run.values())
    if lost:
        print(f"{lost} rows were lost")


if __name__ == "__main__":
    main()
