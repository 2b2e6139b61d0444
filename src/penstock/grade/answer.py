"""One answer with its key, and the check that it can be graded at all."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

import msgspec

from penstock.errors import InputError, Unfit
from penstock.grade.rubric import Criterion, Rubric

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

QuestionType: TypeAlias = Literal["multiple_choice", "true_false", "numeric", "short_answer"]
TYPES: tuple[str, ...] = get_args(QuestionType)

LONGEST = 50_000
"""Characters of an answer at most; what is longer is no answer to an exam question."""

_OTHER_NAMES = {
    "mc": "multiple_choice", "mcq": "multiple_choice", "choice": "multiple_choice", "single_choice": "multiple_choice",
    "tf": "true_false", "truefalse": "true_false", "boolean": "true_false", "bool": "true_false",
    "number": "numeric", "numerical": "numeric",
    "short": "short_answer", "sa": "short_answer", "shortanswer": "short_answer", "open": "short_answer",
    "text": "short_answer", "essay": "short_answer",
}  # fmt: skip
_ARTICLE = {"user_answer": "the answer", "correct_answer": "the correct answer", "choices": "the choices"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, and what it is graded by.

    Attributes:
        user_id: Who answered.
        question_id: What was asked.
        question_type: `multiple_choice`, `true_false`, `numeric` or `short_answer`.
        user_answer: As it was given; never trusted.
        correct_answer: The key of an objective question, or the reference answers of a short one.
        correct_keywords: Key ideas of a short answer; alternatives stand in one, divided by `|`.
        difficulty: From 1 to 10, kept as it is.
        category: Kept as it is.
        question: The question's own words, for the model.
        choices: The options of a multiple choice question, in order.
        rubric: What a short answer is marked by; made from the keywords when not given.
        credit: With several right choices: `all` of them and no other one, or points for `each` less the wrong ones.
        tolerance: How far a number may be from the key, in the key's unit.
        unit: The unit that a number must have.
        attempt_id: Given by whoever keeps the attempts; made from the answer when not.
    """

    user_id: str
    question_id: str
    question_type: str
    user_answer: str
    correct_answer: tuple[str, ...] = ()
    correct_keywords: tuple[str, ...] = ()
    difficulty: int | None = None
    category: str = ""
    question: str = ""
    choices: tuple[str, ...] = ()
    rubric: Rubric | None = None
    credit: Literal["all", "each"] = "all"
    tolerance: float | None = None
    unit: str = ""
    attempt_id: str = ""

    @classmethod
    def of(cls, given: Answer | Mapping[str, Any]) -> Answer:
        """Check an answer, or make one of a mapping with the same names; other names are not looked at.

        Raises:
            Unfit: It cannot be graded; `code` says why in one word (`missing_id`, `missing_key`, `wrong_type`,
                `unknown_type`, `too_long`, `bad_key`, `missing_answer`).
        """
        if isinstance(given, cls):
            values: Mapping[str, Any] = {one.name: getattr(given, one.name) for one in fields(cls)}
        elif isinstance(given, Mapping):
            values = given
        else:
            raise unfit("wrong_type", f"An answer must be a mapping or an Answer, not {_kind(given)}.")
        read = {name: reader(name, values[name]) for name, reader in _READERS.items() if name in values}
        for name in ("user_id", "question_id"):
            if not read.get(name):
                raise unfit("missing_id", f"The answer has no {name}.")
        if "user_answer" not in read:
            raise unfit("missing_answer", "There is no user_answer.")
        read["question_type"] = _type(read.get("question_type", ""))
        answer = cls(**read)
        _check_key(answer)
        return answer

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells it from the others of its batch: its attempt, or who answered what."""
        return (self.attempt_id,) if self.attempt_id else (self.user_id, self.question_id)

    @property
    def attempt(self) -> str:
        """Its attempt id, or one that is made from its content."""
        if self.attempt_id:
            return self.attempt_id
        told = f"{self.user_id}\0{self.question_id}\0{self.user_answer}"
        return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

    @property
    def is_blank(self) -> bool:
        """Whether nothing was answered."""
        return not self.user_answer.strip(_BLANK)


_BLANK = " \t\r\n\v\f\u00a0\u3000\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"
"""What can be typed without writing anything."""


def unfit(code: str, reason: str) -> Unfit:
    """Make the error of an answer that cannot be graded; `code` says why in one word."""
    error = Unfit(reason)
    error.code = code
    return error


def listed(cell: str) -> tuple[str, ...]:
    """Read a list that was written as one text: JSON when it begins with `[`, else divided by `;` or line breaks.

    Raises:
        Unfit: It begins like JSON and is none.
    """
    if cell.lstrip().startswith("["):
        try:
            found: list[Any] = msgspec.json.decode(cell.encode("utf-8", "replace"), type=list[Any])
        except (msgspec.DecodeError, RecursionError) as error:
            raise unfit("wrong_type", f"{cell[:40]!r} begins like a JSON list and is none.") from error
        return tuple(text for one in found if (text := _text("a list", one)))
    return tuple(part.strip() for part in re.split(r"[;\n]", cell) if part.strip())


def _type(given: str) -> str:
    name = re.sub(r"[^a-z]+", "_", given.strip().lower()).strip("_")
    name = _OTHER_NAMES.get(name, name)
    if name not in TYPES:
        said = f"The question type {given[:40]!r} is unknown" if given else "There is no question type"
        raise unfit("unknown_type", f"{said}: give {', '.join(TYPES[:-1])} or {TYPES[-1]}.")
    return name


def _check_key(answer: Answer) -> None:
    if len(answer.user_answer) > LONGEST:
        raise unfit("too_long", f"The answer has {len(answer.user_answer):,} characters; at most {LONGEST:,} are read.")
    if answer.question_type != "short_answer" and not answer.correct_answer:
        raise unfit("missing_key", f"The key of question {answer.question_id} has no correct answer.")
    if answer.question_type == "short_answer" and not (
        answer.correct_answer or answer.correct_keywords or answer.rubric or answer.question
    ):
        raise unfit(
            "missing_key",
            f"Question {answer.question_id} has neither a reference answer, keywords, a rubric nor a question text.",
        )


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        with suppress(ValueError):  # a number of more digits than Python writes
            return str(value).encode("utf-8", "replace").decode()
    raise unfit("wrong_type", f"{_ARTICLE.get(name, name).capitalize()} must be text, not {_kind(value)}.")


def _name(name: str, value: Any) -> str:
    return _text(name, value).strip()


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        parts = cast("Sequence[Any]", value)
        return tuple(text for one in parts if (text := _text(name, one).strip()))
    text = _text(name, value).strip()
    return (text,) if text else ()


def _keywords(name: str, value: Any) -> tuple[str, ...]:
    return listed(value) if isinstance(value, str) else _texts(name, value)


def _shown(value: Any) -> str:
    try:
        return repr(str(value)[:40])
    except ValueError:
        return "a very large one"


def _whole(name: str, value: Any) -> int | None:
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = 0.5
    if isinstance(value, bool) or not number.is_integer():
        raise unfit("wrong_type", f"{name.capitalize()} must be a whole number, not {_shown(value)}.")
    return int(number)


def _number(name: str, value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number < float("inf"):
        raise unfit("wrong_type", f"{name.capitalize()} must be a number from 0 up, not {_shown(value)}.")
    return number


def _rubric(_: str, value: Any) -> Rubric | None:
    """Take a rubric, or make one of a list of names or mappings, or of JSON with the same."""
    if value is None or value == "":
        return None
    if isinstance(value, Rubric):
        return value
    try:
        return read_rubric(msgspec.json.decode(value) if isinstance(value, str) else value)
    except (InputError, msgspec.DecodeError, RecursionError) as error:
        raise unfit("bad_key", f"The rubric cannot be used: {str(error).rstrip('.')}.") from error


def _credit(_: str, value: Any) -> str:
    given = _text("credit", value).strip().lower()
    if given not in {"", "all", "each"}:
        raise unfit("bad_key", f"The credit must be all or each, not {given[:40]!r}.")
    return given or "all"


class _Criterion(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    description: str = ""
    weight: float = 1.0


class _Rubric(msgspec.Struct, forbid_unknown_fields=True):
    criteria: list[str | _Criterion]
    instructions: str = ""


def read_rubric(given: Any) -> Rubric:
    """Make a rubric of what JSON or YAML holds: a list of criteria, or a mapping with `criteria` and `instructions`.

    Raises:
        InputError: It is neither, has an unknown key, or holds no usable criterion.
    """
    try:
        read = msgspec.convert({"criteria": given} if isinstance(given, list) else given, _Rubric)
    except msgspec.ValidationError as error:
        raise InputError(f"{error}.") from error
    criteria = tuple(
        Criterion(name=one)
        if isinstance(one, str)
        else Criterion(name=one.name, description=one.description, weight=one.weight)
        for one in read.criteria
    )
    return Rubric(criteria=criteria, instructions=read.instructions)


def _kind(value: Any) -> str:
    names = {"dict": "a mapping", "list": "a list", "tuple": "a list", "NoneType": "nothing", "bytes": "bytes"}
    return names.get(type(value).__name__, f"the type {type(value).__name__}")


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "user_id": _name,
    "question_id": _name,
    "question_type": _name,
    "user_answer": _text,
    "correct_answer": _texts,
    "correct_keywords": _keywords,
    "difficulty": _whole,
    "category": _name,
    "question": _name,
    "choices": _texts,
    "rubric": _rubric,
    "credit": _credit,
    "tolerance": _number,
    "unit": _name,
    "attempt_id": _name,
}
