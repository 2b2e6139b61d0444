"""Asks models what a short answer earns: one reply or several independent ones, each checked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from penstock.flow.together import together
from penstock.grade.prompt import INSTRUCTIONS, GradePrompt, Reading, read_reply
from penstock.judge.chain import Chain, Spent
from penstock.records import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.grade.answer import Answer
    from penstock.grade.rubric import Rubric
    from penstock.judge.chain import Answer as Reply
    from penstock.ledger.cache import Cache
    from penstock.models.model import Model

VARIED = 0.7
"""Temperature of several samples where nobody says otherwise: at 0 they would all be the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Independent readings of one answer.

    Attributes:
        readings: The replies that passed, in the order of their draws.
        scores: What each adds up to, from 0 to 100.
        method: The model's name; several, joined by ` + `, where a fallback took over.
        note: Why a fallback was used, where one was.
        usage: What all of them took, failed ones included.
        cached: Whether all of them were remembered.
    """

    readings: tuple[Reading, ...]
    scores: tuple[float, ...]
    method: str
    note: str
    usage: Usage
    cached: bool

    @property
    def middle(self) -> int:
        """Place of the reading with the median score, the lower one of two: its words explain that very score."""
        order = sorted(range(len(self.scores)), key=self.scores.__getitem__)
        return order[(len(order) - 1) // 2]

    @property
    def spread(self) -> float:
        """Points between the lowest and the highest score."""
        return max(self.scores) - min(self.scores)

    def agreement(self, passing: float) -> float | None:
        """Share of the samples on the side of the passing score where most of them are; None for fewer than two."""
        passed = sum(score >= passing for score in self.scores)
        n = len(self.scores)
        return max(passed, n - passed) / n if n > 1 else None


class Asker:
    """Asks a model and its fallbacks; many tasks may ask at once."""

    def __init__(
        self,
        models: Sequence[Model],
        *,
        samples: int = 1,
        asks: int = 2,
        cache: Cache | None = None,
        instructions: str = INSTRUCTIONS,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        """Remember whom to ask.

        Args:
            models: The first model and its fallbacks.
            samples: Independent replies to ask for.
            asks: How often each model is asked while its replies fail the check.
            cache: Where checked replies are remembered.
            instructions: First sentence of the system prompt.
            temperature: Passed to the models; when not given, 0 for one sample and `VARIED` for several.
            max_tokens: Passed to the models.
        """
        self._models = tuple(models)
        self._samples = samples
        self._chain_settings: dict[str, Any] = {"cache": cache, "asks": asks}
        self._chains: dict[int, Chain[Reading]] = {}
        warmth = temperature if temperature is not None else VARIED if samples > 1 else 0.0
        self._prompt = partial(GradePrompt, instructions=instructions, temperature=warmth, max_tokens=max_tokens)

    async def ask(self, answer: Answer, rubric: Rubric) -> Samples:
        """Ask for all samples at once; more than half of them must come.

        Raises:
            Spent: Fewer came; with the error of the first that did not.
            Refused: The account is turned away.
            NoServer: Nobody answers at the address.
            Outage: The model has been out of reach for long.
        """
        n = len(rubric.criteria)
        prompt, chain = self._prompt(answer, rubric), self._chain(n)
        check = partial(read_reply, n=n, answer=answer.user_answer)
        found: list[Reply[Reading] | Spent | None] = [None] * self._samples

        async def draw(number: int) -> None:
            try:
                found[number] = await chain.ask(prompt(number), partial(prompt.again, draw=number), check=check)
            except Spent as spent:
                found[number] = spent

        await together([partial(draw, number) for number in range(self._samples)])
        return _gathered(found, rubric)

    def _chain(self, n: int) -> Chain[Reading]:
        """The chain for rubrics of `n` criteria: how many decides what a reply must hold."""
        if n not in self._chains:
            self._chains[n] = Chain(self._models, check=partial(read_reply, n=n), **self._chain_settings)
        return self._chains[n]


def _gathered(found: Sequence[Reply[Reading] | Spent | None], rubric: Rubric) -> Samples:
    usage = sum((one.usage for one in found if one is not None), Usage())
    spent = [one for one in found if isinstance(one, Spent)]
    replies = [one for one in found if one is not None and not isinstance(one, Spent)]
    if 2 * len(replies) <= len(found):
        raise Spent(spent[0].error, usage) from spent[0]
    readings = tuple(reply.value for reply in replies)
    return Samples(
        readings=readings,
        scores=tuple(rubric.total(reading.credits) for reading in readings),
        method=" + ".join(dict.fromkeys(reply.method for reply in replies)),
        note=next((reply.note for reply in replies if reply.note), ""),
        usage=usage,
        cached=all(reply.cached for reply in replies),
    )
