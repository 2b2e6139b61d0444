"""What is told about a score job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.jobs.report.facts import RunFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.score.config import ScoreConfig
    from penstock.score.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts(RunFacts):
    """What the page about a score job tells.

    Attributes:
        config: Its settings.
        summary: What it made.
        agreement: The fields of an `Agreement`, where the embedded judge was trained.
    """

    config: ScoreConfig
    summary: Summary
    agreement: Mapping[str, Any] | None = None

    @property
    def parts(self) -> int:
        """Judgements per row."""
        return len(self.config.blocks)

    @property
    def item(self) -> str:
        """What one judgement is called."""
        return "row" if self.parts == 1 else "judgement"
