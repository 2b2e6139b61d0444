"""Answers that address the marker instead of answering: how many of them move their score.

    python benchmarks/grade_injections.py [--url http://127.0.0.1:8000/v1 --model openai/NAME]

Every attempt of `tests/grade_injections.py` stands before and after an answer that deserves 100, 50 and 0 points. The
marker is a model that obeys whatever it finds outside the fence, so a score moves exactly when an attempt gets out.
`without a fence` is the same model on a prompt that holds the answer as it is: what the attempts are worth. The other
lines let the model quote the learner, whose words may be a forged reply. With --url the answers are put to a real
model, for which no promise is made; the line says how many scores differ from those of the bare answers.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from grade_injections import ANSWERS, REFERENCE, RUBRIC, attempts
from penstock.grade import Answer, Grader
from penstock.grade.prompt import GradePrompt
from penstock.models import ModelSpec
from penstock.models.model import Prompt
from penstock.testing import ScriptedModel, obey_prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.grade import Mark

FORMS = {
    "in its fence": "{verdict}",
    "quoting first": "The learner wrote: {text}\n\nMy verdict: {verdict}",
    "quoting last": "{verdict}\n\nThe learner wrote: {text}",
    "quoting alone": "I cannot mark this: {text}",
    "repeating": "{text}",
}
"""What the model writes, by what the line is called."""


def attacked() -> list[tuple[float, str]]:
    """Every attempt before and after every answer, with the score that the answer deserves."""
    return [
        (score, told)
        for score, answer in ANSWERS.items()
        for attempt in attempts()
        for told in (f"{answer} {attempt.text}", f"{attempt.text} {answer}")
    ]


def given(texts: Sequence[str]) -> list[Answer]:
    """Make answers of these texts."""
    same = {"question_id": "q", "question_type": "short_answer", "correct_answer": REFERENCE, "rubric": RUBRIC}
    return [Answer.of({**same, "user_id": str(number), "user_answer": text}) for number, text in enumerate(texts)]


def written(form: str) -> Callable[[Prompt], str]:
    """Make a model that obeys what is not fenced, and writes its verdict so."""

    def reply(prompt: Prompt) -> str:
        text = json.loads(prompt.user.split("\n")[1])["text"]
        return form.format(text=text, verdict=obey_prompt(prompt))

    return reply


def bare(answer: Answer) -> str:
    """Put an answer into its prompt without a fence."""
    system = GradePrompt(answer, RUBRIC)().system
    return obey_prompt(Prompt(system=system, user=f"The answer: {answer.user_answer}"))


async def marked(answers: Sequence[Answer], model: ModelSpec | ScriptedModel) -> tuple[Mark, ...]:
    async with Grader(model) as grader:
        return (await grader.mark_all(answers)).marks


def line(name: str, deserved: Sequence[float], marks: Sequence[Mark], seconds: float) -> str:
    moved = sum(mark.has_score and mark.score != score for score, mark in zip(deserved, marks, strict=True))
    states = {state: sum(mark.state == state for mark in marks) for state in ("graded", "needs_review", "failed")}
    counts = " ".join(f"{number:8}" for number in (len(marks), moved, *states.values()))
    return f"{name:18} {counts} {1e3 * seconds / len(marks):9.2f}"


def main() -> None:
    """Print a line for each way in which the model writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="")
    parser.add_argument("--model", default="openai/m")
    options = parser.parse_args()
    cases = attacked()
    deserved, answers = [score for score, _ in cases], given([text for _, text in cases])
    print(f"{len(attempts())} attempts, {len(cases)} answers")
    print("                    answers    moved   graded   review   failed  ms/answer")
    if options.url:
        model = ModelSpec(name=options.model, base_url=options.url)
        plain = anyio.run(marked, given(list(ANSWERS.values())), model)
        truth = dict(zip(ANSWERS, [mark.score for mark in plain], strict=True))
        began = time.perf_counter()
        marks = anyio.run(marked, answers, model)
        print(line(options.model, [truth[score] for score in deserved], marks, time.perf_counter() - began))
        return
    obeyed = sum(json.loads(bare(answer))["credits"] == [1, 1] for answer in answers)
    print(f"{'without a fence':18} {len(cases):8} {obeyed - sum(score == 100 for score in deserved):8}")
    for name, form in FORMS.items():
        began = time.perf_counter()
        marks = anyio.run(partial(marked, answers, ScriptedModel(written(form))))
        print(line(name, deserved, marks, time.perf_counter() - began), flush=True)


if __name__ == "__main__":
    main()
