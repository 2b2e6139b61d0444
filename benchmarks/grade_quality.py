"""How well the offline grader grades, what its stated confidence is worth, and how few examples it needs.

    python benchmarks/grade_quality.py --data FOLDER [--few] [--only NAME ...]

FOLDER holds scientsbank.csv (SemEval-2013 task 7), saf.csv (SAF, English and German), digiklausur.csv and ads_zh.csv,
each with columns qid, question, reference (several joined by " ||| "), answer_id, answer, score_norm (0-1), label,
lang, split. What is not there is left out, and the output says so. Every figure is from answers that the grader had
not seen: the split UA where there is one, else five folds over answers, or ten over students.

Columns: n answers; macro F1 and accuracy of right or wrong; accuracy on the half it is surest of; RMSE and correlation
of the score; mean stated error beside it; expected calibration error of the confidence in ten bins of equally many,
and what a perfectly calibrated grader would show with as many answers; seconds to train; milliseconds an answer.
With --few: the same after 20 to 300 graded answers of the English sets, drawn from all questions.
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from penstock.grade.offline import Exercise, GradedAnswer, OfflineGrader
from penstock.grade.offline.calibration import calibration_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.grade.offline import Estimate

csv.field_size_limit(10**8)
HEADER = (
    f"{'set':24} {'n':>5} {'F1':>6} {'acc':>6} {'half':>6} {'RMSE':>6} {'r':>6} {'stated':>6} "
    f"{'ECE':>6} {'(min)':>6} {'train s':>8} {'ms':>6}"
)


@dataclass
class Outcome:
    """Estimates beside the marks of people."""

    graded: list[GradedAnswer] = field(default_factory=list)
    estimates: list[Estimate] = field(default_factory=list)
    train_seconds: float = 0.0
    seconds: float = 0.0

    def add(self, learned: Sequence[GradedAnswer], held: Sequence[GradedAnswer]) -> None:
        started = time.process_time()
        grader = OfflineGrader.fit(learned) if learned else OfflineGrader()
        self.train_seconds += time.process_time() - started
        started = time.process_time()
        estimates = grader.estimate([each.exercise for each in held])
        self.seconds += time.process_time() - started
        self.graded += [each for each, estimate in zip(held, estimates, strict=True) if estimate]
        self.estimates += [estimate for estimate in estimates if estimate]


def read(path: Path, lang: str = "") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if not lang or row["lang"] == lang]


def as_graded(row: dict[str, str], *, student: bool = False) -> GradedAnswer:
    references = tuple(part for part in row["reference"].split(" ||| ") if part.strip())
    exercise = Exercise(question_id=row["qid"], question=row["question"], references=references, answer=row["answer"])
    correct = row["label"].lower() == "correct" if row["label"] else None
    group = row["answer_id"].split("-")[0] if student else ""
    return GradedAnswer(exercise=exercise, score=float(row["score_norm"]), correct=correct, group=group)


def is_right(graded: GradedAnswer) -> bool:
    return graded.score >= 0.8 if graded.correct is None else graded.correct


def show(name: str, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
    score = np.array([each.score for each in outcome.graded])
    right = np.array([is_right(each) for each in outcome.graded])
    given = np.array([each.score for each in outcome.estimates])
    decided = np.array([each.chance >= 0.5 for each in outcome.estimates])
    confidence = np.array([each.confidence for each in outcome.estimates])
    stated = np.array([each.expected_error for each in outcome.estimates])
    agreed = (decided == right).astype(float)
    f1 = [share_of(decided == side, right == side) for side in (False, True)]
    surest = np.argsort(-confidence, kind="stable")[: (len(confidence) + 1) // 2]
    print(
        f"{name:24} {len(score):5} {np.mean(f1):6.3f} {agreed.mean():6.3f} {agreed[surest].mean():6.3f} "
        f"{np.sqrt(np.mean((given - score) ** 2)):6.3f} {np.corrcoef(given, score)[0, 1]:6.3f} "
        f"{np.sqrt(np.mean(stated**2)):6.3f} {calibration_error(confidence, agreed):6.3f} {perfect(confidence):6.3f} "
        f"{outcome.train_seconds:8.1f} {1000 * outcome.seconds / len(score):6.2f}",
        flush=True,
    )
    return confidence, agreed


def share_of(decided: np.ndarray, right: np.ndarray) -> float:
    """F1 of one side."""
    return float(2 * np.sum(decided & right) / max(1, decided.sum() + right.sum()))


def perfect(confidence: np.ndarray) -> float:
    """The calibration error that chance alone would show."""
    random = np.random.default_rng(0)
    draws = [(random.random(len(confidence)) < confidence).astype(float) for _ in range(200)]
    return float(np.mean([calibration_error(confidence, draw) for draw in draws]))


def split(rows: list[dict[str, str]]) -> tuple[list[GradedAnswer], list[GradedAnswer]]:
    return [as_graded(row) for row in rows if row["split"] == "train"], [
        as_graded(row) for row in rows if row["split"] == "UA"
    ]


def crossed(graded: list[GradedAnswer], folds: np.ndarray) -> Outcome:
    outcome = Outcome()
    for fold in np.unique(folds):
        outcome.add(
            [each for each, number in zip(graded, folds, strict=True) if number != fold],
            [each for each, number in zip(graded, folds, strict=True) if number == fold],
        )
    outcome.train_seconds /= len(np.unique(folds))
    return outcome


def by_answer(rows: list[dict[str, str]]) -> Outcome:
    return crossed([as_graded(row) for row in rows], np.random.default_rng(0).permutation(len(rows)) % 5)


def by_student(rows: list[dict[str, str]]) -> Outcome:
    graded = [as_graded(row, student=True) for row in rows]
    students = sorted({each.group for each in graded})
    fold = dict(zip(students, np.random.default_rng(0).permutation(len(students)) % 10, strict=True))
    return crossed(graded, np.array([fold[each.group] for each in graded]))


def unseen(rows: list[dict[str, str]]) -> Outcome:
    outcome = Outcome()
    outcome.add(*split(rows))
    return outcome


SETS = {
    "scientsbank": ("scientsbank.csv", "en", unseen),
    "saf-en": ("saf.csv", "en", unseen),
    "saf-de": ("saf.csv", "de", unseen),
    "ads-zh": ("ads_zh.csv", "zh", by_answer),
    "digiklausur": ("digiklausur.csv", "en", by_student),
}


def few(name: str, rows: list[dict[str, str]]) -> None:
    learned, held = split(rows)
    untrained = Outcome()
    untrained.add([], held)
    show(f"{name}, untrained", untrained)
    for size in (20, 50, 100, 300):
        outcome = Outcome()
        for draw in range(3):
            places = np.random.default_rng(draw).permutation(len(learned))[:size]
            outcome.add([learned[place] for place in places.tolist()], held)
        outcome.train_seconds /= 3
        show(f"{name}, {size} graded", outcome)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the sets")
    parser.add_argument("--only", nargs="*", choices=sorted(SETS), default=sorted(SETS), help="these sets alone")
    parser.add_argument("--few", action="store_true", help="also with few examples")
    options = parser.parse_args()
    print(HEADER)
    confidences: list[np.ndarray] = []
    agreements: list[np.ndarray] = []
    for name in options.only:
        file, lang, measure = SETS[name]
        if not (options.data / file).exists():
            print(f"{name}: left out, there is no {file} in {options.data}")
            continue
        rows = read(options.data / file, lang)
        confidence, agreed = show(name, measure(rows))
        confidences.append(confidence)
        agreements.append(agreed)
        if options.few and measure is unseen:
            few(name, rows)
    if confidences:
        stated, happened = np.concatenate(confidences), np.concatenate(agreements)
        error = calibration_error(stated, happened, bins=20)
        print(
            f"all sets: {len(stated)} answers, ECE in 20 bins {error:.3f}, perfectly calibrated {perfect(stated):.3f}"
        )


if __name__ == "__main__":
    main()
