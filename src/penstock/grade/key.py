"""The key: what every question is graded by, from a table of its own or from columns beside the answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import InputError, Unfit
from penstock.grade.answer import Answer, listed, read_rubric, unfit
from penstock.grade.marking import immediate_mark
from penstock.grade.sheet import Sheet, name_in, open_sheet
from penstock.tables import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from penstock.grade.rubric import Rubric

QUESTION = "question_id"
"""Column of the key that names the question."""

COLUMNS = (
    "question_type",
    "correct_answer",
    "correct_keywords",
    "question",
    "choices",
    "rubric",
    "credit",
    "difficulty",
    "category",
    "tolerance",
    "unit",
)
"""Columns of the key besides; only the first must be there."""

OTHERS = "*"
"""In a rubric file, stands for all questions that it does not name."""

LONGEST_FILE = 4 * 1024 * 1024
_ANYBODY = "anybody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What one question is graded by.

    Attributes:
        given: Fields of an `Answer`, without those that the learner gives.
        digest: 16 hexadecimal digits that change whenever one of them does.
    """

    given: Mapping[str, Any]
    digest: str


class Key:
    """Finds what an answer is graded by: by its question, or in its own row."""

    def __init__(self, *, questions: Mapping[str, Question] | None = None, rubrics: Mapping[str, Rubric]) -> None:
        """Remember the questions.

        Args:
            questions: By their id; None where the key stands in the columns of the answers.
            rubrics: By question, `*` for all others.
        """
        self._questions = questions
        self._rubrics = rubrics

    def question(self, question_id: str, cells: Mapping[str, Any]) -> Question:
        """Find a question.

        Args:
            question_id: As the answer names it.
            cells: The row of the answer.

        Raises:
            Unfit: The key does not have it, or its own row is not a key.
        """
        if self._questions is None:
            return question_of(question_id, cells, self._rubrics)
        if question_id not in self._questions:
            raise unfit("missing_key", f"The key has no question {question_id[:80]!r}.")
        return self._questions[question_id]


def read_key(path: Path, rubrics: Mapping[str, Rubric]) -> Key:
    """Read a key file, and check every question of it.

    Args:
        path: A table with one row per question.
        rubrics: By question, `*` for all others.

    Raises:
        InputError: It cannot be read, has no such column, a question twice, or one that nothing can be graded by.
    """
    sheet = open_sheet(path, what="the key")
    sheet.require(QUESTION, COLUMNS[0])
    questions: dict[str, Question] = {}
    for number, cells in sheet.rows():
        name = name_in(cells, QUESTION)
        if not name:
            raise sheet.wrong(number, f"it has no {QUESTION}")
        if name in questions:
            raise sheet.wrong(number, f"the question {name!r} stands in the key already")
        questions[name] = _checked(sheet, number, name, cells, rubrics)
    _check_rubrics(rubrics, questions, path)
    return Key(questions=questions, rubrics=rubrics)


def question_of(name: str, cells: Mapping[str, Any], rubrics: Mapping[str, Rubric]) -> Question:
    """Read a question out of a row.

    Raises:
        Unfit: A cell is no list where one must be.
    """
    given = {column: text_of(cells[column]).strip() for column in COLUMNS if column in cells}
    written: dict[str, Any] = {**given, "choices": listed(given.get("choices", ""))}
    written["correct_answer"] = _answers(given.get("correct_answer", ""), given.get("question_type", ""))
    written["rubric"] = given.get("rubric") or rubrics.get(name) or rubrics.get(OTHERS)
    told = msgspec.json.encode([name, given, _told(written["rubric"])], order="deterministic")
    return Question(given=written, digest=hashlib.blake2b(told, digest_size=8).hexdigest())


def read_rubrics(path: Path) -> dict[str, Rubric]:
    """Read a rubric file: YAML that names the criteria of each question, under `*` those of all others.

    Raises:
        InputError: It cannot be read, or a rubric of it cannot be used.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"The rubric file {path} cannot be read: {error.strerror}.") from error
    if len(content) > LONGEST_FILE:
        raise InputError(f"The rubric file {path} is larger than {LONGEST_FILE // 2**20} MB.")
    try:
        found = msgspec.yaml.decode(content, type=dict[Any, Any])
    except msgspec.ValidationError:
        found = {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"The rubric file {path} is no YAML: {' '.join(str(error).split())[:200]}.") from error
    if not found:
        raise InputError(f"The rubric file {path} must name questions, each with its criteria; `*` is all others.")
    return {str(name).strip(): _rubric(criteria, str(name), path) for name, criteria in found.items()}


def _rubric(criteria: Any, name: str, path: Path) -> Rubric:
    try:
        return read_rubric(criteria)
    except InputError as error:
        problem = str(error).rstrip(".")
        raise InputError(f"The rubric of {name[:80]!r} in {path} cannot be used: {problem}.") from error


def _answers(cell: str, question_type: str) -> str | tuple[str, ...]:
    """Read the right answer: several, where it is written as a JSON list; an interval of numbers is none."""
    if cell.startswith("[") and not question_type.lower().startswith("num"):
        return listed(cell)
    return cell


def _told(rubric: str | Rubric | None) -> str:
    return rubric if isinstance(rubric, str) else repr(rubric)


def _checked(sheet: Sheet, number: int, name: str, cells: Mapping[str, Any], rubrics: Mapping[str, Rubric]) -> Question:
    """Try a question on an answer before any learner's is graded by it."""
    try:
        question = question_of(name, cells, rubrics)
        answer = Answer.of({"user_id": _ANYBODY, QUESTION: name, "user_answer": _ANYBODY, **question.given})
        mark = immediate_mark(answer, passing=100)
    except Unfit as error:
        raise sheet.wrong(number, str(error)) from error
    if mark is not None and mark.code == "bad_key":
        raise sheet.wrong(number, mark.reason)
    ready = replace(answer, user_id="", user_answer="")
    return replace(question, given={column: getattr(ready, column) for column in COLUMNS})


def _check_rubrics(rubrics: Mapping[str, Rubric], questions: Iterable[str], path: Path) -> None:
    """A rubric for a question that is not there is a slip of the pen, and would go unnoticed."""
    unknown = sorted(set(rubrics) - set(questions) - {OTHERS})
    if unknown:
        raise InputError(f"The rubric file names the question {unknown[0][:80]!r}, which the key {path} does not have.")
