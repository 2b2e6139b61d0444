"""A model asked no faster than its server bears, and again when a call failed for now.

Pace and retry belong together: a refusal for asking too often costs no attempt. The pace learns from it, and the
call waits in line again. Only failures that say nothing about the pace (a lost connection, a server error, no
answer in time) are counted, and after the last attempt the error is the caller's.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from penstock.errors import BudgetSpent, ItemError, NoConnection, NoServer, Outage, Throttled, Unreachable
from penstock.flow.shield import waiting
from penstock.records import Usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from penstock.flow.gate import Gate
    from penstock.flow.pace import Ticket
    from penstock.flow.retry import Backoff
    from penstock.models.model import Model, Prompt, Reply


class Paced:
    """Wraps a model; all wrappers of one account and model share one gate."""

    def __init__(
        self,
        model: Model,
        gate: Gate,
        *,
        backoff: Backoff,
        rng: Random,
        patience: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap `model`.

        Args:
            model: What is asked.
            gate: Where calls wait; shared.
            backoff: How often, and how long after, a failed call is tried again.
            rng: Source of the jitter.
            patience: Seconds without one good answer from the server after which the run stops; six times as
                many while it only asks for fewer calls.
            clock: Seconds, monotonic.
        """
        self._model = model
        self._gate = gate
        self._backoff = backoff
        self._rng = rng
        self._patience = patience
        self._clock = clock
        self._answered = False
        self._failing_since: float | None = None

    @property
    def name(self) -> str:
        """The wrapped model's name."""
        return self._model.name

    @property
    def identity(self) -> str:
        """The wrapped model's identity: waiting changes no answer."""
        return self._model.identity

    async def ask(self, prompt: Prompt, /) -> Reply:
        """Ask when the pace allows, as often as the backoff allows.

        Raises:
            Unreachable: Every attempt failed.
            NoServer: Every attempt failed, and no server was ever there.
            Outage: Nobody got a good answer for longer than the patience.
            ItemError: This prompt cannot be answered.
        """
        failures = 0
        spent = Usage()
        refused: Ticket | None = None
        while True:
            ticket = await self._turn(prompt, refused)
            refused = None
            try:
                reply = await self._once(prompt, ticket)
            except Throttled as error:
                self._check_outage(error, 6 * self._patience)
                refused = ticket
                spent += error.usage or Usage(calls=1)
                continue
            except Unreachable as error:
                self._check_outage(error, self._patience)
                failures += 1
                spent += error.usage or Usage(calls=1)
                delay = self._backoff.delay(self._counted(failures, error), error, rng=self._rng)
                if delay is None:
                    self._check_address(error)
                    error.usage = spent
                    raise
                with waiting():
                    await anyio.sleep(delay)
                continue
            except ItemError as error:
                error.usage = (error.usage or Usage(calls=1)) + spent
                raise
            return replace(reply, usage=reply.usage + spent) if spent.calls else reply

    def _counted(self, failures: int, error: Unreachable) -> int:
        """Failures that count as attempts: while a server that was there is gone, it is not this call's fault."""
        gone = isinstance(error, NoConnection) and self._answered
        return min(failures, self._backoff.attempts - 1) if gone else failures

    async def _turn(self, prompt: Prompt, refused: Ticket | None) -> Ticket:
        """Wait until a call may start; a worker that was asked to leave takes no turn, and gives one back."""
        with waiting() as worker:
            if worker.asked:
                await anyio.lowlevel.checkpoint_if_cancelled()
            ticket = await self._gate.enter(tokens=prompt.tokens, again=refused)
        if worker.asked:  # at the very moment when its turn came
            self._gate.withdrawn(ticket)
            await anyio.lowlevel.checkpoint_if_cancelled()
        return ticket

    async def _once(self, prompt: Prompt, ticket: Ticket) -> Reply:
        """Make one call, and tell the gate how it ended."""
        told = False
        try:
            reply = await self._model.ask(prompt)
            tokens = reply.usage.tokens_in + reply.usage.tokens_out or None
            self._gate.succeeded(ticket, tokens=tokens, limits=reply.limits)
            told = self._answered = True
            self._failing_since = None
        except ItemError:  # the server is there, whatever it thinks of this prompt
            self._answered = True
            self._failing_since = None
            raise
        except Throttled as error:
            self._gate.throttled(ticket, retry_after=error.retry_after, limits=error.limits)
            told = self._answered = True
            raise
        except Unreachable as error:
            self._answered = self._answered or error.status is not None
            raise
        except BudgetSpent:
            self._gate.withdrawn(ticket)
            told = True
            raise
        finally:
            if not told:
                self._gate.failed(ticket)
        return reply

    def _check_outage(self, error: Throttled | Unreachable, patience: float) -> None:
        now = self._clock()
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since > patience:
            raise Outage(
                f"{self.identity} gave no good answer for {patience:g} s: {error}; resume when it is back."
            ) from error

    def _check_address(self, error: Unreachable) -> None:
        if not self._answered:
            raise NoServer(
                f"Cannot reach {self.identity}: {error}; is the server running, and is the base URL right?"
            ) from error
