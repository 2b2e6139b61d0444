"""A model whose calls cost money: every reply and every error says how much, and a purse is asked before each call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from penstock.errors import InputError, ItemError, NoConnection, Rejected, Throttled, Unreachable
from penstock.models.tokens import reply_tokens
from penstock.records import Usage

if TYPE_CHECKING:
    from penstock.models.model import Model, Prompt, Reply
    from penstock.models.prices import Price
    from penstock.models.purse import Hold, Purse


class Priced:
    """Wraps a model, inside its pace: each attempt is one call that the server may charge for.

    What a call takes is estimated from its prompt and from the replies so far. What it took is what the server said. A
    call that was sent and came back without a count is charged as estimated in the purse: the server may have done it.
    """

    def __init__(self, model: Model, price: Price, purse: Purse) -> None:
        """Wrap `model`; the purse may be shared by several models."""
        self._model = model
        self._price = price
        self._purse = purse
        self._seen = Usage()
        self._foreseen = 0  # prompt tokens as estimated, of the calls in `_seen`

    @property
    def name(self) -> str:
        """The wrapped model's name."""
        return self._model.name

    @property
    def identity(self) -> str:
        """The wrapped model's identity: paying changes no answer."""
        return self._model.identity

    async def ask(self, prompt: Prompt, /) -> Reply:
        """Ask when there is money for it.

        Raises:
            BudgetSpent: There is none; nothing was asked.
        """
        with self._purse.held(await self._purse.wait(self.estimate(prompt))) as hold:
            try:
                reply = await self._model.ask(prompt)
            except (ItemError, Throttled, Unreachable) as error:
                self._charge(error, hold)
                raise
            except InputError:  # turned away at the door
                hold.cost = 0.0
                raise
            usage = self._dear(reply.usage)
            hold.cost = usage.cost_usd
        self._learn(prompt, usage)
        return replace(reply, usage=usage)

    def estimate(self, prompt: Prompt) -> float:
        """What a call is expected to cost, in USD."""
        ratio = self._seen.tokens_in / self._foreseen if self._foreseen else 1.0
        tokens_out = self._seen.tokens_out / self._seen.calls if self._seen.calls else reply_tokens(prompt)
        return self._price.of(tokens_in=prompt.tokens * ratio, tokens_out=tokens_out)

    def _charge(self, error: ItemError | Throttled | Unreachable, hold: Hold) -> None:
        """Put a failed call down for what the server said it took."""
        if error.usage is not None:
            error.usage = self._dear(error.usage)
            hold.cost = error.usage.cost_usd
        elif isinstance(error, Rejected | NoConnection) or (error.status or 0) >= 400:
            hold.cost = 0.0

    def _dear(self, usage: Usage) -> Usage:
        return replace(usage, cost_usd=self._price.cost(usage))

    def _learn(self, prompt: Prompt, usage: Usage) -> None:
        if usage.tokens_in:
            self._foreseen += prompt.tokens
            self._seen += usage
