"""What a grade job does to its answers, and how their marks are kept in the ledger."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import msgspec

from penstock.grade.grader import AT_ONCE, Grader
from penstock.grade.mark import CriterionMark, Mark
from penstock.jobs.gauges import Gauges, make_room
from penstock.jobs.history import PaceHistory
from penstock.jobs.run import Work
from penstock.records import Failure, Usage, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AsyncExitStack

    from penstock.grade.config import GradeConfig
    from penstock.grade.offline import OfflineGrader
    from penstock.jobs.folder import RunFolder
    from penstock.ledger.cache import Cache
    from penstock.models.session import Session
    from penstock.records import Item, Outcome

_APART = frozenset({"method", "seconds", "cached", "attempts", "tokens_in", "tokens_out", "later", "status"})
"""Fields of a mark that a verdict or failure has as fields of its own."""

_KEPT = tuple(field.name for field in fields(Mark) if field.name not in _APART and field.name != "criteria")
_EMPTY: tuple[Any, ...] = (None, "", ())

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def grader_of(config: GradeConfig, offline: OfflineGrader, session: Session | None, cache: Cache | None) -> Grader:
    """Make the grader of a configuration."""
    return Grader(
        config.models[0] if config.models else None,
        fallback=config.models[1:],
        offline=offline,
        samples=config.samples,
        passing=config.passing,
        max_spread=config.max_spread,
        review_below=config.review_below,
        on_timeout=config.on_timeout,
        asks=config.asks,
        instructions=config.instructions,
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        cache=cache,
        session=session,
    )


async def model_work(
    stack: AsyncExitStack,
    config: GradeConfig,
    offline: OfflineGrader,
    session: Session,
    cache: Cache | None,
    folder: RunFolder,
) -> Work:
    """Ask models for short answers, one answer per item; whatever needs no model is marked at once."""
    make_room(sum(spec.concurrency for spec in config.models))
    gates = [session.gate(spec) for spec in config.models]
    grader = await stack.enter_async_context(grader_of(config, offline, session, cache))

    async def one(batch: Sequence[Item]) -> Sequence[Outcome]:
        (item,) = batch
        return [outcome_of(item, _settled(item) or await grader.judge(item.fields["answer"]))]

    gauges = Gauges(gates, cache, PaceHistory(folder, gates[0]))
    return Work(judge=one, workers=config.models[0].concurrency, gauges=gauges)


def local_work(config: GradeConfig, offline: OfflineGrader) -> Work:
    """Grade in this process, many answers at a time, in a thread so that progress goes on."""
    grader = grader_of(config, offline, None, None)

    async def many(batch: Sequence[Item]) -> Sequence[Outcome]:
        return await anyio.to_thread.run_sync(grade_batch, grader, batch)

    return Work(judge=many, workers=1, batch=AT_ONCE)


def grade_batch(grader: Grader, batch: Sequence[Item]) -> list[Outcome]:
    """Grade without a model: one outcome per item, in order."""
    marks = [_settled(item) or grader.mark_at_once(item.fields["answer"]) for item in batch]
    open_answers = [item.fields["answer"] for item, mark in zip(batch, marks, strict=True) if mark is None]
    estimated = iter(grader.mark_offline(open_answers) if open_answers else ())
    return [outcome_of(item, mark or next(estimated)) for item, mark in zip(batch, marks, strict=True)]


def _settled(item: Item) -> Mark | None:
    """Find the mark that was clear when the row was read: that of a person, or a failure."""
    mark: Mark | None = item.fields.get("mark")
    return mark and replace(mark, graded_at=datetime.now(UTC).isoformat(timespec="milliseconds"))


def outcome_of(item: Item, mark: Mark) -> Outcome:
    """Write a mark as the outcome of its item."""
    usage = Usage(calls=mark.attempts, tokens_in=mark.tokens_in, tokens_out=mark.tokens_out)
    kept = {name: value for name in _KEPT if (value := getattr(mark, name)) not in _EMPTY}
    if mark.criteria:
        kept["criteria"] = [one.as_dict() for one in mark.criteria]
    written = _encode(kept).decode()
    if mark.state == "failed":
        return Failure(
            key=item.key,
            digest=item.digest,
            code=mark.code,
            reason=mark.reason,
            later=mark.later,
            status=mark.status,
            seconds=mark.seconds,
            usage=usage,
            detail=written,
        )
    return Verdict(
        key=item.key,
        digest=item.digest,
        scores=() if mark.score is None else (mark.score / 100,),
        method=mark.method,
        cached=mark.cached,
        seconds=mark.seconds,
        usage=usage,
        detail=written,
    )


def mark_of(outcome: Outcome) -> Mark:
    """Read the mark that an outcome was written from."""
    told = _decode(outcome.detail)
    criteria = tuple(CriterionMark(**one) for one in told.pop("criteria", ()))
    keywords = tuple(told.pop("keyword_matches", ()))
    apart: dict[str, Any] = {
        "seconds": outcome.seconds,
        "attempts": outcome.usage.calls,
        "tokens_in": outcome.usage.tokens_in,
        "tokens_out": outcome.usage.tokens_out,
    }
    if isinstance(outcome, Failure):
        apart |= {"later": outcome.later, "status": outcome.status}
    else:
        apart |= {"method": outcome.method, "cached": outcome.cached}
    return Mark(**{**_NAMES, **told}, **apart, criteria=criteria, keyword_matches=keywords)


_NAMES = dict.fromkeys(("attempt_id", "user_id", "question_id", "question_type"), "")
