"""What a job made: scores by category, failed rows, agreement with labels, what made the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from penstock.page import Column, element, foreign, join, section, table
from penstock.page.figures import count, decimal, percent, plural
from penstock.score.report.chart import histogram

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.page import Markup
    from penstock.score.distribution import Distribution
    from penstock.score.report.facts import ReportFacts
    from penstock.score.summary import FailedRow

    Measures: TypeAlias = Mapping[str, Any]


def scores(facts: ReportFacts) -> Markup:
    """Show how the scores of each category are spread."""
    caption = (
        "Pictures run from 0 to 1, with scores of 0.50 and more in colour. "
        "Heights go with the square root of the counts, so that rare scores can be seen."
    )
    columns: list[Column[Distribution]] = [
        Column("Category", lambda one: foreign(one.name, longest=120), words=True),
        Column("Scores from 0 to 1", histogram, words=True),
        Column("Mean", lambda one: decimal(one.mean)),
        Column("Median", lambda one: decimal(one.median)),
        Column("≥ 0.50", lambda one: percent(one.share(0.5))),
    ]
    return section("Scores", table(caption, columns, facts.summary.categories, class_="scores"))


def failures(facts: ReportFacts) -> Markup:
    """Show which rows failed, and why."""
    summary = facts.summary
    if not summary.failed:
        return section("Failed rows", element("p", "No row failed."))
    first = summary.first_failures
    shown = len({one.row for one in first})
    caption = (
        "All failed rows" if shown == summary.failed else f"The first {shown} of {count(summary.failed)} failed rows"
    )
    columns: list[Column[FailedRow]] = [
        Column("Row", lambda one: count(one.row + 1)),
        Column("Kind", lambda one: foreign(one.code), words=True),
        Column("Reason", lambda one: foreign(one.reason), words=True),
    ]
    if facts.parts > 1:
        columns.insert(1, Column("Blocks", lambda one: _blocks(one.parts)))
    return section("Failed rows", _kinds(facts), table(caption, columns, first))


def _kinds(facts: ReportFacts) -> Markup:
    """Count failures by kind, and by HTTP status where there was one."""
    summary = facts.summary
    kinds = [join([f"{plural(number, facts.item)} ", foreign(code)]) for code, number in summary.codes.items()]
    statuses = ", ".join(
        f"HTTP\N{NO-BREAK SPACE}{status}:\N{NO-BREAK SPACE}{count(number)}"
        for status, number in summary.statuses.items()
    )
    return element("p", join(kinds, by=", "), f"; {statuses}." if statuses else ".")


def _blocks(parts: Sequence[int]) -> str:
    shown = ", ".join(str(part + 1) for part in parts[:5])
    return f"{shown} and {len(parts) - 5} more" if len(parts) > 5 else shown


def agreement(facts: ReportFacts) -> Markup | None:
    """Show how well an embedded judge agrees with labels that it had not seen."""
    found = facts.agreement
    if found is None:
        return None
    told = (
        ("macro F1", "macro_f1"),
        ("micro F1", "micro_f1"),
        ("AUROC", "auroc"),
        ("average precision", "average_precision"),
        ("κ", "kappa"),
        ("calibration error", "calibration_error"),
    )
    overall = [join([f"{name} ", element("b", decimal(found.get(key), places=3))]) for name, key in told]
    said = element(
        "p",
        f"On {plural(int(found.get('n_texts', 0)), 'example')} the judge had not seen: ",
        join(overall, by=", "),
        ".",
    )
    caption = (
        "A score at or above the threshold counts as a yes. Calibration error is the mean distance between a score "
        "and the share of yes among the texts that got it."
    )
    columns: list[Column[Measures]] = [
        Column("Category", lambda one: foreign(str(one["name"]), longest=120), words=True),
        Column("Positives", lambda one: count(one["n_positive"])),
        Column("Threshold", lambda one: decimal(one["threshold"])),
        *(_measure(head, key) for head, key in _MEASURES),
        Column("Method", lambda one: foreign(str(one["method"])), words=True),
    ]
    return section("Agreement with labels", said, table(caption, columns, found.get("categories", ())))


_MEASURES = (
    ("F1", "f1"),
    ("κ", "kappa"),
    ("AUROC", "auroc"),
    ("Av. precision", "average_precision"),
    ("Calibration error", "calibration_error"),
)


def _measure(head: str, key: str) -> Column[Measures]:
    return Column(head, lambda one: decimal(one[key], places=3))


def methods(facts: ReportFacts) -> Markup | None:
    """Show what made the scores."""
    found = facts.summary.methods
    if not found:
        return None
    total = facts.summary.verdicts
    columns: list[Column[tuple[str, int]]] = [
        Column("Method", lambda pair: foreign(pair[0]), words=True),
        Column(f"{facts.item.capitalize()}s", lambda pair: count(pair[1])),
        Column("Share", lambda pair: percent(pair[1] / total)),
    ]
    return section("Methods", table("What made the scores", columns, found.items()))
