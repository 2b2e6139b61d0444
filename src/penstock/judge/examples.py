"""Labelled examples: rows of a table turned into texts with a label per category."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penstock.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from penstock.judge.category import Category

    Row = tuple[str, Mapping[str, object]]

LABEL_COLUMNS = ("labels", "label")
_SEPARATOR = re.compile("[,;|]")
_WORDS = {"": 0.0, "0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0, "no": 0.0, "yes": 1.0}
_SHOWN = 40  # letters of a bad cell that a message repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Texts with their labels.

    Attributes:
        texts: The texts that are not blank, in the order of the rows.
        labels: From 0 to 1, shape (n_texts, n_categories).
        blank: How many rows were left out because they have no text.
        others: How often each label was met that is no category.
    """

    texts: tuple[str, ...]
    labels: NDArray[np.float64]
    blank: int
    others: Mapping[str, int]


def read_examples(rows: Iterable[Row], categories: Sequence[Category], *, source: str = "the examples") -> Examples:
    """Read examples laid out in one of two ways.

    Either every category has a column, whose cells are 0 or 1, true or false, yes or no, a score between 0 and 1, or
    blank for 0; or one column `labels` (or `label`) names the categories of each text, separated by `,` `;` or `|`.
    Names are compared without case and outer spaces. A label that is no category counts as none of them.

    Args:
        rows: The text and all cells, by column, of each row.
        categories: The categories; their order is that of the labels' columns.
        source: What messages call the table.

    Raises:
        InputError: The columns fit neither layout, a cell is no label, or no example can be used.
    """
    texts: list[str] = []
    labels: list[list[float]] = []
    others: Counter[str] = Counter()
    blank = 0
    layout: _Columns | _Labels | None = None
    for number, (text, cells) in enumerate(rows, start=1):
        layout = layout or _layout(cells, categories, source, others)
        if text.strip():
            texts.append(text)
            labels.append(layout.read(cells, f"{source}, data row {number}"))
        else:
            blank += 1
    if not texts:
        raise InputError(f"There is no example in {source}: every example needs a text.")
    table = np.array(labels)
    if not table.any():
        raise InputError(_unlabelled(source, others, categories))
    return Examples(texts=tuple(texts), labels=table, blank=blank, others=dict(others.most_common()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """One column per category."""

    columns: Sequence[str]

    def read(self, cells: Mapping[str, object], place: str) -> list[float]:
        return [_score(cells.get(column), f"{place}, column '{column}'") for column in self.columns]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Labels:
    """One column that names the categories."""

    column: str
    places: Mapping[str, int]
    others: Counter[str]

    def read(self, cells: Mapping[str, object], _place: str) -> list[float]:
        given = [0.0] * len(self.places)
        cell = _plain(cells.get(self.column))
        parts = [cell] if _fold(cell) in self.places else _SEPARATOR.split(cell)
        for part in parts:
            place = self.places.get(_fold(part))
            if place is not None:
                given[place] = 1.0
            elif part.strip():
                self.others[part.strip()] += 1
        return given


def _layout(
    cells: Mapping[str, object], categories: Sequence[Category], source: str, others: Counter[str]
) -> _Columns | _Labels:
    columns = {_fold(column): column for column in reversed(tuple(cells))}
    missing = [category.name for category in categories if _fold(category.name) not in columns]
    if not missing:
        return _Columns(columns=[columns[_fold(category.name)] for category in categories])
    named = [columns[name] for name in LABEL_COLUMNS if name in columns]
    if named:
        places = {_fold(category.name): place for place, category in enumerate(categories)}
        return _Labels(column=named[0], places=places, others=others)
    if len(missing) < len(categories):
        raise InputError(f"{_capital(source)} has no column for {_quoted(missing)}: add it, or a column 'labels'.")
    raise InputError(f"{_capital(source)} has neither a column per category nor a column 'labels': add one of them.")


def _score(cell: object, place: str) -> float:
    plain = _plain(cell)
    known = _WORDS.get(plain.lower())
    if known is not None:
        return known
    try:
        score = float(plain)
    except ValueError:
        score = math.nan
    if not 0 <= score <= 1:
        raise InputError(
            f"'{_short(plain)}' in {place} is no label: write 0 or 1, true or false, or a score from 0 to 1."
        )
    return score


def _unlabelled(source: str, others: Counter[str], categories: Sequence[Category]) -> str:
    names = _quoted([category.name for category in categories])
    if others:
        met = _quoted([label for label, _ in others.most_common(3)])
        return f"No label in {source} is one of the categories {names}: it says {met}."
    return f"No example in {source} has a label: mark at least one text with one of {names}."


def _plain(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _fold(name: str) -> str:
    return name.strip().casefold()


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{_short(name)}'" for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _short(text: str) -> str:
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def _capital(source: str) -> str:
    return source[:1].upper() + source[1:] if source.startswith("the ") else source
