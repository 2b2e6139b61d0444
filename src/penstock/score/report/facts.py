"""What is told about a score job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.ledger.ledger import Chunk, Job
    from penstock.score.config import ScoreConfig
    from penstock.score.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """What the page about a job tells.

    Attributes:
        job: The job as it ended or stands.
        config: Its settings.
        summary: What it made.
        chunks: Its chunks.
        progress: The lines of `progress.jsonl`.
        pace: The lines of `pace.jsonl`: `at` seconds after its run began, `limit`, `rate` (None where there is none),
            `why`.
        stage_seconds: Seconds of the last run, by stage.
        queue_depths: Most batches that waited in the last run, by queue.
        agreement: The fields of an `Agreement`, where the embedded judge was trained.
    """

    job: Job
    config: ScoreConfig
    summary: Summary
    chunks: Sequence[Chunk] = ()
    progress: Sequence[Mapping[str, Any]] = ()
    pace: Sequence[Mapping[str, Any]] = ()
    stage_seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    queue_depths: Mapping[str, float] = field(default_factory=dict[str, float])
    agreement: Mapping[str, Any] | None = None

    @property
    def parts(self) -> int:
        """Judgements per row."""
        return len(self.config.blocks)

    @property
    def item(self) -> str:
        """What one judgement is called."""
        return "row" if self.parts == 1 else "judgement"
