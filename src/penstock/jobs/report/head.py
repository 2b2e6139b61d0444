"""The top of a job's page: how it ended, in one line, and how to go on."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from penstock.page import element, foreign, join, section
from penstock.page.figures import count, duration, moment, money, percent, short_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.jobs.report.course import Course
    from penstock.ledger.ledger import Job
    from penstock.page import Child, Markup
    from penstock.records import Usage

    Figure = tuple[str, str]


def header(job: Job, *about: Child, figures: Sequence[Figure], kept: str) -> Markup:
    """Make the header of the page.

    Args:
        job: As it ended or stands.
        *about: What was judged, and by what; the time when it was begun is added.
        figures: The figures of the verdict, each with its words.
        kept: What is kept of a job that stopped, such as `What was scored is kept.`
    """
    begun = join([". Begun ", element("time", moment(job.created_at)), "."]) if job.created_at else "."
    return element(
        "header",
        element("p", f"Penstock {job.system}", class_="brand"),
        element("h1", foreign(job.id), " ", element("span", job.status, class_="status")),
        element("p", *about, begun),
        element("p", *_spoken(figures), class_="verdict"),
        element("p", foreign(job.error, longest=1_000), class_="error") if job.error else None,
        _going_on(job, kept),
    )


def effort(course: Course, usage: Usage, *, cached: float | None = None) -> list[Figure]:
    """Tell what a job took: time, calls, refusals, answers from the cache, tokens, money; what there is of it.

    Args:
        course: Of the job.
        usage: What its outcomes took.
        cached: Share of the verdicts that were remembered, where there was a cache.
    """
    calls, refused = course.total("calls"), course.total("throttled")
    said: list[Figure] = []
    if course.runs:
        said.append((duration(course.seconds), f"in {len(course.runs)} runs" if len(course.runs) > 1 else ""))
    if calls is not None:
        said.append((count(calls), "call" if calls == 1 else "calls"))
    if refused is not None:
        said.append((count(refused), "refused"))
    if cached is not None:
        said.append((percent(cached), "from the cache"))
    for tokens, way in ((usage.tokens_in, "in"), (usage.tokens_out, "out")):
        if tokens:
            said.append((short_count(tokens), f"tokens {way}"))
    if usage.cost_usd:
        said.append((money(usage.cost_usd), ""))
    return said


def settings(pairs: Mapping[str, str]) -> Markup:
    """List the settings of a job."""
    listed = [part for name, value in pairs.items() for part in (element("dt", name), element("dd", foreign(value)))]
    return section("Settings", element("dl", *listed))


def model_at(name: str, base_url: str) -> str:
    """Name a model and its server; the address may hold more than its host, which is nobody's business."""
    host = urlsplit(base_url).hostname
    return f"{name} at {host}" if host else name


def _spoken(figures: Sequence[Figure]) -> list[Markup | str]:
    spoken = [element("span", element("b", figure), f" {words}" if words else "") for figure, words in figures]
    return [join(spoken, by=", "), "."]


def _going_on(job: Job, kept: str) -> Markup | None:
    if job.status not in {"interrupted", "cancelled", "failed"}:
        return None
    command = element("code", f"penstock jobs resume {job.id}")
    return element("p", f"{kept} Go on with ", command)


def style(room: str) -> str:
    """Give the style of a system's page: that of all jobs, then its own `report.css`.

    Args:
        room: Package of the page, such as `penstock.score.report`.
    """
    own = files(room).joinpath("report.css").read_text(encoding="utf-8")
    return files("penstock.jobs.report").joinpath("job.css").read_text(encoding="utf-8") + own
