"""What becomes of one question, whichever way it came in: the right answer, a spoilt one, or an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.errors import InputError
from penstock.testing.answers import score_prompt, score_text
from penstock.testing.chat import Chat, tokens
from penstock.testing.completions import failed, spoil
from penstock.testing.dialect import Unreadable
from penstock.testing.faults import fate

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.testing.behaviour import Behaviour
    from penstock.testing.completions import Completion
    from penstock.testing.dialect import Dialect
    from penstock.testing.faults import Fault
    from penstock.testing.wire import Request, Response


@dataclass(slots=True, kw_only=True, eq=False)  # not frozen: that would cost every call a microsecond
class Question:
    """What is asked, and in which protocol.

    Attributes:
        dialect: How it came, and how the answer is written.
        body: The JSON of a chat, with all the fields that the request had.
        chat: What of it matters here.
        content: The same for the same question.
    """

    dialect: Dialect
    body: dict[str, Any]
    chat: Chat
    content: bytes


@dataclass(slots=True, kw_only=True)
class Replied:
    """What is sent, and what it took if it is an answer."""

    response: Response
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def good(self) -> bool:
        """Whether it is a whole 200."""
        return self.response.status == 200 and self.response.ends == "whole"


def read_question(dialect: Dialect, request: Request) -> Question:
    """Read a request.

    Raises:
        Unreadable: It is not what its address wants.
    """
    body = dialect.read(request)
    try:
        chat = msgspec.convert(body, type=Chat)
    except msgspec.ValidationError as error:
        raise Unreadable(f"We could not parse the JSON body of your request: {error}.") from error
    return Question(dialect=dialect, body=body, chat=chat, content=chat.key)


class Replies:
    """The model itself: everything it says follows from the question and from how often it was let in before."""

    def __init__(self, behaviour: Behaviour, *, answer: Callable[[dict[str, Any]], str] | None) -> None:
        self.behaviour = behaviour
        self._own_answer = answer

    def unfit(self, question: Question) -> Response | None:
        """Refuse what this server cannot do."""
        chat = question.chat
        if self.behaviour.models and chat.model not in self.behaviour.models:
            return failed(404, f"The model `{chat.model}` does not exist.", code="model_not_found", param="model")
        if chat.stream:
            return failed(400, "Streaming is not supported by this server.", param="stream")
        for name in self.behaviour.unsupported:
            if name in question.body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                return failed(400, message, code="unsupported_parameter", param=name)
        if chat.wants not in _STRUCTURED[self.behaviour.structured]:
            name = next((name for name in question.dialect.formats if name in question.body), "response_format")
            message = f"{name} is not supported: {chat.wants}."
            return failed(400, message, code="unsupported_parameter", param=name)
        return None

    def size(self, question: Question) -> int:
        """Return the tokens of a question, its answer included."""
        try:
            return question.chat.tokens + _tokens_out(question, self._content(question))
        except InputError:  # it is let in, and told what is wrong instead of an answer
            return 0

    def fault(self, question: Question, *, nth: int) -> Fault | None:
        """Return what goes wrong when this question is let in for the `nth` time, from 0."""
        behaviour = self.behaviour
        if not behaviour.faults:
            return None
        drawn = fate(behaviour.seed, question.content, nth=nth, faults=behaviour.faults, sticky=behaviour.sticky)
        return drawn if drawn in question.dialect.faults else None

    def reply(self, question: Question, fault: Fault | None, *, nth: int) -> Replied:
        """Write what is sent."""
        worded = question.dialect.worded
        try:
            completion = self._completion(question, nth)
            response = self._spoiled(completion, fault)
        except InputError as error:
            return Replied(response=worded(failed(400, str(error))))
        if response.status != 200 or fault == "error_body":
            response = worded(response)
        return Replied(response=response, tokens_in=completion.tokens_in, tokens_out=completion.tokens_out)

    def _content(self, question: Question) -> str:
        return question.dialect.content(question.body, self._answer)

    def _answer(self, body: dict[str, Any]) -> str:
        if self._own_answer is not None:
            return self._own_answer(body)
        return score_prompt(body) if self.behaviour.scores_from == "prompt" else score_text(body)

    def _completion(self, question: Question, nth: int) -> Completion:
        content = self._content(question)
        return question.dialect.complete(
            question.body,
            content=content,
            model=question.chat.model,
            name=f"{question.content.hex()[:16]}-{nth}",
            tokens_in=question.chat.tokens,
            tokens_out=_tokens_out(question, content),
        )

    def _spoiled(self, completion: Completion, fault: Fault | None) -> Response:
        if fault is None:
            return completion.response()
        named = self.behaviour.retry_after
        return spoil(completion, fault, wait=named if isinstance(named, int | float) else 1.0)


def _tokens_out(question: Question, content: str) -> int:
    return tokens(content) if question.dialect.counts_answers else 0


_STRUCTURED = {
    "json_schema": {"text", "json_object", "json_schema"},
    "json_object": {"text", "json_object"},
    "none": {"text"},
}
