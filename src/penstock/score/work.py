"""What a score job does to its items: ask models, or judge here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio.to_thread

from penstock.errors import ItemError
from penstock.jobs.gauges import Gauges, make_room
from penstock.jobs.history import PaceHistory
from penstock.jobs.run import Work
from penstock.judge.scorer import failure, fit_text
from penstock.records import Verdict
from penstock.score.asking import all_priced

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AsyncExitStack

    import numpy as np

    from penstock.jobs.folder import RunFolder
    from penstock.jobs.workspace import Workspace
    from penstock.records import Item, Outcome
    from penstock.score.asking import Asking

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


async def asking_work(
    asking: Asking, stack: AsyncExitStack, folder: RunFolder, workspace: Workspace, say: Callable[[str], None]
) -> Work:
    """Ask models, as many items at once as the pace allows; or in batches, or about videos.

    Args:
        asking: The models and their judge.
        stack: Closes what is opened.
        folder: The job's run folder.
        workspace: Where the job is kept.
        say: Told what takes a while.
    """
    config = asking.config
    gates = [asking.session.gate(spec) for spec in config.models]
    make_room(sum(spec.concurrency for spec in config.models))
    gauges = Gauges(gates, asking.cache, PaceHistory(folder, gates[0]), asking.purse if all_priced(config) else None)
    if config.batch:
        from penstock.score.batch.judge import batch_work

        return await batch_work(asking, stack, folder, gauges, say=say)
    if config.video:
        from penstock.score.video.work import video_work

        return await video_work(asking, stack, folder, workspace, gauges)

    async def one(batch: Sequence[Item]) -> Sequence[Outcome]:
        return [await asking.judge.judge(batch[0])]

    return Work(judge=one, workers=config.models[0].concurrency, gauges=gauges)


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
