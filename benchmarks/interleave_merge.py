"""What a merge by team draft costs a request, flat in the length of the lists, and against the published library.

    python benchmarks/interleave_merge.py [FOLDER] [--rounds 9]

FOLDER is a checkout of github.com/mpkato/interleaving, which is read from there and not installed; only its modules of
team draft are loaded, and they need numpy alone. Without FOLDER our figures stand alone.

us: microseconds of CPU of one call of `interleave(rankings, k, seed=...)`, a new seed each time, coins included, on
lists of numbers in random order that have half of their items in common. Median [least, most] of the rounds.
against L=100: the same, divided by that of lists of 100 items in the same round.
published: microseconds of the published library for the same lists and K, its constructor included.
times: how many of our calls it could have made in that time.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from importlib import import_module
from itertools import cycle
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from measuring import spread
from penstock.interleave import interleave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LENGTHS = (10, 100, 1_000, 10_000)
SIZES = (10, 50)
PAIRS = 16
SECONDS = 0.1  # of CPU for one figure of one round


def main() -> None:
    """Print one line for each K and each length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="checkout of mpkato/interleaving")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    theirs = published(given.folder) if given.folder else None
    print(f"{'K':>3} {'L':>6} {'us':>22} {'against L=100':>20}", f"{'published':>28} {'times':>22}" if theirs else "")
    for k in SIZES:
        lengths = [length for length in LENGTHS if length >= k or length == min(LENGTHS)]
        rounds = [{length: measure(length, k, theirs) for length in lengths} for _ in range(given.rounds)]
        for length in lengths:
            ours = [each[length][0] for each in rounds]
            flat = [each[length][0] / each[100][0] for each in rounds]
            line = f"{k:>3} {length:>6} {spread(ours):>22} {spread(flat):>20}"
            if theirs:
                their = [each[length][1] for each in rounds]
                times = [each[length][1] / each[length][0] for each in rounds]
                line += f" {spread(their, form='.0f'):>28} {spread(times, form='.0f'):>22}"
            print(line, flush=True)


def measure(length: int, k: int, theirs: Any) -> tuple[float, float]:
    """Microseconds of CPU of one call of ours, and of theirs."""
    pairs = cycle([two_lists(length, number) for number in range(PAIRS)])
    seeds = cycle([f"home|request|20261121-{number:020x}" for number in range(1_000)])
    ours = cpu(lambda: interleave(next(pairs), k, seed=next(seeds)))
    if theirs is None:
        return ours, 0.0
    return ours, cpu(lambda: theirs(next(pairs), max_length=k).interleave())


def two_lists(length: int, number: int) -> list[list[int]]:
    rng = random.Random(f"{length} {number}")
    items = range(length + length // 2)
    return [rng.sample(items[:length], length), rng.sample(items[-length:], length)]


def cpu(call: Callable[[], object]) -> float:
    """Microseconds of CPU that a call takes, by as many calls as fit the time."""
    call()
    calls = 0
    began = time.thread_time()
    while (spent := time.thread_time() - began) < SECONDS:
        for _ in batch(calls):
            call()
            calls += 1
    return spent / calls * 1e6


def batch(calls: int) -> Iterator[int]:
    """As many calls as were made already, up to a thousand: so that looking at the clock costs nothing."""
    return iter(range(min(1_000, max(1, calls))))


def published(folder: Path) -> Any:
    """Load the team draft of the published library, without the rest of it and what that needs."""
    package = ModuleType("interleaving")
    package.__path__ = [str(folder / "interleaving")]
    if not (folder / "interleaving" / "team_draft.py").is_file():
        sys.exit(f"{folder} is no checkout of mpkato/interleaving: interleaving/team_draft.py is missing.")
    sys.modules["interleaving"] = package
    return import_module("interleaving.team_draft").TeamDraft


if __name__ == "__main__":
    main()
