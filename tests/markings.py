"""What the tests of grade jobs share: an exam and its key."""

from __future__ import annotations

import csv
import io

KEY = [
    {"question_id": "mc", "question_type": "multiple_choice", "correct_answer": "B", "choices": "Oslo; Bergen; Vardo"},
    {"question_id": "tf", "question_type": "true_false", "correct_answer": "true"},
    {"question_id": "num", "question_type": "numeric", "correct_answer": "12", "tolerance": "0.5"},
    {
        "question_id": "rain",
        "question_type": "short_answer",
        "correct_answer": "Warm wet air rises, cools, and lets its water go.",
        "correct_keywords": "air rises; cools; water",
        "question": "Why does it rain at the coast?",
    },
]
"""One question of each type; the short one has three key ideas."""


def written(rows):
    """Write rows as CSV, with the columns of all of them."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    table = csv.DictWriter(out, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


def read(path):
    """Read a CSV table as dicts."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def answered(user, question, text, **more):
    """Make a row of answers."""
    return {"user_id": user, "question_id": question, "user_answer": text, **more}


def rainy(number):
    """Make so many different short answers."""
    return [answered(f"learner {one}", "rain", f"the air rises and cools, take {one}") for one in range(number)]
