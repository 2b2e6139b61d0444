"""A model that answers at once, in the process: what is left of a job's time is Penstock's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from penstock.errors import Refused
from penstock.models import Session
from penstock.models.model import Reply
from penstock.records import Usage

if TYPE_CHECKING:
    from penstock.models import ModelSpec
    from penstock.models.model import Model, Prompt


class InstantModel:
    """Gives every prompt the same scores without waiting for anything.

    Args:
        scores: How many it gives.
        calls: After so many it turns the account away, which stops the job; None: never.

    Attributes:
        asked: Calls so far.
    """

    name = "openai/instant"
    identity = "instant"

    def __init__(self, scores: int, *, calls: int | None = None) -> None:
        self.asked = 0
        self._text = json.dumps({"scores": [round(0.1 * (place % 10), 2) for place in range(scores)]})
        self._usage = Usage(calls=1, tokens_in=200, tokens_out=20)
        self._calls = calls

    async def ask(self, _: Prompt, /) -> Reply:
        """Answer at once."""
        if self.asked == self._calls:
            raise Refused(f"The instant model answers {self._calls} calls and no more.")
        self.asked += 1
        return Reply(text=self._text, model=self.name, usage=self._usage)


class InstantSession(Session):
    """A session whose models are all the same instant one; nothing leaves the process."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model

    def model(self, spec: ModelSpec, **_: Any) -> Model:  # noqa: ARG002 - every spec has the same model
        """The instant model, without HTTP and without a pace."""
        return self._model
