"""How fast a model may be asked: the numbers, without clock, network or waiting.

Why
    Servers limit what one account may ask: calls in flight, calls a minute, tokens a minute, or several of these. They
    rarely say which, the numbers change, and a call beyond them is refused (429). A client that asks too slowly wastes
    hours; one that asks too fast wastes calls, and on many servers refused calls count as well. So the limit is
    discovered, kept, and watched.

What there is
    `Window` limits calls in flight. `Rate` limits starts per second. `Search` decides which of the two the server has.
    `Quota` is a limit that somebody told: the user, or the server in its headers. A call may start when all agree.
    `Pace` counts the calls and turns refusals into evidence.

How it goes
    1. The window opens: a few calls at once, then one more every few milliseconds. Nothing is waited for, since a
       refusal comes back at once while a reply takes seconds.
    2. The first refusal begins an episode. The calls in flight that were started before the refused one are what the
       server bears, so the window is cut to exactly that. Further refusals of calls that were started before the cut
       belong to the same episode and tell nothing new.
    3. From then on a call starts when one ends. At growing intervals one call more is tried. If it is refused, the
       limit stands. If it is not, more follow at once: the limit has been raised.
    4. A refusal without a try means that the limit has fallen: the window is cut step by step, and opens again as soon
       as calls are let in.
    5. Refusals at different numbers in flight cannot come from a limit on calls in flight. The server counts starts:
       `Search` lets `Rate` take over, measures it between refusals, and tries a little more now and then.
    6. A refused call waits for its own `Retry-After`. All calls wait when two were refused in a row, with none let in
       between. After such a pause the first call goes alone.

What always holds
    `in_flight` is what was started and has not ended. No call starts while `in_flight` has reached the window. Every
    refusal belongs to one episode; one episode cuts once. No wait is infinite while nothing is in flight. The same
    calls in give the same numbers out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from penstock.errors import InputError
from penstock.flow.quota import Quota, ToldQuota
from penstock.flow.search import Search
from penstock.flow.window import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.flow.ratelimits import RateLimits, Remainder

FIRST = 4
"""Calls in flight to begin with: few enough for any server, since the window opens by itself within milliseconds."""


@dataclass(slots=True, kw_only=True, eq=False)
class Ticket:
    """A call that was started.

    Attributes:
        number: Its number among all calls, from 0.
        started: When it was started, in seconds.
        place: Calls in flight at that time, itself included.
        tokens: Its estimated tokens.
        calls_spent: Calls let out up to this one, itself included, less those that were refused.
        tokens_spent: Their estimated tokens.
        not_before: When it may be tried again, in seconds; written when it is refused.
    """

    number: int
    started: float
    place: int
    tokens: float
    calls_spent: int
    tokens_spent: float
    not_before: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceChange:
    """One change of the pace, for the report.

    Attributes:
        at: When, in the seconds of the gate's clock.
        limit: Calls that may be in flight from now on.
        rate: Calls that may start in a second from now on; None where that is not limited.
        why: What happened, one word: `found` (the limit was met for the first time), `held` (one call more was
            tried and refused), `raised`, `fewer`, `rate` (calls a second were measured), `quota` (a limit that the
            server told was used up), `pause`.
    """

    at: float
    limit: int
    rate: float | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceStats:
    """Where a pace stands.

    Attributes:
        in_flight: Calls started that have not ended.
        limit: Calls that may be in flight.
        rate: Calls that may start in a second; None where that is not limited.
        waiting: Callers that wait for their turn.
        started: Calls started.
        succeeded: Calls that were answered.
        throttled: Calls that were refused.
        failed: Calls that ended without telling anything about the limit.
        cuts: Episodes of refusals; each lowers the pace at most once.
        paused_until: When calls may start again, in the seconds of the gate's clock; 0 where nothing is paused.
    """

    in_flight: int
    limit: int
    rate: float | None
    waiting: int
    started: int
    succeeded: int
    throttled: int
    failed: int
    cuts: int
    paused_until: float


class Pace:
    """How fast one model of one account may be asked; shared by everything that asks it.

    Every method is told the time (`now`, seconds that never run backwards); none waits. Not to be shared by threads.

    Args:
        ceiling: Calls in flight, at most, whatever the server would bear.
        first: Calls in flight to begin with, before anything is known of the server.
        requests_per_minute: A limit that is known beforehand.
        tokens_per_minute: A limit that is known beforehand.
        longest_pause: Seconds; a longer `Retry-After` is cut to this.

    Raises:
        InputError: A limit is not above zero.
    """

    HISTORY = 512  # changes that are kept; beyond, every second one of the older half is dropped

    def __init__(
        self,
        *,
        ceiling: int = 256,
        first: int = FIRST,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        longest_pause: float = 600.0,
    ) -> None:
        for name, limit in (
            ("calls in flight", ceiling),
            ("calls to begin with", first),
            ("requests per minute", requests_per_minute),
            ("tokens per minute", tokens_per_minute),
        ):
            if limit is not None and limit <= 0:
                raise InputError(f"The limit on {name} is {limit}: give a number above zero.")
        self._search = Search(ceiling=ceiling, first=first)
        self._window = self._search.window
        self._requests = _quota(requests_per_minute, 0.05, 1.0)
        self._tokens = _quota(tokens_per_minute, 1.0, 0.0)
        self._told_requests: ToldQuota | None = None
        self._told_tokens: ToldQuota | None = None
        self._flying: dict[int, Ticket] = {}
        self._calls_spent = 0
        self._tokens_spent = 0.0
        self._last: Refusal | None = None
        self._resting = False
        self._refusals_in_row = 0
        self._paused_until = 0.0
        self._longest_pause = longest_pause
        self._started = self._succeeded = self._throttled = self._failed = self._cuts = 0
        self._history: list[PaceChange] = []

    @property
    def history(self) -> Sequence[PaceChange]:
        """Every change, oldest first; thinned out where there were very many."""
        return tuple(self._history)

    @property
    def in_flight(self) -> int:
        """Calls started that have not ended."""
        return len(self._flying)

    def wait(self, now: float, *, tokens: float = 0.0) -> float:
        """Seconds until the next call may start; 0 if now, infinite if another one has to end first."""
        wait = self._window.wait(now, len(self._flying))
        if wait == math.inf:
            return wait
        wait = max(wait, self._paused_until - now)
        if self._search.rate is not None:
            wait = max(wait, self._search.rate.quota.wait(now, 1.0))
        for quota, cost in self._limits(tokens):
            wait = max(wait, quota.wait(now, cost))
        return wait

    def _resume(self) -> None:
        if self._resting:
            self._resting = False
            self._window.resume(len(self._flying))

    def _limits(self, tokens: float) -> list[tuple[Quota | ToldQuota, float]]:
        told = (
            (self._requests, 1.0),
            (self._told_requests, 1.0),
            (self._tokens, tokens),
            (self._told_tokens, tokens),
        )
        return [(quota, cost) for quota, cost in told if quota is not None]

    def start(self, now: float, *, tokens: float = 0.0) -> Ticket:
        """Count a call that starts now; `wait` has just said 0."""
        self._resume()
        self._calls_spent += 1
        self._tokens_spent += tokens
        ticket = Ticket(
            number=self._started,
            started=now,
            place=len(self._flying) + 1,
            tokens=tokens,
            calls_spent=self._calls_spent,
            tokens_spent=self._tokens_spent,
        )
        self._started += 1
        self._flying[ticket.number] = ticket
        if self._window.started(now, ticket.place):
            self._note(now, "raised")
        if self._search.rate is not None:
            self._search.rate.started(now)
        self._take(now, 1.0, tokens)
        return ticket

    def _take(self, now: float, requests: float, tokens: float) -> None:
        if self._requests is not None:
            self._requests.take(now, requests)
        if self._told_requests is not None:
            self._told_requests.quota.take(now, requests)
        if self._tokens is not None:
            self._tokens.take(now, tokens)
        if self._told_tokens is not None:
            self._told_tokens.quota.take(now, tokens)

    def succeeded(
        self, ticket: Ticket, now: float, *, tokens: float | None = None, limits: RateLimits | None = None
    ) -> None:
        """Take in that a call was answered.

        Args:
            ticket: The call.
            now: Seconds.
            tokens: What it used; None where unknown.
            limits: What its headers told.
        """
        self._end(ticket)
        self._succeeded += 1
        self._search.answered(ticket.place)
        self._window.learn_latency(now - ticket.started)
        if tokens is not None and tokens != ticket.tokens:
            self._take(now, 0.0, tokens - ticket.tokens)
        if limits is not None:
            self._told(ticket, now, limits)

    def failed(self, ticket: Ticket, now: float) -> None:
        """Take in that a call ended without telling anything about the limit: time-out, 5xx, cancelled."""
        del now
        self._end(ticket)
        self._failed += 1

    def withdrawn(self, ticket: Ticket, now: float) -> None:
        """Take in that a call was not made after all."""
        self._end(ticket)
        self._started -= 1
        self._take(now, -1.0, -ticket.tokens)
        self._unspend(ticket)

    def throttled(
        self, ticket: Ticket, now: float, *, retry_after: float | None = None, limits: RateLimits | None = None
    ) -> None:
        """Take in that a call was refused; `ticket.not_before` then says when it may be tried again.

        Args:
            ticket: The call.
            now: Seconds.
            retry_after: Seconds that the server asked to wait.
            limits: What its headers told.
        """
        self._end(ticket)
        self._throttled += 1
        self._take(now, -1.0, -ticket.tokens)
        self._unspend(ticket)
        if limits is not None:
            self._told(ticket, now, limits)
            retry_after = limits.retry_after if retry_after is None else retry_after
        if retry_after is not None:
            retry_after = min(max(0.0, retry_after), self._longest_pause)
        self._window.learn_delay(now - ticket.started)
        if limits is not None and _exhausted(limits, ticket.tokens):
            self._refused_by_quota(now)
        elif self._last is not None and ticket.started <= self._last.at:
            self._refused_too(ticket, self._last)
        else:
            self._refused_anew(ticket, now, retry_after)
        ticket.not_before = now + (retry_after or 0.0)

    def _end(self, ticket: Ticket) -> None:
        del self._flying[ticket.number]

    def _unspend(self, ticket: Ticket) -> None:
        """Take a refused call out of what was spent, also as later calls remember it."""
        self._calls_spent -= 1
        self._tokens_spent -= ticket.tokens
        ticket.calls_spent -= 1
        ticket.tokens_spent -= ticket.tokens
        for later in reversed(self._flying.values()):
            if later.number < ticket.number:
                break
            later.calls_spent -= 1
            later.tokens_spent -= ticket.tokens

    def _refused_by_quota(self, now: float) -> None:
        """The server's own headers explain the refusal, and the copy of its bucket has the wait."""
        if self._last is not None:
            self._last.refused += 1
        self._note(now, "quota")

    def _refused_too(self, ticket: Ticket, last: Refusal) -> None:
        """One more of the same episode: it was started before the pace was lowered."""
        last.refused += 1
        if ticket.number < last.number:
            last.accepted -= 1
            if last.climbing and self._window.limit > last.accepted:
                self._window.refused_too()

    def _refused_anew(self, ticket: Ticket, now: float, retry_after: float | None) -> None:
        refusal = self._evidence(ticket, now, retry_after)
        self._refusals_in_row = self._refusals_in_row + 1 if refusal.starts == 0 else 0
        self._cuts += 1
        why = self._search.refused(refusal, self._last)
        self._last = refusal
        self._note(now, why)
        self._pause(now, retry_after)

    def _evidence(self, ticket: Ticket, now: float, retry_after: float | None) -> Refusal:
        last = self._last
        return Refusal(
            number=ticket.number,
            at=now,
            started=ticket.started,
            place=ticket.place,
            accepted=sum(1 for _ in takewhile(lambda number: number < ticket.number, self._flying)),
            starts=ticket.number if last is None else max(0, ticket.number - last.number - last.refused),
            seconds=math.inf if last is None else ticket.started - last.started,
            retry_after=retry_after,
        )

    def _pause(self, now: float, retry_after: float | None) -> None:
        """Let everyone wait when the server refuses whatever it is asked."""
        if self._refusals_in_row == 0:
            return
        if retry_after is not None:
            until = now + retry_after
        elif self._window.limit == 1 or self._refusals_in_row >= 3:
            until = now + min(8.0, 0.25 * 2.0 ** min(10, self._refusals_in_row))
        else:
            return
        self._paused_until = max(self._paused_until, until)
        self._resting = True
        self._note(now, "pause")

    def _told(self, ticket: Ticket, now: float, limits: RateLimits) -> None:
        """Keep the copies of the server's own buckets true."""
        if limits.requests is not None:
            self._told_requests = _synced(
                self._told_requests, limits.requests, ticket, now, before=ticket.calls_spent, spent=self._calls_spent
            )
        if limits.tokens is not None:
            self._told_tokens = _synced(
                self._told_tokens, limits.tokens, ticket, now, before=ticket.tokens_spent, spent=self._tokens_spent
            )

    def _note(self, now: float, why: str) -> None:
        self._history.append(PaceChange(at=now, limit=self._window.limit, rate=self._per_second, why=why))
        if len(self._history) > self.HISTORY:
            half = self.HISTORY // 2
            self._history = self._history[:half:2] + self._history[half:]

    @property
    def _per_second(self) -> float | None:
        return None if self._search.rate is None else self._search.rate.now

    def stats(self, *, waiting: int = 0) -> PaceStats:
        """Say where the pace stands; `waiting` is known to the gate only."""
        return PaceStats(
            in_flight=len(self._flying),
            limit=self._window.limit,
            rate=self._per_second,
            waiting=waiting,
            started=self._started,
            succeeded=self._succeeded,
            throttled=self._throttled,
            failed=self._failed,
            cuts=self._cuts,
            paused_until=self._paused_until,
        )


def _quota(per_minute: float | None, seconds: float, least: float) -> Quota | None:
    if per_minute is None:
        return None
    rate = per_minute / 60
    return Quota(rate=rate, depth=max(least, rate * seconds), now=-math.inf)


def _exhausted(limits: RateLimits, tokens: float) -> bool:
    """Whether the headers of a refusal say that a quota was the reason."""
    requests, left = limits.requests, limits.tokens
    return (requests is not None and requests.remaining < 1) or (left is not None and left.remaining < max(1.0, tokens))


def _synced(
    quota: ToldQuota | None, told: Remainder, ticket: Ticket, now: float, *, before: float, spent: float
) -> ToldQuota:
    quota = quota or ToldQuota(told, started=ticket.started, now=now)
    quota.sync(told, started=ticket.started, spent_before=before, spent=spent, now=now)
    return quota
