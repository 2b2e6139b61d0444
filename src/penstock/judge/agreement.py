"""How well scores agree with labels: the usual measures, in numpy alone.

`labels` are 0 or 1 (a label between counts as 1 from 0.5), `scores` are from 0 to 1; both have shape
(n_texts, n_categories). A measure that is not defined (a category without positives, say) is NaN, never a guess, and
averages leave it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryAgreement:
    """How well the scores of one category agree with its labels; NaN where a measure is not defined.

    Attributes:
        name: The category.
        method: What made the scores.
        n_positive: Texts whose label is at least 0.5.
        threshold: The score from which on the category is best taken as given.
        f1: Harmonic mean of precision and recall of the decisions.
        kappa: Agreement of the decisions beyond chance.
        accuracy: Share of right decisions.
        auroc: Chance that a positive text scores above a negative one.
        average_precision: Precision over all levels of recall.
        calibration_error: Mean distance between score and share of positives.
        brier: Mean squared distance between score and label.
    """

    name: str
    method: str
    n_positive: int
    threshold: float
    f1: float
    kappa: float
    accuracy: float
    auroc: float
    average_precision: float
    calibration_error: float
    brier: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How well scores agree with labels, by category and overall.

    Attributes:
        n_texts: Texts compared.
        categories: One entry per category, in their order.
        macro_f1: Mean of the categories' F1.
        micro_f1: F1 over all cells together.
        top_accuracy: Share of texts with exactly one label whose highest score is that label's; NaN without such texts.
        kappa: Mean over the categories, like all that follow.
        accuracy: See `CategoryAgreement`.
        auroc: See `CategoryAgreement`.
        average_precision: See `CategoryAgreement`.
        calibration_error: See `CategoryAgreement`.
        brier: See `CategoryAgreement`.
    """

    n_texts: int
    categories: tuple[CategoryAgreement, ...]
    macro_f1: float
    micro_f1: float
    top_accuracy: float
    kappa: float
    accuracy: float
    auroc: float
    average_precision: float
    calibration_error: float
    brier: float


def compare(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    decisions: ArrayLike,
    thresholds: Sequence[float],
    names: Sequence[str],
    methods: Sequence[str],
) -> Agreement:
    """Compare scores, and the decisions taken on them, with labels; all three of shape (n_texts, n_categories)."""
    measures = {
        "f1": f1(labels, decisions),
        "kappa": kappa(labels, decisions),
        "accuracy": accuracy(labels, decisions),
        "auroc": auroc(labels, scores),
        "average_precision": average_precision(labels, scores),
        "calibration_error": calibration_error(labels, scores),
        "brier": brier(labels, scores),
    }
    positive = _binary(labels).sum(axis=0)
    categories = tuple(
        CategoryAgreement(
            name=names[k],
            method=methods[k],
            n_positive=int(positive[k]),
            threshold=thresholds[k],
            **{measure: float(values[k]) for measure, values in measures.items()},
        )
        for k in range(len(names))
    )
    overall = {measure: _mean(values) for measure, values in measures.items() if measure != "f1"}
    return Agreement(
        n_texts=len(_table(labels)),
        categories=categories,
        macro_f1=_mean(measures["f1"]),
        micro_f1=micro_f1(labels, decisions),
        top_accuracy=top_accuracy(labels, scores),
        **overall,
    )


def top_accuracy(labels: ArrayLike, scores: ArrayLike) -> float:
    """Share of the texts with exactly one label whose highest score is that label's; NaN without such texts."""
    label, score = _binary(labels), _table(scores)
    single = label.sum(axis=1) == 1
    if not single.any():
        return float("nan")
    return float((label[single].argmax(axis=1) == score[single].argmax(axis=1)).mean())


def f1(labels: ArrayLike, decisions: ArrayLike) -> Floats:
    """Harmonic mean of precision and recall per category, shape (n_categories,).

    NaN where a category has neither a positive label nor a positive decision (van Rijsbergen, 1979).
    """
    hits, decided, positive = _counts(labels, decisions)
    return _ratio(2 * hits, decided + positive)


def macro_f1(labels: ArrayLike, decisions: ArrayLike) -> float:
    """Mean of the categories' F1: every category counts the same."""
    return _mean(f1(labels, decisions))


def micro_f1(labels: ArrayLike, decisions: ArrayLike) -> float:
    """F1 over all cells together: every label counts the same."""
    hits, decided, positive = _counts(labels, decisions)
    return float(_ratio(2 * hits.sum(), decided.sum() + positive.sum()))


def accuracy(labels: ArrayLike, decisions: ArrayLike) -> Floats:
    """Share of right decisions per category, shape (n_categories,)."""
    right: Floats = (_binary(labels) == _binary(decisions)).mean(axis=0)
    return right


def auroc(labels: ArrayLike, scores: ArrayLike) -> Floats:
    """Chance that a positive text scores above a negative one, ties counting half, shape (n_categories,).

    The rank-sum form of Hanley and McNeil (Radiology, 1982).
    """
    columns = zip(_binary(labels).T, _table(scores).T, strict=True)
    return np.array([_auroc(label, score) for label, score in columns])


def average_precision(labels: ArrayLike, scores: ArrayLike) -> Floats:
    """Precision at each distinct score, weighted by the recall it adds, shape (n_categories,).

    Tied texts are taken together (Manning, Raghavan and Schütze, 2008, ch. 8.4).
    """
    columns = zip(_binary(labels).T, _table(scores).T, strict=True)
    return np.array([_average_precision(label, score) for label, score in columns])


def calibration_error(labels: ArrayLike, scores: ArrayLike, *, bins: int = 15) -> Floats:
    """Mean distance between score and share of positives in bins of equal mass, shape (n_categories,).

    ECE (Naeini et al., AAAI 2015) with adaptive bins (Nguyen and O'Connor, EMNLP 2015); equal scores share a bin.
    """
    columns = zip(_binary(labels).T, _table(scores).T, strict=True)
    return np.array([_calibration_error(label, score, bins) for label, score in columns])


def brier(labels: ArrayLike, scores: ArrayLike) -> Floats:
    """Mean squared distance between score and label per category, shape (n_categories,) (Brier, 1950)."""
    errors: Floats = np.mean((_table(scores) - _table(labels)) ** 2, axis=0)
    return errors


def kappa(labels: ArrayLike, decisions: ArrayLike) -> Floats:
    """Agreement beyond chance per category, from -1 to 1, shape (n_categories,) (Cohen, 1960).

    NaN where both sides always say the same one thing, since chance alone would agree.
    """
    label, decision = _binary(labels), _binary(decisions)
    seen = (label == decision).mean(axis=0)
    chance = label.mean(axis=0) * decision.mean(axis=0) + (1 - label.mean(axis=0)) * (1 - decision.mean(axis=0))
    return _ratio(seen - chance, 1 - chance)


def best_thresholds(labels: ArrayLike, scores: ArrayLike) -> Floats:
    """Find, per category, the score from which a "yes" gives the best F1, in steps of 0.01, shape (n_categories,).

    Here a label between 0 and 1 is the chance of a positive, and the F1 is the expected one. 0.5 where a category has
    no positive label.
    """
    chances, steps = _table(labels), np.arange(1, 101)
    hundredths = np.clip(np.rint(_table(scores) * 100), 0, 100).astype(int)
    best = np.full(chances.shape[1], 0.5)
    for column, chance in enumerate(chances.T):
        if chance.any():
            reached = 2 * _at_least(hundredths[:, column], chance)
            reached /= _at_least(hundredths[:, column], np.ones_like(chance)) + chance.sum()
            best[column] = np.median(steps[reached >= reached.max() - 1e-12]) / 100
    return best


def _at_least(hundredths: NDArray[np.int_], weights: Floats) -> Floats:
    """Sum the weights at or above each of 1, 2 ... 100 hundredths, shape (100,)."""
    return np.bincount(hundredths, weights=weights, minlength=101)[::-1].cumsum()[::-1][1:]


def _table(values: ArrayLike) -> Floats:
    table = np.asarray(values, dtype=np.float64)
    return table[:, None] if table.ndim == 1 else table


def _binary(values: ArrayLike) -> NDArray[np.bool_]:
    binary: NDArray[np.bool_] = _table(values) >= 0.5
    return binary


def _counts(labels: ArrayLike, decisions: ArrayLike) -> tuple[Floats, Floats, Floats]:
    label, decision = _binary(labels), _binary(decisions)
    sums = ((label & decision).sum(axis=0), decision.sum(axis=0), label.sum(axis=0))
    return sums[0].astype(float), sums[1].astype(float), sums[2].astype(float)


def _ratio(above: ArrayLike, below: ArrayLike) -> Floats:
    over, under = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    ratio: Floats = np.divide(over, under, out=np.full(np.shape(over), np.nan), where=under != 0)
    return ratio


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _auroc(label: NDArray[np.bool_], score: Floats) -> float:
    positive = int(label.sum())
    negative = label.size - positive
    if not positive or not negative:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]  # the mean rank of equal scores
    return float((ranks[label].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _average_precision(label: NDArray[np.bool_], score: Floats) -> float:
    if not label.any():
        return float("nan")
    _, place = np.unique(-score, return_inverse=True)
    taken = np.cumsum(np.bincount(place))
    found = np.bincount(place, weights=label)
    return float((np.cumsum(found) / taken * found).sum() / label.sum())


def _calibration_error(label: NDArray[np.bool_], score: Floats, bins: int) -> float:
    values, place, count = np.unique(score, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - count / 2
    held = np.minimum((middle * bins / label.size).astype(int), bins - 1)[place]
    gaps = np.bincount(held, weights=score - label, minlength=bins)
    return float(np.abs(gaps).sum() / label.size) if values.size else float("nan")
