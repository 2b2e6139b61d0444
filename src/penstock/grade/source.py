"""Rows of a table as answers to grade."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from penstock.errors import InputError, Unfit
from penstock.grade.answer import Answer, unfit
from penstock.grade.key import COLUMNS
from penstock.grade.marking import error_mark
from penstock.grade.overrides import human_mark
from penstock.records import Item, Key
from penstock.tables import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from penstock.grade.config import GradeConfig
    from penstock.grade.key import Key as AnswerKey
    from penstock.grade.mark import Mark
    from penstock.grade.overrides import Overrides
    from penstock.tables import Row, Table


class AnswerSource:
    """Makes one item per row: an `answer` to grade, or the `mark` where there is nothing to grade any more."""

    parts = 1

    def __init__(self, table: Table, config: GradeConfig, key: AnswerKey, overrides: Overrides | None) -> None:
        """Find the columns.

        Args:
            table: Read from its first row at each call of `rows`.
            config: Names the columns.
            key: What answers are graded by.
            overrides: Marks that people gave.

        Raises:
            InputError: A column is missing.
        """
        self._table = table
        self._key = key
        self._overrides = overrides
        self._passing = config.passing
        if not config.key and COLUMNS[0] not in table.columns:
            raise InputError(f"{config.source} has no column {COLUMNS[0]!r}: add it, or give a key (--key).")
        wanted = {"question_id": config.question, "user_answer": config.answer}
        wanted |= {"user_id": config.user} if config.user else {}
        wanted |= {"attempt_id": config.attempt} if config.attempt else {}
        self._columns = {field: table.column(name) for field, name in wanted.items()}
        self._keyed = {name: table.column(name) for name in COLUMNS if not config.key and name in table.columns}

    def rows(self) -> Iterator[Sequence[Item]]:
        """Give the item of each row, in order; of two rows with the same identity the later one fails."""
        seen: dict[tuple[str, ...], int] = {}
        for row in self._table.rows():
            yield (self._item(row, seen),)

    def _item(self, row: Row, seen: dict[tuple[str, ...], int]) -> Item:
        given = {field: text_of(row.cells[place]) for field, place in self._columns.items()}
        given.setdefault("user_id", f"row {row.number + 1}")
        told: list[str] = [row.problem, *(f"{name}={value}" for name, value in sorted(given.items()))]
        raw: Answer | Mapping[str, str] = given
        try:
            raw = _named(row, given)
            fields = self._read(row, raw, given, seen, told)
        except Unfit as error:
            told.append(f"{error.code}: {error}")
            fields = {"mark": error_mark(raw, error)}
        digest = hashlib.blake2b("\0".join(told).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        return Item(key=Key(row.number), fields=fields, digest=digest)

    def _read(
        self, row: Row, raw: Answer, given: Mapping[str, str], seen: dict[tuple[str, ...], int], told: list[str]
    ) -> dict[str, Any]:
        """Read an answer, or its mark where a person gave one.

        Args:
            row: Of the table.
            raw: Who answered what.
            given: The same by name.
            seen: Rows of the answers before it, by their identity.
            told: What decides the mark.

        Raises:
            Unfit: There is nothing that can be graded.
        """
        answer = raw
        if raw.identity in seen:
            twice = "attempt" if raw.attempt_id else "learner's answer to the question"
            raise unfit("duplicate", f"Row {seen[raw.identity] + 1} holds the same {twice} already.")
        problem: Unfit | None = None
        try:
            question = self._key.question(raw.question_id, {n: row.cells[at] for n, at in self._keyed.items()})
            told.append(question.digest)
            answer = Answer.of({**question.given, **given})
        except Unfit as error:
            problem = error
        mark = self._overridden(answer)
        if mark is None and problem is not None:
            raise problem
        seen[raw.identity] = row.number
        if mark is None:
            return {"answer": answer}
        told.append(f"human={mark.score}")
        return {"mark": mark}

    def _overridden(self, answer: Answer) -> Mark | None:
        score = None if self._overrides is None else self._overrides.score(answer)
        return None if score is None else human_mark(answer, score, passing=self._passing)


def _named(row: Row, given: Mapping[str, str]) -> Answer:
    """Take who answered what, before anything is graded.

    Raises:
        Unfit: The row is broken, or does not say.
    """
    if row.problem:
        raise Unfit(row.problem)
    named: dict[str, Any] = {field: value.strip() for field, value in given.items() if field != "user_answer"}
    for field in ("user_id", "question_id"):
        if not named[field]:
            raise unfit("missing_id", f"The answer has no {field}.")
    return Answer(question_type="", user_answer=given["user_answer"], **named)
