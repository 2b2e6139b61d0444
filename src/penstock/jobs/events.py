"""What a running job tells whoever listens: a terminal, a page, a tracker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from penstock.ledger.ledger import Chunk, Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a job stands, told every second or so.

    Attributes:
        job_id: The job.
        seconds: Time since this run of it began.
        rows: Rows in the source.
        items: Items in the source: rows times parts.
        done: Items that have an outcome, earlier runs included.
        failed: Items among them that are failures.
        skipped: Items that earlier runs had settled.
        rate: Items per second over the last stretch.
        eta: Seconds to the end at that rate; None while it is unknown.
        working: Items in work.
        gauges: What the system measures besides: `in_flight`, `limit`, `throttled`, `cache_hits`, ...
    """

    job_id: str
    seconds: float
    rows: int
    items: int
    done: int
    failed: int
    skipped: int
    rate: float
    eta: float | None
    working: int
    gauges: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparing:
    """A job does something that takes a while before its first item.

    Attributes:
        job_id: The job.
        what: What it does, such as `training on 1,200 examples`.
    """

    job_id: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChanged:
    """A job began, ended or stopped."""

    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkChanged:
    """A chunk was finished, given up, or put back to be tried again."""

    job_id: str
    chunk: Chunk


Event: TypeAlias = Progress | Preparing | JobChanged | ChunkChanged
Listener: TypeAlias = Callable[[Event], None]
"""Called in the job's own loop: it must be quick, and its errors stop the job."""
