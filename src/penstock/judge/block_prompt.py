"""The prompts of one block of categories: the same instructions for every text, and the text inside its fence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.judge.fence import fence
from penstock.models.model import Prompt

if TYPE_CHECKING:
    from collections.abc import Mapping


class BlockPrompt:
    """Makes the prompts of one block; the system part is the same for every text."""

    def __init__(
        self,
        *,
        system: str,
        schema: Mapping[str, Any],
        wanted: str,
        temperature: float | None = 0.0,
        max_tokens: int | None = None,
    ) -> None:
        """Remember what does not change.

        Args:
            system: The instructions.
            schema: JSON Schema of a reply.
            wanted: What the JSON object of a reply holds, such as `exactly 3 numbers`.
            temperature: Passed to the model.
            max_tokens: Passed to the model.
        """
        self._system = system
        self._schema = schema
        self._wanted = wanted
        self._temperature = temperature
        self._max_tokens = max_tokens

    def __call__(self, text: str) -> Prompt:
        """Ask about one text."""
        return self._prompt(fence(text))

    def again(self, text: str, problem: str) -> Prompt:
        """Ask once more, saying what was wrong with the last reply."""
        return self._prompt(
            f"{fence(text)}\n\nYour last reply could not be used: {problem}. "
            f"Reply with the JSON object alone, with {self._wanted}."
        )

    def _prompt(self, user: str) -> Prompt:
        return Prompt(
            system=self._system,
            user=user,
            schema=self._schema,
            temperature=self._temperature,
            max_tokens=self._max_tokens,
        )
