"""A workspace is a folder with one ledger, one cache and the run folders of its jobs."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from penstock.errors import InputError, JobError
from penstock.jobs.folder import RunFolder
from penstock.ledger.cache import SqliteCache
from penstock.ledger.sqlite import SqliteLedger

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType
    from typing import Self

    from penstock.ledger.ledger import Job

Entered = TypeVar("Entered")


class Workspace:
    """Opens what the jobs of one folder share; use it as `async with Workspace() as workspace`.

    Attributes:
        path: The folder: as given, else `PENSTOCK_HOME`, else `.penstock` where the process runs.
        ledger: The truth about its jobs.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        """Name the folder; nothing is opened yet.

        Raises:
            InputError: Its name cannot be written into a ledger.
        """
        self.path = Path(path or os.environ.get("PENSTOCK_HOME") or ".penstock").absolute()
        if not str(self.path).isprintable():
            raise InputError(f"The workspace {str(self.path)!r} has signs in its name that are no text: use another.")
        self.ledger = SqliteLedger(self.path / "ledger.db")
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.ledger)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def cache(self, *, ttl: float, entries: int, name: str = "cache.db") -> SqliteCache:
        """Open one of the workspace's caches; it is closed with the workspace."""
        return await self.enter(SqliteCache(self.path / name, ttl=ttl, entries=entries))

    async def enter(self, opening: AbstractAsyncContextManager[Entered]) -> Entered:
        """Open something that is closed with the workspace."""
        return await self._stack.enter_async_context(opening)

    def folder(self, job_id: str) -> RunFolder:
        """The run folder of a job."""
        return RunFolder(self.path / "runs" / job_id)

    def new_id(self, system: str) -> str:
        """Make a job id that sorts by time: `score-20260131-235959-1a2b`."""
        return f"{system}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"

    async def find(self, job_id: str | None) -> Job:
        """Find a job by its id or the beginning of it; without one, the newest job.

        A job that says it runs while no process holds it was interrupted, and is given as such.

        Raises:
            JobError: There is none, or several begin like that.
        """
        jobs = await self.ledger.jobs()
        if not jobs:
            raise JobError(f"There are no jobs in {self.path} yet.")
        found = [job for job in jobs if job.id == job_id] or [job for job in jobs if job.id.startswith(job_id or "")]
        if not found:
            raise JobError(f"There is no job {job_id!r} in {self.path}.")
        if job_id and len(found) > 1:
            raise JobError(f"{len(found)} jobs begin with {job_id!r}; write more of the id.")
        return self.seen(found[0])

    async def jobs(self) -> list[Job]:
        """List all jobs, newest first, each with the status it really has."""
        return [self.seen(job) for job in await self.ledger.jobs()]

    def seen(self, job: Job) -> Job:
        """Correct the status of a job whose process has died."""
        if job.status == "running" and not self.folder(job.id).busy():
            return replace(job, status="interrupted")
        return job
