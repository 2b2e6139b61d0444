"""The models that a score job asks: opened, priced, behind one judge."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.errors import InputError
from penstock.judge.scorer import ModelJudge
from penstock.models.prices import needed
from penstock.models.purse import Purse

if TYPE_CHECKING:
    from penstock.jobs.workspace import Workspace
    from penstock.judge.anchored import Anchoring
    from penstock.ledger.cache import Cache
    from penstock.models.session import Session
    from penstock.score.config import ScoreConfig

VECTORS = 100_000
"""Most embeddings that are remembered; a vector is some kilobytes."""


class Asking:
    """The models of a configuration with the judge that asks them, and what they are paid from."""

    def __init__(
        self,
        config: ScoreConfig,
        session: Session,
        *,
        purse: Purse,
        cache: Cache | None = None,
        vectors: Cache | None = None,
    ) -> None:
        """Open the models.

        Args:
            config: The job's.
            session: The way to the models.
            purse: What the calls are paid from.
            cache: Where checked answers are remembered.
            vectors: Where embeddings are.
        """
        self.config = config
        self.session = session
        self.cache = cache
        self.vectors = vectors
        self.purse = purse
        self.models = [
            session.model(spec, own_settings=True, price=config.price(spec), purse=purse) for spec in config.models
        ]
        self.judge = ModelJudge(
            config.blocks,
            self.models,
            cache=cache,
            instructions=config.instructions,
            asks=config.asks,
            samples=config.samples,
            anchoring=self._anchoring() if config.mode == "anchored" else None,
        )

    def _anchoring(self) -> Anchoring:
        from penstock.judge.anchored import Anchoring
        from penstock.judge.vectors import LocalVectors
        from penstock.models.embeddings import Cached
        from penstock.models.gathered import Gathered

        spec = self.config.embeddings
        if spec is None:  # made anew sooner than looked up
            return Anchoring(self.config.categories, LocalVectors())
        embedder = self.session.embedder(spec, price=self.config.price(spec), purse=self.purse)
        return Anchoring(self.config.categories, Gathered(Cached(embedder, self.vectors) if self.vectors else embedder))


def all_priced(config: ScoreConfig) -> bool:
    """Whether it is known what every model of a job costs; a judge of our own costs nothing."""
    return all(config.price(spec) is not None for spec in config.paid)


def check_budget(config: ScoreConfig, budget: float | None) -> None:
    """Make sure that a budget can be kept.

    Raises:
        InputError: The price of a model is not known, or the budget is no amount.
    """
    if budget is None or budget == math.inf:
        return
    if not config.models:
        raise InputError("The local judge costs nothing: leave --budget away.")
    Purse(budget)
    for spec in config.paid:
        needed(spec, path=Path(config.prices) if config.prices else None)


async def open_asking(config: ScoreConfig, session: Session, workspace: Workspace, purse: Purse) -> Asking:
    """Open the models of a configuration with the caches of a workspace."""
    if not config.cache:
        return Asking(config, session, purse=purse)
    return Asking(
        config,
        session,
        purse=purse,
        cache=await workspace.cache(ttl=config.cache_ttl, entries=config.cache_entries),
        vectors=await workspace.cache(ttl=config.cache_ttl, entries=VECTORS, name="vectors.db")
        if config.embeddings
        else None,
    )
