"""Whether time stays linear and memory flat up to a million rows, with the embedded judge.

    python benchmarks/million.py [--rows 1000000] [--sizes 4] [--examples]

Scores CSV tables of an eighth, a quarter, a half and all of the rows with `penstock score`, each in a process of its
own. `peak` is the most memory that the process ever held; `early` and `late` are the most it held in the second and
in the last quarter of its time, so that growth along the run shows. `--examples` trains the judge first, on 2,000
labelled rows; the seconds then include the training. Takes about 4 minutes with a million rows.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import CATEGORIES, PENSTOCK, cores, made_up, make_categories, make_rows, must, watched

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = 2_000


def make_examples(path: Path) -> Path:
    """Write labelled rows: a category is right where one of two words stands in the text."""
    signs = zip(CATEGORIES, ["kind", "waste", "cried", "wonderful", "late", "why"], strict=True)
    others = ["impressed", "fix", "nobody", "thanks", "money", "told"]
    words = {name: {sign, other} for (name, sign), other in zip(signs, others, strict=True)}
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["comment", "labels"])
        for _, text, _ in made_up(EXAMPLES, words=8, seed=2):
            out.writerow([text, ";".join(name for name in CATEGORIES if words[name] & set(text.split()))])
    return path


def most(memory: Sequence[tuple[float, float]], *, start: float, end: float) -> float:
    """Most memory in MB between two shares of the time."""
    whole = memory[-1][0]
    return max((held for at, held in memory if start <= at / whole <= end), default=0.0)


def main() -> None:
    """Print one line per size, and how the seconds per row changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sizes", type=int, default=4, help="each half as large as the next")
    parser.add_argument("--examples", action="store_true", help="train the judge on labelled rows first")
    given = parser.parse_args()
    os.sched_setaffinity(0, {cores()[0]})
    per_row: list[tuple[int, float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [PENSTOCK, "score", str(folder / "rows.csv"), "--text", "comment", "--quiet"]
        command += ["--categories", str(make_categories(folder / "categories.yaml"))]
        command += ["--output", str(folder / "scored.csv")]
        if given.examples:
            command += ["--examples", str(make_examples(folder / "examples.csv"))]
        print("      rows  seconds  rows/s  CPU s  peak MB  early  late")
        for size in range(given.sizes - 1, -1, -1):
            rows = given.rows >> size
            make_rows(folder / "rows.csv", rows)
            home = folder / f"home{size}"
            ended = must(watched([*command, "--home", str(home)], every=0.1))
            with (folder / "scored.csv").open("rb") as scored:
                lines = sum(1 for _ in scored) - 1
            if lines != rows:
                sys.exit(f"{lines} of {rows} rows were written")
            early, late = most(ended.memory, start=0.25, end=0.5), most(ended.memory, start=0.75, end=1.0)
            print(
                f"{rows:10,} {ended.seconds:8.1f} {rows / ended.seconds:7.0f} {ended.cpu:6.1f} {ended.peak:8.0f} "
                f"{early:6.0f} {late:5.0f}",
                flush=True,
            )
            per_row.append((rows, ended.seconds / rows, ended.cpu / rows))
    for (few, *before), (many, *after) in pairwise(per_row):
        seconds, cpu = (now / then for then, now in zip(before, after, strict=True))
        print(f"per row, {many:,} rows / {few:,} rows: seconds {seconds:.2f}, CPU {cpu:.2f}")


if __name__ == "__main__":
    main()
