"""How good and how fast the local judge is, without and with examples.

    python benchmarks/local_judge.py [FOLDER]

FOLDER holds goemotions.csv (text, labels), goemotions_ko.csv (text, labels) and ko_chatbot_sentiment.csv (Q, label);
what is not there is left out, and the output says so. Every figure is from texts that the judge had not seen; times
are of one core (run it with OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1).
"""

from __future__ import annotations

import csv
import resource
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from penstock.judge import agreement
from penstock.judge.category import Category
from penstock.judge.examples import read_examples
from penstock.judge.lexical import LexicalJudge
from penstock.judge.trained import TrainedJudge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEFINITIONS = {
    "admiration": "Praising something or someone as great, amazing, impressive or well done.",
    "amusement": "Laughing at something funny or hilarious: haha, lol, a joke.",
    "anger": "Being furious, mad or outraged; swearing at someone, hating them.",
    "annoyance": "Being irritated or bothered by something stupid or tiresome.",
    "approval": "Agreeing: yes, that is right, fair, a good point, acceptable.",
    "caring": "Kindness and concern for someone: take care, stay safe, wishing them to get better, offering help.",
    "confusion": "Being unsure, puzzled or lost; not understanding something.",
    "curiosity": "Wondering or asking a question, interested to know or learn what, why or how.",
    "desire": "Wishing for something, wanting it strongly, hoping to have it.",
    "disappointment": "Sad that something failed or was worse than hoped; let down, unfortunately.",
    "disapproval": "Disagreeing or objecting: wrong, a bad idea, unacceptable.",
    "disgust": "Finding something gross, nasty, sickening or vile.",
    "embarrassment": "Being ashamed, awkward or shy about oneself; cringe.",
    "excitement": "Being thrilled and eager, cannot wait: wow, awesome!",
    "fear": "Being afraid, scared or terrified of something frightening or horrible.",
    "gratitude": "Thanking someone: thanks, thank you, I appreciate it.",
    "grief": "Mourning the death of someone; rest in peace, deep loss.",
    "joy": "Being happy, glad or delighted; enjoying something fun.",
    "love": "Loving someone or something, affection, a favorite, adorable.",
    "nervousness": "Being anxious, worried, tense or stressed about what may come.",
    "neutral": "No emotion: plain facts.",
    "optimism": "Hoping that things will turn out well; luck, looking ahead.",
    "pride": "Being proud of what oneself or one's own have achieved.",
    "realization": "Noticing or remembering something just now: realized, turns out, now it makes sense.",
    "relief": "Being glad that a worry is over: finally, phew, thank god it is fine now.",
    "remorse": "Being sorry and apologizing, feeling guilt or regret about what one did.",
    "sadness": "Being sad, unhappy, depressed or lonely; crying, a pity.",
    "surprise": "Being astonished by something unexpected: wow, omg, shocked, unbelievable.",
}
SOME = (
    "joy",
    "anger",
    "sadness",
    "fear",
    "surprise",
    "love",
    "gratitude",
    "admiration",
    "amusement",
    "curiosity",
    "neutral",
)
KOREAN = {"0": "일상 이야기", "1": "이별, 헤어진 사람, 그리움, 슬픔", "2": "사랑, 짝사랑, 썸, 고백, 좋아하는 사람"}
SIZES = (20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One labelled table, split into texts to learn from and texts to be tested on."""

    name: str
    texts: tuple[str, ...]
    labels: np.ndarray
    categories: tuple[Category, ...]
    tested: np.ndarray  # shape (n_texts,)

    @property
    def learned(self) -> np.ndarray:
        return np.flatnonzero(~self.tested)

    def part(self, places: Sequence[int]) -> tuple[list[str], np.ndarray]:
        return [self.texts[place] for place in places], self.labels[places]


def load(path: Path, *, text: str, key: str, categories: tuple[Category, ...]) -> Task:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    examples = read_examples(((row[text], row) for row in rows), categories, source=path.name)
    keys = [row[key] for row in rows if row[text].strip()]
    tested = np.array([zlib.crc32(k.encode()) % 5 == 0 for k in keys])
    return Task(name=path.name, texts=examples.texts, labels=examples.labels, categories=categories, tested=tested)


def tasks(folder: Path) -> Iterator[Task]:
    emotions = tuple(Category(name=name, definition=text) for name, text in DEFINITIONS.items())
    moods = tuple(Category(name=name, definition=text) for name, text in KOREAN.items())
    for name, text, key, categories in (
        ("goemotions.csv", "text", "id", emotions),
        ("goemotions_ko.csv", "text", "text", emotions),
        ("ko_chatbot_sentiment.csv", "Q", "Q", moods),
    ):
        if (folder / name).is_file():
            yield load(folder / name, text=text, key=key, categories=categories)
        else:
            print(f"{folder / name} is not there: left out.")


def line(label: str, agreed: agreement.Agreement) -> None:
    print(
        f"  {label:34} macro-F1 {agreed.macro_f1:.3f}  micro-F1 {agreed.micro_f1:.3f}  AUROC {agreed.auroc:.3f}  "
        f"AP {agreed.average_precision:.3f}  ECE {agreed.calibration_error:.3f}  Brier {agreed.brier:.4f}  "
        f"accuracy {agreed.accuracy:.3f}  top {agreed.top_accuracy:.3f}  n {agreed.n_texts}"
    )


def tested(
    judge: LexicalJudge | TrainedJudge, task: Task, thresholds: Sequence[float], names: Sequence[str]
) -> agreement.Agreement:
    texts, labels = task.part(np.flatnonzero(task.tested))
    chosen = [k for k, category in enumerate(task.categories) if category.name in names]
    scores = judge.score(texts)[:, chosen]
    return agreement.compare(
        labels[:, chosen],
        scores,
        decisions=scores >= np.asarray(thresholds)[chosen],
        thresholds=[thresholds[k] for k in chosen],
        names=[task.categories[k].name for k in chosen],
        methods=[judge.method] * len(chosen),
    )


def quality(task: Task) -> None:
    every = [category.name for category in task.categories]
    print(f"\n{task.name}: {len(task.learned)} texts to learn from, {task.tested.sum()} to be tested on")
    texts, labels = task.part(task.learned)
    lexical = LexicalJudge(task.categories)
    line("lexical, any evidence counts", tested(lexical, task, [0.01] * len(every), every))
    tuned = agreement.best_thresholds(labels, lexical.score(texts)).tolist()
    line("lexical, thresholds from labels", tested(lexical, task, tuned, every))
    began = time.process_time()
    judge = TrainedJudge.fit(texts, labels, task.categories)
    took = time.process_time() - began
    line("trained, cross-validated", judge.agreement)
    line("trained, held-out texts", tested(judge, task, judge.thresholds, every))
    if "joy" in every:
        line("lexical, held-out, 11 emotions", tested(lexical, task, tuned, SOME))
        line("trained, held-out, 11 emotions", tested(judge, task, judge.thresholds, SOME))
    print(f"  trained in {took:.1f} s")
    curve(task, lexical, tuned)


def curve(task: Task, lexical: LexicalJudge, tuned: Sequence[float]) -> None:
    every = [category.name for category in task.categories]
    shuffled = np.random.default_rng(0).permutation(task.learned)
    print("  examples  macro-F1 (said)  AUROC (said)    ECE (said)    lexical F1, AUROC   trained categories")
    base = tested(lexical, task, tuned, every)
    for size in (size for size in SIZES if size < len(shuffled)):
        judge = TrainedJudge.fit(*task.part(shuffled[:size]), task.categories)
        seen = tested(judge, task, judge.thresholds, every)
        said = judge.agreement
        print(
            f"  {size:8}  {seen.macro_f1:8.3f} ({said.macro_f1:.3f})  {seen.auroc:5.3f} ({said.auroc:.3f})  "
            f"{seen.calibration_error:5.3f} ({said.calibration_error:.3f})  {base.macro_f1:8.3f}, {base.auroc:.3f}"
            f"{judge.methods.count(judge.method):15} of {len(every)}"
        )


def speed(task: Task) -> None:
    chosen = [k for k, category in enumerate(task.categories) if category.name in SOME[:8]]
    categories = [task.categories[k] for k in chosen]
    texts, labels = task.part(range(min(10_000, len(task.texts))))
    print(f"\nspeed on {task.name}, {len(categories)} categories")
    began = time.process_time()
    judge = TrainedJudge.fit(texts, labels[:, chosen], categories)
    print(f"  training on {len(texts)} examples: {time.process_time() - began:.1f} s")
    for each in (LexicalJudge(categories), judge):
        rate, single = rates(each, texts)
        print(f"  {each.method}: {rate:,.0f} texts/s in batches of 500; {single * 1e6:.0f} us for a single text")
    print(f"  peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def rates(judge: LexicalJudge | TrainedJudge, texts: Sequence[str]) -> tuple[float, float]:
    began = time.process_time()
    for start in range(0, len(texts), 500):
        judge.score(texts[start : start + 500])
    batched = time.process_time() - began
    began = time.process_time()
    for text in texts[:500]:
        judge.score([text])
    return len(texts) / batched, (time.process_time() - began) / 500


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/score")
    found = list(tasks(folder))
    for task in found[:1]:
        speed(task)
    for task in found:
        quality(task)


if __name__ == "__main__":
    main()
