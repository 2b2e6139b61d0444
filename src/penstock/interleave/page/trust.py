"""The parts of the page that say what the result rests on: checks, what was left out, clicks, times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.interleave.page.wording import part, share
from penstock.interleave.settings import INTERLEAVE
from penstock.page import Column, Markup, element, foreign, join, section, table
from penstock.page.figures import NONE, count, decimal, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.interleave.analysis.report import Check, Latency, Report

_NAMES = {
    "comparable": "Something to compare",
    "first_pick": "First position",
    "position_balance": "Other positions",
    "sample_ratio": "Users of the sample",
    "duplicates": "Repeated lines",
    "click_join": "Clicks on logged rankings",
    "late_clicks": "Clicks in time",
    "fallback_share": "Fallbacks",
    "broken_lines": "Readable records",
    "a_a": "Equal rankers (A/A)",
}

_LOSSES = {
    "late": "was late",
    "raised": "failed with an error",
    "empty": "had no items",
    "stuck": "was stuck in an earlier request",
    "unreadable": "gave what could not be read",
}

_LEFT_OUT = {
    "without_clicks": "Interleaved, not clicked",
    "not_competitive": "Interleaved, with the same list from both",
    "no_user": "Interleaved, without a user to count them for",
    "excluded_user": "Of users who were to be left out",
    "other_experiment": "Of other experiments",
    "other_time": "Of other times",
}


def check_name(check: Check) -> str:
    """Name a check in words."""
    return _NAMES.get(check.name, check.name)


def checked(report: Report) -> Markup:
    """List the checks, those that failed first."""
    columns: list[Column[Check]] = [
        Column("Check", lambda check: foreign(check_name(check)), words=True),
        Column("Result", _result, words=True),
        Column("Figure", _figure),
        Column("What was seen", _seen, words=True),
    ]
    caption = "A check fails where chance alone would do that in fewer than 1 of 1,000 sound experiments, or at a share"
    return section("Checks", table(f"{caption} that would matter", columns, report.checks, class_="checks"))


def _result(check: Check) -> Markup:
    """Say it in words and with a sign, not by colour alone."""
    if not check.ok:
        return element("b", "✗ not\N{NO-BREAK SPACE}ok", class_="bad")
    return element("span", "✓ ok" if check.figure is not None else "– not measured", class_="good")


def _figure(check: Check) -> str:
    if check.figure is None:
        return NONE
    if check.figure_is == "p":
        return "p < 0.001" if check.figure < 0.001 else f"p = {check.figure:.3f}"
    return share(check.figure)


def _seen(check: Check) -> Markup:
    about = [element("span", foreign(check.subject), class_="subject")] if check.subject else []
    return join([foreign(check.sentence), *about])


def left_out(report: Report) -> Markup:
    """Say which rankings no comparison counts, and what became of the clicks."""
    log = report.log
    rows = [("Counted in a comparison", report.compared), *_reasons(report)]
    columns: list[Column[tuple[str, int]]] = [
        Column("Rankings", lambda row: foreign(row[0]), words=True),
        Column("Number", lambda row: count(row[1])),
        Column("Share", lambda row: part(row[1], log.rankings)),
    ]
    caption = f"What became of {plural(log.rankings, 'ranking')} in the log"
    return section(
        "What was left out",
        element("p", "Fallbacks are left out because slow requests are not like others.")
        if report.left_out.fallback
        else None,
        table(caption, columns, rows),
        _clicks(report),
        element("p", *_lines(report)),
    )


def _reasons(report: Report) -> Iterator[tuple[str, int]]:
    for why, number in report.left_out.fallback.items():
        yield f"Fallback: {_loss(why)}", number
    for ranker, number in report.left_out.served_alone.items():
        yield f"Served by {ranker} alone, on purpose", number
    for name, words in _LEFT_OUT.items():
        number = getattr(report.left_out, name)
        if number:
            yield words, number


def _loss(why: str) -> str:
    """Write a reason of a fallback: `B:late` is B was late."""
    ranker, _, what = why.rpartition(":")
    return f"{ranker} {_LOSSES[what]}" if ranker and what in _LOSSES else why


def _clicks(report: Report) -> Markup:
    clicks = report.clicks
    rows = (
        ("Counted", clicks.counted),
        ("On rankings that are left out", clicks.elsewhere),
        ("On rankings that are not in the log", clicks.unknown_ranking),
        ("On items that their ranking did not show", clicks.unknown_item),
        ("Repeated on the same item of the same ranking", clicks.repeated),
        ("Not readable", clicks.broken),
    )
    columns: list[Column[tuple[str, int]]] = [
        Column("Clicks", lambda row: row[0], words=True),
        Column("Number", lambda row: count(row[1])),
        Column("Share", lambda row: part(row[1], clicks.lines)),
    ]
    kept = [row for row in rows if row[1] or row[0] == "Counted"]
    return table(f"What became of {plural(clicks.lines, 'click')}", columns, kept)


def _lines(report: Report) -> list[Markup | str]:
    """Say what else was in the log."""
    log, clicks = report.log, report.clicks
    said: list[Markup | str] = [f"{plural(log.files, 'file')} of the log with {plural(log.lines, 'line')}: "]
    said.append(f"{plural(log.pages, 'page')} of rankings, {count(log.duplicates)} repeated, ")
    said.append(f"{count(log.foreign)} of something else, {count(log.broken)} broken.")
    for what, first in (("record", log.first_broken), ("click", clicks.first_broken)):
        if first:
            said += [f" The first broken {what}: ", foreign(first)]
    return said


def times(report: Report) -> Markup | None:
    """List how long requests took, and the state of the settings they were made under."""
    states = ", ".join(f"{name} {part(number, sum(report.settings.values()))}" for name, number in _settings(report))
    said = element("p", "Settings that rankings were made under: ", foreign(states), ".") if states else None
    if not report.latency:
        return section("Settings", said) if said else None
    columns: list[Column[Latency]] = [
        Column("Served", lambda row: foreign(_mode(row)), words=True),
        Column("Part", lambda row: foreign(row.part), words=True),
        Column("Requests", lambda row: count(row.requests)),
        Column("p50", lambda row: decimal(row.p50)),
        Column("p90", lambda row: decimal(row.p90)),
        Column("p99", lambda row: decimal(row.p99)),
    ]
    caption = "Milliseconds that a request took, and its parts; of 100 requests, 90 took at most p90"
    return section("Times", table(caption, columns, report.latency), said)


def _settings(report: Report) -> list[tuple[str, int]]:
    return sorted(report.settings.items(), key=lambda state: -state[1])


def _mode(row: Latency) -> str:
    if row.mode == INTERLEAVE:
        return "interleaved"
    return "fallback" if row.mode == "fallback" else f"by {row.mode} alone"
