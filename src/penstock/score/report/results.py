"""What a score job made: scores by category, and how they agree with labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from penstock.page import Column, element, foreign, join, section, table
from penstock.page.figures import count, decimal, percent, plural
from penstock.score.report.chart import histogram

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.page import Markup
    from penstock.score.distribution import Distribution
    from penstock.score.report.facts import ReportFacts

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
