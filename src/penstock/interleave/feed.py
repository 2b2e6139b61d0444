"""A ranking that is read as far as somebody needs it, and no further."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator


class _End:
    __slots__ = ()

    def __repr__(self) -> str:
        return "END"


END: Final = _End()
"""What stands behind the last item of a ranking."""


class Feed:
    """The items of one ranking, best first, without duplicates: the first place counts.

    Args:
        source: The ranking; an iterator is advanced only when an item is asked for.
    """

    __slots__ = ("_items", "_rest", "_seen", "_source")

    _items: list[Hashable]
    _seen: set[Hashable]

    def __init__(self, source: Iterable[Hashable]) -> None:
        self._source = source
        self._rest: Iterator[Hashable] | None = None

    def __iter__(self) -> Iterator[Hashable]:
        """Give the items as they come, duplicates included, once: the fastest way, for those who need no places."""
        return iter(self._source)

    def at(self, index: int) -> Hashable | _End:
        """Give the item at a place, counted from 0, or `END` where the ranking has none."""
        self._read(index + 1)
        return self._items[index] if index < len(self._items) else END

    def head(self, count: int) -> list[Hashable]:
        """Give the first `count` items, or all where there are fewer."""
        self._read(count)
        return self._items[:count]

    def _read(self, count: int) -> None:
        if self._rest is None:
            self._rest, self._items, self._seen = iter(self._source), [], set()
        if len(self._items) >= count:
            return
        for item in self._rest:
            if item not in self._seen:
                self._seen.add(item)
                self._items.append(item)
                if len(self._items) >= count:
                    return
