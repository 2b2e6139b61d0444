"""Judges rows through a provider's batch API: half the price, within a day, with nothing asked twice.

    items -> remembered answers -> questions that are at the provider already -> one load for all others
          -> carried there and back -> the same check as for calls -> verdicts

What many workers ask at about the same time travels together, so loads are large although chunks are small. Whoever
comes first carries the load; the others wait for it. What an earlier run has left at the provider is found by the names
of the questions, which follow from what is asked.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from penstock.errors import BadReply, ItemError, Later, PenstockError, Unpaid, Unreachable
from penstock.flow.shield import leave_if_asked, waiting
from penstock.flow.together import together
from penstock.jobs.run import Work
from penstock.judge.chain import Answer
from penstock.judge.scorer import failure
from penstock.models.batches import BatchApi
from penstock.models.model import Reply
from penstock.records import Usage
from penstock.score.batch.carrier import Carrier
from penstock.score.batch.journal import BatchJournal
from penstock.score.batch.load import Load, question_id
from penstock.score.batch.model import BatchModel
from penstock.web.again import Again

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AsyncExitStack
    from types import TracebackType
    from typing import Self

    from penstock.jobs.folder import RunFolder
    from penstock.judge.scorer import ModelJudge
    from penstock.ledger.cache import Cache
    from penstock.models.model import Prompt
    from penstock.models.session import Session
    from penstock.models.spec import ModelSpec
    from penstock.records import Item, Outcome
    from penstock.score.asking import Asking

PART = 500
"""Items that one worker brings; many workers fill a load."""

AT_ONCE = 4
"""Loads at the provider at once."""

PAUSES = (2.0, 60.0)
"""Shortest and longest seconds between two looks at a batch."""

ATTEMPTS = 8
"""How often a call to the provider is tried: about a minute, for a wait of hours."""

LINGER = 2.0
"""Seconds without a new question after which a load leaves."""


@dataclass(slots=True, eq=False)
class _Asked:
    """One question about one item, and what has become of it."""

    item: Item
    draw: int
    prompt: Prompt
    name: str
    answer: Answer[Any] | None = None
    error: ItemError | Later | None = None
    usage: Usage = field(default_factory=Usage)
    load: Load | None = None


class BatchJudge:
    """Judges items in loads; use it as `async with BatchJudge(...) as judge`, and give `judge.work` to a runner."""

    def __init__(
        self,
        judge: ModelJudge,
        model: BatchModel,
        carrier: Carrier,
        *,
        cache: Cache | None = None,
        say: Callable[[str], None] = lambda _: None,
        at_once: int = AT_ONCE,
        asks: int = 3,
        linger: float = LINGER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            judge: Makes the questions, checks the replies, remembers them; its models are not asked.
            model: Writes the lines, and reads what comes back.
            carrier: Brings loads to the provider and back.
            cache: The judge's own, for its counts.
            say: Told what takes a while.
            at_once: Loads at the provider at once.
            asks: How often a question is asked while its reply fails the check.
            linger: Seconds without a new question after which a load leaves.
            clock: Seconds, monotonic.
        """
        self._judge = judge
        self._model = model
        self._carrier = carrier
        self._cache = cache
        self._say = say
        self._at_once = at_once
        self._asks = asks
        self._linger = linger
        self._clock = clock
        self._loads: list[Load] = []
        self._where: dict[str, Load] = {}
        self._filling: Load | None = None
        self._bad: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        """Take up what an earlier run has left at the provider."""
        self._loads = await self._carrier.unfinished()
        for load in self._loads:
            self._model.owe(load)
            self._where.update(dict.fromkeys(load.names, load))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget loads whose answers were all given on; after an error keep them, to go on from."""
        for load in self._loads:
            if load.over and kind is None and load.taken >= load.names - load.unpaid:
                await self._carrier.close(load)
            elif load.entry is not None and load.entry.step == "created":
                self._say(
                    f"Batch {load.entry.batch_id} goes on at the provider: resume the job to fetch it, "
                    "or cancel the job to stop it there."
                )

    @property
    def work(self) -> Work:
        """What a runner needs."""
        workers = max(1, -(-self._at_once * self._model.most_lines // PART))
        return Work(judge=self.judge, workers=workers, batch=PART, gauges=self.gauges)

    def gauges(self) -> Mapping[str, float]:
        """Count for progress: questions at the provider and answered there, calls, answers that were remembered."""
        sent = [load for load in self._loads if load.entry is not None and not load.scattered]
        lines = sum(load.entry.lines for load in sent if load.entry is not None)
        done = sum(load.done for load in sent)
        counts = {"calls": self._model.calls + lines, "batches": len(sent)}
        counts |= {"batch_waiting": lines - done, "batch_done": done}
        if self._cache is not None:
            counts |= {"cache_hits": self._cache.stats.hits, "cache_misses": self._cache.stats.misses}
        return counts

    async def judge(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """Judge items: one outcome each, in order.

        Raises:
            BudgetSpent: There is no money for any of them.
            Outage: The provider is out of reach; what is there goes on.
            Refused: It does not take the questions.
        """
        began = self._clock()
        found = [await self._remembered(item) for item in items]
        asked = [one for each in found if isinstance(each, list) for one in each]
        await self._ask([one for one in asked if one.answer is None])
        outcomes = await self._outcomes(items, found, self._clock() - began)
        for one in asked:
            if one.load is not None:
                one.load.taken.add(one.name)
        return outcomes

    async def _outcomes(
        self, items: Sequence[Item], found: Sequence[list[_Asked] | Outcome], seconds: float
    ) -> list[Outcome]:
        """Make the outcomes of a part side by side, so that texts that have to be embedded share a call."""
        made: dict[int, Outcome] = {}

        async def one(place: int, item: Item, each: list[_Asked] | Outcome) -> None:
            made[place] = await self._outcome(item, each, seconds) if isinstance(each, list) else each

        pairs = enumerate(zip(items, found, strict=True))
        await together([partial(one, place, item, each) for place, (item, each) in pairs])
        return [made[place] for place in range(len(items))]

    # --- one item ---

    async def _remembered(self, item: Item) -> list[_Asked] | Outcome:
        """List the questions about an item, with the answers that are remembered."""
        try:
            asked = [self._asked(item, draw) for draw in range(self._judge.samples)]
            for one in asked:
                one.answer = await self._judge.recall(item, draw=one.draw)
        except ItemError as error:
            return failure(item, error)
        return asked

    def _asked(self, item: Item, draw: int) -> _Asked:
        prompt = self._model.asked(self._judge.prompt(item, draw=draw))
        return _Asked(item, draw, prompt, question_id(self._model.identity, prompt))

    async def _outcome(self, item: Item, asked: Sequence[_Asked], seconds: float) -> Outcome:
        usage = sum((one.usage for one in asked), Usage())
        for one in asked:
            if one.error is not None:
                return self._failure(one, one.error, usage, seconds)
        answers = [one.answer for one in asked if one.answer is not None]
        try:
            return await self._judge.verdict(item, answers, seconds=seconds)
        except (ItemError, Later) as error:
            return failure(item, error, usage=usage, seconds=seconds)

    def _failure(self, one: _Asked, error: ItemError | Later, usage: Usage, seconds: float) -> Outcome:
        """A reply that cannot be used is asked for again with the next load, a few times."""
        made = failure(one.item, error, usage=usage, seconds=seconds)
        if not isinstance(error, BadReply):
            return made
        self._bad[one.name] += 1
        return replace(made, later=self._bad[one.name] < self._asks)

    # --- many questions ---

    async def _ask(self, asked: Sequence[_Asked]) -> None:
        """Have questions answered; those of a load that was too large again, in smaller ones."""
        while asked:
            for one in asked:
                one.load = self._place(one)
            loads = list({id(one.load): one.load for one in asked if one.load is not None}.values())
            await together([partial(self._arrive, load) for load in loads])
            scattered: list[_Asked] = []
            for one in asked:
                if one.load is not None and one.load.scattered and one.name not in one.load.results:
                    scattered.append(one)
                elif one.load is not None:
                    self._take(one, one.load)
            asked = scattered

    def _place(self, one: _Asked) -> Load:
        """Find the load that a question travels with."""
        if one.name in self._where:
            return self._where[one.name]
        size = self._model.size(one.name, one.prompt)
        load = self._filling
        if load is None or not load.fits(size, most_lines=self._model.most_lines, most_bytes=self._model.most_bytes):
            load = self._filling = Load(first=(one.item, one.draw))
            self._loads.append(load)
        load.add(one.name, one.prompt, size=size, now=self._clock())
        self._where[one.name] = load
        return load

    async def _arrive(self, load: Load) -> None:
        """Wait for a load, and see to it that it goes on if nobody does."""
        with waiting():
            await load.lock.acquire()
        try:
            await leave_if_asked()  # a stop may have come at the very moment when the lock did
            if load.error is not None:
                raise load.error
            if not load.over:
                await self._carry(load)
        except PenstockError as error:
            load.error = error
            raise
        finally:
            load.lock.release()

    async def _carry(self, load: Load) -> None:
        self._model.take_up(load)
        if not load.sealed:
            await self._seal(load)
        if load.entry is None:
            lines, usd = await self._model.write(load)
            self._keep_first(load)
            if lines:
                await self._carrier.make(load, lines, usd=usd)
        if load.entry is not None:
            answers = await self._carrier.carry(load)
            await anyio.to_thread.run_sync(self._model.read, load, answers)
        self._model.settle(load)
        load.over = True
        if not load.kept or load.scattered:
            for name in load.names:
                self._where.pop(name, None)
        if load.scattered:
            self._model.most_lines = max(1, len(load.names) // 2)

    def _keep_first(self, load: Load) -> None:
        """Remember what was asked directly: the load may be fetched by another run, which would ask it again."""
        for reply in load.results.values():
            if isinstance(reply, Reply) and load.first is not None:
                item, draw = load.first
                with suppress(BadReply):
                    self._judge.read(item, reply.text)
                    self._judge.remember(item, reply.text, method=reply.model, draw=draw)

    async def _seal(self, load: Load) -> None:
        """Wait until nobody brings more questions, or no more fit."""
        while load is self._filling and (quiet := self._clock() - load.touched) < self._linger:
            with waiting():
                await anyio.sleep(self._linger - quiet)
        load.sealed = True
        if load is self._filling:
            self._filling = None

    def _take(self, one: _Asked, load: Load) -> None:
        """Check what came back for a question."""
        result = Unpaid("the budget has no room for it") if one.name in load.unpaid else load.results.get(one.name)
        if result is None:
            result = Unreachable("the provider gave no answer to this question")
        first = one.name not in load.given
        load.given.add(one.name)
        if first and isinstance(result.usage, Usage):
            one.usage = result.usage
            if load.answered:
                self._model.spend(one.usage)
        if isinstance(result, ItemError | Later):
            one.error = result
        else:
            self._check(one, result, first=first)
        if one.error is not None:
            self._where.pop(one.name, None)  # the next time it is asked for anew

    def _check(self, one: _Asked, reply: Reply, *, first: bool) -> None:
        try:
            value = self._judge.read(one.item, reply.text)
        except BadReply as error:
            one.error = error
            return
        one.answer = Answer(value=value, method=reply.model, cached=not first, usage=one.usage)
        if first:
            self._judge.remember(one.item, reply.text, method=reply.model, draw=one.draw)


async def batch_work(
    asking: Asking,
    stack: AsyncExitStack,
    folder: RunFolder,
    gauges: Callable[[], Mapping[str, float]] = dict,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> Work:
    """Make the work of a job whose model is asked in batches.

    Args:
        asking: The job's judge, model and purse.
        stack: Closes what is opened.
        folder: The job's run folder.
        gauges: What is measured besides.
        say: Told what takes a while.
    """
    config = asking.config
    spec = config.models[0]
    model = BatchModel(
        spec, asking.session.http, price=config.price(spec), purse=asking.purse, most_lines=config.batch_lines
    )
    carrier = _carrier(spec, asking.session, folder, say=say)
    judge = await stack.enter_async_context(
        BatchJudge(asking.judge, model, carrier, cache=asking.cache, say=say, asks=config.asks)
    )
    return replace(judge.work, gauges=lambda: {**gauges(), **judge.gauges()})


async def withdraw(spec: ModelSpec, session: Session, folder: RunFolder) -> int:
    """Cancel what a job has left at its provider, and delete its files there; returns how many batches were cancelled.

    For a job that nobody is working on.

    Raises:
        Outage: The provider is out of reach.
        Refused: It turned the account down.
    """
    return await _carrier(spec, session, folder).withdraw()


def _carrier(
    spec: ModelSpec, session: Session, folder: RunFolder, *, say: Callable[[str], None] = lambda _: None
) -> Carrier:
    api = BatchApi(
        session.http,
        base_url=spec.base_url,
        key=spec.key(),
        timeout=spec.timeout,
        again=Again(attempts=ATTEMPTS),
        pauses=PAUSES,
    )
    return Carrier(api, BatchJournal(folder.path), at_once=AT_ONCE, say=say)
