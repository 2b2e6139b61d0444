"""Requests to a sheet's server: each in its turn, tried again while that may help.

A refusal for asking too often costs no attempt, as it says nothing about the request; it costs patience. An answer
that does not come, or an error of the server, costs an attempt. Every request may be sent twice: an update that was
applied before its answer was lost is applied once more to the same cells, and a tab that is there is not added again.
Growing a grid twice leaves empty rows or columns at its end, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import anyio
import msgspec

from penstock.errors import Unreachable
from penstock.flow.ratelimits import read_limits
from penstock.tables.google.complaint import read_complaint

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from penstock.flow.retry import Backoff
    from penstock.tables.google.account import Authorizer
    from penstock.tables.google.address import SheetAddress
    from penstock.tables.google.complaint import Complaint
    from penstock.tables.google.stats import SheetStats
    from penstock.tables.google.turns import Turns
    from penstock.web.transport import Http, Response

LARGEST_ANSWER = 256 * 2**20  # bytes; a page of 5,000 long texts

_encoder = msgspec.json.Encoder()


class Declined(Exception):
    """The server said no, and would say so again.

    Attributes:
        complaint: What it said.
    """

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint)
        self.complaint = complaint


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How requests wait.

    Attributes:
        clock: Gives seconds.
        sleep: Waits seconds.
        rng: Where jitter comes from.
        backoff: How often a request without an answer is tried.
        patience: Seconds of nothing but refusals after which a request is given up.
        timeout: Seconds for one answer.
    """

    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    rng: random.Random
    backoff: Backoff
    patience: float
    timeout: float


@dataclass(slots=True, kw_only=True)
class _Effort:
    """What one request has cost so far."""

    failures: int = 0
    refused_since: float | None = None
    renewed: bool = False


@dataclass(slots=True, kw_only=True)
class Calls:
    """Sends requests about one spreadsheet; many tasks may call it at once.

    Attributes:
        address: Which spreadsheet.
        http: What sends.
        authorizer: Whose requests they are.
        rhythm: How they wait.
        stats: Where they are counted.
        read_turns: When the next request that reads may go.
        write_turns: When the next one that writes may go.
    """

    address: SheetAddress
    http: Http
    authorizer: Authorizer
    rhythm: Rhythm
    stats: SheetStats
    read_turns: Turns
    write_turns: Turns
    _read_lock: anyio.Lock = field(default_factory=anyio.Lock)
    _write_lock: anyio.Lock = field(default_factory=anyio.Lock)

    async def get(self, path: str, query: Sequence[tuple[str, str]]) -> Any:
        """Read.

        Args:
            path: What follows the spreadsheet's name in the address.
            query: Names and values.

        Raises:
            Declined: The server said no.
            Unreachable: It gave no answer in all attempts.
        """
        return await self._send("GET", f"{self._url(path)}?{urlencode(query, quote_via=quote)}", b"")

    async def post(self, path: str, body: Any) -> Any:
        """Write.

        Args:
            path: What follows the spreadsheet's name in the address.
            body: Sent as JSON.

        Raises:
            Declined: The server said no.
            Unreachable: It gave no answer in all attempts; the change may have been made.
        """
        return await self._send("POST", self._url(path), _encoder.encode(body))

    async def until_writable(self) -> None:
        """Wait until a request that writes would go at once."""
        while (wait := self.write_turns.wait(self.rhythm.clock())) > 0:
            await self._sleep(wait)

    def _url(self, path: str) -> str:
        return f"{self.address.origin}/v4/spreadsheets/{self.address.book}{path}"

    async def _send(self, method: str, url: str, body: bytes) -> Any:
        effort = _Effort()
        while True:
            try:
                headers = await self.authorizer.headers()
                answer = await self._once(method, url, headers=headers, body=body)
                if 200 <= answer.status < 300:
                    return _decoded(answer)
                await self._after(answer, effort, headers=headers, writes=method == "POST")
            except Unreachable as error:
                await self._back_off(error, effort)
            self.stats.retries += 1

    async def _once(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes) -> Response:
        """Send in turn and take note of the time."""
        writes = method == "POST"
        await self._turn(writes=writes)
        started = self.rhythm.clock()
        content = {"Content-Type": "application/json"} if body else {}
        answer = await self.http.send(
            method,
            url,
            headers={"Accept": "application/json", **content, **headers},
            body=body,
            timeout=self.rhythm.timeout,
            largest=LARGEST_ANSWER,
        )
        if answer.status == 200:
            self._turns(writes=writes).answered(self.rhythm.clock())
            if writes:
                self.stats.latencies.append(self.rhythm.clock() - started)
        return answer

    async def _turn(self, *, writes: bool) -> None:
        turns = self._turns(writes=writes)
        async with self._write_lock if writes else self._read_lock:
            while (wait := turns.wait(self.rhythm.clock())) > 0:
                await self._sleep(wait)
            turns.take(self.rhythm.clock())
        if writes:
            self.stats.writes += 1
        else:
            self.stats.reads += 1

    async def _after(self, answer: Response, effort: _Effort, *, headers: Mapping[str, str], writes: bool) -> None:
        """Decide what a failure means: come back if the request is to be sent again."""
        complaint = read_complaint(answer, *(value.rpartition(" ")[2] for value in headers.values()))
        if answer.status == 401 and not effort.renewed:
            effort.renewed = True
            if await self.authorizer.renew(headers):
                return
        effort.renewed = effort.renewed and answer.status == 401
        if complaint.over_quota and not complaint.over_for_the_day:
            self._refused(answer, complaint, effort, writes=writes)
        elif complaint.passing:
            told = f": {complaint.message}" if complaint.message else ""
            raise _Failed(f"the server had an error (HTTP {answer.status}{told})", asked=_retry_after(answer))
        else:
            raise Declined(complaint)

    def _refused(self, answer: Response, complaint: Complaint, effort: _Effort, *, writes: bool) -> None:
        now = self.rhythm.clock()
        self.stats.refused += 1
        since = effort.refused_since = now if effort.refused_since is None else effort.refused_since
        pause = self._turns(writes=writes).refused(now, asked=_retry_after(answer), rng=self.rhythm.rng)
        if now + pause - since > self.rhythm.patience:
            raise Declined(complaint)

    async def _back_off(self, error: Unreachable, effort: _Effort) -> None:
        """Wait before the next attempt, or give up."""
        effort.failures += 1
        effort.refused_since = None
        delay = self.rhythm.backoff.delay(effort.failures, error, rng=self.rhythm.rng)
        asked = error.asked if isinstance(error, _Failed) else 0.0
        if delay is None or asked > self.rhythm.patience:
            raise error
        await self._sleep(max(delay, asked))

    async def _sleep(self, seconds: float) -> None:
        self.stats.waited_s += seconds
        await self.rhythm.sleep(seconds)

    def _turns(self, *, writes: bool) -> Turns:
        return self.write_turns if writes else self.read_turns


class _Failed(Unreachable):
    """The server had an error and may have said when to come back."""

    def __init__(self, reason: str, *, asked: float | None) -> None:
        super().__init__(reason)
        self.asked = asked or 0.0


def _decoded(answer: Response) -> Any:
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreachable("the answer was no JSON") from None


def _retry_after(answer: Response) -> float | None:
    limits = read_limits(answer.headers, now=datetime.now(UTC))
    return limits.retry_after if limits else None
