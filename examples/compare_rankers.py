"""Compare two rankers on made-up visitors of a ferry's page of excursions, from the request to the files of a report.

    python examples/compare_rankers.py FOLDER
    penstock interleave report FOLDER/rankings.jsonl --clicks FOLDER/clicks.jsonl

Ranker A shows what most people book. Ranker B also looks at what the visitor likes. Half of the visitors are in the
sample; they get one list of both, and click on what suits them, more often near the top. Nothing here is random: the
same files come out every time.
"""

import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from penstock.interleave import Experiment, Settings, to_stream

TASTES = ("birds", "castles", "food", "swimming")
EXCURSIONS = [
    {"item_id": f"trip-{number:02}", "theme": TASTES[number % 4], "booked": 900 // number} for number in range(1, 41)
]
VISITORS, DAYS, K = 400, 7, 10


def by_bookings(_visitor: dict[str, Any]) -> list[dict[str, Any]]:
    """Rank as today: most booked first."""
    return sorted(EXCURSIONS, key=lambda trip: -trip["booked"])


def by_taste(visitor: dict[str, Any]) -> list[dict[str, Any]]:
    """Rank as proposed: what suits the visitor counts for more."""
    return sorted(EXCURSIONS, key=lambda trip: -trip["booked"] * (2 if trip["theme"] == visitor["taste"] else 1))


def chance(*words: object) -> float:
    """Give a number from 0 to 1 that follows from words."""
    return int.from_bytes(sha256(repr(words).encode()).digest()[:6], "big") / 2**48


def clicks(visitor: dict[str, Any], day: int, shown: list[dict[str, Any]]) -> Iterator[str]:
    """Give the items that a visitor clicks on: with luck what suits, more often near the top."""
    for position, trip in enumerate(shown, 1):
        suits = 0.3 if trip["theme"] == visitor["taste"] else 0.15
        if chance(visitor["id"], day, trip["item_id"]) < suits / position**0.7:
            yield trip["item_id"]


def main(folder: Path) -> None:
    """Serve every visitor once a day for a week; write what was shown and what was clicked."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(mode="INTERLEAVE", sampling_rate=0.5, seed_strategy="user", parallel_enabled=False)
    with (folder / "rankings.jsonl").open("w") as rankings, (folder / "clicks.jsonl").open("w") as clicked:
        today = [0.0]
        experiment = Experiment(
            "excursions",
            {"A": by_bookings, "B": by_taste},
            settings=settings,
            log=to_stream(rankings),
            clock=lambda: today[0],
        )
        for day in range(DAYS):
            today[0] = 1_793_000_000.0 + 86_400 * day
            for number in range(VISITORS):
                visitor = {"id": number, "taste": TASTES[number % 4]}
                served = experiment.rank(
                    visitor, user_id=number, k=K, ranking_id=f"d{day}-v{number}", version=f"day {day}"
                )
                for item in clicks(visitor, day, served.ranking):
                    clicked.write(json.dumps({"ranking_id": served.ranking_id, "item_id": item}) + "\n")
    print(f"{VISITORS * DAYS:,} rankings and their clicks are in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "experiment"))
