"""The process's way to its model servers: one HTTP session, and one pace per provider, account and model."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import msgspec
from msgspec import Meta

from penstock.errors import InputError
from penstock.flow.gate import Gate
from penstock.flow.pace import FIRST, Pace
from penstock.flow.retry import Backoff
from penstock.models.openai import OpenAIModel
from penstock.models.paced import Paced

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from types import TracebackType
    from typing import Self

    from penstock.models.model import Model
    from penstock.web.transport import Transport

OPENAI_URL = "https://api.openai.com/v1"


Count = Annotated[int, Meta(ge=1)]
Positive = Annotated[float, Meta(gt=0)]


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which model, where, and how hard it may be pushed; holds no secret, so it can be written down.

    Attributes:
        name: `provider/model`, such as `openai/gpt-5-mini` or `openai/qwen3:8b`.
        base_url: Address up to the version; empty means `OPENAI_BASE_URL`, else OpenAI itself.
        key_variable: Environment variable that holds the key; with `_FILE` appended, one that names a file.
        timeout: Seconds for one call.
        attempts: Tries per call before it fails for now; refusals for asking too often are not counted.
        patience: Seconds without any answer after which the run stops.
        concurrency: Most calls in flight; how many the server bears is found out.
        first: Calls in flight to begin with; more than a few only where the server is known to bear them.
        requests_per_minute: A known limit, where there is one.
        tokens_per_minute: A known limit, where there is one.
        temperature: 0 for the likeliest answer; None leaves it to the server.
        max_tokens: Longest reply; None leaves it to the server.
    """

    name: str
    base_url: str = ""
    key_variable: str = "OPENAI_API_KEY"
    timeout: Positive = 60.0
    attempts: Count = 5
    patience: Positive = 300.0
    concurrency: Annotated[int, Meta(ge=1, le=10_000)] = 256
    first: Annotated[int, Meta(ge=1, le=10_000)] = FIRST
    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = 0.0
    max_tokens: Count | None = None

    @property
    def model(self) -> str:
        """The server's own name for the model."""
        return self.name.partition("/")[2]

    def settled(self, environment: Mapping[str, str] = os.environ) -> ModelSpec:
        """Check the spec and fill the address in from the environment.

        Raises:
            InputError: Unknown provider, no model name, a number out of its range, or an address that is none.
        """
        provider, _, model = self.name.partition("/")
        if provider != "openai" or not model:
            raise InputError(f"Unknown model {self.name!r}: write openai/NAME, or local for the embedded judge.")
        try:
            msgspec.convert(msgspec.structs.asdict(self), ModelSpec)
        except msgspec.ValidationError as error:
            raise InputError(f"A setting of the model {self.name!r} cannot be used: {error}.") from error
        url = (self.base_url or environment.get("OPENAI_BASE_URL") or OPENAI_URL).strip()
        _check_address(url)
        return msgspec.structs.replace(self, base_url=url.rstrip("/"))

    def key(self, environment: Mapping[str, str] = os.environ) -> str:
        """Read the key from the environment, or from the file it names; empty when there is none.

        Raises:
            InputError: The named file cannot be read, or what is there can be no key.
        """
        key = environment.get(self.key_variable, "")
        path = environment.get(f"{self.key_variable}_FILE", "")
        if path and not key:
            try:
                key = Path(path).read_text(encoding="utf-8")
            except (OSError, ValueError):  # whose message may hold a piece of the key
                raise InputError(f"{self.key_variable}_FILE names {path!r}, which cannot be read as text.") from None
        key = key.strip()
        if not all("!" <= character <= "~" for character in key):
            raise InputError(f"{self.key_variable} holds no key: a key is one line of ASCII without spaces.")
        return key


def _check_address(url: str) -> None:
    """Make sure that a base URL can be asked, and holds no secret that would end up in messages and ledgers."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:
        fits, parts = False, None
    if parts is not None and ("@" in parts.netloc or parts.query or parts.fragment):
        raise InputError(
            "The base URL must be an address alone, such as http://127.0.0.1:8000/v1, without a name, a password or a "
            "query in it: put the key into the environment."
        )
    if not fits:
        raise InputError(f"The base URL {url!r} is not an http(s) address, such as http://127.0.0.1:8000/v1.")


class Session:
    """Opens models. One session serves all jobs of a process, so that they share its paces.

    Use it as `async with Session() as session`; it closes its connections at the end.
    """

    def __init__(self, *, transport: Transport | None = None, rng: random.Random | None = None) -> None:
        self._given = transport
        self._transport: Transport | None = transport
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

    def gate(self, spec: ModelSpec) -> Gate:
        """The gate of one provider, account and model: the same for everybody who asks it."""
        account = hashlib.sha256(spec.key().encode()).hexdigest()
        place = (spec.base_url, account, spec.model)
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

    def model(self, spec: ModelSpec) -> Model:
        """Open the model that a settled spec names: HTTP, inside the pace it shares."""
        if self._transport is None:
            raise RuntimeError("Session is used outside `async with`.")
        http = OpenAIModel(
            spec.model,
            transport=self._transport,
            base_url=spec.base_url,
            key=spec.key(),
            timeout=spec.timeout,
        )
        return Paced(
            http,
            self.gate(spec),
            backoff=Backoff(attempts=spec.attempts),
            rng=self._rng,
            patience=spec.patience,
        )


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
