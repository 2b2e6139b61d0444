"""A model that somebody else wrote, with its exceptions translated: one answer's error must not stop a batch."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from penstock.errors import ItemError, PenstockError, TimedOut

if TYPE_CHECKING:
    from penstock.models.model import Model, Prompt, Reply


class ModelError(ItemError):
    """The model raised something that is no error of ours."""

    code = "error"


class Guarded:
    """Wraps a model: its TimeoutError becomes TimedOut, any other foreign exception a ModelError."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """The wrapped model's name."""
        return self._model.name

    @property
    def identity(self) -> str:
        """The wrapped model's identity: translating errors changes no answer."""
        return self._model.identity

    async def ask(self, prompt: Prompt, /) -> Reply:
        """Ask the wrapped model.

        Raises:
            TimedOut: It gave no answer in time.
            ModelError: It raised an exception of its own.
            PenstockError: As the wrapped model does.
        """
        try:
            return await self._model.ask(prompt)
        except PenstockError:
            raise
        except TimeoutError as error:
            raise TimedOut(str(error) or "no answer in time") from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise ModelError("the model gave up: something that it waited for was cancelled") from error
        except Exception as error:
            raise ModelError(f"{type(error).__name__}: {error}") from error
