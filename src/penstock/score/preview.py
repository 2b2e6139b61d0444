"""What a job will take, before it is begun: judgements, calls, tokens, money and time.

rows -> what the ledger, the cache and equal rows answer for free -> the rest, by the size of its prompts
     -> a few of them really asked (their answers are remembered, so the job does not ask again) -> totals
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import anyio.to_thread

from penstock.errors import InputError, Unfit
from penstock.flow.unwrap import unwrapped
from penstock.jobs.chunks import unsettled
from penstock.models.tokens import reply_tokens, text_tokens
from penstock.records import Failure, Usage, Verdict
from penstock.score.estimate import Asked, Span, duration, ratio, rough, tempered
from penstock.score.pick import mixed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from penstock.jobs.run import Source
    from penstock.judge.chain import Answer
    from penstock.models.model import Prompt
    from penstock.models.prices import Price
    from penstock.records import Item, Outcome

PAGE = 500
"""Rows read at a time."""

MOST_SEEN = 1_000_000
"""Different texts that are remembered to find equal ones; beyond them, equal rows are counted as questions."""

_FRAME = 8  # tokens around the two parts of a prompt


class Asker(Protocol):
    """A judge that asks models, one step at a time."""

    @property
    def samples(self) -> int:
        """Independent replies behind each verdict."""
        ...

    def prompt(self, item: Item, *, draw: int = 0) -> Prompt:
        """Make the question about an item, or raise Unfit."""
        ...

    async def recall(self, item: Item, *, draw: int = 0) -> Answer[Any] | None:
        """Find the answer of an earlier run."""
        ...

    async def prepare(self, items: Sequence[Item]) -> None:
        """Get ready for items that are judged next."""
        ...

    async def judge(self, item: Item) -> Outcome:
        """Ask."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """How many calls may be in flight.

    Attributes:
        reached: Tells how many the server is known to bear.
        most: How many there may be at all.
        per_minute: A known limit of calls a minute.
        rate: Judgements a second that an earlier job with this model reached.
    """

    reached: Callable[[], int] = lambda: 4
    most: int = 4
    per_minute: float | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What is known before a job is begun.

    Attributes:
        rows: Rows that the job takes.
        unfit: Rows that cannot be judged; they cost nothing.
        judgements: Rows times blocks of categories.
        settled: Judgements that the ledger has from the unfinished job.
        equal: Judgements of rows that are equal to an earlier one; they are asked once.
        remembered: Questions that the cache answers.
        questions: Questions that are still to be asked, after those that the preview has asked.
        asked: Questions that the preview has asked.
        failed: Judgements among those that failed.
        spent: What asking took.
        calls: Requests to come.
        tokens_in: Prompt tokens to come.
        tokens_out: Tokens of replies to come.
        cost_usd: Money to come; None where no price is known.
        seconds: Time to come; None where nothing is known of it.
    """

    rows: int
    unfit: int
    judgements: int
    settled: int
    equal: int
    remembered: int
    questions: int
    asked: int
    failed: int
    spent: Usage
    calls: Span
    tokens_in: Span
    tokens_out: Span
    cost_usd: Span | None
    seconds: Span | None

    @property
    def measured(self) -> bool:
        """Whether it stands on questions that were really asked."""
        return self.asked > 0


@dataclass(slots=True)
class _Question:
    """A judgement that has to be asked for."""

    item: Item
    count: int
    foreseen_in: float
    foreseen_out: float


@dataclass(slots=True)
class _Survey:
    """What is counted on the way through the source."""

    rows: int = 0
    unfit: int = 0
    judgements: int = 0
    settled: int = 0
    equal: int = 0
    remembered: int = 0
    questions: int = 0
    to_ask: int = 0
    foreseen_in: float = 0.0
    foreseen_out: float = 0.0
    picked: dict[int, list[tuple[int, int, _Question]]] = field(default_factory=dict)
    seen: set[tuple[str, int]] = field(default_factory=set)
    systems: dict[int, tuple[float, float]] = field(default_factory=dict)

    def add(self, question: _Question, *, most: int, seed: int) -> None:
        """Count a question, and keep it if it is among those with the smallest hashes of its part."""
        self.to_ask += 1
        self.questions += question.count
        self.foreseen_in += question.foreseen_in
        self.foreseen_out += question.foreseen_out
        if not most:
            return
        key = question.item.key
        kept = self.picked.setdefault(key.part, [])
        entry = (-mixed(key.row, seed=seed + key.part), -key.row, question)
        if len(kept) < most:
            heapq.heappush(kept, entry)
        elif entry > kept[0]:
            heapq.heapreplace(kept, entry)

    def sample(self, most: int) -> list[_Question]:
        """Choose questions from all parts in turn, those with the smallest hashes first."""
        ordered = [
            (place, part, entry[2])
            for part, kept in self.picked.items()
            for place, entry in enumerate(sorted(kept, reverse=True))
        ]
        return [question for _, _, question in sorted(ordered, key=lambda each: each[:2])[:most]]


async def preview(
    source: Source,
    judge: Asker,
    *,
    known: Callable[[int, int], Awaitable[Sequence[Outcome]]] | None = None,
    ask: int = 0,
    price: Price | None = None,
    batch: bool = False,
    lanes: Lanes | None = None,
    remembers: bool = True,
    seed: int = 0,
) -> Preview:
    """Foresee what a job will take.

    Args:
        source: Its rows.
        judge: Its judge, with its models and its cache.
        known: Finds outcomes of a range of rows: first row and number of rows; of the unfinished job, if there is one.
        ask: Judgements of rows at random that are really asked for; 0 asks nothing and is rough.
        price: Of the model.
        batch: Whether the job will go through the provider's batch API.
        lanes: How fast the model may be asked.
        remembers: Whether the cache is on; without it the job asks again what the preview has asked, and equal rows.
        seed: Another number takes other random rows.

    Raises:
        InputError: None of the questions was answered.
        PenstockError: The model cannot be asked at all (key, address, budget).
    """
    lanes = lanes or Lanes()
    survey = await _surveyed(source, judge, known=known, most=ask, remembers=remembers, seed=seed)
    asked, outcomes = await _asked(judge, survey.sample(ask), at_once=lanes.reached())
    if outcomes and not any(isinstance(outcome, Verdict) for outcome in outcomes):
        raise InputError(f"None of the {len(outcomes)} rows that were asked for got an answer: {_why(outcomes[0])}.")
    answered = [one for one, outcome in zip(asked, outcomes, strict=True) if isinstance(outcome, Verdict) and remembers]
    left = survey.to_ask - len(answered)
    questions = survey.questions - sum(one.questions for one in answered)
    rest_in = survey.foreseen_in - sum(one.foreseen_in for one in answered)
    rest_out = survey.foreseen_out - sum(one.foreseen_out for one in answered)
    total = partial(_total, asked, of=left)
    calls = total([one.calls for one in asked], [one.questions for one in asked], rest=questions)
    sizes_in, sizes_out = [one.foreseen_in for one in asked], [one.foreseen_out for one in asked]
    return Preview(
        rows=survey.rows,
        unfit=survey.unfit,
        judgements=survey.judgements,
        settled=survey.settled,
        equal=survey.equal,
        remembered=survey.remembered,
        questions=questions,
        asked=sum(one.questions for one in asked),
        failed=sum(not isinstance(outcome, Verdict) for outcome in outcomes),
        spent=sum((outcome.usage for outcome in outcomes), Usage()),
        calls=calls if asked else Span(low=questions, likely=questions, high=rough(questions).high),
        tokens_in=total([one.tokens_in for one in asked], sizes_in, rest=rest_in),
        tokens_out=total([one.tokens_out for one in asked], sizes_out, rest=rest_out),
        cost_usd=_cost(price, asked, rest=(rest_in, rest_out), of=left, batch=batch),
        seconds=_seconds(asked, calls, lanes, left),
    )


def _why(outcome: Outcome) -> str:
    return outcome.reason if isinstance(outcome, Failure) else ""


async def _surveyed(
    source: Source,
    judge: Asker,
    *,
    known: Callable[[int, int], Awaitable[Sequence[Outcome]]] | None,
    most: int,
    remembers: bool,
    seed: int,
) -> _Survey:
    survey, read = _Survey(), 0
    rows = source.rows()
    while page := await anyio.to_thread.run_sync(lambda: list(islice(rows, PAGE))):
        items = [item for row in page for item in row]
        have = await known(read, len(page)) if known is not None else ()
        todo = unsettled(items, {outcome.key: outcome for outcome in have}, again=False)
        read += len(page)
        survey.rows += sum(bool(row) for row in page)  # one that is not taken has no items
        survey.judgements += len(items)
        survey.settled += len(items) - len(todo)
        for item in todo:
            await _take(survey, item, judge, most=most, remembers=remembers, seed=seed)
    return survey


async def _take(survey: _Survey, item: Item, judge: Asker, *, most: int, remembers: bool, seed: int) -> None:
    """Count one judgement: free, or a question."""
    try:
        prompt = judge.prompt(item)
    except Unfit:
        survey.unfit += item.key.part == 0
        return
    if remembers:
        name = (item.digest, item.key.part)
        if name in survey.seen:
            survey.equal += 1
            return
        if len(survey.seen) < MOST_SEEN:
            survey.seen.add(name)
    missing = 0
    for draw in range(judge.samples):
        missing += await judge.recall(item, draw=draw) is None
    survey.remembered += judge.samples - missing
    if missing:
        survey.add(_foreseen(survey, item, prompt, missing), most=most, seed=seed)


def _foreseen(survey: _Survey, item: Item, prompt: Prompt, count: int) -> _Question:
    """Estimate a question by its text; what is the same for all questions of a part is estimated once."""
    part = item.key.part
    if part not in survey.systems:
        survey.systems[part] = (text_tokens(prompt.system) + _FRAME, reply_tokens(prompt))
    system, reply = survey.systems[part]
    return _Question(item, count, count * (system + text_tokens(prompt.user)), count * reply)


async def _asked(judge: Asker, questions: Sequence[_Question], *, at_once: int) -> tuple[list[Asked], list[Outcome]]:
    """Ask, with no more calls in flight than the server is known to bear, so that none waits for its turn."""
    outcomes: dict[int, Outcome] = {}
    limiter = anyio.CapacityLimiter(max(1, at_once // judge.samples))

    async def one(place: int, item: Item) -> None:
        async with limiter:
            outcomes[place] = await judge.judge(item)

    await judge.prepare([question.item for question in questions])
    with unwrapped():
        async with anyio.create_task_group() as tasks:
            for place, question in enumerate(questions):
                tasks.start_soon(one, place, question.item)
    ended = [outcomes[place] for place in range(len(questions))]
    return [_measured(question, outcome) for question, outcome in zip(questions, ended, strict=True)], ended


def _measured(question: _Question, outcome: Outcome) -> Asked:
    usage = outcome.usage
    return Asked(
        questions=question.count,
        foreseen_in=question.foreseen_in,
        foreseen_out=question.foreseen_out,
        calls=usage.calls,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        seconds=outcome.seconds,
        cost_usd=usage.cost_usd,
    )


def _total(asked: Sequence[Asked], taken: Sequence[float], foreseen: Sequence[float], *, rest: float, of: int) -> Span:
    smooth = all(one.calls <= one.questions for one in asked)
    return tempered(ratio(taken, foreseen, rest=rest, of=of, smooth=smooth), asked)


def _cost(
    price: Price | None, asked: Sequence[Asked], *, rest: tuple[float, float], of: int, batch: bool
) -> Span | None:
    """Estimate the money: by what each question was foreseen to cost and did cost."""
    if price is None:
        return None
    took = [one.cost_usd or price.of(tokens_in=one.tokens_in, tokens_out=one.tokens_out) for one in asked]
    foreseen = [price.of(tokens_in=one.foreseen_in, tokens_out=one.foreseen_out) for one in asked]
    whole = _total(asked, took, foreseen, rest=price.of(tokens_in=rest[0], tokens_out=rest[1]), of=of)
    return whole.scaled(price.batch if batch else 1.0)


def _seconds(asked: Sequence[Asked], calls: Span, lanes: Lanes, left: int) -> Span | None:
    """Estimate the time: from calls that were timed, or from an earlier job with the same model."""
    if lanes.rate:
        likely = left / lanes.rate
        return Span(low=likely / 1.5, likely=likely, high=likely * 1.5)
    if not asked:
        return None
    each = sum(one.seconds for one in asked) / max(1, sum(one.calls for one in asked))
    return duration(calls, seconds=each, reached=lanes.reached(), most=lanes.most, per_minute=lanes.per_minute)
