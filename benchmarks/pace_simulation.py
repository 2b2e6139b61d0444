"""How near the pace comes to a hidden limit, in virtual time.

    python benchmarks/pace_simulation.py [--seeds 20] [--only S1,S4] [--latency all] [--refusal 0.002,0.1]

Prints, for each scenario: % of the bound (median [min, max] over the seeds), refusals per 100 calls (the same), and
calls that were not answered. The bound is what a client would need that knows the limit and never idles; start and
tail are included, so that a run whose last reply is slow stays below 100.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from pacing import (
    Bucket,
    FixedWindow,
    Flaky,
    InFlight,
    Rule,
    Run,
    Server,
    drive,
    in_virtual_time,
    lognormal,
    uniform,
)
from penstock.flow.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class Scenario:
    calls: int
    bound: float
    latency: float
    rules: Callable[[random.Random], tuple[Rule, ...]]
    retry_after: float | Callable[[float], float] | None = None
    ceiling: int = 256
    pace: Callable[[], Pace] | None = None
    tokens: Callable[[random.Random], Callable[[], float]] = lambda _rng: lambda: 0.0


def about_1000(rng: random.Random) -> Callable[[], float]:
    return lambda: rng.uniform(600, 1400)


SCENARIOS = {
    "S1 32 in flight": Scenario(calls=1200, bound=37.5, latency=1, rules=lambda _: (InFlight((0, 32)),)),
    "S4 32 in flight, slow": Scenario(calls=640, bound=60, latency=3, rules=lambda _: (InFlight((0, 32)),)),
    "S2 10/s burst 10": Scenario(
        calls=600, bound=62, latency=3, retry_after=2, rules=lambda _: (Bucket((0, 10), burst=10),)
    ),
    "S2b the same, no Retry-After": Scenario(
        calls=600, bound=62, latency=3, rules=lambda _: (Bucket((0, 10), burst=10),)
    ),
    "S2c the same, Retry-After 30": Scenario(
        calls=600, bound=62, latency=3, retry_after=30, rules=lambda _: (Bucket((0, 10), burst=10),)
    ),
    "S3 48, 12, 48": Scenario(
        calls=1080, bound=90, latency=3, rules=lambda _: (InFlight((0, 48), (30, 12), (60, 48)),)
    ),
    "S3b the same, Retry-After 2": Scenario(
        calls=1080, bound=90, latency=3, retry_after=2, rules=lambda _: (InFlight((0, 48), (30, 12), (60, 48)),)
    ),
    "S5 tokens, Retry-After": Scenario(
        calls=300,
        bound=243,
        latency=3,
        retry_after=1,
        tokens=about_1000,
        rules=lambda _: (Bucket((0, 1000), burst=60_000, unit="tokens"),),
    ),
    "S5b tokens, small burst": Scenario(
        calls=600,
        bound=63,
        latency=3,
        retry_after=1,
        tokens=about_1000,
        rules=lambda _: (Bucket((0, 10_000), burst=10_000, unit="tokens"),),
    ),
    "S5c tokens, headers": Scenario(
        calls=300,
        bound=243,
        latency=3,
        retry_after=1,
        tokens=about_1000,
        rules=lambda _: (Bucket((0, 1000), burst=60_000, unit="tokens", tells=True),),
    ),
    "S5d tokens, told by the user": Scenario(
        calls=300,
        bound=303,
        latency=3,
        retry_after=1,
        tokens=about_1000,
        rules=lambda _: (Bucket((0, 1000), burst=60_000, unit="tokens"),),
        pace=lambda: Pace(ceiling=256, tokens_per_minute=60_000),
    ),
    "S5e tokens, minute windows": Scenario(
        calls=580,
        bound=123,
        latency=3,
        retry_after=lambda now: 60 - now % 60,
        tokens=about_1000,
        rules=lambda _: (FixedWindow(200_000, unit="tokens"),),
    ),
    "S5f the same, Retry-After 5": Scenario(
        calls=580,
        bound=123,
        latency=3,
        retry_after=5,
        tokens=about_1000,
        rules=lambda _: (FixedWindow(200_000, unit="tokens"),),
    ),
    "S6 requests, headers, bucket": Scenario(
        calls=1200,
        bound=63,
        latency=3,
        rules=lambda _: (Bucket((0, 10), burst=600, tells=True),),
    ),
    "S6b requests, headers, window": Scenario(
        calls=1180,
        bound=63,
        latency=3,
        rules=lambda _: (FixedWindow(600, tells=True),),
    ),
    "S7 no limit, 200 ms": Scenario(calls=5000, bound=5.0, latency=0.2, ceiling=200, rules=lambda _: ()),
    "V1 5 in flight": Scenario(calls=200, bound=40, latency=1, rules=lambda _: (InFlight((0, 5)),)),
    "V2 200 in flight": Scenario(calls=6000, bound=30, latency=1, rules=lambda _: (InFlight((0, 200)),)),
    "V3 3/s burst 3": Scenario(
        calls=300, bound=102, latency=3, retry_after=1, rules=lambda _: (Bucket((0, 3), burst=3),)
    ),
    "V4 10/s burst 1": Scenario(calls=600, bound=63, latency=3, rules=lambda _: (Bucket((0, 10), burst=1),)),
    "V5 40, 1, 40": Scenario(calls=1820, bound=75, latency=1, rules=lambda _: (InFlight((0, 40), (20, 1), (50, 40)),)),
    "V6 20 in flight and 10/s": Scenario(
        calls=600,
        bound=90,
        latency=3,
        rules=lambda _: (InFlight((0, 20)), Bucket((0, 10), burst=10)),
    ),
    "V7 50 in flight and 10/s": Scenario(
        calls=600,
        bound=62,
        latency=3,
        rules=lambda _: (InFlight((0, 50)), Bucket((0, 10), burst=10)),
    ),
    "V8 10/s, 4/s, 10/s": Scenario(
        calls=720,
        bound=92,
        latency=3,
        retry_after=1,
        rules=lambda _: (Bucket((0, 10), (30, 4), (60, 10), burst=10),),
    ),
    "V9 32 and 1 % refused at random": Scenario(
        calls=1200, bound=37.5, latency=1, rules=lambda rng: (InFlight((0, 32)), Flaky(0.01, rng))
    ),
    "V10 1 in flight": Scenario(calls=60, bound=60, latency=1, rules=lambda _: (InFlight((0, 1)),)),
    "V11 100/s burst 100": Scenario(
        calls=6000, bound=60, latency=2, retry_after=1, rules=lambda _: (Bucket((0, 100), burst=100),), ceiling=400
    ),
    "V12 nothing for 20 s, then 32": Scenario(
        calls=640, bound=40, latency=1, rules=lambda _: (InFlight((0, 0), (20, 32)),)
    ),
    "V13 10/s, nothing, 10/s": Scenario(
        calls=900,
        bound=152,
        latency=3,
        rules=lambda _: (Bucket((0, 10), burst=10), InFlight((0, 999), (30, 0), (90, 999))),
    ),
    "V14 32, nothing, 32": Scenario(
        calls=1600, bound=110, latency=1, rules=lambda _: (InFlight((0, 32), (20, 0), (80, 32)),)
    ),
}
LATENCIES: dict[str, Callable[[float, random.Random], Callable[[], float]]] = {
    "+-20%": lambda mean, rng: uniform(mean, 0.2, rng),
    "+-0": lambda mean, rng: uniform(mean, 0.0, rng),
    "lognormal": lambda mean, rng: lognormal(mean, 0.5, rng),
}


def play(scenario: Scenario, *, latency: str, refusal: float, seed: int) -> Run:
    """Run one scenario once."""

    async def main() -> Run:
        rng = random.Random(seed)
        server = Server(
            rules=scenario.rules(rng),
            latency=LATENCIES[latency](scenario.latency, rng),
            refusal=refusal,
            retry_after=scenario.retry_after,
        )
        pace = scenario.pace() if scenario.pace else Pace(ceiling=scenario.ceiling)
        workers = max(256, scenario.ceiling)
        async with asyncio.timeout(3600):
            return await drive(server, pace, calls=scenario.calls, workers=workers, tokens=scenario.tokens(rng))

    run: Run = in_virtual_time(main)
    return run


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):6.1f} [{min(values):5.1f},{max(values):6.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description="How near the pace comes to a hidden limit, in virtual time.")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="")
    parser.add_argument("--latency", default="+-20%")
    parser.add_argument("--refusal", default="0.002")
    parser.add_argument("--history", action="store_true")
    options = parser.parse_args()
    chosen = [name for name in SCENARIOS if not options.only or name.split()[0] in options.only.split(",")]
    latencies = list(LATENCIES) if options.latency == "all" else options.latency.split(",")
    print(f"{'scenario':34} {'latency':10} {'refusal':>8}  {'% of bound':>22}  {'refused per 100':>22}  not done")
    for name in chosen:
        for latency in latencies:
            for refusal in map(float, options.refusal.split(",")):
                began = time.perf_counter()
                runs = [
                    play(SCENARIOS[name], latency=latency, refusal=refusal, seed=seed) for seed in range(options.seeds)
                ]
                bound = SCENARIOS[name].bound
                shares = spread([100 * bound / run.seconds for run in runs])
                refused = spread([100 * run.refused / run.calls for run in runs])
                left = sum(run.calls - run.stats.succeeded for run in runs)
                took = time.perf_counter() - began
                print(f"{name:34} {latency:10} {refusal:8.3f}  {shares}  {refused}  {left:8} {took:6.1f}s", flush=True)
                if options.history:
                    for change in runs[0].pace.history:
                        rate = "" if change.rate is None else f"{change.rate:8.2f}/s"
                        print(f"    {change.at:8.3f} s  {change.limit:4} in flight {rate:10} {change.why}")


if __name__ == "__main__":
    main()
