"""One experiment on simulated users: interleaved, or as an A/B test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator

    from penstock.interleave.simulation.clicks import ClickModel, Clicks, Floats, Grades
    from penstock.interleave.simulation.pool import Indices, Pool
    from penstock.interleave.simulation.population import Population, Visits

METRICS = {
    "clicks": "clicks per ranking",
    "clicked": "share of rankings with a click",
    "reciprocal_rank": "1 / position of the first click, 0 without one",
}
"""What an A/B test compares: of each user the mean over their rankings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interleaved:
    """What the users of an interleaved experiment did.

    Attributes:
        scores: Of each ranking, positive where the first ranker won, NaN where it does not count, shape
            (n_users, n_rankings).
        days: On which day each ranking was, from 0, same shape.
    """

    scores: Floats
    days: Indices

    @property
    def totals(self) -> Floats:
        """Sum of the scores of each user, shape (n_users,)."""
        return np.asarray(np.nansum(self.scores, axis=1))

    @property
    def counts(self) -> Floats:
        """Rankings of each user that count, shape (n_users,)."""
        return np.asarray((~np.isnan(self.scores)).sum(axis=1), dtype=np.float64)

    def until(self, day: int) -> Interleaved:
        """Give what is known at the end of a day."""
        return Interleaved(scores=np.where(self.days <= day, self.scores, np.nan), days=self.days)


def interleaved(pool: Pool, population: Population, model: ClickModel, rng: Generator) -> Interleaved:
    """Run an interleaved experiment."""
    visits = population.visit(len(pool.grades), rng)
    queries, drafts = visits.queries.ravel(), population.drafts(visits, pool.drafts, rng).ravel()
    clicks = visits.clicks(model, pool.grades[queries, drafts], rng)
    scores = pool.score(queries, drafts, clicks).reshape(visits.queries.shape)
    return Interleaved(scores=scores, days=visits.days)


def both_alone(
    shown: tuple[Grades, Grades], population: Population, model: ClickModel, rng: Generator
) -> dict[str, Floats]:
    """Show every user the rankings of either ranker alone, as only a simulation can.

    The same user with the same mood sees both, so that the difference between them is known much better than from an
    A/B test of as many users. How an A/B test would do follows from either half (`ab_test`).

    Args:
        shown: Grades that each ranker shows, two of shape (n_queries, k).
        population: The users.
        model: How they click.
        rng: Where the chance comes from.

    Returns:
        For each of `METRICS` the mean of each user with either ranker, shape (n_users, 2).
    """
    visits = population.visit(len(shown[0]), rng)
    mood = int(rng.integers(2**63))
    found = [_means(visits, model, grades, np.random.default_rng(mood)) for grades in shown]
    return {metric: np.stack([means[metric] for means in found], axis=1) for metric in METRICS}


def ab_test(means: Floats) -> tuple[Floats, Floats]:
    """Split users as an A/B test does: every other one sees the first ranker, the others the second.

    Args:
        means: As from `both_alone`, shape (n_users, 2).
    """
    return means[0::2, 0], means[1::2, 1]


def _means(visits: Visits, model: ClickModel, grades: Grades, rng: Generator) -> dict[str, Floats]:
    clicks = visits.clicks(model, grades[visits.queries.ravel()], rng)
    values = _metrics(clicks)
    return {metric: values[metric].reshape(visits.queries.shape).mean(axis=1) for metric in METRICS}


def _metrics(clicks: Clicks) -> dict[str, Floats]:
    clicked = clicks.any(axis=1)
    first = np.argmax(clicks, axis=1) + 1.0
    values = (clicks.sum(axis=1), clicked, np.where(clicked, 1 / first, 0.0))
    return {metric: np.asarray(value, dtype=np.float64) for metric, value in zip(METRICS, values, strict=True)}
