"""The preference in three published experiments of Wikimedia, beside the published figures.

    python benchmarks/interleave_wikimedia.py FOLDER

FOLDER holds wikimedia_interleaved_{a-pref,b-pref,no-pref}.csv of bearloga/interleaved-python (BSD-3): searches and the
clicks on their results, each with the ranker that the result came from; the winner was planted. Two ways are printed:

- their statistic: every search with clicks is one vote, a second click on the same result counts again, the interval
  is a percentile bootstrap over searches;
- the whole chain: the same searches written as a log and clicks, through `penstock interleave report`, where a result
  counts once and the interval is Student's t. Who searched is not in the files, so that every search is a user.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from measuring import PENSTOCK
from penstock.interleave.analysis import Preference, bootstrap_preference

PUBLISHED = {
    "a-pref": (0.743, 0.6998, 0.7793),
    "b-pref": (-0.703, -0.745, -0.663),
    "no-pref": (0.061, -0.002, 0.120),
}

Search = list[tuple[str, int, str]]
"""The clicks of one search: time, position, ranker."""


def searches(path: Path) -> dict[str, Search]:
    """Read the clicks of every search of a file; searches without clicks are empty."""
    found: dict[str, Search] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            clicks = found[row["search_id"]]
            if row["event"] == "click":
                clicks.append((row["timestamp"], int(row["position"]), row["ranking_function"]))
    return found


def statistic(found: dict[str, Search]) -> Preference:
    """Count as the published code does: the majority of a search's clicks is its vote."""
    votes = []
    for clicks in found.values():
        by_ranker = Counter(ranker for _, _, ranker in clicks)
        if clicks:
            votes.append(np.sign(by_ranker["A"] - by_ranker["B"]))
    return bootstrap_preference(votes, np.ones(len(votes)), resamples=1000, seed=2018)


def report(found: dict[str, Search], folder: Path) -> dict[str, Any]:
    """Write log and clicks, and run the report on them."""
    log, clicks = folder / "log.jsonl", folder / "clicks.jsonl"
    with log.open("w", encoding="utf-8") as lines, clicks.open("w", encoding="utf-8") as hits:
        for name, each in found.items():
            lines.write(json.dumps(record(name, each)) + "\n")
            for time, position, _ in each:
                hits.write(json.dumps({"ranking_id": name, "item_id": str(position), "time": time}) + "\n")
    command = [PENSTOCK, "interleave", "report", log, "--clicks", clicks, "--credit", "team", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1}:
        raise SystemExit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def record(name: str, clicks: Search) -> dict[str, Any]:
    """Make the log line of a search, of which only the results that were clicked are known."""
    places = {position: ranker for _, position, ranker in clicks}
    return {
        "schema": "penstock.interleave/1",
        "time": min((time for time, _, _ in clicks), default="2018-08-01T00:00:00Z"),
        "experiment": "wikimedia",
        "ranking_id": name,
        "mode": "INTERLEAVE",
        "method": "team_draft_v1",
        "user": name,
        "rankers": ["A", "B"],
        "competitive": True,
        "items": [
            {"item_id": str(position), "position": position, "source_ranker": ranker}
            for position, ranker in sorted(places.items())
        ],
        "ranks": [[None] * len(places)] * 2,
    }


def main(folder: Path) -> None:
    """Print one line for each way and file."""
    print(f"{'file':8} {'':10} {'estimate':>9} {'interval':>20}  {'searches':>8}")
    for name, (point, low, high) in PUBLISHED.items():
        found = searches(folder / f"wikimedia_interleaved_{name}.csv")
        print(f"{name:8} {'published':10} {point:9.1%} [{low:8.2%}, {high:8.2%}]")
        again = statistic(found)
        print(f"{'':8} {'statistic':10} {again.estimate:9.4%} [{again.low:8.2%}, {again.high:8.2%}]  {again.users:8,}")
        with tempfile.TemporaryDirectory() as place:
            whole = report(found, Path(place))
        (compared,) = whole["comparisons"]
        by_user = compared["by_user"]
        winner = compared["always_valid"]["winner"]
        ends = f"[{by_user['low']:8.2%}, {by_user['high']:8.2%}]"
        decided = f"decided for {winner}" if winner else "not decided"
        print(f"{'':8} {'report':10} {by_user['estimate']:9.4%} {ends}  {by_user['users']:8,}  {decided}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
