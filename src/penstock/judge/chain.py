"""Asks models in turn until a reply passes the check, and remembers the answer that did.

    cache -> first model (asked again when its reply fails the check) -> next model ... -> the last error

What is remembered is the checked answer, under everything that can change it: the prompt with its schema and
settings, and every model of the chain. A reply that failed its check is never remembered.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio.to_thread
import msgspec

from penstock.errors import BadReply, ItemError, Later, NoServer, Outage
from penstock.flow.shield import waiting
from penstock.records import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.ledger.cache import Cache
    from penstock.models.model import Model, Prompt, Reply

T = TypeVar("T")

_NOTHING = Usage()  # made once, as it stands in the way of every row

LARGE = 32_768
"""Characters from which a reply is checked in a thread: checking takes time in proportion to its length."""

GONE = 60.0
"""Seconds for which a model that nobody answers for is passed over, where there is a fallback."""

CHECK_TIMEOUT = 5.0
"""Seconds for checking a large reply; a check that hangs must not hold its row for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """A reply that passed its check.

    Attributes:
        value: What the check made of it.
        method: Name of the model that gave it.
        note: Why the first model did not, where a fallback was used.
        cached: Whether it was remembered instead of asked for.
        usage: What it took, failed replies included; nothing when cached.
    """

    value: T
    method: str
    note: str = ""
    cached: bool = False
    usage: Usage = field(default_factory=Usage)


class Spent(Exception):
    """Every model failed; holds the last error and what the tries took."""

    def __init__(self, error: ItemError | Later, usage: Usage) -> None:
        super().__init__(str(error))
        self.error = error
        self.usage = usage


class _Remembered(msgspec.Struct, frozen=True):
    reply: str
    method: str
    note: str = ""


class Chain(Generic[T]):
    """A first model and its fallbacks, behind one cache; many tasks may ask at once.

    Equal questions that are asked at the same time are put to the models once.
    """

    def __init__(
        self,
        models: Sequence[Model],
        *,
        check: Callable[[str], T],
        cache: Cache | None = None,
        asks: int = 3,
        check_timeout: float = CHECK_TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember the order of the models.

        Args:
            models: At least one; asked in this order.
            check: Turns the text of a reply into a value, or raises BadReply.
            cache: Where checked answers are remembered.
            asks: How often each model is asked while its replies fail the check.
            check_timeout: Seconds for checking a large reply.
            clock: Seconds, monotonic.
        """
        self._clock = clock
        self._gone: dict[int, tuple[float, str]] = {}
        self._models = tuple(models)
        self._check = check
        self._cache = cache
        self._asks = asks
        self._check_timeout = check_timeout
        self._encode = msgspec.json.Encoder(order="deterministic").encode
        self._identity = self._encode([model.identity for model in models])
        self._asking: dict[str, asyncio.Future[None]] = {}

    async def ask(
        self, prompt: Prompt, again: Callable[[str], Prompt], *, check: Callable[[str], T] | None = None
    ) -> Answer[T]:
        """Find or make an answer.

        Args:
            prompt: The question.
            again: Makes the question that follows a bad reply, given what was wrong with it.
            check: In the place of the chain's own, for this question.

        Raises:
            Spent: No model gave an answer that passes.
        """
        check = check or self._check
        if self._cache is None:
            return await self._ask_models(prompt, again, check)
        key = self.key(prompt)
        while key in self._asking:
            with waiting():
                await asyncio.wait([self._asking[key]])
        self._asking[key] = done = asyncio.get_running_loop().create_future()
        try:
            remembered = await self._recall(self._cache, key, check)
            if remembered is not None:
                return remembered
            return await self._ask_models(prompt, again, check, key)
        finally:
            del self._asking[key]
            done.set_result(None)

    async def recall(self, prompt: Prompt, *, check: Callable[[str], T] | None = None) -> Answer[T] | None:
        """Find the answer of an earlier run; None where there is none, or no cache."""
        return await self._recall(self._cache, self.key(prompt), check or self._check) if self._cache else None

    def remember(self, prompt: Prompt, reply: str, *, method: str, note: str = "") -> None:
        """Keep a checked reply, as if a model of this chain had just given it."""
        self._keep(self.key(prompt), _Remembered(reply, method, note))

    def key(self, prompt: Prompt) -> str:
        """Name a question by everything that can change its answer."""
        drawn = (prompt.draw,) if prompt.draw else ()
        shown = ([(media.mime_type, media.digest) for media in prompt.media],) if prompt.media else ()
        sent = (prompt.system, prompt.user, prompt.schema, prompt.temperature, prompt.max_tokens)
        parts = (*sent, self._asks, *drawn, *shown)
        return hashlib.sha256(self._identity + self._encode(parts)).hexdigest()

    def _keep(self, key: str, answer: _Remembered) -> None:
        if self._cache is not None:
            self._cache.put(key, msgspec.json.encode(answer).decode())

    async def _recall(self, cache: Cache, key: str, check: Callable[[str], T]) -> Answer[T] | None:
        body = await cache.get(key)
        if body is None:
            return None
        try:
            found = msgspec.json.decode(body, type=_Remembered)
            return Answer(value=check(found.reply), method=found.method, note=found.note, cached=True)
        except (msgspec.DecodeError, BadReply):  # made by another version, whose check was another
            return None

    async def _ask_models(
        self, prompt: Prompt, again: Callable[[str], Prompt], check: Callable[[str], T], key: str = ""
    ) -> Answer[T]:
        usage = _NOTHING
        note = ""
        for place, model in enumerate(self._models):
            if (gone := self._gone.get(place)) is not None and self._clock() < gone[0]:
                note = note or f"{model.name}: {gone[1]}"
                continue
            try:
                reply, value, used = await self._ask_one(model, prompt, again, check)
            except (NoServer, Outage) as error:
                if place == len(self._models) - 1:
                    raise
                self._gone[place] = (self._clock() + GONE, str(error))
                note = note or f"{model.name}: {error}"
                continue
            except Spent as spent:
                usage += spent.usage
                if place == len(self._models) - 1:
                    raise Spent(spent.error, usage) from spent.error
                note = note or f"{model.name}: {spent.error}"
                continue
            if key:
                self._keep(key, _Remembered(reply.text, model.name, note))
            return Answer(value=value, method=model.name, note=note, usage=usage + used)
        raise ValueError("a chain needs at least one model")

    async def _ask_one(
        self, model: Model, prompt: Prompt, again: Callable[[str], Prompt], check: Callable[[str], T]
    ) -> tuple[Reply, T, Usage]:
        """Ask one model until its reply passes, as often as allowed."""
        usage = _NOTHING
        error: ItemError | Later = BadReply("never asked")
        for _ in range(self._asks):
            try:
                reply = await model.ask(prompt)
            except (ItemError, Later) as problem:
                error = problem
                usage += problem.usage or Usage(calls=1)
                if not isinstance(problem, BadReply):
                    break
            else:
                usage += reply.usage
                try:
                    return reply, await self._checked(reply.text, check), usage
                except BadReply as problem:
                    error = problem
            prompt = again(str(error))
        raise Spent(error, usage) from error

    async def _checked(self, text: str, check: Callable[[str], T]) -> T:
        """Check a reply: at once when it is small, off the loop and against the clock when it is large."""
        if len(text) < LARGE:
            return check(text)
        value: list[T] = []
        with anyio.move_on_after(self._check_timeout):
            value.append(await anyio.to_thread.run_sync(check, text, abandon_on_cancel=True))
        if not value:
            raise BadReply(f"the reply of {len(text)} characters could not be checked in time")
        return value[0]
