"""What a job has cost before it is gone on with, and what it may cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from penstock.errors import JobError

if TYPE_CHECKING:
    from penstock.jobs.folder import RunFolder
    from penstock.jobs.workspace import Workspace
    from penstock.ledger.ledger import Job


BUDGET = "budget.json"
"""File of a run folder that keeps the last budget of its job."""


class _Budget(msgspec.Struct):
    usd: float


class _Gauges(msgspec.Struct):
    cost_usd: float = 0.0


class _Checkpoint(msgspec.Struct):
    gauges: _Gauges = msgspec.field(default_factory=_Gauges)


async def spent_before(workspace: Workspace, job: Job) -> float:
    """Say what earlier runs of a job have cost, in USD.

    The ledger knows it of every outcome. The run folder knows it as of the last second, with calls that never became an
    outcome because the run was stopped between two tries. The larger one is nearer to the truth.
    """
    kept = (await workspace.ledger.spent(job.id)).cost_usd
    return max(kept, _shown(workspace, job))


def _shown(workspace: Workspace, job: Job) -> float:
    try:
        written = (workspace.folder(job.id).path / "checkpoint.json").read_bytes()
        return msgspec.json.decode(written, type=_Checkpoint).gauges.cost_usd
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):  # no run yet, or a folder that somebody has cleaned up
        return 0.0


def budget_of(workspace: Workspace, job: Job, given: float | None) -> float | None:
    """Settle what a job may cost: what is given now counts, else what was given last; None for no limit.

    Args:
        workspace: Where the job is kept.
        job: The job.
        given: US dollars; infinity takes the limit away.
    """
    folder = workspace.folder(job.id)
    if given is None:
        return _kept(folder)
    if given == math.inf:
        (folder.path / BUDGET).unlink(missing_ok=True)
        return None
    folder.write(BUDGET, _Budget(given))
    return given


def _kept(folder: RunFolder) -> float | None:
    try:
        return msgspec.json.decode((folder.path / BUDGET).read_bytes(), type=_Budget).usd
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise JobError(f"The budget in {folder.path / BUDGET} cannot be read: give it again with --budget.") from error
