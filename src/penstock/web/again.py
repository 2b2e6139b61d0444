"""Asks once more after a failure that may pass: a lost connection, a server error, a refusal for asking too often."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, TypeVar

import anyio

from penstock.errors import Later, Throttled
from penstock.flow.retry import full_jitter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How often a call is tried, and how long the waits between are.

    The waits have full jitter, and double; one that the server asked for is kept, up to `longest`.

    Attributes:
        attempts: Calls at most, the first one included.
        refusals: Of these, how many more may be refusals for asking too often.
        first: Seconds; the first wait is at most this long.
        longest: Seconds; no wait is longer.
        sleep: Waits.
        rng: Where the jitter comes from.
    """

    attempts: int = 4
    refusals: int = 6
    first: float = 0.5
    longest: float = 30.0
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    rng: Random = field(default_factory=Random)

    async def ask(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Call until it succeeds.

        Raises:
            Later: The last attempt failed as well; the error is the last one.
        """
        failures = refusals = 0
        while True:
            try:
                return await call()
            except Throttled as error:
                refusals += 1
                await self.rest(refusals, error)
            except Later as error:
                failures += 1
                await self.rest(failures, error)

    async def rest(self, nth: int, error: Later) -> None:
        """Wait after the `nth` failure of its kind.

        Raises:
            Later: It was the last; this is the error that was given.
        """
        asked = None
        if isinstance(error, Throttled):
            most, asked = self.refusals + 1, error.retry_after
        else:
            most = self.attempts
        if nth >= most:
            raise error
        jittered = full_jitter(nth, first=self.first, longest=self.longest, rng=self.rng)
        await self.sleep(jittered if asked is None else min(self.longest, asked) + jittered)
