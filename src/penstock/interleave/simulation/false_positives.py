"""How often equal rankers are found to differ: the promise of a test, put to the test (A/A).

Every draft is there twice, with the two rankers exchanged. So the rankers are equal for a user about whom nothing is
known; but each user has their own taste, and a ranker that serves it better. That is why rankings of one user must not
be taken for independent.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

from penstock.interleave.analysis.preference import preference
from penstock.interleave.analysis.sequential import ConfidenceSequence
from penstock.interleave.simulation.experiment import interleaved
from penstock.interleave.simulation.result import FalsePositives, Range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.interleave.simulation.clicks import ClickModel
    from penstock.interleave.simulation.experiment import Interleaved
    from penstock.interleave.simulation.pool import Pool
    from penstock.interleave.simulation.population import Population
    from penstock.interleave.simulation.sensitivity import Plan

_SURE = 1.96  # of the normal law, for the 95 % range of a share


def false_positives(
    pool: Pool, population: Population, model: ClickModel, plan: Plan, *, runs: int, seeds: Sequence[int]
) -> FalsePositives:
    """Run experiments between equal rankers, and count those that find a difference.

    Args:
        pool: Drafts; each is also taken with its rankers exchanged.
        population: The users.
        model: How they click.
        plan: What the tests promise.
        runs: Experiments.
        seeds: That all chance follows from.
    """
    equal = pool.both_ways()
    sequence = _sequence(interleaved(equal, population, model, np.random.default_rng([*seeds, 0])), plan)
    found = np.zeros((runs, 4), dtype=bool)
    for run in range(runs):
        seen = interleaved(equal, population, model, np.random.default_rng([*seeds, 1 + run]))
        found[run] = findings(seen, sequence, plan.alpha, population.days)
    shares = [share(int(count), runs) for count in found.sum(axis=0)]
    return FalsePositives(
        method=pool.method,
        seeding=population.seeding,
        runs=runs,
        users=population.users,
        rankings_per_user=population.rankings_per_user,
        per_ranking=shares[0],
        per_user=shares[1],
        per_user_daily=shares[2],
        always_valid_daily=shares[3],
    )


def findings(seen: Interleaved, sequence: ConfidenceSequence, alpha: float, days: int) -> tuple[bool, bool, bool, bool]:
    """Say which tests find a difference: per ranking, per user, per user with daily looks, always valid daily."""
    counted = seen.scores[~np.isnan(seen.scores)]
    looks = [seen.until(day) for day in range(days)]
    by_user = [_is_found(preference(look.totals, look.counts).p_value, alpha) for look in looks]
    return (
        _is_found(preference(counted, np.ones(len(counted))).p_value, alpha),
        by_user[-1],
        any(by_user),
        any(sequence.look(look.totals, look.counts).decided for look in looks),
    )


def share(count: int, runs: int) -> Range:
    """Give a share of the runs with its 95 % interval (Wilson 1927)."""
    spread = _SURE**2 / runs
    middle = (count / runs + spread / 2) / (1 + spread)
    reach = _SURE * sqrt(count / runs * (1 - count / runs) / runs + spread / (4 * runs)) / (1 + spread)
    return Range(value=count / runs, low=max(0.0, middle - reach), high=min(1.0, middle + reach))


def _sequence(pilot: Interleaved, plan: Plan) -> ConfidenceSequence:
    """Fix the boundary by an experiment that was run before, as one would in earnest."""
    scores = pilot.scores[np.nan_to_num(pilot.scores) != 0]
    scale = float(np.sqrt(np.mean(scores**2))) if len(scores) else 1.0
    whole = bool(np.isin(scores, (-1.0, 1.0)).all())
    return ConfidenceSequence(
        planned=max(1, len(scores)), confidence=1 - plan.alpha, scale=scale, bound=1.0 if whole else inf
    )


def _is_found(p_value: float | None, alpha: float) -> bool:
    return p_value is not None and p_value < alpha
