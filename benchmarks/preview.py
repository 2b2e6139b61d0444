"""How near a preview comes to what the job then really takes: calls, tokens and money.

    python benchmarks/preview.py [--data FOLDER] [--rows 1000] [--ask 20] [--rounds 3]

Each scenario previews a table with some judgements really asked, then runs the job against the same loopback server,
which counts. `error` is foretold / taken - 1 for what was still to come after the preview: worst and median over the
rounds, each with other faults. `held` counts how often the 95 % interval held what was taken. The tables are made up,
and with --data those of a folder with goemotions.csv, goemotions_ko.csv and ko_chatbot_sentiment.csv. In every scenario
5 % of the first tries meet a fault; `blocks` is the number of calls that a row takes.

The target is an error of at most 15 % in every round.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from measuring import CATEGORIES, cores, make_rows
from penstock.models import ModelSpec
from penstock.score import a_score_table
from penstock.score.ahead import a_preview_table
from penstock.testing import Behaviour, serve_in_process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.score.preview import Preview

FAULTS = {"http_500": 0.01, "drop": 0.01, "wrong_count": 0.01, "prose": 0.01, "truncated": 0.01}
LIMIT = 0.15
FIELDS = {"goemotions": "text", "goemotions_ko": "text", "ko_chatbot_sentiment": "Q"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a job took after its preview."""

    calls: float
    tokens_in: float
    tokens_out: float
    cost_usd: float


def tables(folder: Path, data: Path | None, rows: int) -> Iterator[tuple[str, Path, str]]:
    yield "made up, alike", make_rows(folder / "alike.csv", rows), "comment"
    yield "made up, 5-400 words", make_rows(folder / "long.csv", rows, words=5, longest=400), "comment"
    for name, column in FIELDS.items() if data else ():
        path = folder / f"{name}.csv"
        with (data / f"{name}.csv").open(encoding="utf-8", newline="") as source:
            lines = list(islice(csv.DictReader(source), rows))
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerows([[column], *([line[column]] for line in lines)])
        yield name, path, column


def categories(n: int) -> list[dict[str, str]]:
    """Make categories whose definitions differ in length, so that the blocks do."""
    return [
        {"name": f"{CATEGORIES[k % 6]} {k}", "definition": " ".join(CATEGORIES[: k % 6 + 1]) * (k // 6 + 1)}
        for k in range(n)
    ]


async def once(url: str, source: Path, column: str, *, n: int, ask: int, home: Path) -> tuple[Preview, Taken]:
    settings = {
        "text": column,
        "categories": categories(n),
        "output": home / "scored.csv",
        "model": ModelSpec(name="openai/m", base_url=url, price_in=0.25, price_out=2.0, concurrency=64),
    }
    foretold = await a_preview_table(source, ask=ask, home=home, **settings)
    result = await a_score_table(source, home=home, **settings)
    usage = result.usage
    return foretold, Taken(
        calls=usage.calls, tokens_in=usage.tokens_in, tokens_out=usage.tokens_out, cost_usd=usage.cost_usd
    )


def foretell(
    source: Path, column: str, folder: Path, *, n: int, ask: int, rounds: int
) -> tuple[dict[str, list[float]], int]:
    """Give the errors of each field, one per round, and how often its interval held what was taken."""
    errors: dict[str, list[float]] = {field: [] for field in Taken.__slots__}
    held = 0
    for number in range(rounds):
        home = folder / f"{source.stem}-{n}-{number}"
        home.mkdir()
        with serve_in_process(Behaviour(faults=FAULTS, seed=number, latency=0.01), cpu=cores()[1]) as server:
            run = partial(once, server.url, source, column, n=n, ask=ask, home=home)
            foretold, taken = anyio.run(run)
        for field, found in errors.items():
            span, real = getattr(foretold, field), getattr(taken, field)
            found.append(span.likely / real - 1)
            held += span.low <= real <= span.high
    return errors, held


def main() -> None:
    """Print a line per table and number of blocks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--ask", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    worst = 0.0
    print(f"{'table':<22}{'blocks':>7}" + "".join(f"{name:>22}" for name in Taken.__slots__) + f"{'held':>8}")
    print(f"{'':<29}" + f"{'worst     median':>22}" * 4)
    with tempfile.TemporaryDirectory() as folder:
        for name, source, column in tables(Path(folder), given.data, given.rows):
            for n in (6, 25):
                found, held = foretell(source, column, Path(folder), n=n, ask=given.ask, rounds=given.rounds)
                worst = max(worst, *(abs(one) for errors in found.values() for one in errors))
                told = "".join(
                    f"{max(errors, key=abs):>+12.1%}{statistics.median(errors):>+10.1%}" for errors in found.values()
                )
                print(f"{name:<22}{-(-n // 10):>7}{told}{held:>5}/{4 * given.rounds}", flush=True)
    print(f"largest error {worst:.1%}; allowed {LIMIT:.0%}")
    sys.exit(worst > LIMIT)


if __name__ == "__main__":
    main()
