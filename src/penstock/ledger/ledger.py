"""What a ledger keeps, and what every ledger can do: the truth about jobs, chunks and outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.records import Item, Outcome, Usage

JobStatus: TypeAlias = Literal["pending", "running", "interrupted", "completed", "failed", "cancelled"]
ChunkStatus: TypeAlias = Literal["pending", "running", "completed", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of one system over one source.

    Attributes:
        id: Short and unique; what people type.
        system: Which of the systems it belongs to, such as `score`.
        fingerprint: Equal for equal commands.
        config: The whole configuration as JSON; holds no secret.
        folder: Where its reports lie.
        status: Where it stands. `running` may also mean that its process has died: its lock tells.
        rows: Rows in the source.
        error: Why it failed, one sentence.
        created_at: Seconds since 1970.
        updated_at: Seconds since 1970.
    """

    id: str
    system: str
    fingerprint: str
    config: str
    folder: str
    status: JobStatus = "pending"
    rows: int = 0
    error: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A run of rows that is finished, retried and reported together.

    Attributes:
        number: From 0.
        first_row: Number of its first row, from 0.
        rows: How many rows it holds.
        digest: Of its items when it was last worked on; empty before.
        status: Where it stands.
        retry_count: Times it was worked on again.
        failed: Items that ended as failures.
        last_error: Why, for one of them.
        updated_at: Seconds since 1970.
    """

    number: int
    first_row: int
    rows: int
    digest: str = ""
    status: ChunkStatus = "pending"
    retry_count: int = 0
    failed: int = 0
    last_error: str = ""
    updated_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How the items of a job ended.

    Attributes:
        verdicts: Items judged.
        failures: Items that failed for good.
        later: Items that failed and may succeed later.
    """

    verdicts: int = 0
    failures: int = 0
    later: int = 0


class Ledger(Protocol):
    """Keeps jobs, chunks and outcomes. Every method is durable on return; many tasks may call at once.

    Every method raises LedgerError when the store cannot be read or written. Those that name a job raise JobError when
    there is none of that id, except `job`, which then finds nothing.
    """

    async def add_job(self, job: Job, chunks: Sequence[Chunk], /) -> Job:
        """Enter a new job and the plan of its chunks; returns it with its times."""
        ...

    async def job(self, job_id: str, /) -> Job | None:
        """Find one job by its id."""
        ...

    async def jobs(self) -> list[Job]:
        """List all jobs, newest first."""
        ...

    async def unfinished(self, fingerprint: str, /) -> Job | None:
        """Find the newest job of the same command that was neither completed nor cancelled."""
        ...

    async def set_status(self, job_id: str, status: JobStatus, /, *, error: str = "") -> None:
        """Note where a job stands; a request to stop is forgotten when it runs again."""
        ...

    async def request_stop(self, job_id: str, /) -> None:
        """Ask whoever runs the job to stop."""
        ...

    async def stop_requested(self, job_id: str, /) -> bool:
        """Whether somebody asked the job to stop."""
        ...

    async def chunks(self, job_id: str, /) -> list[Chunk]:
        """List the chunks of a job, in order."""
        ...

    async def save_chunks(self, job_id: str, chunks: Sequence[Chunk], /) -> None:
        """Replace what is known of these chunks."""
        ...

    async def record(self, job_id: str, outcomes: Sequence[Outcome], /) -> None:
        """Keep these outcomes, each in the place of an earlier one of the same key."""
        ...

    async def outcomes(self, job_id: str, first_row: int, rows: int, /) -> list[Outcome]:
        """Fetch the outcomes of a range of rows, in the order of their keys."""
        ...

    async def failures(self, job_id: str, /, *, limit: int) -> list[Outcome]:
        """Fetch the first failures of a job, in the order of their keys."""
        ...

    async def tally(self, job_id: str, /) -> Tally:
        """Count how the items of a job ended."""
        ...

    async def spent(self, job_id: str, /) -> Usage:
        """Sum up what the outcomes of a job took."""
        ...

    async def adopt(self, job_id: str, items: Sequence[Item], /, *, earlier: str) -> int:
        """Enter verdicts of an earlier job for the items that have not changed, and return how many.

        An item gets the verdict of an item with the same digest and part, wherever that stood. What it is given says
        that it is remembered and took nothing. Items that have an outcome keep it.
        """
        ...
