"""A model asked with its own settings, whatever the prompt says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.models.model import Model, Prompt, Reply


class Own:
    """Wraps a model; its temperature and its longest reply count in the place of each prompt's."""

    def __init__(self, model: Model, *, temperature: float | None, max_tokens: int | None) -> None:
        """Wrap `model`.

        Args:
            model: What is asked.
            temperature: 0 for the likeliest answer; None leaves it to the server.
            max_tokens: Longest reply; None leaves it to the server.
        """
        self._model = model
        self._temperature = temperature
        self._max_tokens = max_tokens

    @property
    def name(self) -> str:
        """The wrapped model's name."""
        return self._model.name

    @property
    def identity(self) -> str:
        """The wrapped model's identity with the settings, which change its answers."""
        return f"{self._model.identity} temperature={self._temperature} max_tokens={self._max_tokens}"

    async def ask(self, prompt: Prompt, /) -> Reply:
        """Ask with the model's own settings; raises what the model raises."""
        return await self._model.ask(replace(prompt, temperature=self._temperature, max_tokens=self._max_tokens))
