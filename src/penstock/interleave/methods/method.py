"""What every method of interleaving is: rankings in, one draft out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from penstock.interleave.coins import Coins
    from penstock.interleave.feed import Feed


class Draft(NamedTuple):
    """One merged ranking.

    Attributes:
        items: What is shown, in order, without duplicates.
        sources: For each item the index of the ranker that it is attributed to.
        credits: For each item what a click on it is worth, positive for the first ranker and negative for the second;
            None where a click is worth one point for the item's source.
    """

    items: tuple[Hashable, ...]
    sources: tuple[int, ...]
    credits: tuple[float, ...] | None = None


class Method(Protocol):
    """A way to merge rankings so that clicks tell which of them is better."""

    @property
    def name(self) -> str:
        """Its name in settings and logs, with a version: another draft for the same seed is another version."""
        ...

    @property
    def most_rankers(self) -> int | None:
        """How many rankers it can compare at once; None for any number."""
        ...

    def draft(self, rankings: Sequence[Feed], k: int, coins: Coins, *, block: int | None = None) -> Draft:
        """Merge rankings into one of `k` items, or of all there are where there are fewer.

        The same rankings and coins give the same draft, and a longer draft begins with the shorter one (of the same
        `block`).

        Args:
            rankings: At least one, best items first.
            k: How many items are wanted.
            coins: All that is drawn by lot.
            block: Items that are planned together, for methods that plan; `k` where it is None.
        """
        ...
