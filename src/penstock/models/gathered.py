"""Few calls for the texts that many tasks want embedded at about the same time.

Whoever comes first opens a batch, waits a few milliseconds and asks for all that have joined it; whoever fills it asks
at once. No task runs in the background: when the one that asks is cancelled, the others form a new batch.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import numpy as np

from penstock.errors import ItemError, Later, PenstockError
from penstock.models.embedding_calls import Embedded, tokens_of
from penstock.models.embeddings import MOST_TEXTS, MOST_TOKENS
from penstock.records import Usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from penstock.models.embedding_calls import Vectors
    from penstock.models.embeddings import Embedder

LINGER = 0.005
"""Seconds for which a batch is open to others."""


@dataclass(slots=True, eq=False)
class _Batch:
    """Texts that are asked for together, and what became of each."""

    done: asyncio.Future[None]
    texts: list[str] = field(default_factory=list)
    tokens: int = 0
    answers: dict[str, tuple[Vectors, Usage] | PenstockError] = field(default_factory=dict)

    def add(self, text: str) -> None:
        self.texts.append(text)
        self.tokens += tokens_of(text)

    @property
    def full(self) -> bool:
        return len(self.texts) >= MOST_TEXTS or self.tokens >= MOST_TOKENS

    def take(self, text: str) -> tuple[Vectors, Usage]:
        """Give what became of a text; what it took is said to the first who asks."""
        answer = self.answers[text]
        if isinstance(answer, ItemError | Later):
            self.answers[text] = _again(answer)
        if isinstance(answer, PenstockError):
            raise answer
        self.answers[text] = answer[0], Usage()
        return answer


class Gathered:
    """Wraps an embedder: single texts of many tasks are embedded together, equal ones once.

    Several texts of one task go through as they are.
    """

    def __init__(
        self,
        embedder: Embedder,
        *,
        linger: float = LINGER,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        """Wrap `embedder`.

        Args:
            embedder: What is asked.
            linger: Seconds for which a batch waits for others to join.
            sleep: Waits so long.
        """
        self._embedder = embedder
        self._linger = linger
        self._sleep = sleep
        self._open: _Batch | None = None
        self._asked: dict[str, _Batch] = {}

    @property
    def name(self) -> str:
        """The wrapped embedder's name."""
        return self._embedder.name

    @property
    def identity(self) -> str:
        """The wrapped embedder's identity: company changes no vector."""
        return self._embedder.identity

    async def embed(self, texts: Sequence[str], /) -> Embedded:
        """Embed texts; a single one together with those of other tasks.

        Raises:
            ItemError: The text cannot be embedded; those it shared a call with are not touched by that.
            Later: It may be embedded later.
        """
        if len(texts) != 1:
            return await self._embedder.embed(texts)
        vector, usage = await self._one(texts[0])
        return Embedded(vectors=vector[np.newaxis], usage=usage)

    async def _one(self, text: str) -> tuple[Vectors, Usage]:
        while True:
            batch = self._asked.get(text)
            if batch is None:
                batch = await self._join(text)
            if not batch.done.done():
                await asyncio.wait([batch.done])
            if text in batch.answers:
                return batch.take(text)

    async def _join(self, text: str) -> _Batch:
        """Put a text into the open batch; ask for the batch when this is for the caller to do."""
        opened = self._open is None
        batch = self._open = self._open or _Batch(done=asyncio.get_running_loop().create_future())
        batch.add(text)
        self._asked[text] = batch
        if batch.full:
            self._open = None
            await self._ask(batch)
        elif opened:
            await self._wait(batch)
        return batch

    async def _wait(self, batch: _Batch) -> None:
        try:
            await self._sleep(self._linger)
        except BaseException:
            if batch is self._open:  # nobody else will ask for it
                self._close(batch)
            raise
        if batch is self._open:
            self._open = None
            await self._ask(batch)

    async def _ask(self, batch: _Batch) -> None:
        try:
            await self._fill(batch, batch.texts)
        finally:
            self._close(batch)

    def _close(self, batch: _Batch) -> None:
        if batch is self._open:
            self._open = None
        for text in batch.texts:
            del self._asked[text]
        batch.done.set_result(None)

    async def _fill(self, batch: _Batch, texts: Sequence[str]) -> None:
        """Embed texts; where one of several is turned down, halve them until it is alone with its error."""
        try:
            embedded = await self._embedder.embed(texts)
        except ItemError as error:
            if len(texts) == 1:
                batch.answers[texts[0]] = error
                return
            # What the call took is nobody's in particular: it is counted for the first.
            await self._fill(batch, texts[: len(texts) // 2])
            await self._fill(batch, texts[len(texts) // 2 :])
            self._count(batch, texts[0], error.usage)
        except Later as error:
            batch.answers.update(_each(error, texts))
        except PenstockError as error:  # the run stops for everybody
            batch.answers.update(dict.fromkeys(texts, error))
        else:
            shares = _shared(embedded.usage, texts)
            for text, vector, usage in zip(texts, embedded.vectors, shares, strict=True):
                batch.answers[text] = vector, usage

    @staticmethod
    def _count(batch: _Batch, text: str, usage: Usage | None) -> None:
        answer = batch.answers[text]
        if isinstance(answer, ItemError | Later):
            answer.usage = (answer.usage or Usage()) + (usage or Usage())
        elif not isinstance(answer, PenstockError):
            batch.answers[text] = answer[0], answer[1] + (usage or Usage())


def _each(error: Later, texts: Sequence[str]) -> dict[str, PenstockError]:
    """Give each text an error of its own, and the first what the calls took."""
    errors: dict[str, PenstockError] = {}
    for text in texts:
        errors[text] = _again(error) if errors else error
    return errors


def _again(error: ItemError | Later) -> ItemError | Later:
    """Make the same error for another row; it took nothing."""
    again = type(error)(str(error), status=error.status)
    again.usage = Usage()
    return again


def _shared(usage: Usage, texts: Sequence[str]) -> list[Usage]:
    """Divide what a call took among its texts by their size; the parts add up, and the first has the calls."""
    sizes = np.array([tokens_of(text) for text in texts], np.float64)
    ends = np.cumsum(sizes) / sizes.sum()
    tokens = np.diff(np.rint(ends * usage.tokens_in), prepend=0.0)
    costs = sizes / sizes.sum() * usage.cost_usd
    return [
        Usage(calls=0 if place else usage.calls, tokens_in=int(part), cost_usd=float(cost))
        for place, (part, cost) in enumerate(zip(tokens, costs, strict=True))
    ]
