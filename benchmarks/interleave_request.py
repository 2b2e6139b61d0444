"""What interleaving adds to a request: in computing, in waiting for rankers, and at a cold start.

    python benchmarks/interleave_request.py [--rounds 9] [--requests 200] [--starts 15]

frames: microseconds of CPU of a whole request, ranking in and ranking and log line out, when both rankers have their
lists of so many items at once and run in one thread: served alone, and interleaved. Then the parts of the interleaved
one, measured by themselves: reading ids and drafting, picking the rows, writing the line.
waiting: milliseconds of whole requests (p50, p90, p99) to rankers that wait 20 and 30 ms: the first one alone,
interleaved side by side, interleaved one after the other; and to rankers that compute in Python. `times` is the median
of one after the other, divided by that of side by side.
start: milliseconds in fresh processes: the interpreter that does nothing; then, on the clock of the process itself, the
import of the package, the import of what an experiment needs, the first request, the second; and, for comparison, the
import of pandas and of boto3 where they are installed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import spread
from penstock.interleave import Experiment, to_stream
from penstock.interleave.draft import interleave
from penstock.interleave.returned import merged, returned
from penstock.interleave.side import Side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

K = 10
LENGTH = 1_000
CALLS = 200
EVERYBODY = {"mode": "INTERLEAVE", "sampling_rate": 1}

START = """
import time
began = time.perf_counter()
import penstock.interleave
package = time.perf_counter()
from penstock.interleave import Experiment
settings = {"mode": "INTERLEAVE", "sampling_rate": 1}
lists = {"A": lambda _context: list(range(100)), "B": lambda _context: list(range(99, -1, -1))}
experiment = Experiment("home", lists, settings=settings, log=lambda record: record.line())
imported = time.perf_counter()
experiment.rank(user_id="ann", k=10)
first = time.perf_counter()
experiment.rank(user_id="ann", k=10)
second = time.perf_counter()
print(package - began, imported - package, first - imported, second - first)
"""

OTHER = """
import time
began = time.perf_counter()
import {name}
print(time.perf_counter() - began)
"""


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="of the frames")
    parser.add_argument("--requests", type=int, default=200, help="of each kind that wait")
    parser.add_argument("--starts", type=int, default=15, help="fresh processes of each kind")
    given = parser.parse_args()
    frames(given.rounds)
    waiting(given.requests)
    start(given.starts)


def frames(rounds: int) -> None:
    """Print what a request costs by the type of the rankings."""
    print(f"frames of {LENGTH:,} items, K = {K}, us of CPU, median [least, most] of {rounds} rounds of {CALLS}")
    print(f"{'':8} {'alone':>18} {'interleaved':>20} {'read and draft':>18} {'pick rows':>18} {'line':>18}")
    for name, make in kinds().items():
        lists = make([f"item{number:06d}" for number in range(LENGTH)])
        other = make([f"item{number:06d}" for number in range(LENGTH // 2, 3 * LENGTH // 2)])
        calls = [request_of(lists, other, mode="A"), request_of(lists, other), *parts(lists, other)]
        figures = [[cpu(call) for call in calls] for _ in range(rounds)]
        print(f"{name:8}", *(f"{spread(column, form='.0f'):>18}" for column in zip(*figures, strict=True)), flush=True)
    print()


def kinds() -> dict[str, Callable[[list[str]], Any]]:
    import pandas as pd
    import polars as pl

    def columns(ids: list[str]) -> dict[str, Any]:
        places = range(len(ids))
        return {"item_id": ids, "score": [1 / (place + 1) for place in places], "title": ids, "stock": list(places)}

    def rows(ids: list[str]) -> list[dict[str, Any]]:
        by_column = columns(ids)
        return [dict(zip(by_column, row, strict=True)) for row in zip(*by_column.values(), strict=True)]

    return {
        "pandas": lambda ids: pd.DataFrame(columns(ids)),
        "Polars": lambda ids: pl.DataFrame(columns(ids)),
        "dicts": rows,
        "ids": list,
    }


def request_of(first: Any, second: Any, **more: Any) -> Callable[[], object]:
    """Make one whole request to rankers that have their lists."""
    out = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open until the process ends
    experiment = Experiment(
        "home",
        {"A": lambda _context: first, "B": lambda _context: second},
        settings={**EVERYBODY, "parallel_enabled": False},
        log=to_stream(out),
    )
    return partial(experiment.rank, user_id="ann", k=K, **more)


def parts(first: Any, second: Any) -> Sequence[Callable[[], object]]:
    """Make the parts of an interleaved request, each by itself."""

    def read() -> Any:
        sides = [Side(name, returned(ranking, "item_id")) for name, ranking in (("A", first), ("B", second))]
        draft = interleave(sides, K, seed="home|request|1")
        for side in sides:
            side.look_ahead(3 * K)
        return sides, draft

    sides, draft = read()
    picks = [(source, sides[source].place(item)) for source, item in zip(draft.sources, draft.items, strict=True)]
    record = request_of(first, second)().record  # type: ignore[attr-defined] # of what `rank` returns
    return read, partial(merged, [side.ranking for side in sides], picks), record.line


def cpu(call: Callable[[], object]) -> float:
    """Microseconds of CPU that a call takes."""
    call()
    began = time.thread_time()
    for _ in range(CALLS):
        call()
    return (time.thread_time() - began) / CALLS * 1e6


def waiting(requests: int) -> None:
    """Print what requests wait, with rankers that wait and rankers that compute."""
    print(f"waiting, ms of {requests} requests{'':14} {'p50':>8} {'p90':>8} {'p99':>8}")
    settings = {
        "the first one alone": {"mode": "A"},
        "interleaved, side by side": EVERYBODY,
        "interleaved, one by one": {**EVERYBODY, "parallel_enabled": False},
    }
    for rankers, (first, second) in {
        "wait 20 and 30 ms": (partial(wait, 0.02), partial(wait, 0.03)),
        "compute in Python": (compute, compute),
    }.items():
        print(f"rankers that {rankers}")
        tried = {name: experiment(first, second, each) for name, each in settings.items()}
        spent: dict[str, list[float]] = {name: [] for name in settings}
        for _ in range(requests):
            for name, trial in tried.items():
                spent[name].append(seconds(partial(trial.rank, user_id="ann", k=K)) * 1e3)
        for name, values in spent.items():
            print(f"  {name:36}", *(f"{at(values, share):8.2f}" for share in (0.5, 0.9, 0.99)))
        medians = [statistics.median(values) for values in spent.values()]
        print(f"  times {medians[2] / medians[1]:.2f}\n", flush=True)


def experiment(first: Any, second: Any, settings: dict[str, object]) -> Experiment:
    return Experiment("home", {"A": first, "B": second}, settings=settings, log=lambda record: record.line() and None)


def wait(duration: float, _context: Any) -> list[int]:
    time.sleep(duration)
    return list(range(LENGTH))


def compute(_context: Any) -> list[int]:
    return sorted(range(20_000), key=lambda item: -(item * 7_919 % 20_011))


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def start(starts: int) -> None:
    """Print what a cold start takes."""
    names = ("import of the package", "import for an experiment", "first request", "second request")
    found: dict[str, list[float]] = {}
    for _ in range(starts):
        found.setdefault("python -c pass", []).append(seconds(partial(told, "pass")))
        for name, value in zip(names, told(START), strict=True):
            found.setdefault(name, []).append(value)
        for name in ("pandas", "boto3"):
            found.setdefault(f"import of {name}", []).extend(told(OTHER.format(name=name)))
    print(f"start, ms, median [least, most] of {starts} fresh processes")
    for name, values in found.items():
        print(f"  {name:26} {spread([value * 1e3 for value in values]) if values else 'is not installed':>24}")


def told(script: str) -> list[float]:
    """Run a script in a fresh process, and give the numbers that it prints; none where it fails."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    return [float(word) for word in done.stdout.split()]


if __name__ == "__main__":
    main()
