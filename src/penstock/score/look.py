"""Finds a score job and looks through what it made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.errors import InputError, JobError
from penstock.jobs import life
from penstock.jobs.workspace import Workspace
from penstock.score.review import HUMAN, review, write_review
from penstock.score.run import SYSTEM, take_up
from penstock.tables import check_writable
from penstock.tables.filled import is_filled

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.ledger.ledger import Job
    from penstock.score.review import Review


async def a_review(
    job_id: str | None = None, most: int = 50, output: Path | None = None, home: Path | str | None = None
) -> tuple[Review, int]:
    """List the least certain scores of a job.

    Args:
        job_id: Its id or the beginning of it; the newest score job when not given.
        most: Scores that are listed.
        output: Where to write the list as a table.
        home: The workspace folder.

    Returns:
        The list, and the number that people see at the first row: 1, or that of the sheet.

    Raises:
        InputError: The table of the job is gone, or the list cannot be written.
        JobError: There is no such job.
    """
    if output is not None:
        check_writable(output)
        if is_filled(output, HUMAN):
            raise InputError(f"{output} holds scores that a person gave: name another file, so that they are not lost.")
    async with Workspace(home) as workspace:
        job = await (workspace.find(job_id) if job_id else _newest(workspace))
        life.check_system(job, SYSTEM)
        prepared = await take_up(workspace, job)
        found = await review(workspace.ledger, job.id, prepared.table, prepared.config, most=most)
        layout = prepared.config.layout
        first = layout.first_row if layout else 1
        if output is not None:
            write_review(found, output, first=first)
        return found, first


async def _newest(workspace: Workspace) -> Job:
    found = next((job for job in await workspace.jobs() if job.system == SYSTEM), None)
    if found is None:
        raise JobError(f"There are no score jobs in {workspace.path} yet.")
    return found
