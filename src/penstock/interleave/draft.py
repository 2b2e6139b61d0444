"""The one entrance to every method: rankings in, one draft out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.errors import InputError
from penstock.interleave.coins import Coins
from penstock.interleave.feed import Feed
from penstock.interleave.methods import Draft
from penstock.interleave.methods import method as named

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

__all__ = ["Draft", "interleave"]


def interleave(
    rankings: Sequence[Iterable[Hashable]],
    k: int,
    *,
    method: str = "team_draft_v1",
    seed: str,
    block: int | None = None,
) -> Draft:
    """Merge rankings of items into one, so that clicks on it tell which ranking is better.

    The same rankings, `k`, method and seed give the same draft, in every process and on every Python version.

    Args:
        rankings: Two or more lists of items, or iterators; best first. Items are compared with `==`; of an item that
            stands in a ranking twice, the first place counts. An iterator is read only as far as the method needs.
        k: Items wanted. Where the rankings have fewer among them, the draft has all of those.
        method: One of `METHODS`.
        seed: Words that all chance follows from.
        block: Items that a method with a plan (`optimized_v1`) plans together; `k` where it is not given. Pages of one
            ranking have the same block.

    Raises:
        InputError: The method is unknown or compares fewer rankers, or `k` is negative.
    """
    chosen = named(method)
    if k < 0:
        raise InputError(f"k is {k}: it must be 0 or more.")
    if not rankings or (chosen.most_rankers is not None and len(rankings) > chosen.most_rankers):
        raise InputError(f"{method} compares {chosen.most_rankers or 'one or more'} rankers, not {len(rankings)}.")
    return chosen.draft([Feed(ranking) for ranking in rankings], k, Coins(seed), block=block)
