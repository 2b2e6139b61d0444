"""A batch of questions behind the test server: what is wrong with its file, how far it has come, what it answers.

Source: https://platform.openai.com/docs/api-reference/batch, https://platform.openai.com/docs/guides/batch
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from penstock.testing.dialect import DIALECTS, Unreadable
from penstock.testing.faults import draw
from penstock.testing.reply import read_question
from penstock.testing.wire import Request

if TYPE_CHECKING:
    from penstock.testing.behaviour import Behaviour
    from penstock.testing.reply import Question, Replied, Replies
    from penstock.testing.tally import Tally

Status: TypeAlias = Literal[
    "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
]

ENDPOINTS = ("/v1/chat/completions", "/v1/embeddings")
ENDED: frozenset[Status] = frozenset({"failed", "completed", "expired", "cancelled"})

_EXPIRED = {
    "code": "batch_expired",
    "message": "This request could not be executed before the completion window expired.",
}
_CANCELLED = {"code": "batch_cancelled", "message": "This request was not executed: the batch was cancelled."}


class _Line(msgspec.Struct):
    custom_id: str
    url: str
    body: msgspec.Raw
    method: Literal["POST"] = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One question of a batch, and how often one like it was in a batch before."""

    custom_id: str
    question: Question
    nth: int = 0


@dataclass(slots=True, eq=False, kw_only=True)
class Batch:
    """One batch.

    Attributes:
        id: Its name.
        created: Seconds, on the clock of the server.
        seconds: How long it takes.
        lines: What is asked; none where the file was refused.
        errors: Why it was refused.
        cancelled: When its cancelling was asked for.
        output: Lines of the output file, once it has ended.
        failures: Lines of the error file, once it has ended.
        told: What else is told about it.
    """

    id: str
    created: float
    seconds: float
    lines: list[Line] = field(default_factory=list[Line])
    errors: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    cancelled: float | None = None
    output: list[bytes] | None = None
    failures: list[bytes] = field(default_factory=list[bytes])
    expired: bool = False
    told: dict[str, Any] = field(default_factory=dict[str, Any])

    def status(self, now: float) -> Status:
        """Return how far it has come."""
        age = now - self.created
        if self.cancelled is not None:
            return "cancelling" if now < self.cancelled + self.seconds / 10 else "cancelled"
        if age < self.seconds / 20:
            return "validating"
        if self.errors:
            return "failed"
        if age < self.seconds:
            return "in_progress" if age < self.seconds * 0.9 else "finalizing"
        return "expired" if self.expired else "completed"

    def share(self, now: float) -> float:
        """Return how much of it is done, from 0 to 1."""
        until = now if self.cancelled is None else min(now, self.cancelled)
        return min(1.0, (until - self.created) / self.seconds) if self.seconds else 1.0

    @property
    def tokens(self) -> int:
        """Tokens of its questions."""
        return sum(line.question.chat.tokens for line in self.lines)


def read_lines(content: bytes, *, endpoint: str, behaviour: Behaviour) -> tuple[list[Line], list[dict[str, Any]]]:
    """Read the file of a batch: its lines, or what is wrong with it."""
    lines: list[Line] = []
    errors: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, raw in enumerate(content.splitlines(), start=1):
        if not raw.strip():
            continue
        try:
            line = _read_line(raw, endpoint=endpoint, seen=seen)
        except _Invalid as error:
            errors.append({"code": error.code, "message": str(error), "line": number, "param": error.param})
            continue
        seen.add(line.custom_id)
        lines.append(line)
    if not lines and not errors:
        errors.append(_error("empty_file", "The input file is empty. Please ensure that the batch contains a request."))
    if len(lines) > behaviour.batch_lines:
        errors.append(_error("too_many_tasks", f"The batch has more than {behaviour.batch_lines} requests."))
    if len({line.question.chat.model for line in lines}) > 1:
        errors.append(_error("mismatched_model", "All requests of a batch must be for the same model."))
    return ([], errors) if errors else (lines, [])


def over_tokens(model: str, limit: int) -> dict[str, Any]:
    """Say that too much is waiting already."""
    return _error(
        "token_limit_exceeded",
        f"Enqueued token limit reached for {model} in organization org-penstock. Limit: {limit:,} enqueued tokens. "
        "Please try again once some in_progress batches have been completed.",
    )


class _Invalid(Exception):
    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


def _read_line(raw: bytes, *, endpoint: str, seen: set[str]) -> Line:
    try:
        line = msgspec.json.decode(raw, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Invalid("invalid_json_line", f"This line is not parseable as valid JSON of a request: {error}") from None
    if line.url != endpoint:
        raise _Invalid("invalid_url", "The URL provided for this request does not match the batch endpoint.", "url")
    if line.custom_id in seen:
        message = f"The custom_id {line.custom_id} for this request is a duplicate of another request."
        raise _Invalid("duplicate_custom_id", message, "custom_id")
    request = Request(method="POST", path=line.url, headers={}, body=bytes(line.body))
    try:
        return Line(custom_id=line.custom_id, question=read_question(DIALECTS[endpoint], request))
    except Unreadable as error:
        raise _Invalid("invalid_request", str(error), "body") from None


def _error(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "line": None, "param": None}


def settle(batch: Batch, replies: Replies, tally: Tally, *, share: float) -> None:
    """Answer the lines of a batch that has ended; `share` of them, where it was cancelled.

    A line that meets a fault of the connection is answered: there is no connection here.
    """
    seed = replies.behaviour.seed
    batch.output = []
    answered = len(batch.lines) if batch.cancelled is None else int(len(batch.lines) * share)
    for place, line in enumerate(batch.lines):
        late = draw(seed, line.question.content, nth=line.nth, purpose="expiry") < replies.behaviour.batch_expired
        if place >= answered or late:
            batch.expired = batch.expired or place < answered
            error = _CANCELLED if place >= answered else _EXPIRED
            batch.failures.append(_result(batch, place, line, None, error))
            continue
        replied = _reply(replies, line)
        good = replied.response.status == 200
        (batch.output if good else batch.failures).append(_result(batch, place, line, replied, None))
        if good:
            tally.answer_line(tokens_in=replied.tokens_in, tokens_out=replied.tokens_out)
    random.Random(f"{seed} {batch.id}").shuffle(batch.output)  # noqa: S311 - an order, not a secret


def _reply(replies: Replies, line: Line) -> Replied:
    question = line.question
    fault = replies.fault(question, nth=line.nth)
    if fault in {"hang", "drop", "drop_midway", "html_body", "truncated_body", "quota"}:
        fault = None
    replied = replies.reply(question, fault, nth=line.nth)
    refused = replies.unfit(question)
    return replied if refused is None else type(replied)(response=refused)


def _result(batch: Batch, place: int, line: Line, replied: Replied | None, error: dict[str, str] | None) -> bytes:
    response = replied and {
        "status_code": replied.response.status,
        "request_id": f"{batch.id}-{place}",
        "body": msgspec.Raw(replied.response.body),
    }
    name = f"batch_req_{batch.id}_{place}"
    return msgspec.json.encode({"id": name, "custom_id": line.custom_id, "response": response, "error": error})
