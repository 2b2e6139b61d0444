"""The page itself: how well both agree in one sentence, then what it rests on, then what to look at."""

from __future__ import annotations

import shlex
from importlib.resources import files
from typing import TYPE_CHECKING

from penstock.grade.agreement import wording
from penstock.grade.agreement.page import charts, reading, tables
from penstock.grade.agreement.slices import FEW
from penstock.grade.overrides import SCORE
from penstock.page import document, element, foreign, join, section
from penstock.page.figures import count, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.grade.agreement.compare import Agreement
    from penstock.grade.agreement.marked import MarkedAnswer
    from penstock.grade.agreement.slices import Estimate
    from penstock.page import Markup

LISTED = 50
"""Answers that the page lists for review."""


def render(found: Agreement, doubtful: Sequence[MarkedAnswer]) -> str:
    """Make the page: whole, without anything from outside.

    Args:
        found: How well the marks agree.
        doubtful: Answers that a person should look at, in order; as many as are to be listed.
    """
    sections = (
        section("Agreement", tables.measures(found)),
        section("Who gave which mark", charts.crossing(found.crossing)),
        section("By the mark that people gave", charts.bias_by_band(found), tables.bands(found)),
        _by_method(found),
        _by_question(found),
        _surest(found),
        _calibration(found),
        _review(found, doubtful),
        section("What was left out", tables.states(found)),
        reading.reading(),
    )
    return document(f"{found.source}: agreement", _header(found), element("main", *sections), _footer(), style=_style())


def _style() -> str:
    return files("penstock.grade.agreement.page").joinpath("page.css").read_text(encoding="utf-8")


def _header(found: Agreement) -> Markup:
    return element(
        "header",
        element("p", "Penstock grade", class_="brand"),
        element("h1", "Machine and people on ", foreign(found.source)),
        _verdict(found),
        element("p", foreign(_sentence(wording.basis(found)), longest=2_000)),
        element("p", "Not compared: ", foreign(wording.left_out(found)), "."),
    )


def _verdict(found: Agreement) -> Markup:
    """Say in words what the main figures say."""
    measures = found.overall.measures
    accuracy, bias, rmse = (measures[name].value or 0.0 for name in ("accuracy", "bias", "rmse"))
    few = f" Fewer than {FEW} answers or learners are compared: all of this is rough." if found.overall.few else ""
    said = (
        *("They agree on right or wrong for ", element("b", percent(accuracy)), " of the answers"),
        *(_between(measures["accuracy"]), ". Their marks differ by "),
        *(element("b", f"{rmse:.1f}\N{NO-BREAK SPACE}points"), " of 100 (root mean square), the machine's being "),
        f"{_lean(bias)} on average. Weighted kappa is ",
        *(element("b", wording.figure("qwk", measures["qwk"])), f".{few}"),
    )
    return element("p", *said, class_="verdict")


def _lean(bias: float) -> str:
    if abs(bias) < 0.05:
        return "neither higher nor lower"
    return f"{abs(bias):.1f} points {'higher' if bias > 0 else 'lower'}"


def _between(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f" (between {percent(estimate.low)} and {percent(estimate.high)})"


def _by_method(found: Agreement) -> Markup | None:
    """Show the states, too, unless each of them has one method of its own."""
    methods, states = found.methods, found.mark_states
    alike = [one.pairs for one in methods] == [one.pairs for one in states]
    shown = [("By what made the mark", methods), *([] if alike else [("By how grading ended", states)])]
    parts = [tables.slices(caption, "", one) for caption, one in shown if len(one) > 1]
    return section("By method", *parts) if parts else None


def _by_question(found: Agreement) -> Markup | None:
    if len(found.questions) < 2:
        return None
    most = tables.MOST_QUESTIONS
    rest = f" The first {most} of {count(len(found.questions))} are shown." if len(found.questions) > most else ""
    caption = f"The largest errors first; questions with fewer than {FEW} answers come last.{rest}"
    return section("By question", tables.slices(caption, "Question", found.questions[:most]))


def _surest(found: Agreement) -> Markup:
    if found.curve is None:
        return section("The surest marks", element("p", "No confidence is stated for the marks."))
    said = element("p", _sentence(wording.surest(found)))
    return section("The surest marks", said, *charts.surest(found.curve), tables.kept(found.curve))


def _calibration(found: Agreement) -> Markup | None:
    parts: list[Markup] = []
    said: list[Markup] = []
    if found.confidence is not None:
        said.append(element("p", "Chance of being right: ", wording.stated_chances(found.confidence), "."))
        parts.append(charts.reliability(found.confidence))
    if found.expected_error is not None:
        said.append(element("p", "Expected error: ", wording.stated_errors(found.expected_error), "."))
        parts.append(charts.errors(found.expected_error))
    if not parts:
        return None
    return section("Stated confidence and stated error", join(said), element("div", *parts, class_="beside"))


def _review(found: Agreement, doubtful: Sequence[MarkedAnswer]) -> Markup | None:
    if not doubtful:
        return None
    said = element("p", "Answers without a mark by a person, the most doubtful first. As a table to fill in: ")
    words = ["penstock", "grade", "review", found.source, "-o", "review.csv"]
    words += [] if found.columns.human == SCORE else ["--human", found.columns.human]
    command = element("code", foreign(shlex.join(words)))
    return section("Worth a look", join([said, element("p", command)]), tables.review(doubtful))


def _footer() -> Markup:
    return element(
        "footer",
        element("p", "Texts of learners are shown in the list of answers worth a look, and nowhere else."),
        element("p", "The same as JSON, without texts: ", element("code", "penstock grade agreement --json"), "."),
    )


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
