"""A model that is asked in batches: writes the lines, reads what comes back, and counts what it costs.

One question of each run is asked directly first, at the full price: a wrong key, an unknown model or a setting that the
server does not take shows in a second then, and not after hours in each of thousands of lines.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from penstock.errors import ItemError, Later, Outage, PenstockError, Unreachable
from penstock.models.faults import Cause, Faults
from penstock.models.model import Reply
from penstock.models.openai import OpenAIModel
from penstock.models.purse import Purse
from penstock.models.tokens import prompt_tokens, reply_tokens
from penstock.records import Usage
from penstock.score.batch.load import line
from penstock.web.again import Again

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.models.model import Prompt
    from penstock.models.prices import Price
    from penstock.models.spec import ModelSpec
    from penstock.score.batch.load import Load
    from penstock.web.transport import Http, Response

MOST_LINES = 20_000
MOST_BYTES = 100 * 1024 * 1024

Result = TypeVar("Result", "Reply", ItemError, Later)

_CANCELLED = "batch_cancelled"


class BatchModel:
    """One OpenAI-compatible model."""

    def __init__(
        self,
        spec: ModelSpec,
        http: Http,
        *,
        price: Price | None = None,
        purse: Purse | None = None,
        most_lines: int = MOST_LINES,
        most_bytes: int = MOST_BYTES,
        again: Again | None = None,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            spec: The model, settled; of the provider `openai`.
            http: What sends the requests.
            price: What it costs.
            purse: What may be spent.
            most_lines: Questions in a load; lowered where the provider takes fewer.
            most_bytes: Bytes of a load.
            again: How often a direct call that failed is tried again.

        Raises:
            InputError: The key cannot be read.
        """
        key = spec.key()
        self._model = OpenAIModel(spec.model, transport=http, base_url=spec.base_url, key=key, timeout=spec.timeout)
        self._faults = Faults(name=self._model.name, identity=self._model.identity, key=key, read=lambda _: Cause())
        self._settings: dict[str, Any] = {"temperature": spec.temperature, "max_tokens": spec.max_tokens}
        self._again = again or Again()
        self._price = price
        self._purse = purse
        self._probing = anyio.Lock()
        self._probed = False
        self.most_lines = most_lines
        self.most_bytes = most_bytes
        self.calls = 0

    @property
    def identity(self) -> str:
        """Everything about the model that changes its answers."""
        return self._model.identity

    def asked(self, prompt: Prompt) -> Prompt:
        """Put the model's own settings in the place of the prompt's."""
        return replace(prompt, **self._settings)

    def size(self, name: str, prompt: Prompt) -> int:
        """How many bytes a question takes."""
        return len(line(name, self._model.body(prompt)))

    async def write(self, load: Load) -> tuple[list[bytes], float]:
        """Write the lines of a sealed load, as far as there is money for them; returns what they may cost, too.

        Raises:
            BudgetSpent: There is none for any of them.
            Refused: The server turned the account, the model or the address down.
            Outage: It is out of reach.
        """
        async with self._probing:
            if not self._probed:
                await self._probe(load)
                self._probed = True
        asked = [name for name in load.prompts if name not in load.results]
        if not asked:
            return [], 0.0
        paid, usd = await self._afford(load, asked)
        load.unpaid = set(asked) - set(paid)
        return [line(name, self._model.body(load.prompts[name])) for name in paid], usd

    def read(self, load: Load, answers: Mapping[str, Response | str]) -> None:
        """Read what came back for a load.

        Raises:
            Outage: Somebody has cancelled the batch meanwhile.
        """
        if _CANCELLED in answers.values() and not load.kept:
            raise Outage("The batch was cancelled at the provider; resume to ask what is left of it.")
        for name, answer in answers.items():
            load.results[name] = result = self._result(answer)
            load.spent += result.usage.cost_usd if isinstance(result.usage, Usage) else 0.0

    def owe(self, load: Load) -> None:
        """Set money aside for a load that an earlier run has sent: it is spent, only not counted yet."""
        if self._purse is not None and load.hold is not None:
            self._purse.owe(load.hold.usd)
            load.owed = True

    def take_up(self, load: Load) -> None:
        """Promise the money that is owed for a load; it is settled when the load is over."""
        if self._purse is not None and load.hold is not None and load.owed:
            self._purse.take_up(load.hold)
            load.owed = False

    def spend(self, usage: Usage) -> None:
        """Count an answer that an earlier run has fetched, and perhaps not counted."""
        if self._purse is not None:
            self._purse.spend(usage.cost_usd)

    def settle(self, load: Load) -> None:
        """Take from the purse what a load has cost."""
        if self._purse is not None and load.hold is not None:
            self._purse.settle(load.hold, load.spent)
            load.hold = None

    # --- steps ---

    async def _probe(self, load: Load) -> None:
        """Ask the first question of a load directly."""
        name, prompt = next(iter(load.prompts.items()))
        purse = self._purse or Purse()
        with purse.held(await purse.wait(self._estimate(prompt))) as hold:
            try:
                load.results[name] = result = await self._ask(prompt)
            except PenstockError:  # no answer, so nothing to pay; one that was cut off is paid as foreseen
                hold.cost = 0.0
                raise
            hold.cost = result.usage.cost_usd if isinstance(result.usage, Usage) else 0.0

    async def _ask(self, prompt: Prompt) -> Reply | ItemError:
        async def call() -> Reply:
            self.calls += 1
            return await self._model.ask(prompt)

        try:
            reply = await self._again.ask(call)
        except ItemError as error:
            return self._dear(error, share=1.0)
        except Later as error:
            raise Outage(f"{self.identity} could not be asked: {error}; resume when it is back.") from error
        self._faults.accept()
        return self._dear(reply, share=1.0)

    def _result(self, answer: Response | str) -> Reply | ItemError | Later:
        share = self._price.batch if self._price else 1.0
        try:
            if isinstance(answer, str):
                return Unreachable(f"the provider did not answer this question in its batch ({answer})")
            if answer.status != 200:
                raise self._faults.error(answer)
            return self._dear(self._model.read(answer), share=share)
        except ItemError as error:
            return self._dear(error, share=share)
        except Later as error:
            return self._dear(error, share=share)

    def _dear(self, result: Result, *, share: float) -> Result:
        """Put down what a reply, or an error that was paid for, has cost."""
        usage = result.usage
        if self._price is None or not isinstance(usage, Usage):
            return result
        dear = replace(usage, cost_usd=self._price.cost(usage) * share)
        if isinstance(result, Reply):
            return replace(result, usage=dear)
        result.usage = dear
        return result

    def _estimate(self, prompt: Prompt) -> float:
        """What a direct call may cost, in USD."""
        return self._price.of(tokens_in=prompt_tokens(prompt), tokens_out=reply_tokens(prompt)) if self._price else 0.0

    async def _afford(self, load: Load, asked: list[str]) -> tuple[list[str], float]:
        """Find how many questions there is money for, and set it aside.

        Raises:
            BudgetSpent: There is none for any.
        """
        share = self._price.batch if self._price else 1.0
        costs = [self._estimate(load.prompts[name]) * share for name in asked]
        if self._purse is None:
            return asked, sum(costs)
        self._purse.settle(await self._purse.wait(costs[0]), 0.0)
        left = math.inf if self._purse.left_usd is None else self._purse.left_usd
        totals = list(accumulate(costs))
        many = max(1, bisect_right(totals, left))
        load.hold = self._purse.reserve(min(totals[many - 1], left))
        return asked[:many], totals[many - 1]
