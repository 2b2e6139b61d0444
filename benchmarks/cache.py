"""What the second run of the same command costs when the cache has every answer.

    python benchmarks/cache.py [--rows 10000] [--rounds 1]

Runs `penstock score` twice, each in a process of its own, against a server on a core of its own. `seconds` is the
whole process, from its start to its end. The server counts its calls: the second run must make none.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from measuring import PENSTOCK, cores, make_categories, make_rows, must, watched
from penstock.testing import serve_in_process


def main() -> None:
    """Print one line per run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    here, other = cores()
    os.sched_setaffinity(0, {here})
    print("run     seconds  CPU s  calls  hit rate")
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as name, serve_in_process(cpu=other) as server:
            folder = Path(name)
            command = [PENSTOCK, "score", str(make_rows(folder / "rows.csv", given.rows)), "--text", "comment"]
            command += ["--categories", str(make_categories(folder / "categories.yaml"))]
            command += ["--model", "openai/m", "--base-url", server.url, "--cache-entries", str(given.rows)]
            command += ["--output", str(folder / "scored.csv"), "--home", str(folder / "home"), "--json", "--quiet"]
            before = 0
            tables: list[bytes] = []
            for run in ("first", "second"):
                ended = must(watched(command))
                tables.append((folder / "scored.csv").read_bytes())
                gauges = json.loads(ended.out)["gauges"]
                received = server.stats().received
                hits = gauges["cache_hits"] / (gauges["cache_hits"] + gauges["cache_misses"])
                print(f"{run:7} {ended.seconds:7.2f} {ended.cpu:6.2f} {received - before:6} {hits:9.1%}", flush=True)
                before = received
            if tables[0] != tables[1]:
                print("the two tables differ")


if __name__ == "__main__":
    main()
