"""Keeps every change of the pace in the run folder, so that the report can show the course of the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.flow.gate import Gate
    from penstock.flow.pace import PaceChange
    from penstock.jobs.folder import RunFolder

PACE = "pace.jsonl"
"""File of the run folder: seconds since the run began, limit, rate, and why."""


class PaceHistory:
    """Writes down what a gate's pace has changed since it was last looked at.

    A gate is shared by all jobs of a process, so what it changed before this run began is left out.
    """

    def __init__(self, folder: RunFolder, gate: Gate) -> None:
        """Begin with the limit as it is."""
        self._folder = folder
        self._gate = gate
        self._began = self._latest = gate.now()
        self._started = False

    def write(self) -> None:
        """Add the changes since the last call, one line each.

        Raises:
            DeliveryError: The file cannot be written.
        """
        if not self._started:
            self._started = True
            stats = self._gate.stats()
            start = {"at": 0.0, "limit": stats.limit, "rate": stats.rate, "why": "start"}
            self._folder.add_line(PACE, start)
        for change in self._news():
            self._latest = change.at
            line = {"at": round(change.at - self._began, 3), "limit": change.limit}
            self._folder.add_line(PACE, {**line, "rate": change.rate, "why": change.why})

    def _news(self) -> list[PaceChange]:
        return [change for change in self._gate.pace.history if change.at > self._latest]
