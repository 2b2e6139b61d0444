"""Everything that decides what a grade job does; written into the ledger as it is, so it holds no secret."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from penstock.grade.prompt import INSTRUCTIONS
from penstock.jobs import settings
from penstock.models.session import ModelSpec

Count = Annotated[int, Meta(ge=1)]
Points = Annotated[float, Meta(ge=0, le=100)]


class GradeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A grade job, whole.

    Attributes:
        source: Absolute path of the table of answers.
        output: Absolute path of the table with the marks.
        key: Absolute path of the key; empty where its columns stand beside the answers.
        user: Column of who answered; empty where the rows stand for the learners.
        question: Column of what was asked.
        answer: Column of what was answered.
        attempt: Column of the attempt's id; empty where there is none.
        rubric: Absolute path of the rubric file; empty for none.
        graded: Absolute path of graded examples that the offline grader is trained on; empty for none.
        graded_score: Their column of marks; empty for `human_score`, else `score`.
        graded_max: Their highest possible mark.
        overrides: Absolute path of marks that people gave; empty for none.
        models: The model and its fallbacks, settled; none means the offline grader.
        samples: Independent replies per short answer.
        passing: Points from which on an answer counts as right.
        max_spread: Points that samples may lie apart; beyond, a person decides.
        review_below: Confidence below which an offline mark is left to a person.
        on_timeout: What becomes of an answer when the model gives none in time.
        asks: How often each model is asked while its replies fail the check.
        instructions: First sentence of the prompt.
        temperature: None takes 0 for one sample and 0.7 for several.
        max_tokens: Longest reply; None leaves it to the server.
        chunk_rows: Rows per chunk.
        retry_limit: New tries of a chunk with answers that failed for now.
        cache: Whether replies are remembered.
        cache_ttl: Seconds a reply is good for.
        cache_entries: Most replies kept.
        encoding: Of the answers, where it must be said.
        delimiter: Of the answers, where it must be said.
        sheet: Of an Excel file, where it is not the first.
        prefix: Put before the names of all added columns.
    """

    source: str
    output: str
    key: str = ""
    user: str = "user_id"
    question: str = "question_id"
    answer: str = "user_answer"
    attempt: str = ""
    rubric: str = ""
    graded: str = ""
    graded_score: str = ""
    graded_max: Annotated[float, Meta(gt=0)] = 100.0
    overrides: str = ""
    models: tuple[ModelSpec, ...] = ()
    samples: Annotated[int, Meta(ge=1, le=100)] = 1
    passing: Annotated[float, Meta(gt=0, le=100)] = 80.0
    max_spread: Points = 25.0
    review_below: Annotated[float, Meta(ge=0, le=1)] = 0.0
    on_timeout: Literal["offline", "fail"] = "offline"
    asks: Count = 2
    instructions: str = INSTRUCTIONS
    temperature: Annotated[float, Meta(ge=0)] | None = None
    max_tokens: Count | None = None
    chunk_rows: Count = 500
    retry_limit: Annotated[int, Meta(ge=0)] = 3
    cache: bool = True
    cache_ttl: Annotated[float, Meta(gt=0)] = 86_400.0
    cache_entries: Count = 10_000
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    prefix: str = "mark_"

    @property
    def fingerprint(self) -> str:
        """Equal for equal commands."""
        return settings.fingerprint(self)

    def encoded(self) -> str:
        """Write the configuration as JSON."""
        return settings.encoded(self)

    @classmethod
    def decode(cls, config: str) -> GradeConfig:
        """Read a configuration that a ledger kept.

        Raises:
            InputError: It was written by a version that knew other settings.
        """
        return settings.decoded(config, cls)

    @classmethod
    def checked(cls, **given: Any) -> GradeConfig:
        """Make a configuration, checking every value.

        Raises:
            InputError: A value is out of its range, or cannot be kept in a ledger.
        """
        return settings.checked(given, cls)
