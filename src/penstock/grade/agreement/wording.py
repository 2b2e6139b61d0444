"""What is said of an agreement in words, on the terminal and on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.grade.agreement.slices import FEW
from penstock.page.figures import NONE, count, percent, plural

if TYPE_CHECKING:
    from penstock.grade.agreement.compare import Agreement
    from penstock.grade.agreement.slices import Estimate
    from penstock.grade.agreement.trust import Calibration

MEASURES = {
    "qwk": "Weighted kappa",
    "accuracy": "Accuracy",
    "kappa": "Kappa",
    "macro_f1": "Macro F1",
    "rmse": "RMSE",
    "mae": "MAE",
    "bias": "Bias",
    "pearson": "Correlation",
}
"""What each measure of `penstock.judge.raters` is called."""

STATES = {
    "graded": "graded",
    "offline": "offline",
    "needs_review": "for review",
    "failed": "failed",
    "pending": "not marked yet",
    "no score": "without a score",
}
"""How grading ended, in words."""

_POINTS = {"rmse": "{:.1f}", "mae": "{:.1f}", "bias": "{:+.1f}"}


def basis(found: Agreement) -> str:
    """Say how many answers are compared, what the marks of people were taken for, and what counts as right."""
    overall, scale = found.overall, found.scale
    how = f" (told from the largest, {scale.largest:g})" if scale.assumed else ""
    return (
        f"{plural(overall.pairs, 'answer')}{_groups(found)} with both marks, of {count(found.rows)}; "
        f"people mark from 0 to {scale.most:g}{how}; right from {found.passing:g} of 100; "
        f"weighted kappa in steps of {100 / found.crossing.steps:.3g}"
    )


def left_out(found: Agreement) -> str:
    """Say which answers are not in any figure."""
    said = [f"{count(found.unmarked)} without a mark by a person"] if found.unmarked else []
    for each in found.states:
        missed = each.marked - each.compared
        if missed:
            said.append(f"{count(missed)} {STATES.get(each.state, each.state)}")
    return ", ".join(said) or "none"


def surest(found: Agreement) -> str:
    """Say which part of the marks can be kept at the accuracy that is asked for."""
    curve = found.curve
    if curve is None:
        return "no confidence is stated"
    wanted = percent(curve.target)
    if curve.pairs < FEW:
        return f"fewer than {FEW} marks state a confidence, too few to say"
    if curve.reached is None:
        return f"no part of the marks reaches an accuracy of {wanted}"
    at = curve.reached
    return (
        f"{percent(at.coverage)} of the marks, those with a confidence from {at.confidence:.2f}, "
        f"have an accuracy of at least {wanted}"
    )


def stated_chances(found: Calibration) -> str:
    """Say how stated chances compare with what came true."""
    chance = "" if found.by_chance is None else f", of which chance makes {found.by_chance:.3f}"
    return (
        f"stated {percent(found.stated)}, came true {percent(found.seen)}; calibration error {found.error:.3f}{chance}"
    )


def stated_errors(found: Calibration) -> str:
    """Say how stated errors compare with those seen."""
    return f"stated {found.stated:.1f} points, seen {found.seen:.1f} points"


def figure(name: str, estimate: Estimate) -> str:
    """Write a figure by its measure; a dash where it is not defined."""
    return NONE if estimate.value is None else _written(name, estimate.value)


def ends(name: str, estimate: Estimate) -> str:
    """Write the interval of a figure, or why there is none."""
    if estimate.value is None:
        return "not defined"
    if estimate.low is None or estimate.high is None:
        return "no interval"
    return f"[{_written(name, estimate.low)}, {_written(name, estimate.high)}]"


def _written(name: str, value: float) -> str:
    return _POINTS.get(name, "{:.3f}").format(value)


def _groups(found: Agreement) -> str:
    column, number = found.columns.group, found.overall.groups
    if not column:
        return ""
    return f" by {plural(number, 'learner')}" if column == "user_id" else f" in {plural(number, 'group')} ({column})"
