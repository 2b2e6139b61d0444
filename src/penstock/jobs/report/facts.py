"""What is told about any job, whatever it computes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.ledger.ledger import Chunk, Job


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """How a job went.

    Attributes:
        job: As it ended or stands.
        chunks: Its chunks.
        progress: The lines of `progress.jsonl`.
        pace: The lines of `pace.jsonl`: `at` seconds after its run began, `limit`, `rate` (None where there is none),
            `why`.
        stage_seconds: Seconds of the last run, by stage.
        queue_depths: Most batches that waited in the last run, by queue.
    """

    job: Job
    chunks: Sequence[Chunk] = ()
    progress: Sequence[Mapping[str, Any]] = ()
    pace: Sequence[Mapping[str, Any]] = ()
    stage_seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    queue_depths: Mapping[str, float] = field(default_factory=dict[str, float])
