"""Merges the sides of one request into one ranking: the draft, its rows, and what is logged of its items."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from penstock.errors import InputError
from penstock.interleave.draft import interleave
from penstock.interleave.making import Made, SideError
from penstock.interleave.record import ShownItem
from penstock.interleave.returned import merged, returned
from penstock.interleave.side import Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.interleave.methods import Draft

_COMPARED: Final = 3
"""Ranks are known among this many times the items shown, where the lists are there anyway."""


class Merged(NamedTuple):
    """One page of a merged ranking.

    Attributes:
        ranking: Its rows, in the type that the rankers return.
        items: What is logged of them.
        competitive: Whether the rankers' lists differ as far as they are shown.
    """

    ranking: Any
    items: Sequence[ShownItem]
    competitive: bool


def sides_of(made: Sequence[Made], item_id: str) -> tuple[list[Side], list[Made]]:
    """Make what the rankers returned readable; all sides must be of one type."""
    sides: list[Side] = []
    lost: list[Made] = []
    for each in made:
        if each.loss is not None:
            lost.append(each)
            continue
        try:
            side = Side(each.name, returned(each.value, item_id))
        except InputError as error:
            lost.append(replace(each, loss="unreadable", error=error))
            continue
        if sides and side.ranking.kind != sides[0].ranking.kind:
            lost.append(replace(each, loss="unreadable", error=InputError("The rankers return different types.")))
        else:
            sides.append(side)
    return sides, lost


def merge(sides: Sequence[Side], k: int, *, offset: int, method: str, seed: str, block: int | None) -> Merged:
    """Draft from all sides, and pick the rows of a page.

    Args:
        sides: The rankings, the baseline first; all of one type.
        k: Items of the page.
        offset: Items on the pages before.
        method: One of `METHODS`.
        seed: What the coins follow from.
        block: Items that are planned together.

    Raises:
        SideError: A side was lost on the way, or has no items.
    """
    draft = interleave(sides, offset + k, method=method, seed=seed, block=block)
    if k and (empty := [side.name for side in sides if side.is_empty()]):
        raise SideError(empty, "empty", "it has no items")
    items = _shown(draft, sides, offset)
    picks = [
        (source, sides[source].place(item.item_id)) for source, item in zip(draft.sources[offset:], items, strict=True)
    ]
    return Merged(merged([side.ranking for side in sides], picks), items, _competitive(items, sides))


def _shown(draft: Draft, sides: Sequence[Side], offset: int) -> list[ShownItem]:
    """List the items of a page with their ranks."""
    for side in sides:
        side.look_ahead(_COMPARED * len(draft.items))
    names = [side.name for side in sides]
    worth = draft.credits or (None,) * len(draft.items)
    shown = zip(draft.items[offset:], draft.sources[offset:], worth[offset:], strict=True)
    return [
        ShownItem(
            item_id=str(item),
            position=position,
            source_ranker=names[source],
            ranks=tuple([side.rank(str(item)) for side in sides]),
            credit=credit,
        )
        for position, (item, source, credit) in enumerate(shown, offset + 1)
    ]


def _competitive(items: Sequence[ShownItem], sides: Sequence[Side]) -> bool:
    """Say whether the lists differ as far as they are shown; what a stream was not read for does not tell."""
    return any(
        rank != item.position and (rank is not None or side.ranking.whole or side.read >= item.position)
        for item in items
        for rank, side in zip(item.ranks, sides, strict=True)
    )
