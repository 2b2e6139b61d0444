"""Learns from graded answers, and measures on answers that were held back what was learned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.grade.offline.bags import Bags
from penstock.grade.offline.calibration import Calibration, Outlook, calibration_error, cross_fitted
from penstock.grade.offline.learned import Learned, scaled, standard
from penstock.grade.offline.member import Material, Member
from penstock.grade.offline.resemblance import Resemblance
from penstock.grade.offline.tuning import Sample, tune
from penstock.grade.offline.units import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from penstock.grade.offline.exercise import GradedAnswer
    from penstock.grade.offline.kernel import Mix
    from penstock.grade.offline.rows import Rows

    Floats = NDArray[np.floating[Any]]
    Doubles = NDArray[np.floating[Any]]
    Ints = NDArray[np.integer[Any]]

_LARGEST = 6_000  # answers in one member
_TUNED_ON = 800  # examples at most by which the weights of kernels are chosen
_FEW = 300  # examples below which more folds are held out, one after the other
_FEW_QUESTIONS = 4  # questions from which it is measured how a question never seen is graded


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Checked:
    """What was predicted for answers held back, and what was right.

    Attributes:
        outlook: Predictions by members that knew the question from other answers.
        far: Predictions by a member that knew other questions alone.
        targets: Score and rightness, shape (n, 2).
        blocks: Answers with the same number were held back together, shape (n,).
        n_questions: How many questions there were.
    """

    outlook: Outlook
    far: Outlook
    targets: Doubles
    blocks: Ints
    n_questions: int


def learn(graded: Sequence[GradedAnswer], *, passing: float, seed: int) -> Learned:
    """Learn from graded answers, and measure on answers held back what was learned."""
    exercises = [each.exercise for each in graded]
    texts = [read(exercise.answer) for exercise in exercises]
    sides = {side for exercise in exercises for side in (exercise.question, *exercise.references)}
    resemblance = Resemblance.of([*texts, *(read(side) for side in sorted(sides))])
    figures = resemblance.measure(exercises, texts)
    centre, spread = figures.mean(axis=0), figures.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    figures = standard(figures, centre, spread)
    bags = Bags.of(texts)
    rows = bags.rows(texts)
    numbers = {name: place for place, name in enumerate(sorted({exercise.identity for exercise in exercises}))}
    questions = np.array([numbers[exercise.identity] for exercise in exercises], dtype=np.intp)
    targets = _targets(graded, passing)
    places = _sample(questions, seed)
    weights = _tuned(figures[places], bags, rows.take(places), questions[places], targets[places])
    rows = scaled(bags, rows, weights)
    terms = bags.weights[: bags.bounds[2]]
    members: list[Member] = []
    checked: _Checked | None = None
    for places in _parts(questions, seed):
        part = rows.take(places)
        material = Material(
            figures=figures[places],
            rows=part,
            shared=part.gram(),
            questions=questions[places],
            targets=targets[places],
            first_run=bags.bounds[4],
        )
        new = Member.solve_new(material, weights)
        members.append(Member.learn(material, weights=weights, terms=terms, new=new))
        if checked is None:  # one part is enough to know how well it does
            where: list[int] = places.tolist()
            blocks = _blocks([graded[place] for place in where])
            checked = _Checked(
                outlook=_held_back(material, blocks, weights=weights, terms=terms, seed=seed),
                far=_without_nearest(new.left_out(material.targets, material.questions)),
                targets=material.targets,
                blocks=blocks,
                n_questions=len(np.unique(material.questions)),
            )
    assert checked is not None
    seen, unseen = _calibrated(checked)
    return Learned(
        resemblance=resemblance.for_new(),
        bags=bags,
        centre=centre,
        spread=spread,
        questions=numbers,
        members=tuple(members),
        seen=seen,
        unseen=unseen,
        quality={"n_examples": len(graded)} | _quality(checked, seed=seed),
    )


def _targets(graded: Sequence[GradedAnswer], passing: float) -> Doubles:
    right = [each.score >= passing if each.correct is None else each.correct for each in graded]
    return np.column_stack([np.array([each.score for each in graded], np.float64), np.array(right, np.float64)])


def _without_nearest(predicted: Doubles) -> Outlook:
    return Outlook(score=predicted[:, 0], right=predicted[:, 1], nearest=np.zeros(len(predicted)))


def _calibrated(checked: _Checked) -> tuple[Calibration, Calibration]:
    """Calibrate for questions with graded answers, and for others."""
    score, right = checked.targets.T
    seen = Calibration.fit(checked.outlook, score=score, right=right)
    if checked.n_questions < _FEW_QUESTIONS:
        return seen, seen.cautious()
    return seen, Calibration.fit(checked.far, score=score, right=right)


def _tuned(figures: Doubles, bags: Bags, rows: Rows, questions: Ints, targets: Doubles) -> Mix:
    bounds = bags.bounds
    cosines = [rows.between(first, end).gram() for first, end in pairwise(bounds)]
    return tune(Sample(figures=figures, bags=cosines, questions=questions, targets=targets))


def _held_back(material: Material, blocks: Ints, *, weights: Mix, terms: Floats, seed: int) -> Outlook:
    """Predict every answer by a member that has learned from the others' folds alone."""
    predicted, nearest = np.empty_like(material.targets), np.empty(len(blocks))
    names, numbers = np.unique(blocks, return_inverse=True)
    n_folds = min(10 if len(blocks) < _FEW else 5, len(names))
    folds = (np.random.default_rng(seed).permutation(len(names)) % n_folds)[numbers]
    for fold in range(n_folds):
        held = np.flatnonzero(folds == fold)
        member = Member.learn(material.some(np.flatnonzero(folds != fold)), weights=weights, terms=terms)
        predicted[held], nearest[held] = member.predict(
            material.figures[held], material.rows.take(held), material.questions[held]
        )
    return Outlook(score=predicted[:, 0], right=predicted[:, 1], nearest=nearest)


def _blocks(graded: Sequence[GradedAnswer]) -> Ints:
    """Number what must be left out together: answers of one group, any other answer alone."""
    names: dict[str, int] = {}
    n_graded = len(graded)
    return np.array(
        [names.setdefault(each.group, n_graded + len(names)) if each.group else k for k, each in enumerate(graded)],
        dtype=np.intp,
    )


def _sample(questions: Ints, seed: int) -> Ints:
    """Take whole questions, in an order drawn by the seed, and of a very large one a part."""
    if len(questions) <= _TUNED_ON:
        return np.arange(len(questions))
    random = np.random.default_rng(seed)
    taken: list[Ints] = []
    for question in random.permutation(np.unique(questions)).tolist():
        room = _TUNED_ON - sum(map(len, taken))
        places = np.flatnonzero(questions == question)
        taken.append(places if len(places) <= room else np.sort(random.permutation(places)[:room]))
        if len(places) >= room:
            break
    return np.concatenate(taken)


def _parts(questions: Ints, seed: int) -> list[Ints]:
    """Deal whole questions into parts of at most 6,000 answers; a larger question into parts of its own."""
    if len(questions) <= _LARGEST:
        return [np.arange(len(questions))]
    random = np.random.default_rng(seed)
    parts: list[list[Ints]] = []
    sizes: list[int] = []
    counts: Counter[int] = Counter(questions.tolist())
    for question, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        places = random.permutation(np.flatnonzero(questions == question))
        for some in np.array_split(places, -(-len(places) // _LARGEST)):
            smallest = min(range(len(sizes)), key=sizes.__getitem__, default=-1)
            if smallest < 0 or sizes[smallest] + len(some) > _LARGEST:
                parts.append([])
                sizes.append(0)
                smallest = len(parts) - 1
            parts[smallest].append(some)
            sizes[smallest] += len(some)
    return [np.sort(np.concatenate(part)) for part in parts]


def _quality(checked: _Checked, *, seed: int) -> dict[str, Any]:
    """Measure on answers held back; what depends on the calibration, by one that has not seen them either."""
    score, right = checked.targets[:, 0], checked.targets[:, 1]
    given, chance, error = cross_fitted(checked.outlook, score=score, right=right, blocks=checked.blocks, seed=seed)
    agreed = np.equal(chance >= 0.5, right >= 0.5).astype(np.float64)
    confidence = np.maximum(chance, 1 - chance)
    surest = np.argsort(-confidence, kind="stable")[: (len(score) + 1) // 2]
    spread = float(np.sqrt(_mean((score - score.mean()) ** 2) * _mean((given - given.mean()) ** 2)))
    together = _mean((given - given.mean()) * (score - score.mean()))
    return {
        "rmse": round(_mean((given - score) ** 2) ** 0.5, 4),
        "correlation": round(together / spread, 4) if spread > 0 else 0.0,
        "accuracy": round(_mean(agreed), 4),
        "accuracy_surest_half": round(_mean(agreed[surest]), 4),
        "ece": round(calibration_error(confidence, agreed), 4),
        "expected_error": round(_mean(error**2) ** 0.5, 4),
    }


def _mean(values: Doubles) -> float:
    return float(np.add.reduce(values)) / len(values)
