"""How fast earlier jobs with the same model went, so that a new one's time can be told before anything is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from penstock.errors import InputError
from penstock.score.config import ScoreConfig

if TYPE_CHECKING:
    from penstock.jobs.workspace import Workspace
    from penstock.ledger.ledger import Job

FEWEST = 20
"""Judgements that a job must have asked for to tell a rate."""

LOOKED_AT = 50
"""Newest jobs that are looked through."""


class _Gauges(msgspec.Struct):
    cache_hits: float = 0.0


class _Checkpoint(msgspec.Struct):
    seconds: float = 0.0
    done: int = 0
    skipped: int = 0
    gauges: _Gauges = msgspec.field(default_factory=_Gauges)


async def known_rate(workspace: Workspace, config: ScoreConfig) -> float | None:
    """Find the judgements a second that the newest job with the same model and way of asking reached.

    Returns:
        None where there was none that asked enough.
    """
    jobs = [job for job in await workspace.jobs() if job.system == "score"]
    rates = (_rate(workspace, job) for job in jobs[:LOOKED_AT] if _alike(job, config))
    return next((rate for rate in rates if rate is not None), None)


def _alike(job: Job, config: ScoreConfig) -> bool:
    try:
        other = ScoreConfig.decode(job.config)
    except InputError:  # of another version
        return False
    ways = [(one.models[:1], one.mode, one.samples, one.block, one.video, one.batch) for one in (other, config)]
    return ways[0] == ways[1]


def _rate(workspace: Workspace, job: Job) -> float | None:
    try:
        written = (workspace.folder(job.id).path / "checkpoint.json").read_bytes()
        shown = msgspec.json.decode(written, type=_Checkpoint)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):  # no run yet, or a folder that somebody has cleaned up
        return None
    asked = shown.done - shown.skipped - shown.gauges.cache_hits
    return asked / shown.seconds if asked >= FEWEST and shown.seconds > 0 else None
