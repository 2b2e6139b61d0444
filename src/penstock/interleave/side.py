"""One ranker's side of a request: its ranking as keys, places and ranks, and what went wrong with it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from penstock.errors import InputError
from penstock.interleave.making import SideError
from penstock.interleave.returned import Returned, key

if TYPE_CHECKING:
    from collections.abc import Iterator


class Side:
    """The ranking of one ranker, read as far as it was needed.

    Attributes:
        name: The ranker's.
        ranking: What it returned.
    """

    __slots__ = ("_keys", "_known", "name", "ranking")

    def __init__(self, name: str, ranking: Returned) -> None:
        self.name = name
        self.ranking = ranking
        self._known: dict[str, tuple[int, int]] = {}
        self._keys = _read(name, ranking, self._known)

    def __iter__(self) -> Iterator[str]:
        """Give the items' keys, best first, and only once; rows without an id and repeated ones are passed over."""
        return self._keys

    def look_ahead(self, count: int) -> None:
        """Read the ranking up to its rank `count`, for the ranks, if it is there as a whole."""
        if self.ranking.whole:
            for _ in islice(self._keys, max(0, count - self.read)):
                pass

    def is_empty(self) -> bool:
        """Say whether the ranking has no items; where nothing of it was read yet, that takes its first one.

        Raises:
            SideError: As when it is read.
        """
        return not self._known and next(self._keys, None) is None

    @property
    def read(self) -> int:
        """How many items of it were read."""
        return len(self._known)

    def rank(self, word: str) -> int | None:
        """Give an item's rank, from 1; None where it is not among what was read."""
        found = self._known.get(word)
        return found[1] if found else None

    def place(self, word: str) -> int:
        """Give the place of an item's row, from 0; it must have been read."""
        return self._known[word][0]


def _read(name: str, ranking: Returned, known: dict[str, tuple[int, int]]) -> Iterator[str]:
    """Give the keys of a ranking as they are read, and note place and rank of each.

    A function of its own: a generator that knew its `Side` would keep it, and a whole frame, until the next collection
    of garbage.

    Raises:
        SideError: The ranking broke off, was late, or cannot be read.
    """
    try:
        for place, raw in enumerate(ranking.ids()):
            word = key(raw)
            if word is not None and word not in known:
                known[word] = (place, len(known) + 1)
                yield word
    except SideError:
        raise
    except Exception as error:  # a ranker's iterator may raise anything, and it costs its side only
        unfit = ranking.whole or isinstance(error, InputError)
        raise SideError([name], "unreadable" if unfit else "raised", "it cannot be read") from error
