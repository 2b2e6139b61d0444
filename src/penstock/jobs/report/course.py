"""The course of a job: its runs one after the other on a common axis, from the lines of `progress.jsonl`.

Each run of a job (the first, and one per resume) counts its seconds and calls from zero. The axis is time at work: the
pauses between runs are not on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Line: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where a job stood at one time.

    Attributes:
        at: Seconds at work since the job's first run began.
        done: Items with an outcome, of all runs so far.
        failed: Failures among them.
        in_flight: Calls in flight; None for a judge that makes no calls.
        limit: Calls that might be in flight; None like `in_flight`.
        refused: Calls refused since the moment before.
    """

    at: float
    done: int
    failed: int
    in_flight: float | None = None
    limit: float | None = None
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a job.

    Attributes:
        began: Seconds at work before it.
        moments: In order of time; at least one.
        totals: Its counts at its end: `calls`, `throttled`, `cuts`, `cache_hits`, `cache_misses`, where measured.
    """

    began: float
    moments: tuple[Moment, ...]
    totals: Mapping[str, float]

    def speeds(self) -> list[tuple[float, float]]:
        """Give items per second over time, at the end of each stretch; stretches much shorter than most are joined."""
        first, last = self.moments[0], self.moments[-1]
        least = (last.at - first.at) / len(self.moments) / 2
        found: list[tuple[float, float]] = []
        for moment in self.moments[1:]:
            if moment.at - first.at > least:
                found.append((moment.at, (moment.done - first.done) / (moment.at - first.at)))
                first = moment
        return [(self.moments[0].at, found[0][1]), *found] if found else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All runs of a job, in order."""

    runs: tuple[Run, ...] = ()

    @property
    def seconds(self) -> float:
        """Time at work, all runs together."""
        return self.runs[-1].moments[-1].at if self.runs else 0.0

    @property
    def resumed(self) -> list[float]:
        """Seconds at work before each run but the first."""
        return [run.began for run in self.runs[1:]]

    @property
    def paced(self) -> bool:
        """Whether calls were made that a pace let in."""
        return any(moment.limit is not None for run in self.runs for moment in run.moments)

    def total(self, name: str) -> int | None:
        """Add up a count over all runs; None where no run measured it."""
        found = [run.totals[name] for run in self.runs if name in run.totals]
        return int(sum(found)) if found else None

    def thinned(self, most: int) -> Course:
        """Give a course with about `most` moments, each standing for an equal stretch of time."""
        step = self.seconds / most
        if not step:
            return self
        return Course(runs=tuple(replace(run, moments=_thin(run.moments, step)) for run in self.runs))


def trace(lines: Sequence[Line]) -> Course:
    """Read the course of a job from the lines of `progress.jsonl`."""
    runs: list[Run] = []
    began, done = 0.0, 0
    for stretch in split(lines, "seconds", "calls"):
        moments: list[Moment] = []
        refused = 0
        for line in stretch:
            done = max(done, int(line["done"]))  # a resumed run counts up from zero what earlier ones did
            moments.append(_moment(line, began=began, done=done, refused=refused))
            refused = int(line.get("throttled", 0))
        names = ("calls", "throttled", "cuts", "cache_hits", "cache_misses")
        totals = {name: stretch[-1][name] for name in names if name in stretch[-1]}
        runs.append(Run(began=began, moments=tuple(moments), totals=totals))
        began = moments[-1].at
    return Course(runs=tuple(runs))


def split(lines: Iterable[Line], *rising: str) -> list[list[Line]]:
    """Divide lines into the runs that wrote them: where one of the rising numbers falls, a new run began."""
    runs: list[list[Line]] = []
    for line in lines:
        if runs and all(line.get(name, 0) >= runs[-1][-1].get(name, 0) for name in rising):
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def _moment(line: Line, *, began: float, done: int, refused: int) -> Moment:
    return Moment(
        at=began + line["seconds"],
        done=done,
        failed=int(line["failed"]),
        in_flight=line.get("in_flight"),
        limit=line.get("limit"),
        refused=int(line.get("throttled", 0)) - refused,
    )


def _thin(moments: Sequence[Moment], step: float) -> tuple[Moment, ...]:
    return tuple(_joined(list(group)) for _, group in groupby(moments, key=lambda moment: int(moment.at / step)))


def _joined(moments: Sequence[Moment]) -> Moment:
    """Make one moment of several: where things stood at the end, how many there were on average."""
    last = moments[-1]
    flying = [moment.in_flight for moment in moments if moment.in_flight is not None]
    return replace(
        last,
        in_flight=sum(flying) / len(flying) if flying else None,
        refused=sum(moment.refused for moment in moments),
    )
