"""Drafts that were made beforehand, so that a simulation only has to click on them.

The drafts are those that the request path would make: each comes from `interleave` with a seed of its own. What a
click counts is the credit that the analysis gives, worked out for all rankings at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penstock.errors import InputError
from penstock.interleave.analysis.credit import credit_for
from penstock.interleave.draft import interleave
from penstock.interleave.methods import method as named
from penstock.interleave.simulation.clicks import NO_ITEM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penstock.interleave.analysis.credit import Credit
    from penstock.interleave.draft import Draft
    from penstock.interleave.simulation.clicks import Clicks, Floats, Grades
    from penstock.interleave.simulation.rankers import Lists, Order

    Indices = NDArray[np.int64]

NOWHERE = 1_000_000
"""Stands for the rank of an item that a list does not have."""

MOST_PLACES = 20_000_000
"""Places that are held in memory at once, at the most: about a gigabyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A number of drafts of each query, all by one method.

    Attributes:
        method: Its name.
        credit: How clicks on them are counted.
        grades: Of what is shown, shape (n_queries, n_drafts, k), `NO_ITEM` where a draft has ended.
        worth: What a click is worth to the first ranker, same shape; 0 where the credit is by ranks.
        ranks: Rank in each list, from 1, shape (n_queries, n_drafts, k, 2), for the credit by ranks; else None.
        competitive: Whether the lists differ as far as they are shown, shape (n_queries,); others do not count.
    """

    method: str
    credit: Credit
    grades: Grades
    worth: Floats
    ranks: NDArray[np.int32] | None
    competitive: NDArray[np.bool_]

    @property
    def drafts(self) -> int:
        """Drafts of each query."""
        return int(self.grades.shape[1])

    def score(self, queries: Indices, drafts: Indices, clicks: Clicks) -> Floats:
        """Score rankings as the analysis does; NaN for a ranking that does not count.

        Args:
            queries: Which query each ranking is about, shape (n_rankings,).
            drafts: Which of its drafts was shown, shape (n_rankings,).
            clicks: Which places were clicked, shape (n_rankings, k).

        Returns:
            The score of each ranking, positive where the first ranker won, shape (n_rankings,).
        """
        if self.ranks is None:
            worth = np.einsum("nk,nk->n", self.worth[queries, drafts], clicks)
        else:
            worth = _compared_heads(self.ranks[queries, drafts], clicks)
        scores = worth if self.credit.graded else np.sign(worth)
        counts: Floats = np.where(clicks.any(axis=1) & self.competitive[queries], scores, np.nan)
        return counts

    def both_ways(self) -> Pool:
        """Add every draft with its two rankers exchanged: for a user who draws one of all, the rankers are equal."""
        return Pool(
            method=self.method,
            credit=self.credit,
            grades=np.concatenate([self.grades, self.grades]),
            worth=np.concatenate([self.worth, -self.worth]),
            ranks=None if self.ranks is None else np.concatenate([self.ranks, self.ranks[..., ::-1]]),
            competitive=np.concatenate([self.competitive, self.competitive]),
        )


def draft_pool(lists: Lists, method: str, *, k: int, drafts: int, seed: str, credit: str | None = None) -> Pool:
    """Make a number of drafts of each query.

    Args:
        lists: The queries, with two rankings each.
        method: Name of the method.
        k: Items shown.
        drafts: How many of each query.
        seed: Words that all chance follows from.
        credit: How clicks are counted; the default of the method where it is None.

    Raises:
        InputError: The method is unknown, the credit does not fit it, or there is nothing to show or too much.
    """
    counted = credit_for(named(method).name, credit)
    if k < 1 or drafts < 2:
        raise InputError(f"{drafts} drafts of {k} items say nothing: ask for 2 drafts of 1 item at least.")
    if len(lists) * drafts * k > MOST_PLACES:
        raise InputError(f"Drafts may have {MOST_PLACES:,} items at most: make fewer than {drafts:,} of each query.")
    shape = (len(lists), drafts, k)
    pool = Pool(
        method=method,
        credit=counted,
        grades=np.full(shape, NO_ITEM, dtype=np.int8),
        worth=np.zeros(shape),
        ranks=np.full((*shape, 2), NOWHERE, dtype=np.int32) if counted.name == "balanced" else None,
        competitive=np.array([not np.array_equal(*heads(lists, query, k)) for query in range(len(lists))]),
    )
    for query in range(len(lists)):
        _fill(pool, lists, query, seed=f"{seed}:{method}:{query}")
    return pool


def heads(lists: Lists, query: int, k: int) -> tuple[Order, Order]:
    """Give what each ranker alone would show."""
    return lists.first[query][:k], lists.second[query][:k]


def ranks_of(order: Order) -> NDArray[np.int32]:
    """Give the rank of each document in a list, from 1, shape (n_documents,)."""
    ranks = np.full(len(order), NOWHERE, dtype=np.int32)
    ranks[order] = np.arange(1, len(order) + 1)
    return ranks


def _fill(pool: Pool, lists: Lists, query: int, *, seed: str) -> None:
    rankings = lists.of(query)
    ranks = np.stack([ranks_of(lists.first[query]), ranks_of(lists.second[query])], axis=1)
    k = pool.grades.shape[2]
    for number in range(pool.drafts):
        made = interleave(rankings, k, method=pool.method, seed=f"{seed}:{number}")
        items = np.array(made.items, dtype=np.int64)
        shown = len(items)
        pool.grades[query, number, :shown] = lists.grades[query][items]
        if pool.ranks is None:
            pool.worth[query, number, :shown] = _worth(pool.credit, made, ranks[items])
        else:
            pool.ranks[query, number, :shown] = ranks[items]


def _worth(credit: Credit, draft: Draft, ranks: NDArray[np.int32]) -> Floats:
    """What a click on each item is worth to the first ranker, for the credits that add up."""
    if credit.name == "logged":
        return np.array(draft.credits)
    worth = 1.0 - 2.0 * np.array(draft.sources)
    if credit.name == "team":
        return worth
    places = np.arange(1, len(worth) + 1)
    contested = np.any(ranks != places[:, np.newaxis], axis=1)
    counted: Floats = np.where(np.cumsum(contested) > 0, worth, 0.0)
    return counted


def _compared_heads(ranks: NDArray[np.int32], clicks: Clicks) -> Floats:
    """Compare the clicks within the heads of both lists that explain the lowest click (`balanced`)."""
    lowest = ranks.shape[1] - 1 - np.argmax(clicks[:, ::-1], axis=1)
    head = ranks[np.arange(len(ranks)), lowest].min(axis=1)
    within = (ranks <= head[:, np.newaxis, np.newaxis]) & clicks[:, :, np.newaxis]
    counts = within.sum(axis=1)
    return np.asarray(counts[:, 0] - counts[:, 1], dtype=np.float64)
