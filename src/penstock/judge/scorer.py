"""A judge that asks models: an item in, scores or a failure out.

    prompt of the item's block -> chain of models (cache, pace, fallback, check) -> scores, once per sample -> verdict

The steps can also be taken one by one, for those who ask in another way: a preview asks nothing, and a provider's batch
answers hours later.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from penstock.errors import ItemError, Later, Unfit
from penstock.flow.together import together
from penstock.judge.chain import Answer, Chain, Spent
from penstock.judge.detail import Detail
from penstock.judge.numeric import INSTRUCTIONS, ScorePrompt, read_scores
from penstock.judge.samples import combine
from penstock.records import Failure, Item, Outcome, Usage, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.judge.anchored import Analysis, Anchoring
    from penstock.judge.category import Category
    from penstock.ledger.cache import Cache
    from penstock.models.model import Media, Model, Prompt

FILE = "What is judged is the attached file."
"""The user's part of a prompt whose item is a file that the model's server holds."""

VARIED = 0.7
"""Temperature of several samples of one answer, where nobody said otherwise."""

Value: TypeAlias = "tuple[float, ...] | tuple[Analysis, ...]"


class Asking(Protocol):
    """Makes the prompts of one block of categories."""

    def __call__(self, text: str) -> Prompt:
        """Ask about one text."""
        ...

    def again(self, text: str, problem: str) -> Prompt:
        """Ask once more, saying what was wrong with the last reply."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """One block of categories: how it is asked for, read and remembered."""

    first: int
    asking: Asking
    read: Callable[..., Value]
    chain: Chain[Value]


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
        samples: int = 1,
        anchoring: Anchoring | None = None,
    ) -> None:
        """Prepare one prompt per block.

        Args:
            blocks: The categories, divided into the groups that are asked for together.
            models: The first model and its fallbacks.
            cache: Where checked answers are remembered.
            instructions: First sentence of the system prompt.
            temperature: Passed to the models; 0 becomes `VARIED` for several samples, which would else be one.
            max_tokens: Passed to the models.
            asks: How often each model is asked while its replies fail the check.
            samples: Independent replies to ask for; the scores are their means.
            anchoring: Turns rationales into scores; without it the models give the numbers.
        """
        self._samples = samples
        self._names = [model.name for model in models]
        self._anchoring = anchoring
        warmth = VARIED if samples > 1 and temperature == 0.0 else temperature
        settings: dict[str, Any] = {"instructions": instructions, "temperature": warmth, "max_tokens": max_tokens}
        self._blocks: list[_Block] = []
        first = 0
        for block in blocks:
            asking, read = _form(block, settings, anchored=anchoring is not None)
            chain = Chain(models, check=read, cache=cache, asks=asks)
            self._blocks.append(_Block(first=first, asking=asking, read=read, chain=chain))
            first += len(block)

    @property
    def samples(self) -> int:
        """Independent replies behind each verdict."""
        return self._samples

    async def judge(self, item: Item, *, media: tuple[Media, ...] = ()) -> Outcome:
        """Judge one item; many tasks may call it at once.

        Every item ends here as one outcome. What is no fault of the item (a refused key, an outage) is raised.

        Args:
            item: A text; or a file, where there is `media`.
            media: What the model's server holds of it.
        """
        began = perf_counter()
        try:
            text = "" if media else fit_text(item)
        except Unfit as error:
            return failure(item, error)
        found: Sequence[Answer[Value] | Spent] = ()
        try:
            if self._anchoring is not None:
                await self._anchoring.prepare(text)  # first, so that a text it fails on costs no call
            found = await self._draws(item, media)
            answers = [_given(one) for one in found]
            return await self.verdict(item, answers, seconds=perf_counter() - began)
        except (ItemError, Later) as error:
            usage = self._usage(item, found)
            if not usage.calls:
                usage = error.usage or usage
            return failure(item, error, usage=usage, seconds=perf_counter() - began)

    async def prepare(self, items: Sequence[Item]) -> None:
        """Get ready for items that are judged next: their texts share the calls that embed them.

        A text that cannot be embedded is told of when it is judged.
        """
        if self._anchoring is not None:
            await together([partial(self._place, item, self._anchoring) for item in items])

    def prompt(self, item: Item, *, draw: int = 0, media: tuple[Media, ...] = ()) -> Prompt:
        """Make the question about an item.

        Args:
            item: What is judged.
            draw: Which sample it is for.
            media: What the model's server holds of it.

        Raises:
            Unfit: There is nothing to judge.
        """
        asking = self._block(item).asking
        return _dressed(asking("" if media else fit_text(item)), draw, media)

    async def recall(self, item: Item, *, draw: int = 0) -> Answer[Value] | None:
        """Find the answer of an earlier run, where the cache has it.

        Raises:
            Unfit: There is nothing to judge.
        """
        return await self._block(item).chain.recall(self.prompt(item, draw=draw), check=self._check(item, ()))

    def read(self, item: Item, reply: str) -> Value:
        """Check a reply about an item, and return what it says.

        Raises:
            BadReply: It is no answer to the question.
        """
        return self._check(item, ())(reply)

    def remember(self, item: Item, reply: str, *, method: str, draw: int = 0) -> None:
        """Keep a checked reply in the cache, as if it had been asked for here."""
        self._block(item).chain.remember(self.prompt(item, draw=draw), reply, method=method)

    async def verdict(self, item: Item, answers: Sequence[Answer[Value]], *, seconds: float = 0.0) -> Verdict:
        """Make the verdict that all samples of an item amount to.

        Raises:
            Later: The embeddings of a rationale could not be had now.
        """
        one: Answer[Any] = answers[0] if len(answers) == 1 else self._joined(answers)
        plain = len(answers) == 1 and self._anchoring is None
        scores, detail = (one.value, "") if plain else await self._detailed(item, answers)
        return Verdict(
            key=item.key,
            digest=item.digest,
            scores=scores,
            method=one.method,
            note=one.note,
            cached=one.cached,
            seconds=round(seconds, 4),
            usage=one.usage if self._anchoring is None else self._usage(item, answers),
            detail=detail,
        )

    async def _detailed(self, item: Item, answers: Sequence[Answer[Value]]) -> tuple[tuple[float, ...], str]:
        """Turn what replies say into scores, and write down what is kept besides."""
        draws = [await self._scored(item, answer.value) for answer in answers]
        scores, details = draws[0]
        if len(draws) == 1:
            return scores, Detail(details=details).encoded()
        scores, agreement = combine([draw[0] for draw in draws])
        return scores, Detail(details=details, agreement=agreement, samples=len(draws)).encoded()

    def _joined(self, answers: Sequence[Answer[Value]]) -> Answer[Value]:
        """Say of several answers what is said of one: who gave them, and what they took."""
        methods = dict.fromkeys(answer.method for answer in answers)
        return Answer(
            value=answers[0].value,
            method=" + ".join(sorted(methods, key=self._order)),
            note=next((answer.note for answer in answers if answer.note), ""),
            cached=all(answer.cached for answer in answers),
            usage=sum((answer.usage for answer in answers), Usage()),
        )

    def _order(self, name: str) -> int:
        """Where a model stands in the chain."""
        return self._names.index(name) if name in self._names else len(self._names)

    def _block(self, item: Item) -> _Block:
        return self._blocks[item.key.part]

    def _check(self, item: Item, media: tuple[Media, ...]) -> Callable[[str], Value]:
        judged = "" if media else item.fields["text"]
        return partial(self._block(item).read, judged=judged)

    async def _draws(self, item: Item, media: tuple[Media, ...]) -> Sequence[Answer[Value] | Spent]:
        """Ask for all samples at once; where no model gave one, there is what the tries took."""
        if self._samples == 1:  # most jobs: nothing stands between the judge and its chain
            return (await self._ask(item, 0, media),)
        found: dict[int, Answer[Value] | Spent] = {}

        async def draw(number: int) -> None:
            found[number] = await self._ask(item, number, media)

        await together([partial(draw, number) for number in range(self._samples)])
        return [found[number] for number in range(self._samples)]

    async def _ask(self, item: Item, number: int, media: tuple[Media, ...]) -> Answer[Value] | Spent:
        block = self._block(item)
        text = "" if media else item.fields["text"]
        try:
            return await block.chain.ask(
                _dressed(block.asking(text), number, media),
                lambda problem: _dressed(block.asking.again(text, problem), number, media),
                check=self._check(item, media),
            )
        except Spent as spent:
            return spent

    async def _place(self, item: Item, anchoring: Anchoring) -> None:
        with suppress(ItemError, Later):
            await anchoring.prepare(fit_text(item))

    def _usage(self, item: Item, found: Sequence[Answer[Value] | Spent]) -> Usage:
        """What the samples of an item took, and placing its text, which is told once."""
        usage = found[0].usage if len(found) == 1 else sum((one.usage for one in found), Usage())
        return usage if self._anchoring is None else usage + self._anchoring.take_usage(item.fields["text"])

    async def _scored(self, item: Item, value: Any) -> tuple[tuple[float, ...], tuple[dict[str, Any], ...]]:
        """Turn what a reply says into scores, and what is kept besides."""
        if self._anchoring is None:
            return value, ()
        return await self._anchoring.scores(fit_text(item), self._block(item).first, value)


def _given(one: Answer[Value] | Spent) -> Answer[Value]:
    if isinstance(one, Spent):
        raise one.error
    return one


def _form(
    block: Sequence[Category], settings: dict[str, Any], *, anchored: bool
) -> tuple[Asking, Callable[..., Value]]:
    """How a block is asked for, and how its replies are read."""
    if anchored:
        from penstock.judge.anchored import AnchoredPrompt, read_analyses

        return AnchoredPrompt(block, **settings), partial(read_analyses, n=len(block))
    return ScorePrompt(block, **settings), partial(read_scores, n=len(block))


def _dressed(prompt: Prompt, draw: int, media: tuple[Media, ...]) -> Prompt:
    """Put on a prompt which sample it is for, and what files belong to it."""
    if media:
        _, _, problem = prompt.user.rpartition(">>>")
        return replace(prompt, draw=draw, media=media, user=f"{FILE}{problem}")
    return replace(prompt, draw=draw) if draw else prompt


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
