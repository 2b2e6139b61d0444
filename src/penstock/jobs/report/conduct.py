"""How a job went: its course over time, changes of the pace, slow rows, chunks, stages."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from penstock.jobs.report.chart import over_time
from penstock.jobs.report.course import split
from penstock.page import Column, Layer, Markup, element, foreign, join, section, table
from penstock.page.figures import NONE, count, decimal, duration, percent, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from penstock.jobs.effort import SlowRow
    from penstock.jobs.report.course import Course, Moment
    from penstock.jobs.seconds import Seconds
    from penstock.ledger.ledger import Chunk

    Event: TypeAlias = tuple[int, Mapping[str, Any]]

MOMENTS = 240
"""Points of a chart, about."""

FEWEST = 5
"""Points below which there is no chart."""

MOST_CHUNKS = 50
"""Chunks listed."""

MOST_EVENTS = 40
"""Events of the pace listed: half from the beginning, half from the end."""

_WHY = {
    "start": "the run began",
    "found": "the limit was met",
    "held": "one call more was tried and refused",
    "raised": "the server takes more calls",
    "fewer": "the server takes fewer calls",
    "rate": "calls per second were measured",
    "quota": "a limit that the server told was used up",
    "pause": "refused whatever was asked, all calls wait",
}


def over_the_run(course: Course, *, item: str) -> Markup:
    """Show how the job went on: what was done, how fast, calls in flight, calls refused.

    Args:
        course: Of the job.
        item: What one judgement is called.
    """
    if not course.seconds or sum(len(run.moments) for run in course.runs) < FEWEST:
        return section("Course of the run", element("p", "The run was over too soon for a picture."))
    thin = course.thinned(MOMENTS)
    resumed = "Dashed lines mark where it was resumed; the time between the runs is left out."
    charts = [_done(thin, item), _speed(thin, item)]
    if course.paced:
        charts.append(_calls(thin))
    if course.total("throttled"):
        charts.append(_refusals(thin))
    return section(
        "Course of the run",
        element("p", resumed) if len(course.runs) > 1 else None,
        element("div", *charts, class_="charts"),
        _lookups(course),
    )


def _done(course: Course, item: str) -> Markup:
    last = course.runs[-1].moments[-1]
    label = f"{count(last.done)} {item}s done after {duration(course.seconds)}, {count(last.failed)} of them failed"
    done = _values(course, lambda moment: moment.done)
    layers = [Layer(kind="area", tone="accent", runs=done), Layer(kind="line", tone="accent", runs=done)]
    return over_time(f"{item.capitalize()}s done", layers, course, label=label)


def _speed(course: Course, item: str) -> Markup:
    layer = Layer(kind="line", tone="accent", runs=[run.speeds() for run in course.runs])
    label = f"At most {decimal(layer.most, places=1)} {item}s per second"
    return over_time(f"{item.capitalize()}s per second", [layer], course, label=label)


def _calls(course: Course) -> Markup:
    flying = Layer(kind="area", tone="grey", runs=_values(course, lambda one: one.in_flight), name="in flight")
    limit = Layer(kind="line", tone="ink", runs=_values(course, lambda one: one.limit), name="limit in force")
    label = f"At most {count(flying.most)} calls in flight, with a limit of at most {count(limit.most)}"
    return over_time("Calls in flight", [flying, limit], course, label=label, tall=True)


def _refusals(course: Course) -> Markup:
    refused = Layer(kind="bars", tone="accent", runs=_values(course, lambda one: one.refused or None))
    total = course.total("throttled") or 0
    label = f"{plural(total, 'call')} refused"
    return over_time(f"Calls refused (429) as they came, {count(total)} in all", [refused], course, label=label)


def _values(course: Course, value: Callable[[Moment], float | None]) -> list[list[tuple[float, float]]]:
    return [
        [(moment.at, found) for moment in run.moments if (found := value(moment)) is not None] for run in course.runs
    ]


def _lookups(course: Course) -> Markup | None:
    """Say how often the cache had an answer, and how often the pace was lowered."""
    hits, misses, cuts = (course.total(name) for name in ("cache_hits", "cache_misses", "cuts"))
    said = ["No call was refused (429)."] if course.total("throttled") == 0 else []
    if hits is not None and misses is not None and hits + misses:
        looked = plural(hits + misses, "question")
        said.append(f"The cache was asked {looked} and knew {count(hits)} ({percent(hits / (hits + misses))}).")
    if cuts is not None:
        said.append(f"Cuts of the pace: {count(cuts)}.")
    return element("p", " ".join(said)) if said else None


def pace(changes: Sequence[Mapping[str, Any]]) -> Markup | None:
    """List what the pace met, and what it made of it; `changes` are the lines of `pace.jsonl`."""
    if not changes:
        return None
    runs = split(changes, "at")
    events: list[Event] = [(run, event) for run, group in enumerate(runs, start=1) for event in group]
    half = MOST_EVENTS // 2
    shown = events if len(events) <= MOST_EVENTS else [*events[:half], *events[-half:]]
    listed = "All events" if len(shown) == len(events) else f"The first {half} and the last {half} events"
    caption = "Time since the run began, and how many calls may be in flight and start per second from then on"
    whys = Counter(str(event["why"]) for _, event in events if event["why"] != "start")
    kinds = [join([_why(why), f" ({count(number)})"]) for why, number in whys.most_common()]
    columns: list[Column[Event]] = [
        Column("After", lambda one: duration(one[1]["at"])),
        Column("Calls in flight", lambda one: decimal(one[1]["limit"], places=0)),
        Column("Calls per second", lambda one: decimal(one[1].get("rate"), places=1)),
        Column("Because", lambda one: _why(str(one[1]["why"])), words=True),
    ]
    if len(runs) > 1:
        columns.insert(0, Column("Run", lambda one: count(one[0])))
    listing = element("details", element("summary", listed), table(caption, columns, shown))
    return section(
        "Pace",
        element("p", f"{plural(whys.total(), 'event')} of the pace: ", join(kinds, by=", ") or "none", "."),
        listing,
    )


def _why(word: str) -> Markup:
    return foreign(_WHY.get(word, word))


def slowest(times: Seconds, rows: Sequence[SlowRow], *, item: str, parts: int = 1, first: int = 1) -> Markup | None:
    """List the rows that took longest.

    Args:
        times: Of all judgements that needed a call.
        rows: Slowest first.
        item: What one judgement is called.
        parts: Judgements per row.
        first: The number that people see at the first row.
    """
    if not rows:
        return None
    reached = [f"{percent(share)} took up to {duration(times.quantile(share))}" for share in (0.5, 0.9, 0.99)]
    said = f"Of the {item}s that needed a call, {', '.join(reached)}."
    columns: list[Column[SlowRow]] = [
        Column("Row", lambda one: count(one.row + first)),
        Column("Time", lambda one: duration(one.seconds)),
        Column("Calls", lambda one: count(one.calls)),
    ]
    caption = "Time from a row's first call to its answer, with the wait for its turn"
    if parts > 1:
        caption += "; the slowest of its blocks counts"
    return section("Slowest rows", element("p", said), table(caption, columns, rows))


def chunks(found: Sequence[Chunk], *, chunk_rows: int) -> Markup | None:
    """Count the chunks by status, and list those that failed or were tried again."""
    if not found:
        return None
    statuses = Counter(chunk.status for chunk in found)
    kinds = ", ".join(f"{count(number)} {status}" for status, number in statuses.most_common())
    size = plural(chunk_rows, "row")
    said = f"{plural(len(found), 'chunk')} of up to {size}: {kinds}."
    uneven = [chunk for chunk in found if chunk.status == "failed" or chunk.retry_count or chunk.failed]
    if not uneven:
        return section("Chunks", element("p", f"{said} None was tried again."))
    more = f"; the first {MOST_CHUNKS} of {count(len(uneven))}" if len(uneven) > MOST_CHUNKS else ""
    columns: list[Column[Chunk]] = [
        Column("Chunk", lambda one: count(one.number)),
        Column("Rows", lambda one: f"{count(one.first_row + 1)}-{count(one.first_row + one.rows)}"),
        Column("Status", lambda one: one.status, words=True),
        Column("Tried again", lambda one: count(one.retry_count)),
        Column("Failed", lambda one: count(one.failed)),
        Column("Last error", lambda one: foreign(one.last_error or NONE), words=True),
    ]
    caption = f"Chunks that were tried again or hold failures{more}"
    return section("Chunks", element("p", said), table(caption, columns, uneven[:MOST_CHUNKS]))


def stages(seconds: Mapping[str, float], depths: Mapping[str, float]) -> Markup | None:
    """Show how long each stage worked, and how full the queues became."""
    if not seconds:
        return None
    columns: list[Column[tuple[str, float]]] = [
        Column("Stage", lambda pair: foreign(pair[0]), words=True),
        Column("Time", lambda pair: duration(pair[1])),
    ]
    deepest = ", ".join(f"{name} {count(depth)}" for name, depth in depths.items())
    caption = "Time per stage, added up over everything that was in work at once"
    return section(
        "Stages",
        element("p", f"Most batches that waited in a queue: {deepest}.") if deepest else None,
        table(caption, columns, seconds.items()),
    )
