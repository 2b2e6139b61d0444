"""The page about an experiment: the verdict first, then what it rests on."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from penstock.interleave.page.comparison import compared, glance, subject, verdict
from penstock.interleave.page.reading import reading
from penstock.interleave.page.trust import check_name, checked, left_out, times
from penstock.interleave.page.wording import short, users, versus, when
from penstock.page import Markup, document, element, foreign, join
from penstock.page.figures import plural

if TYPE_CHECKING:
    from penstock.interleave.analysis.report import Comparison, Report


def render(report: Report) -> str:
    """Make the page: whole, without anything from outside."""
    found = report.comparisons
    alone = len(found) == 1
    return document(
        f"{_title(report)}: interleaving",
        _header(report),
        element(
            "main",
            glance(found) if len(found) > 1 else None,
            *(compared(each, alone=alone) for each in found),
            checked(report),
            left_out(report),
            times(report),
            reading(each.method for each in found),
        ),
        _footer(report),
        style=style(),
    )


def style() -> str:
    """Give the CSS that the pages about experiments have besides that of all pages."""
    return files("penstock.interleave.page").joinpath("page.css").read_text(encoding="utf-8")


def _title(report: Report) -> str:
    found = report.comparisons
    if not found:
        return "Nothing to compare"
    return versus(found[0]) if len(found) == 1 else f"{len(found)} comparisons"


def _header(report: Report) -> Markup:
    found = report.comparisons
    alone = found[0] if len(found) == 1 else None
    return element(
        "header",
        element("p", "Penstock interleave", class_="brand"),
        element("h1", foreign(_title(report))),
        subject(alone) if alone else None,
        verdict(alone) if alone else _verdicts(report),
        _alarm(report),
        element("p", *_basis(report)),
    )


def _verdicts(report: Report) -> Markup:
    """Say in a line each what is decided."""
    if not report.comparisons:
        said = "No ranking in the log is interleaved, competitive and clicked, so that nothing can be said."
        return element("p", said, class_="verdict")
    lines = (element("li", _decision(each)) for each in report.comparisons)
    return element("ul", *lines, class_="verdict")


def _decision(comparison: Comparison) -> Markup:
    """Say what is decided in a few words; who is only ahead is not yet preferred."""
    where = join([" in ", foreign(short(comparison.experiment)), f" ({comparison.method})"])
    winner, found = comparison.always_valid.winner, comparison.by_user
    if winner is not None:
        other = comparison.b if winner == comparison.a else comparison.a
        return join([element("b", foreign(short(winner))), " is preferred to ", foreign(short(other)), where])
    said = ": not decided"
    if found.low is not None and found.high is not None and (found.low > 0 or found.high < 0):
        ahead = comparison.a if found.low > 0 else comparison.b
        said = join([": ", foreign(short(ahead)), " is ahead, not decided"])
    return join([foreign(versus(comparison)), where, said])


def _alarm(report: Report) -> Markup | None:
    """Warn of checks that failed, where the verdict is read."""
    failed = list(dict.fromkeys(check_name(check) for check in report.checks if not check.ok))
    if not failed:
        return None
    number = sum(not check.ok for check in report.checks)
    head = f"✗ {number} of {plural(len(report.checks), 'check')} failed"
    said = (": ", foreign(", ".join(failed)), ". Do not trust the result before this is understood.")
    return element("p", element("b", head), *said, class_="alarm")


def _basis(report: Report) -> list[Markup | str]:
    """Say what all of it is based on."""
    log = report.log
    counted = sum(each.rankings for each in report.comparisons)
    people = max((each.users for each in report.comparisons), default=0)
    most = "" if len(report.comparisons) == 1 else "up to "
    said: list[Markup | str] = [
        f"Based on {plural(counted, 'clicked ranking')} of {most}{users(people)}, ",
        f"out of {plural(log.rankings, 'ranking')} in the log",
    ]
    if log.first_time:
        said.append(join([", from ", _time(log.first_time), " to ", _time(log.last_time)]))
    if all(check.ok for check in report.checks):
        said.append(f". All {plural(len(report.checks), 'check')} passed")
    return [*said, "."]


def _time(time: str) -> Markup:
    return element("time", when(time))


def _footer(report: Report) -> Markup:
    return element(
        "footer",
        element("p", f"Intervals have a confidence of {report.confidence:g}. Dates and times are UTC."),
        element("p", "The same as JSON: ", element("code", "penstock interleave report --json"), "."),
    )
