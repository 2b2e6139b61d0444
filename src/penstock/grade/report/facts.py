"""What is told about a grade job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.jobs.report.facts import RunFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.grade.config import GradeConfig
    from penstock.grade.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts(RunFacts):
    """What the page about a grade job tells.

    Attributes:
        config: Its settings.
        summary: What it made.
        quality: How well a trained offline grader agrees with marks it had not seen.
    """

    config: GradeConfig
    summary: Summary
    quality: Mapping[str, Any] | None = None
