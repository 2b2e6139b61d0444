"""The offline grader of a job: as it is, or trained on graded examples and kept in the run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.errors import InputError, Unfit
from penstock.grade.answer import Answer
from penstock.grade.key import COLUMNS
from penstock.grade.marking import exercise_of
from penstock.grade.overrides import SCORE, score_in
from penstock.grade.sheet import name_in, open_sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.grade.config import GradeConfig
    from penstock.grade.key import Key
    from penstock.grade.offline import GradedAnswer, OfflineGrader

TRAINED = "grader.npz"
"""Where a trained grader lies in its run folder, so that a resumed job goes on with the very same one."""


def offline_grader(
    config: GradeConfig, key: Key, folder: Path, say: Callable[[str], None] = lambda _: None
) -> OfflineGrader:
    """Make the offline grader of a configuration, or fetch the one that an earlier run of the job was trained.

    Args:
        config: The job's.
        key: What answers are graded by.
        folder: The job's run folder.
        say: Told what takes a while.

    Raises:
        InputError: The graded examples cannot be used.
    """
    from penstock.grade.offline import OfflineGrader

    if not config.graded:
        return OfflineGrader(passing=config.passing / 100)
    kept = folder / TRAINED
    if kept.exists():
        return OfflineGrader.load(kept)
    graded = read_graded(config, key)
    say(f"training on {len(graded):,} graded answers")
    grader = OfflineGrader.fit(graded, passing=config.passing / 100)
    draft = kept.with_name(f"draft.{TRAINED}")
    grader.save(draft)
    draft.replace(kept)
    return grader


def is_trained(folder: Path) -> bool:
    """Whether a run folder holds the trained grader of its job."""
    return (folder / TRAINED).exists()


def read_graded(config: GradeConfig, key: Key) -> list[GradedAnswer]:
    """Read the graded short answers that a configuration names; rows without a mark are left out.

    Raises:
        InputError: The file cannot be read, lacks a column, a mark is out of its range, or there are too few.
    """
    from penstock.grade.offline import FEWEST, GradedAnswer

    sheet = open_sheet(Path(config.graded), what="the graded examples")
    column = config.graded_score or next((name for name in (SCORE, "score") if name in sheet.columns), SCORE)
    sheet.require(config.question, config.answer, column)
    graded: list[GradedAnswer] = []
    for number, cells in sheet.rows():
        score = score_in(sheet, number, cells, column=column, most=config.graded_max)
        answer = None if score is None else _short_answer(config, key, cells)
        if score is not None and answer is not None:
            group = name_in(cells, config.user)
            graded.append(GradedAnswer(exercise=exercise_of(answer), score=score / config.graded_max, group=group))
    if len(graded) < FEWEST:
        raise InputError(
            f"The graded examples {config.graded} hold {len(graded)} short answers with a mark in {column!r}; at least "
            f"{FEWEST} are needed to train on."
        )
    return graded


def _short_answer(config: GradeConfig, key: Key, cells: Mapping[str, Any]) -> Answer | None:
    """Take the answer of an example; None for objective ones, and where nothing is left to learn from."""
    name = name_in(cells, config.question)
    given: dict[str, Any] = {
        "user_id": "anybody",
        "question_id": name,
        "user_answer": name_in(cells, config.answer),
    }
    if not name:
        return None
    try:
        found = key.question(name, cells).given
        answer = Answer.of({**found, "question_type": found.get("question_type") or "short_answer", **given})
    except Unfit:  # of an earlier exam: what people made of its answers teaches all the same
        answer = Answer(question_type=name_in(cells, COLUMNS[0]) or "short_answer", **given)
    return answer if answer.question_type == "short_answer" and not answer.is_blank else None
