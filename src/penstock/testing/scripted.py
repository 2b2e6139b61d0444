"""A model that answers from a script, for tests without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from penstock.errors import JobError
from penstock.models.model import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from penstock.models.model import Prompt

Line: TypeAlias = str | Reply | BaseException


class ScriptedModel:
    """Answers each prompt with the next line of a script, or with what a function makes of the prompt.

    Args:
        replies: Lines in order, or a function of the prompt. A line is a text, a whole `Reply`, or an exception, which
            is raised.
        name: What replies say they were made by.

    Attributes:
        prompts: What it was asked, in order.

    Many tasks may call it at once; they take the lines in the order of their calls.
    """

    def __init__(self, replies: Iterable[Line] | Callable[[Prompt], Line], *, name: str = "scripted") -> None:
        self.name = name
        self.prompts: list[Prompt] = []
        self._replies = replies if callable(replies) else _in_order(replies)

    @property
    def identity(self) -> str:
        """Everything about the model that changes its answers."""
        return self.name

    async def ask(self, prompt: Prompt, /) -> Reply:
        """Answer with the next line.

        Raises:
            BaseException: The exception that stands in the script.
            JobError: When the script is at its end.
        """
        self.prompts.append(prompt)
        line = self._replies(prompt)
        if isinstance(line, BaseException):
            raise line
        return line if isinstance(line, Reply) else Reply(text=line, model=self.name)


def _in_order(lines: Iterable[Line]) -> Callable[[Prompt], Line]:
    script = iter(tuple(lines) if not isinstance(lines, str) else (lines,))

    def reply(_: Prompt) -> Line:
        for line in script:
            return line
        raise JobError("The scripted model was asked once more than it has lines.")

    return reply
