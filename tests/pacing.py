"""Servers with hidden limits and a loop whose time costs nothing, to try a pace in.

The gate and the pace are the real ones. Only time is not: `VirtualLoop` jumps to the next timer instead of waiting for
it, so that a run of a minute takes a fraction of a second and comes out the same every time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from penstock.flow.gate import Gate
from penstock.flow.ratelimits import RateLimits, Remainder

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Coroutine

    from penstock.flow.pace import Pace, PaceStats


class _Jump(selectors.SelectSelector):
    """Instead of waiting for the next timer, moves the time there."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("every task waits for another: nothing would ever happen again")
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which time passes only while everybody waits, and then at once."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now


def in_virtual_time(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine to its end without waiting."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server says: 200, 429 or 500."""

    status: int
    retry_after: float | None = None
    limits: RateLimits | None = None


class Rule(Protocol):
    """One limit of a server."""

    def admits(self, now: float, in_flight: int, tokens: float) -> bool: ...
    def take(self, now: float, tokens: float) -> None: ...
    def limits(self, now: float) -> RateLimits | None: ...


class InFlight:
    """So many calls at a time; steps change the number: `(from second, calls)`."""

    def __init__(self, *steps: tuple[float, int]) -> None:
        self.steps = steps

    def cap(self, now: float) -> int:
        return [cap for at, cap in self.steps if now >= at][-1]

    def admits(self, now: float, in_flight: int, tokens: float) -> bool:
        return in_flight < self.cap(now)

    def take(self, now: float, tokens: float) -> None: ...

    def limits(self, now: float) -> RateLimits | None:
        return None


class Bucket:
    """A token bucket of requests or tokens; steps change the rate: `(from second, units a second)`."""

    def __init__(self, *steps: tuple[float, float], burst: float, unit: str = "requests", tells: bool = False) -> None:
        self.steps, self.burst, self.unit, self.tells = steps, burst, unit, tells
        self.level, self.at = burst, 0.0

    def rate(self, now: float) -> float:
        return [rate for at, rate in self.steps if now >= at][-1]

    def _fill(self, now: float) -> None:
        self.level = min(self.burst, self.level + (now - self.at) * self.rate(now))
        self.at = now

    def _cost(self, tokens: float) -> float:
        return 1.0 if self.unit == "requests" else tokens

    def admits(self, now: float, in_flight: int, tokens: float) -> bool:
        self._fill(now)
        return self.level >= self._cost(tokens)

    def take(self, now: float, tokens: float) -> None:
        self.level -= self._cost(tokens)

    def limits(self, now: float) -> RateLimits | None:
        if not self.tells:
            return None
        self._fill(now)
        left = Remainder(
            limit=self.burst, remaining=max(0.0, self.level), reset=(self.burst - self.level) / self.rate(now)
        )
        return RateLimits(requests=left) if self.unit == "requests" else RateLimits(tokens=left)


class FixedWindow:
    """So many units in each period; all of them are back at its end."""

    def __init__(self, limit: float, *, seconds: float = 60.0, unit: str = "requests", tells: bool = False) -> None:
        self.limit, self.seconds, self.unit, self.tells = limit, seconds, unit, tells
        self.period, self.used = 0, 0.0

    def admits(self, now: float, in_flight: int, tokens: float) -> bool:
        if int(now // self.seconds) != self.period:
            self.period, self.used = int(now // self.seconds), 0.0
        return self.used + (1.0 if self.unit == "requests" else tokens) <= self.limit

    def take(self, now: float, tokens: float) -> None:
        self.used += 1.0 if self.unit == "requests" else tokens

    def limits(self, now: float) -> RateLimits | None:
        if not self.tells:
            return None
        left = Remainder(
            limit=self.limit, remaining=max(0.0, self.limit - self.used), reset=self.seconds - now % self.seconds
        )
        return RateLimits(requests=left) if self.unit == "requests" else RateLimits(tokens=left)


class Flaky:
    """Refuses a share of the calls for no reason."""

    def __init__(self, share: float, rng: random.Random) -> None:
        self.share, self.rng = share, rng

    def admits(self, now: float, in_flight: int, tokens: float) -> bool:
        return self.rng.random() >= self.share

    def take(self, now: float, tokens: float) -> None: ...

    def limits(self, now: float) -> RateLimits | None:
        return None


@dataclass(kw_only=True)
class Server:
    """A server with hidden limits, some way off.

    Attributes:
        rules: All have to admit a call.
        latency: Seconds of work for a call that is let in.
        refusal: Seconds until a refusal is back, half of it on the way there.
        retry_after: What a refusal says, in seconds, or nothing; called with the time if it is not a constant.
        error: Share of the calls let in that end with 500.
    """

    rules: tuple[Rule, ...]
    latency: Callable[[], float]
    refusal: float = 0.002
    retry_after: float | Callable[[float], float] | None = None
    error: Callable[[], bool] = lambda: False
    in_flight: int = 0
    most: int = 0
    refused: int = 0

    async def ask(self, tokens: float) -> Answer:
        await asyncio.sleep(self.refusal / 2)
        now = asyncio.get_running_loop().time()
        limits = self._limits(now)
        if not all(rule.admits(now, self.in_flight, tokens) for rule in self.rules):
            self.refused += 1
            await asyncio.sleep(self.refusal / 2)
            return Answer(status=429, retry_after=self._retry_after(now), limits=limits)
        for rule in self.rules:
            rule.take(now, tokens)
        limits = self._limits(now)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await asyncio.sleep(max(0.0, self.latency() - self.refusal))
        finally:
            self.in_flight -= 1
        await asyncio.sleep(self.refusal / 2)
        return Answer(status=500 if self.error() else 200, limits=limits)

    def _retry_after(self, now: float) -> float | None:
        return self.retry_after(now) if callable(self.retry_after) else self.retry_after

    def _limits(self, now: float) -> RateLimits | None:
        told = [limits for rule in self.rules if (limits := rule.limits(now))]
        return told[0] if told else None


@dataclass(kw_only=True)
class Run:
    """What came of a run."""

    seconds: float
    calls: int
    refused: int
    most: int
    stats: PaceStats
    pace: Pace
    starts: list[tuple[float, int]] = field(default_factory=list)


async def drive(
    server: Server, pace: Pace, *, calls: int, workers: int = 256, tokens: Callable[[], float] = lambda: 0.0
) -> Run:
    """Make all calls through a gate, as many at a time as it allows."""
    loop = asyncio.get_running_loop()
    gate = Gate(pace, clock=loop.time)
    todo = deque(range(calls))
    starts: list[tuple[float, int]] = []

    async def worker() -> None:
        while todo:
            todo.popleft()
            cost, ticket = tokens(), None
            while True:
                ticket = await gate.enter(tokens=cost, again=ticket)
                starts.append((loop.time(), pace.in_flight))
                answer = await server.ask(cost)
                if answer.status == 200:
                    gate.succeeded(ticket, tokens=cost, limits=answer.limits)
                    break
                if answer.status == 429:
                    gate.throttled(ticket, retry_after=answer.retry_after, limits=answer.limits)
                    continue
                gate.failed(ticket)
                ticket = None

    async with asyncio.TaskGroup() as group:
        for _ in range(min(workers, calls)):
            group.create_task(worker())
    return Run(
        seconds=loop.time(),
        calls=calls,
        refused=server.refused,
        most=server.most,
        stats=gate.stats(),
        pace=pace,
        starts=starts,
    )


def uniform(mean: float, spread: float, rng: random.Random) -> Callable[[], float]:
    return lambda: rng.uniform(mean * (1 - spread), mean * (1 + spread))


def lognormal(mean: float, sigma: float, rng: random.Random) -> Callable[[], float]:
    """Replies with a long tail, of this mean."""
    return lambda: mean * rng.lognormvariate(-sigma * sigma / 2, sigma)
