"""What a score job does to its items: ask models, or judge here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import anyio.to_thread

from penstock.errors import InputError, ItemError
from penstock.jobs.run import Work
from penstock.judge.scorer import ModelJudge, failure, fit_text
from penstock.records import Verdict
from penstock.score.history import PaceHistory

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from penstock.flow.gate import Gate
    from penstock.jobs.folder import RunFolder
    from penstock.ledger.cache import Cache
    from penstock.models.session import Session
    from penstock.records import Item, Outcome
    from penstock.score.config import ScoreConfig

BATCH = 250
"""Texts the embedded judge takes at a time."""
OTHER_FILES = 100
"""Files a process needs besides its connections: tables, ledger, cache, run folder, libraries."""


class TextScorer(Protocol):
    """An embedded judge: scores many texts at once, without asking anybody."""

    @property
    def method(self) -> str:
        """What its verdicts say they were made by."""
        ...

    def score(self, texts: Sequence[str]) -> np.ndarray:
        """Give one number from 0 to 1, of two decimals, per text and category: `(n_texts, n_categories)`."""
        ...


def make_room(calls: int) -> None:
    """Let this process open a file for each call in flight, beside those it needs itself.

    Raises:
        InputError: The machine does not allow as many.
    """
    import resource

    wanted = calls + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and wanted > hard:
        raise InputError(
            f"{calls} calls in flight need {wanted} open files, and this process may have {hard}: "
            "use a lower --concurrency, or raise the limit (ulimit -n)."
        )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def model_work(config: ScoreConfig, session: Session, cache: Cache | None, folder: RunFolder) -> Work:
    """Ask the models of a configuration, one item per call, as many at once as the pace allows."""
    models = [session.model(spec) for spec in config.models]
    gates = [session.gate(spec) for spec in config.models]
    first = config.models[0]
    make_room(sum(spec.concurrency for spec in config.models))
    judge = ModelJudge(
        config.blocks,
        models,
        cache=cache,
        instructions=config.instructions,
        temperature=first.temperature,
        max_tokens=first.max_tokens,
        asks=config.asks,
    )

    async def one(batch: Sequence[Item]) -> Sequence[Outcome]:
        return [await judge.judge(batch[0])]

    return Work(judge=one, workers=first.concurrency, gauges=Gauges(gates, cache, PaceHistory(folder, gates[0])))


def local_work(scorer: TextScorer) -> Work:
    """Judge in this process, a batch at a time, in a thread so that progress goes on."""

    async def many(batch: Sequence[Item]) -> Sequence[Outcome]:
        return await anyio.to_thread.run_sync(judge_batch, scorer, batch)

    return Work(judge=many, workers=1, batch=BATCH)


def judge_batch(scorer: TextScorer, batch: Sequence[Item]) -> list[Outcome]:
    """Judge a batch: one outcome per item, in order."""
    outcomes: list[Outcome | None] = []
    texts: list[str] = []
    for item in batch:
        try:
            texts.append(fit_text(item))
            outcomes.append(None)
        except ItemError as error:
            outcomes.append(failure(item, error))
    rows = iter(scorer.score(texts).tolist() if texts else ())
    method = scorer.method
    return [
        outcome or Verdict(key=item.key, digest=item.digest, scores=tuple(next(rows)), method=method)
        for item, outcome in zip(batch, outcomes, strict=True)
    ]


@dataclass(slots=True)
class Gauges:
    """What is measured while models are asked, for progress and the report."""

    gates: Sequence[Gate]
    cache: Cache | None
    history: PaceHistory
    _before: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._before = self._totals()

    def __call__(self) -> dict[str, float]:
        """Counts since this run began; `in_flight` and `limit` as they are now."""
        self.history.write()
        stats = [gate.stats() for gate in self.gates]
        since = {name: value - self._before[name] for name, value in self._totals().items()}
        return {
            "in_flight": sum(one.in_flight for one in stats),
            "waiting": sum(one.waiting for one in stats),
            "limit": round(stats[0].limit, 1),
            **since,
        }

    def _totals(self) -> dict[str, float]:
        stats = [gate.stats() for gate in self.gates]
        totals: dict[str, float] = {
            "calls": sum(one.succeeded + one.throttled + one.failed for one in stats),
            "throttled": sum(one.throttled for one in stats),
            "cuts": sum(one.cuts for one in stats),
        }
        if self.cache is not None:
            totals["cache_hits"] = self.cache.stats.hits
            totals["cache_misses"] = self.cache.stats.misses
        return totals
