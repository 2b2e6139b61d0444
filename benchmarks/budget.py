"""By how much a budget is exceeded: never by more than the calls in flight, whatever they cost.

    python benchmarks/budget.py [--rows 1000] [--in-flight 32] [--budgets 0.02 0.1 0.5]

Each round scores a table until the budget is used up, with texts of 5 to 400 words, so that calls differ in cost by a
factor of thirty, and with faults. Then the same command goes on with a budget that is large enough. The server counts
the tokens, so `spent` is what a provider would charge for what it answered. `over` is what that is beyond the budget,
in the cost of its mean call; `allowed` is the number of calls in flight. `rest` is the share of the budget that was
left. `counted` is what the ledger says that the first run cost, of `rows` rows that it scored.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from measuring import CATEGORIES, cores, make_rows
from penstock.models import ModelSpec
from penstock.score import a_score_table
from penstock.testing import Behaviour, Latency, serve_in_process

if TYPE_CHECKING:
    from penstock.score import ScoreResult
    from penstock.testing import Stats

FAULTS = {"http_500": 0.02, "wrong_count": 0.03, "drop": 0.02}
PRICE_IN, PRICE_OUT = 2.5, 10.0


async def run(url: str, source: Path, home: Path, *, budget: float, in_flight: int) -> ScoreResult:
    spec = ModelSpec(name="openai/m", base_url=url, price_in=PRICE_IN, price_out=PRICE_OUT, concurrency=in_flight)
    return await a_score_table(
        source,
        text="comment",
        categories=CATEGORIES,
        output=home / "scored.csv",
        model=spec,
        budget=budget,
        home=home,
        cache=False,
    )


def cost(stats: Stats) -> float:
    """What a provider charges for the tokens that the server counted, in USD."""
    return (stats.tokens_in * PRICE_IN + stats.tokens_out * PRICE_OUT) / 1e6


def main() -> None:
    """Print a line per budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--budgets", type=float, nargs="+", default=[0.005, 0.02, 0.05, 0.1, 0.2])
    given = parser.parse_args()
    broken = 0
    names = {
        "budget": 8,
        "spent": 10,
        "rest": 8,
        "over": 7,
        "allowed": 9,
        "rows": 7,
        "of": 7,
        "then": 12,
        "counted": 10,
    }
    print("".join(f"{name:>{width}}" for name, width in names.items()))
    with tempfile.TemporaryDirectory() as folder:
        source = make_rows(Path(folder) / "rows.csv", given.rows, words=5, longest=400)
        behaviour = Behaviour(latency=Latency(seconds=0.05, share=0.5), faults=FAULTS)
        for number, budget in enumerate(given.budgets):
            home = Path(folder) / str(number)
            home.mkdir()
            with serve_in_process(behaviour, cpu=cores()[1]) as server:
                again = partial(run, server.url, source, home, in_flight=given.in_flight)
                first = anyio.run(partial(again, budget=budget))
                spent = cost(server.stats())
                each = spent / max(1, server.stats().answered)
                then = anyio.run(partial(again, budget=1e3))
            over = max(0.0, spent - budget) / each
            ended = then.tally.verdicts + then.tally.failures
            ok = over <= given.in_flight and ended == given.rows and then.job.status == "completed"
            broken += not ok
            print(
                f"{budget:>8.3f}{spent:>10.5f}{1 - min(1, spent / budget):>8.1%}{over:>7.1f}{given.in_flight:>9}"
                f"{first.tally.verdicts:>7}{given.rows:>7}{then.job.status:>12}{first.usage.cost_usd:>10.5f}",
                flush=True,
            )
    sys.exit(broken > 0)


if __name__ == "__main__":
    main()
