"""What the benchmarks share: tables of made-up rows, quiet runs, ratios with their spread."""

from __future__ import annotations

import csv
import random
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

WORDS = [
    "the",
    "bridge",
    "opened",
    "late",
    "again",
    "and",
    "nobody",
    "told",
    "us",
    "why",
    "the",
    "ferry",
    "was",
    "full",
    "a",
    "wonderful",
    "morning",
    "by",
    "the",
    "river",
    "thanks",
    "to",
    "the",
    "crew",
    "who",
    "kept",
    "calm",
    "what",
    "a",
    "waste",
    "of",
    "money",
    "I",
    "cannot",
    "believe",
    "how",
    "kind",
    "they",
    "were",
    "please",
    "fix",
    "the",
    "lights",
    "my",
    "daughter",
    "cried",
    "all",
    "the",
    "way",
    "home",
    "honestly",
    "impressed",
    "by",
    "the",
    "new",
    "timetable",
]

CATEGORIES = ("praise", "complaint", "fear", "joy", "anger", "question")


def make_rows(path: Path, rows: int, *, words: int = 18, seed: int = 1) -> Path:
    """Write a CSV of `rows` rows with the columns id, comment and place."""
    rng = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["id", "comment", "place"])
        for number in range(rows):
            out.writerow([number, f"{number}: {' '.join(rng.choices(WORDS, k=words))}", rng.choice("NESW")])
    return path


def spread(values: list[float], *, form: str = ".2f") -> str:
    """Median with minimum and maximum."""
    return f"{statistics.median(values):{form}} [{min(values):{form}}, {max(values):{form}}]"
