"""What a score job does to its items: ask models, or judge here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio.to_thread

from penstock.errors import ItemError
from penstock.jobs.gauges import Gauges, make_room
from penstock.jobs.history import PaceHistory
from penstock.jobs.run import Work
from penstock.judge.scorer import ModelJudge, failure, fit_text
from penstock.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from penstock.jobs.folder import RunFolder
    from penstock.ledger.cache import Cache
    from penstock.models.session import Session
    from penstock.records import Item, Outcome
    from penstock.score.config import ScoreConfig

BATCH = 250
"""Texts the embedded judge takes at a time."""


class TextScorer(Protocol):
    """An embedded judge: scores many texts at once, without asking anybody."""

    @property
    def method(self) -> str:
        """What its verdicts say they were made by."""
        ...

    def score(self, texts: Sequence[str]) -> np.ndarray:
        """Give one number from 0 to 1, of two decimals, per text and category: `(n_texts, n_categories)`."""
        ...


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
