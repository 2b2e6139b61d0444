"""The process's way to its model servers: one HTTP session, and one pace per provider, account and model."""

from __future__ import annotations

import asyncio
import hashlib
import random
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from penstock.errors import InputError
from penstock.flow.gate import Gate
from penstock.flow.pace import Pace
from penstock.flow.retry import Backoff
from penstock.models.anthropic import AnthropicModel
from penstock.models.gemini import GeminiModel
from penstock.models.openai import OpenAIModel
from penstock.models.own import Own
from penstock.models.paced import Paced
from penstock.models.priced import Priced
from penstock.models.purse import Purse
from penstock.models.spec import OPENAI_URL, ModelSpec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import TracebackType
    from typing import Self

    from penstock.models.embeddings import Embedder
    from penstock.models.model import Model
    from penstock.models.prices import Price
    from penstock.web.transport import Http

__all__ = ["OPENAI_URL", "ModelSpec", "Session", "shared_session"]


class Session:
    """Opens models. One session serves all jobs of a process, so that they share its paces.

    Use it as `async with Session() as session`; it closes its connections at the end.
    """

    def __init__(self, *, transport: Http | None = None, rng: random.Random | None = None) -> None:
        """Open nothing yet.

        Args:
            transport: What sends the requests, in the place of the session's own; its owner closes it.
            rng: Source of the jitter.
        """
        self._given = transport
        self._transport: Http | None = transport
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not secrets
        self._gates: dict[tuple[str, str, str], Gate] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._given is None:
            from penstock.web.transport import HttpTransport

            self._transport = await self._stack.enter_async_context(HttpTransport())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def http(self) -> Http:
        """What sends the requests: the one pool of connections of the session."""
        if self._transport is None:
            raise RuntimeError("Session is used outside `async with`.")
        return self._transport

    def gate(self, spec: ModelSpec) -> Gate:
        """The gate of one provider, account and model: the same for everybody who asks it."""
        account = hashlib.sha256(spec.key().encode()).hexdigest()
        place = (spec.base_url, account, spec.name)
        if place not in self._gates:
            self._gates[place] = Gate(
                Pace(
                    ceiling=spec.concurrency,
                    first=spec.first,
                    requests_per_minute=spec.requests_per_minute,
                    tokens_per_minute=spec.tokens_per_minute,
                )
            )
        return self._gates[place]

    def model(
        self, spec: ModelSpec, *, own_settings: bool = False, price: Price | None = None, purse: Purse | None = None
    ) -> Model:
        """Open the model that a settled spec names: HTTP, inside the pace it shares.

        Args:
            spec: Which model.
            own_settings: Whether the spec's temperature and longest reply count in the place of the prompt's. A chain
                of models is asked with one prompt, and each of its models may want other settings.
            price: What its calls cost, so that replies tell it.
            purse: What they are paid from, where they cost something.
        """
        http = _opened(spec, self.http)
        paced = Paced(
            Priced(http, price, purse or Purse()) if price else http,
            self.gate(spec),
            backoff=Backoff(attempts=spec.attempts),
            rng=self._rng,
            patience=spec.patience,
        )
        return Own(paced, temperature=spec.temperature, max_tokens=spec.max_tokens) if own_settings else paced

    def embedder(self, spec: ModelSpec, *, price: Price | None = None, purse: Purse | None = None) -> Embedder:
        """Open the embedding model that a settled spec names, inside the pace it shares.

        Args:
            spec: Which model.
            price: What its calls cost.
            purse: What they are paid from.

        Raises:
            InputError: Its provider's embeddings cannot be asked for.
        """
        from penstock.models.embeddings import OpenAIEmbedder

        if spec.provider != "openai":
            raise InputError(f"Embeddings are asked for as openai/NAME at any such server, not as {spec.name!r}.")
        return OpenAIEmbedder(
            spec.model,
            http=self.http,
            base_url=spec.base_url,
            key=spec.key(),
            timeout=spec.timeout,
            gate=self.gate(spec),
            backoff=Backoff(attempts=spec.attempts),
            rng=self._rng,
            patience=spec.patience,
            price=price,
            purse=purse,
        )


_KINDS: dict[str, type[OpenAIModel | GeminiModel | AnthropicModel]] = {
    "openai": OpenAIModel,
    "gemini": GeminiModel,
    "anthropic": AnthropicModel,
}


def _opened(spec: ModelSpec, http: Http) -> Model:
    kind = _KINDS[spec.provider]
    return kind(spec.model, transport=http, base_url=spec.base_url, key=spec.key(), timeout=spec.timeout)


@dataclass(slots=True)
class _Shared:
    session: Session
    users: int = 0


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared] = WeakKeyDictionary()
"""The one thing this room remembers by itself: a server limits the account, so all jobs of a loop must be one."""


@asynccontextmanager
async def shared_session() -> AsyncGenerator[Session, None]:
    """Give the session that all jobs of the running loop share; the last one to leave closes it."""
    loop = asyncio.get_running_loop()
    if loop not in _shared:
        _shared[loop] = _Shared(await Session().__aenter__())
    shared = _shared[loop]
    shared.users += 1
    try:
        yield shared.session
    finally:
        shared.users -= 1
        if not shared.users:
            del _shared[loop]
            await shared.session.__aexit__(None, None, None)
