"""Whether a method is fair: what somebody who clicks at random does to it."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from penstock.interleave.analysis.tails import chi_square_p, student_p, student_quantile
from penstock.interleave.simulation.clicks import CLICK_MODELS
from penstock.interleave.simulation.result import Bias, Range

if TYPE_CHECKING:
    from numpy.random import Generator

    from penstock.interleave.simulation.clicks import Floats
    from penstock.interleave.simulation.pool import Pool

_CONFIDENCE = 0.999  # so that a fair method is hardly ever called unfair
_MANY = 20  # queries that Student's t is enough for
_AGAIN = 16  # times that each draft is clicked on: clicks are cheap, drafts are what is sampled


def bias(pool: Pool, rng: Generator) -> Bias:
    """Let somebody click at random on every draft of a pool.

    A draft is the unit: its mean score over all random clicks is one number, and the drafts of a query are independent.
    """
    means = draft_means(pool, rng)
    per_query = means.mean(axis=1)
    errors = means.var(axis=1, ddof=1) / means.shape[1]  # squared
    mean, error = float(per_query.mean()), sqrt(errors.sum()) / len(errors)
    reach = student_quantile(_CONFIDENCE, max(1, means.size - len(errors))) * error
    p_value = _p_value(per_query, errors, pool.drafts)
    return Bias(
        mean=Range(value=mean, low=mean - reach, high=mean + reach),
        per_query=sqrt(max(0.0, float((per_query**2 - errors).mean()))),
        p_value=p_value,
        fair=abs(mean) <= reach and p_value >= 1 - _CONFIDENCE,
    )


def draft_means(pool: Pool, rng: Generator) -> Floats:
    """Give the mean score of random clicks on each draft, 0 where there were none, shape (n_queries, n_drafts).

    Queries whose lists do not differ are left out; without any other, one row of zeros is left.
    """
    queries = np.flatnonzero(pool.competitive)
    found = np.zeros((max(1, len(queries)), pool.drafts))
    drafts = np.tile(np.arange(pool.drafts), _AGAIN)
    for row, query in enumerate(queries):
        clicks = CLICK_MODELS["random"].draw(pool.grades[query, drafts], rng)
        scores = pool.score(np.full(len(drafts), query), drafts, clicks)
        found[row] = np.nan_to_num(scores).reshape(_AGAIN, pool.drafts).mean(axis=0)
    return found


def _p_value(means: Floats, errors: Floats, drafts: int) -> float:
    """Test that the mean of every query is 0.

    The square of a mean, less its squared error, is 0 on average where the query is fair. Over many queries that is a
    matter of Student's t. Over few, the squared z values are summed up, which relies on every single error.
    """
    spread = errors > 0
    if not spread.any():
        return 1.0
    if spread.sum() < _MANY:
        spare = max(1, drafts - 3) / (drafts - 1)  # the square of Student's t is 1 / spare on average
        return chi_square_p(float((means[spread] ** 2 / errors[spread]).sum()) * spare, int(spread.sum()))
    excess = means[spread] ** 2 - errors[spread]
    t = float(excess.mean() / excess.std(ddof=1)) * sqrt(len(excess))
    beyond = student_p(t, len(excess) - 1) / 2
    return beyond if t > 0 else 1 - beyond
