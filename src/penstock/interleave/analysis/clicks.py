"""The clicks on rankings, by ranking.

A click is on an item of a ranking and says both; the item alone would not do, because the same item stands in many
rankings. Several clicks on one item of one ranking count once: the first to be read.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from penstock.errors import InputError
from penstock.interleave.analysis.logs import found_files, is_parquet, lines_of, seconds, word
from penstock.tables.open import open_table
from penstock.tables.parquet import open_parquet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from penstock.tables.table import Source

_NEEDED = ("ranking_id", "item_id")
_FLOAT = re.compile(r"(-?\d+)\.0+")


class Click(NamedTuple):
    """A click on an item.

    Attributes:
        item: Its id as a word.
        time: Seconds since 1970; None where the file does not say.
    """

    item: str
    time: float | None


class _Line(msgspec.Struct, gc=False):
    ranking_id: str | int
    item_id: str | int | float
    time: str | float | None = None


class Clicks:
    """All clicks in a number of files, by the id of their ranking.

    Args:
        paths: JSON Lines (also .gz), CSV, TSV or Parquet files with `ranking_id`, `item_id` and perhaps `time` (ISO
            8601, or seconds since 1970); or folders of such files.

    Attributes:
        lines: Lines and rows read.
        broken: Those without a ranking or an item.
        first_broken: Where the first of them is, and why.
        repeated: Further clicks on the same item of the same ranking.

    Raises:
        InputError: A file cannot be read, lacks a column, or no line of it is a click.
        MissingExtra: A Parquet file needs pyarrow.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.lines = 0
        self.broken = 0
        self.first_broken = ""
        self.repeated = 0
        self._of: dict[str, list[Click]] = {}
        for path in found_files(paths):
            self._read(path)
        if self.lines and not self._of:
            raise InputError(f"No line of the clicks has a ranking_id and an item_id ({self.first_broken}).")

    def take(self, ranking_id: str) -> list[Click] | None:
        """Hand over the clicks on a ranking, at most one per item; None where there are none, or no more."""
        return self._of.pop(ranking_id, None)

    @property
    def left(self) -> int:
        """Clicks on rankings that nobody has taken."""
        return sum(map(len, self._of.values()))

    def _read(self, path: Path) -> None:
        for where, line in _cells(path) if _is_table(path) else _objects(path):
            self.lines += 1
            if isinstance(line, str):
                self._note(f"{where}: {line}")
                continue
            try:
                time = _time(line.time)
            except ValueError as error:
                self._note(f"{where}: {error}")
                continue
            self._add(word(line.ranking_id), word(line.item_id), time)

    def _add(self, ranking_id: str, item: str, time: float | None) -> None:
        known = self._of.setdefault(ranking_id, [])
        if any(click.item == item for click in known):
            self.repeated += 1
        else:
            known.append(Click(item, time))

    def _note(self, problem: str) -> None:
        self.broken += 1
        self.first_broken = self.first_broken or problem


def shown_as(item: str, shown: Iterable[str]) -> str | None:
    """Find a clicked item among those shown; "7.0", as a table writes whole numbers beside empty cells, is 7."""
    if item in shown:
        return item
    whole = _FLOAT.fullmatch(item)
    return whole[1] if whole and whole[1] in shown else None


def _is_table(path: Path) -> bool:
    return is_parquet(path) or path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv"))


def _objects(path: Path) -> Iterator[tuple[str, _Line | str]]:
    decode = msgspec.json.Decoder(_Line).decode
    for number, line in enumerate(lines_of(path), start=1):
        if line.isspace():
            continue
        try:
            yield f"{path}, line {number}", decode(line)
        except (ValueError, RecursionError) as error:
            yield f"{path}, line {number}", str(error)


def _cells(path: Path) -> Iterator[tuple[str, _Line | str]]:
    source: Source = open_parquet(path) if is_parquet(path) else open_table(path).source
    missing = [name for name in _NEEDED if name not in source.columns]
    if missing:
        raise InputError(f"{path} has no column {missing[0]}: clicks have ranking_id, item_id and perhaps time.")
    places = {name: source.columns.index(name) for name in (*_NEEDED, "time") if name in source.columns}
    for row in source.rows():
        line = {name: _cell(row.cells[place]) for name, place in places.items()}
        where = f"{path}, row {row.number + 1}"
        try:
            yield where, msgspec.convert({name: value for name, value in line.items() if value is not None}, _Line)
        except ValueError as error:
            yield where, str(error)


def _cell(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.isoformat()
    return None if cell == "" or cell != cell else cell  # noqa: PLR0124 - NaN is what differs from itself


def _time(given: str | float | None) -> float | None:
    """Read a time.

    Raises:
        ValueError: It is none.
    """
    if given is None or given == "":
        return None
    return float(given) if isinstance(given, (int, float)) else _written(given)


def _written(time: str) -> float:
    try:
        return seconds(time)
    except ValueError:
        return float(time)
