"""A judge that asks models: text in, scores or a failure out."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from penstock.errors import ItemError, Later, Unfit
from penstock.judge.chain import Chain, Spent
from penstock.judge.numeric import INSTRUCTIONS, ScorePrompt, read_scores
from penstock.records import Failure, Item, Outcome, Usage, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.judge.category import Category
    from penstock.ledger.cache import Cache
    from penstock.models.model import Model


class ModelJudge:
    """Scores one item at a time against the block of categories that its key's part names."""

    def __init__(
        self,
        blocks: Sequence[Sequence[Category]],
        models: Sequence[Model],
        *,
        cache: Cache | None = None,
        instructions: str = INSTRUCTIONS,
        temperature: float | None = 0.0,
        max_tokens: int | None = None,
        asks: int = 3,
    ) -> None:
        """Prepare one prompt per block.

        Args:
            blocks: The categories, divided into the groups that are asked for together.
            models: The first model and its fallbacks.
            cache: Where checked answers are remembered.
            instructions: First sentence of the system prompt.
            temperature: Passed to the models.
            max_tokens: Passed to the models.
            asks: How often each model is asked while its replies fail the check.
        """
        self._prompts = [
            ScorePrompt(block, instructions=instructions, temperature=temperature, max_tokens=max_tokens)
            for block in blocks
        ]
        self._sizes = [len(block) for block in blocks]
        self._chains = [
            Chain(models, check=partial(read_scores, n=len(block)), cache=cache, asks=asks) for block in blocks
        ]

    async def judge(self, item: Item) -> Outcome:
        """Judge one item; many tasks may call it at once.

        Every item ends here as one outcome. What is no fault of the item (a refused key, an outage) is raised.
        """
        began = perf_counter()
        try:
            text = fit_text(item)
            prompt = self._prompts[item.key.part]
            answer = await self._chains[item.key.part].ask(
                prompt(text),
                lambda problem: prompt.again(text, problem),
                check=partial(read_scores, n=self._sizes[item.key.part], judged=text),
            )
        except Spent as spent:
            return failure(item, spent.error, usage=spent.usage, seconds=perf_counter() - began)
        except ItemError as error:
            return failure(item, error)
        return Verdict(
            key=item.key,
            digest=item.digest,
            scores=answer.value,
            method=answer.method,
            note=answer.note,
            cached=answer.cached,
            seconds=round(perf_counter() - began, 4),
            usage=answer.usage,
        )


def fit_text(item: Item, *, longest: int = 200_000) -> str:
    """Return an item's text if there is something to judge.

    Raises:
        Unfit: The source could not read the item, or its text is empty or longer than `longest` characters.
    """
    if item.problem:
        raise Unfit(item.problem)
    text: str = item.fields["text"]
    if not text.strip():
        raise Unfit("the text is empty")
    if len(text) > longest:
        raise Unfit(f"the text has {len(text)} characters; at most {longest} are judged")
    return text


def failure(item: Item, error: ItemError | Later, *, usage: Usage | None = None, seconds: float = 0.0) -> Failure:
    """Make the failure that an item ends as."""
    return Failure(
        key=item.key,
        digest=item.digest,
        code=error.code,
        reason=str(error).encode("utf-8", "replace").decode(),
        later=isinstance(error, Later),
        status=error.status,
        seconds=round(seconds, 4),
        usage=usage or Usage(),
    )
