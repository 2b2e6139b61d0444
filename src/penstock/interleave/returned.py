"""What rankers return, whatever its type: item ids are read from it, and rows are picked out of it.

Known are pandas and Polars frames, lists of dicts, lists of ids, and iterators of dicts or ids, which are read only as
far as somebody needs them. The place in a ranking is the place of the row; the index of a frame never counts. Neither
library is imported here: who passes a frame has loaded its library.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, cast

from penstock.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Picks = Sequence[tuple[int, int]]
"""For each row wanted, which ranking it is in and at which place, both from 0."""


class Returned(Protocol):
    """One ranking as a ranker returned it."""

    @property
    def kind(self) -> str:
        """Its type, in words; only rankings of one kind can be merged."""
        ...

    @property
    def whole(self) -> bool:
        """Whether it is there as a whole, so that reading more of it makes nobody work."""
        ...

    def ids(self) -> Iterable[Hashable]:
        """Give the raw ids of the items, best first; they are read as far as they are asked for."""
        ...

    def head(self, start: int, count: int) -> Any:
        """Give `count` rows from `start` on, in the ranker's own type, otherwise as they are."""
        ...


def returned(value: Any, item_id: str) -> Returned:
    """Make a ranking readable.

    Args:
        value: What a ranker returned; one that is readable already is given back.
        item_id: The column or key that identifies an item; ids themselves are taken as they are.

    Raises:
        InputError: It is of no known type, or lacks the column.
    """
    if isinstance(value, (_PandasFrame, _PolarsFrame, _Rows)):
        return value
    for library, frame in (("pandas", _PandasFrame), ("polars", _PolarsFrame)):
        if not _is_frame(value, library):
            continue
        if item_id not in value.columns:
            raise InputError(f"The ranker's frame has no column {item_id!r}: name the column of the ids with item_id=.")
        return frame(value, item_id)
    if not _is_listed(value):
        kind = type(value).__qualname__
        raise InputError(f"A ranker returned {kind}: it must be a pandas or Polars frame, or a list of dicts or ids.")
    return _Rows(value, item_id)


def merged(rankings: Sequence[Returned], picks: Picks) -> Any:
    """Put the picked rows of several rankings into one of the same type, with the columns of the first ranking.

    The rows of a pandas frame are numbered from 0 on unless its index has a name: then the labels are data and stay.

    Raises:
        InputError: Some rows are dicts and others ids.
    """
    first = rankings[0]
    if isinstance(first, _PandasFrame):
        return _merged_pandas(rankings, picks)
    if isinstance(first, _PolarsFrame):
        return _merged_polars(rankings, picks)
    return _merged_rows(rankings, picks)


def key(raw: Any) -> str | None:
    """Write the id of an item as one word, the same for 7, 7.0 and "7"; None where there is no id (None, NaN, NA)."""
    if type(raw) is str:
        return raw
    if type(raw) is int:
        return str(raw)
    if raw is None or _is_unequal_to_itself(raw):
        return None
    if not isinstance(raw, int) and (is_integer := getattr(raw, "is_integer", None)) and is_integer():
        return str(int(raw))
    return str(raw)


def _is_unequal_to_itself(raw: Any) -> bool:
    """Say whether something is NaN, or as little an id: NA of pandas, an array, whose comparisons are no truths."""
    try:
        return bool(raw != raw)  # noqa: PLR0124 - that is what NaN is known by
    except (TypeError, ValueError, ArithmeticError):
        return True


class _PandasFrame:
    kind = "pandas frame"
    whole = True

    def __init__(self, frame: Any, item_id: str) -> None:
        self.frame = frame
        self._column = frame[item_id]

    def ids(self) -> Iterable[Hashable]:
        return _in_chunks(self._part, len(self.frame))

    def _part(self, start: int, stop: int) -> Any:
        return self._column.array[start:stop].tolist()

    def head(self, start: int, count: int) -> Any:
        return self.frame.iloc[start : start + count]


class _PolarsFrame:
    kind = "Polars frame"
    whole = True

    def __init__(self, frame: Any, item_id: str) -> None:
        self.frame = frame
        self._column = frame[item_id]

    def ids(self) -> Iterable[Hashable]:
        return _in_chunks(self._part, len(self.frame))

    def _part(self, start: int, stop: int) -> Any:
        return self._column[start:stop].to_list()

    def head(self, start: int, count: int) -> Any:
        return self.frame[start : start + count]


class _Rows:
    """A list, or an iterator that is kept as it is read, of dicts or of ids."""

    kind = "list"

    def __init__(self, rows: Sequence[Any] | Iterator[Any], item_id: str) -> None:
        self._rest = rows if isinstance(rows, Iterator) else None
        self._rows: list[Any] = [] if isinstance(rows, Iterator) else rows if isinstance(rows, list) else list(rows)
        self._item_id = item_id
        self.whole = self._rest is None

    def ids(self) -> Iterator[Hashable]:
        place = 0
        while self._has(place):
            yield self._id(self._rows[place])
            place += 1

    def row(self, place: int) -> Any:
        return self._rows[place]

    def head(self, start: int, count: int) -> Any:
        self._has(start + count - 1)
        return self._rows[start : start + count]

    def _has(self, place: int) -> bool:
        if self._rest is not None:
            self._rows.extend(islice(self._rest, max(0, place + 1 - len(self._rows))))
        return place < len(self._rows)

    def _id(self, row: Any) -> Any:
        if not isinstance(row, Mapping):
            return row
        if self._item_id not in row:
            raise InputError(f"An item of the ranker has no {self._item_id!r}: name the key of the ids with item_id=.")
        return cast("Mapping[str, Any]", row)[self._item_id]


def _in_chunks(part: Callable[[int, int], list[Hashable]], length: int, size: int = 32) -> Iterator[Hashable]:
    """Read a column in parts, one of which does for ten items: a long frame is hardly ever read whole."""
    for start in range(0, length, size):
        yield from part(start, start + size)


def _is_frame(value: Any, library: str) -> bool:
    return isinstance(value, getattr(sys.modules.get(library), "DataFrame", ()))


def _is_listed(value: Any) -> bool:
    return isinstance(value, (Iterator, Sequence)) and not isinstance(value, (str, bytes, bytearray, memoryview))


def _merged_rows(rankings: Sequence[Returned], picks: Picks) -> list[Any]:
    rows = [ranking.row(place) for which, place in picks if isinstance(ranking := rankings[which], _Rows)]
    if len({isinstance(row, Mapping) for row in rows}) > 1:
        raise InputError("One ranker returns dicts and another one ids: let all return the same.")
    return rows


def _merged_pandas(rankings: Sequence[Returned], picks: Picks) -> Any:
    frames = [ranking.frame for ranking in rankings if isinstance(ranking, _PandasFrame)]
    pandas = sys.modules["pandas"]
    columns = frames[0].columns
    named = frames[0].index.names != [None]
    heads, order = _heads(picks, len(frames))
    parts = [frame.iloc[:stop] for frame, stop in zip(frames, heads, strict=True)]
    parts = [part for part in parts if len(part)] or parts[:1]
    parts = [part if _has_columns(part, columns) else part.reindex(columns=columns) for part in parts]
    rows = pandas.concat(parts, ignore_index=not named) if len(parts) > 1 else parts[0]
    taken = rows.take(order)
    if not named:
        taken.index = pandas.RangeIndex(len(order))
    return taken


def _has_columns(frame: Any, columns: Any) -> bool:
    return frame.columns is columns or bool(frame.columns.equals(columns))


def _merged_polars(rankings: Sequence[Returned], picks: Picks) -> Any:
    frames = [ranking.frame for ranking in rankings if isinstance(ranking, _PolarsFrame)]
    polars = sys.modules["polars"]
    heads, order = _heads(picks, len(frames))
    parts = [frame.head(stop) for frame, stop in zip(frames, heads, strict=True)]
    parts = [part for part in parts if len(part)] or parts[:1]
    known = frames[0].columns
    rows = parts[0] if len(parts) == 1 else polars.concat(parts, how="diagonal_relaxed").select(known)
    return rows[order]


def _heads(picks: Picks, rankings: int) -> tuple[list[int], list[int]]:
    """Say how many rows of each ranking to stack, and where the picked ones are then."""
    heads = [0] * rankings
    for which, place in picks:
        heads[which] = max(heads[which], place + 1)
    below = [sum(heads[:which]) for which in range(rankings)]
    return heads, [below[which] + place for which, place in picks]
