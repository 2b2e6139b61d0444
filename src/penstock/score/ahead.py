"""A preview of a score job, made from the very command that would run it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.errors import InputError
from penstock.jobs.workspace import Workspace
from penstock.models.purse import Purse
from penstock.models.session import shared_session
from penstock.score.api import prepare
from penstock.score.asking import all_priced, check_budget, open_asking
from penstock.score.history import known_rate
from penstock.score.preview import Lanes, preview

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from penstock.records import Outcome
    from penstock.score.preview import Preview
    from penstock.score.run import ScoreJob


async def a_preview_table(
    source: Path | str,
    *,
    ask: int = 0,
    budget: float | None = None,
    home: Path | str | None = None,
    fresh: bool = False,
    **settings: Any,
) -> Preview:
    """Say what scoring a table would take: rows, calls, tokens, money and time.

    Args:
        source: As in `a_score_table`.
        ask: Rows that are really asked for, so that the figures are measured; their answers are remembered, and the run
            does not ask for them again. 0 asks for nothing, and gives rough figures.
        budget: US dollars that asking may cost at most.
        home: The workspace folder; its cache and its unfinished job of the same settings count as done.
        fresh: Whether the run would begin anew, so that the unfinished job does not count.
        **settings: As `a_score_table` takes them.

    Raises:
        InputError: Something that was given is wrong, or cannot be looked into before it is run.
        PenstockError: The model cannot be asked at all.
    """
    async with Workspace(home) as workspace, shared_session() as session:
        job = await prepare(source, workspace, looking=True, **settings)
        config = job.config
        if not config.models:
            raise InputError("The local judge asks nobody and costs nothing: run it without --preview.")
        if config.video:
            raise InputError(
                "How many tokens a video has is known only to the server: try a few with --limit 5 --usage."
            )
        check_budget(config, budget)
        purse = Purse(budget)
        asking = await open_asking(config, session, workspace, purse)
        spec, gate = config.models[0], session.gate(config.models[0])
        return await preview(
            job.source,
            asking.judge,
            known=None if fresh else await _known(job),
            ask=ask,
            price=config.price(spec) if all_priced(config) else None,
            batch=config.batch,
            lanes=Lanes(
                reached=lambda: max(1, round(gate.stats().limit)),
                most=spec.concurrency,
                per_minute=spec.requests_per_minute,
                rate=await known_rate(workspace, config),
            ),
            remembers=config.cache,
        )


async def _known(job: ScoreJob) -> Any:
    """What finds the outcomes of the unfinished job of the same settings; None where there is no such job."""
    ledger = job.workspace.ledger
    begun = await ledger.unfinished(job.config.fingerprint)
    if begun is None:
        return None

    async def outcomes(first: int, rows: int) -> Sequence[Outcome]:
        return await ledger.outcomes(begun.id, first, rows)

    return outcomes
