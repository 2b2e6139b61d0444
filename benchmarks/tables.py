"""Rows per second and peak memory of reading and writing a million rows, one process per format.

    python benchmarks/tables.py [--rows 1000000] [--formats csv jsonl parquet xlsx]

The work is that of a scoring run: read rows of three columns, write them again with six numbers each.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from penstock.tables import Column, open_table, writer

SCORES = [Column(name=f"score {number}", kind="number") for number in range(6)]
TEXT = "Comment {} is as long as comments of people are on the whole, with a comma and a full stop."


def make(path, *, rows):
    with writer(path, ["id", Column(name="text", kind="text"), Column(name="group", kind="text")]) as out:
        for number in range(rows):
            out.write((str(number), TEXT.format(number), "abcdef"[number % 6]))


def read(path):
    table = open_table(path)
    place = table.column("text")
    return sum(len(row.cells[place]) for row in table.rows())


def score(path):
    table = open_table(path)
    with writer(path.with_stem("scored"), [*table.columns, *SCORES], like=table) as out:
        for row in table.rows():
            share = row.number % 100 / 100
            out.write((*row.cells, share, share, share, 0.0, 1.0, 0.25))


def step(name, path, *, rows):
    began = time.perf_counter()
    {"make": lambda path: make(path, rows=rows), "read": read, "score": score}[name](path)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{path.suffix:9}{name:7}{rows:>10,} rows{seconds:8.1f} s{rows / seconds:>12,.0f} rows/s{peak:8.0f} MB peak")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--formats", nargs="+", default=["csv", "jsonl", "parquet", "xlsx"])
    parser.add_argument("--step", nargs=2, metavar=("NAME", "PATH"), help="one step in this process")
    given = parser.parse_args()
    if given.step:
        step(given.step[0], Path(given.step[1]), rows=given.rows)
        return
    with tempfile.TemporaryDirectory() as folder:
        for form in given.formats:
            for name in ("make", "read", "score"):
                path = f"{folder}/rows.{form}"
                subprocess.run(
                    [sys.executable, __file__, "--rows", str(given.rows), "--step", name, path], check=True, timeout=600
                )


if __name__ == "__main__":
    main()
