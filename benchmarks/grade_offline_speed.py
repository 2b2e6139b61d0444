"""How fast the offline grader learns and grades, on made-up answers of any length, on one core.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/grade_offline_speed.py [--examples 300 2000 5000]

Columns: graded examples, words in an answer, CPU seconds to learn, answers per CPU second in batches, milliseconds of
a single one, megabytes of the saved grader. Three rounds, the fastest is printed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from penstock.grade.offline import Exercise, GradedAnswer, OfflineGrader

QUESTIONS = 100
ROUNDS = 3


def made_up(count: int, *, n_words: int, seed: int) -> list[GradedAnswer]:
    """Answers whose words follow Zipf's law; right ones have more of their question's words."""
    random = np.random.default_rng(seed)
    words = ["".join(random.choice(list("aeioubcdfglmnprst"), size=size)) for size in random.integers(2, 11, 8_000)]
    graded: list[GradedAnswer] = []
    for _ in range(count):
        question = int(random.integers(QUESTIONS))
        right = bool(random.random() < 0.5)
        own = [words[1000 + 40 * question + int(place)] for place in random.integers(0, 40, n_words)]
        other = [words[int(place) % len(words)] for place in random.zipf(1.4, n_words)]
        answer = [
            mine if random.random() < (0.6 if right else 0.3) else theirs
            for mine, theirs in zip(own, other, strict=True)
        ]
        exercise = Exercise(
            question_id=str(question),
            question=" ".join(own[:8]),
            references=(" ".join(words[1000 + 40 * question : 1020 + 40 * question]),),
            keywords=(own[0], own[-1]),
            answer=" ".join(answer),
        )
        graded.append(GradedAnswer(exercise=exercise, score=float(right)))
    return graded


def measure(count: int, n_words: int) -> str:
    graded = made_up(count + 1000, n_words=n_words, seed=count)
    learned, asked = graded[:count], [each.exercise for each in graded[count:]]
    started = time.process_time()
    grader = OfflineGrader.fit(learned)
    learning = time.process_time() - started
    grader.estimate(asked[:50])
    batch: list[float] = []
    single: list[float] = []
    for _ in range(ROUNDS):
        started = time.process_time()
        grader.estimate(asked)
        batch.append((time.process_time() - started) / len(asked))
        started = time.process_time()
        for each in asked[:100]:
            grader.estimate([each])
        single.append((time.process_time() - started) / 100)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grader.npz"
        grader.save(path)
        size = path.stat().st_size / 1e6
    return f"{count:8} {n_words:6} {learning:8.1f} {1 / min(batch):10.0f} {1000 * min(single):8.2f} {size:8.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", nargs="*", type=int, default=[300, 2000, 5000], help="how many to learn from")
    options = parser.parse_args()
    print(f"{'examples':>8} {'words':>6} {'learn s':>8} {'answers/s':>10} {'one, ms':>8} {'MB':>8}")
    for count in options.examples:
        for n_words in (12, 50):
            print(measure(count, n_words), flush=True)


if __name__ == "__main__":
    main()
