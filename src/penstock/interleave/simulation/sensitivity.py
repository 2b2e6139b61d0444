"""How many users an experiment needs, from simulated runs of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, isfinite, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from penstock.interleave.analysis.power import sample_size
from penstock.interleave.analysis.preference import preference
from penstock.interleave.simulation.experiment import ab_test
from penstock.interleave.simulation.result import Range, Sensitivity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.interleave.simulation.clicks import Floats
    from penstock.interleave.simulation.experiment import Interleaved

NOTHING = Range(value=None, low=None, high=None)
_SPREAD = (0.1, 0.9)  # of the runs, where a range is about them


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a test is to promise.

    Attributes:
        alpha: Chance of a finding where there is nothing.
        power: Chance of a finding where there is the effect.
    """

    alpha: float = 0.05
    power: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run, or all of them together, came to.

    Attributes:
        effect: With its interval.
        deviation: Standard deviation of a user's part in it.
        share: Of all users, those who have a part in it.
    """

    effect: Range
    deviation: float | None
    share: float

    @property
    def z(self) -> float | None:
        """The z value to expect, by the square root of the users; None where there is none."""
        if self.effect.value is None or not self.deviation:
            return None
        return self.effect.value / self.deviation * sqrt(self.share)

    @property
    def side(self) -> int:
        """1 or -1 where the interval is all on one side of 0, else 0."""
        if self.effect.low is None or self.effect.high is None:
            return 0
        return int(self.effect.low > 0) - int(self.effect.high < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """All runs of one kind of experiment.

    Attributes:
        each: What every run would report.
        best: For every run, what is known best of its effect and deviation; the same, or better than a report.
        pooled: What all of them say together.
    """

    each: Sequence[Run]
    best: Sequence[Run]
    pooled: Run


def of_interleaving(runs: Sequence[Interleaved], plan: Plan) -> Runs:
    """Sum up interleaved experiments, with the statistic that a report gives: one vote per user."""
    each = [_preferred(run.totals, run.counts, plan) for run in runs]
    totals = np.concatenate([run.totals for run in runs])
    counts = np.concatenate([run.counts for run in runs])
    return Runs(each=each, best=each, pooled=_preferred(totals, counts, plan))


def of_ab_tests(runs: Sequence[Floats], plan: Plan) -> Runs:
    """Sum up A/B tests by one metric.

    Args:
        runs: For each the means of every user with either ranker, shape (n_users, 2).
        plan: What the test is to promise.
    """
    each = [_difference(*ab_test(means), plan) for means in runs]
    return Runs(each=each, best=[_paired(means, plan) for means in runs], pooled=_paired(np.concatenate(runs), plan))


def sensitivity(runs: Runs, plan: Plan, *, relevance: float, clicks: float) -> Sensitivity:
    """Say what runs tell about an experiment.

    Args:
        runs: All of them.
        plan: What the test is to promise.
        relevance: Difference in nDCG, positive where the first ranker is better.
        clicks: Difference in clicks per ranking.
    """
    pooled = runs.pooled
    sides = [run.side for run in runs.each]
    truth = int(np.sign(relevance))
    return Sensitivity(
        effect=pooled.effect,
        deviation=pooled.deviation,
        z_per_root_user=pooled.z,
        users_needed=users_needed(pooled, plan),
        agrees_with_relevance=_agreement(runs.each, relevance),
        agrees_with_clicks=_agreement(runs.each, clicks),
        found=sides.count(truth) / len(sides) if truth else None,
        misled=sides.count(-truth) / len(sides) if truth else None,
    )


def users_needed(run: Run, plan: Plan) -> Range:
    """Give the users that finding the effect takes; the ends of the range are those of the effect's interval."""
    low, high = run.effect.low, run.effect.high
    if low is None or high is None:
        return NOTHING
    far, near = max(abs(low), abs(high)), min(abs(low), abs(high))
    if not run.side:
        return Range(value=None, low=_needed(far, run, plan), high=None)
    return Range(value=_needed(run.effect.value, run, plan), low=_needed(far, run, plan), high=_needed(near, run, plan))


def gain(method: Runs, reference: Runs, plan: Plan) -> Range:
    """Give the users that an A/B test needs by those that a method needs; None where that would mean nothing.

    It means nothing where either has no clear effect, or where they name different winners.
    """
    side = reference.pooled.side
    ours, theirs = users_needed(method.pooled, plan).value, users_needed(reference.pooled, plan).value
    if not side or method.pooled.side != side or ours is None or theirs is None:
        return NOTHING
    ratios = [_ratio(one.z, other.z, side) for one, other in zip(method.best, reference.best, strict=True)]
    low, high = np.quantile(ratios, _SPREAD, method="nearest")
    return Range(value=theirs / ours, low=float(low), high=float(high) if isfinite(high) else None)


def _ratio(ours: float | None, theirs: float | None, side: int) -> float:
    """How many times fewer users one run speaks for: a z on the wrong side never finds anything."""
    if theirs is None or theirs * side <= 0:
        return inf
    return (max(0.0, (ours or 0.0) * side) / theirs) ** 2


def _preferred(totals: Floats, counts: Floats, plan: Plan) -> Run:
    found = preference(totals, counts, confidence=1 - plan.alpha)
    return Run(
        effect=Range(value=found.estimate, low=found.low, high=found.high),
        deviation=found.deviation,
        share=found.users / len(totals),
    )


def _difference(first: Floats, second: Floats, plan: Plan) -> Run:
    """Compare two groups of users by their means; groups are large, so the normal law will do."""
    error = sqrt(first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second))
    return _between(float(first.mean() - second.mean()), error, _deviation(first, second), plan)


def _paired(means: Floats, plan: Plan) -> Run:
    """Compare what the same users do with either ranker, but keep the deviation that an A/B test has to live with."""
    differences = means[:, 0] - means[:, 1]
    error = float(differences.std(ddof=1)) / sqrt(len(differences))
    return _between(float(differences.mean()), error, _deviation(means[:, 0], means[:, 1]), plan)


def _deviation(first: Floats, second: Floats) -> float:
    """Give a user's part in the error of an A/B test: with n users, half in each group, it errs by this / sqrt(n)."""
    return sqrt(2 * (first.var(ddof=1) + second.var(ddof=1)))


def _between(effect: float, error: float, deviation: float, plan: Plan) -> Run:
    reach = NormalDist().inv_cdf(1 - plan.alpha / 2) * error
    return Run(effect=Range(value=effect, low=effect - reach, high=effect + reach), deviation=deviation, share=1.0)


def _needed(effect: float | None, run: Run, plan: Plan) -> float | None:
    if not effect or not run.deviation:
        return None
    return ceil(sample_size(effect, run.deviation, alpha=plan.alpha, power=plan.power) / run.share)


def _agreement(runs: Sequence[Run], truth: float) -> float | None:
    if not truth:
        return None
    return sum((run.effect.value or 0.0) * truth > 0 for run in runs) / len(runs)
