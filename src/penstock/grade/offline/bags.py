"""A text as five bags in one: units, neighbouring units, units near each other, pieces of words, runs of letters.

Each bag is weighted by inverse document frequency and made as long as its share says; the squares of the five lengths
add up to 1, so that the product of two texts' rows is a weighted mean of five cosines, from 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.grade.offline.rows import Rows
from penstock.grade.offline.units import pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from penstock.grade.offline.units import Text

    Floats = NDArray[np.floating[Any]]
    Ints = NDArray[np.integer[Any]]

_MOST = 500_000  # features of a bag, beyond which those of a single text are left out
_START, _END, _FIRST = 0, 1, 2  # numbers of the marks that every text has, and of the first unit
_STRANGE = -1  # stands for a feature without a number
_REACH = 3  # units from one to another that still stand near it
_SHORTEST, _LONGEST = 3, 5  # letters of a run
_UNSPACED = 0x2E80  # from here on scripts are written without spaces, or in syllables
_FACTOR = np.int64(0x9E3779B97F4A7C15 - (1 << 64))  # odd and far from regular
_REMEMBERED = 20_000  # words whose pieces are kept at hand


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bags:
    """The features that texts are described by, and the weight of each.

    Features are numbered through: units, neighbours, near pairs, pieces, runs.

    Attributes:
        units: The number of each unit, from 2.
        neighbours: Pairs as first x (n_units + 3) + second, ascending.
        near: The same for pairs at most three units apart.
        pieces: The number of each piece, from 0.
        runs: Runs of letters across words and signs, hashed, ascending.
        weights: Of all features, shape (width,).
    """

    units: dict[str, int]
    neighbours: NDArray[np.integer[Any]]
    near: NDArray[np.integer[Any]]
    pieces: dict[str, int]
    runs: NDArray[np.integer[Any]]
    weights: Floats
    _spelled: dict[str, list[int]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, texts: Sequence[Text]) -> Bags:
        """Number the features of texts, and weigh them.

        What stands in one text alone is kept, too: the next text may share it.
        """
        in_texts = Counter(chain.from_iterable(set(text.units) for text in texts))
        units = {unit: place for place, unit in enumerate(_frequent(in_texts), start=_FIRST)}
        in_words: Counter[str] = Counter()
        for text in texts:
            in_words.update(set(chain.from_iterable(map(pieces, set(text.words)))))
        pieced = _frequent(in_words)
        rows, numbers = _numbered(texts, units)
        size = len(units) + _FIRST
        neighbours, beside = _common(*_pairs(rows, numbers, size, reach=1))
        near, about = _common(*_pairs(rows, numbers, size, reach=_REACH))
        runs, running = _common(*_runs(texts))
        counts = [
            np.array([in_texts[unit] for unit in units]),
            beside,
            about,
            np.array([in_words[piece] for piece in pieced]),
            running,
        ]
        rarity = np.log((1 + len(texts)) / (1 + np.concatenate(counts).astype(np.float64))) + 1
        return cls(
            units=units,
            neighbours=neighbours,
            near=near,
            pieces={piece: place for place, piece in enumerate(pieced)},
            runs=runs,
            weights=rarity.astype(np.float32),
        )

    @property
    def width(self) -> int:
        """How many features there are."""
        return len(self.weights)

    @property
    def bounds(self) -> list[int]:
        """Where each bag's features begin, and where the last ones end."""
        sizes = [len(each) for each in (self.units, self.neighbours, self.near, self.pieces, self.runs)]
        return [0, *np.cumsum(sizes).tolist()]

    def rows(self, texts: Sequence[Text]) -> Rows:
        """Describe texts by the known features.

        Each bag of a text has length 1 with what is unknown in it, and less without, so cosines never exceed 1.
        """
        size = len(self.units) + _FIRST  # which is the number of a strange unit, too
        rows, numbers = _numbered(texts, self.units)
        inner = numbers >= _FIRST
        bounds = self.bounds
        found = [
            (rows[inner], np.where(numbers[inner] < size, numbers[inner] - _FIRST, _STRANGE)),
            _known(self.neighbours, *_pairs(rows, numbers, size, reach=1), offset=bounds[1]),
            _known(self.near, *_pairs(rows, numbers, size, reach=_REACH), offset=bounds[2]),
            self._pieces(texts, offset=bounds[3]),
            _known(self.runs, *_runs(texts), offset=bounds[4]),
        ]
        bags = [self._weighed(*entries, n_rows=len(texts)) for entries in found]
        rows = np.concatenate([bag[0] for bag in bags])
        order = np.argsort(rows, kind="stable")
        starts = np.r_[0, np.cumsum(np.bincount(rows, minlength=len(texts)))].astype(np.intp)
        columns = np.concatenate([bag[1] for bag in bags])[order].astype(np.int32)
        values = np.concatenate([bag[2] for bag in bags])[order]
        return Rows(starts=starts, columns=columns, values=values, width=self.width)

    def _pieces(self, texts: Sequence[Text], *, offset: int) -> tuple[Ints, Ints]:
        spelled = self._spelled
        flat: list[int] = []
        lengths: list[int] = []
        if len(spelled) > _REMEMBERED:
            spelled.clear()
        get = self.pieces.get
        for text in texts:
            before = len(flat)
            for word in text.words:
                numbers = spelled.get(word)
                if numbers is None:
                    numbers = spelled[word] = [offset + get(piece, _STRANGE - offset) for piece in pieces(word)]
                flat += numbers
            lengths.append(len(flat) - before)
        return np.repeat(np.arange(len(texts)), lengths), np.array(flat, dtype=np.intp)

    def _weighed(self, rows: Ints, columns: Ints, *, n_rows: int) -> tuple[Ints, Ints, Floats]:
        """Count each feature once a row, weigh it, and make the length of each row 1."""
        known = columns != _STRANGE
        strange = np.bincount(rows[~known], minlength=n_rows)
        keys, counts = np.unique(rows[known] * self.width + columns[known], return_counts=True)
        rows, columns = np.divmod(keys, max(self.width, 1))
        values = (1 + np.log(counts)) * self.weights[columns]
        squares = np.bincount(rows, values**2, minlength=n_rows) + strange * self.weights.max(initial=1) ** 2
        lengths = np.sqrt(squares)
        return rows, columns, (values / lengths[rows]).astype(np.float32)


def _numbered(texts: Sequence[Text], units: dict[str, int]) -> tuple[Ints, Ints]:
    """Number the units of all texts in one row, each text between its marks; a strange one comes after the last."""
    flat: list[int] = []
    lengths: list[int] = []
    get, strange = units.get, len(units) + _FIRST
    for text in texts:
        flat.append(_START)
        flat += [get(unit, strange) for unit in text.units]
        flat.append(_END)
        lengths.append(len(text.units) + 2)
    return np.repeat(np.arange(len(texts)), lengths), np.array(flat, dtype=np.intp)


def _pairs(rows: Ints, numbers: Ints, size: int, *, reach: int) -> tuple[Ints, Ints]:
    """List pairs of units: neighbours with the marks of start and end, or near ones without."""
    least = _START if reach == 1 else _FIRST
    found_rows: list[Ints] = [np.empty(0, np.intp)]
    found_keys: list[Ints] = [np.empty(0, np.intp)]
    for step in range(1, min(reach, len(numbers) - 1) + 1):
        first, second = numbers[:-step], numbers[step:]
        both = (rows[:-step] == rows[step:]) & (first >= least) & (second >= least)
        found_rows.append(rows[:-step][both])
        found_keys.append(first[both] * (size + 1) + second[both])
    return np.concatenate(found_rows), np.concatenate(found_keys)


def _runs(texts: Sequence[Text]) -> tuple[Ints, NDArray[np.integer[Any]]]:
    """List runs of 3 to 5 letters and signs; where words are written without spaces, of 1 and 2 characters, too."""
    spelled = [f" {text.folded} " for text in texts]
    codes = np.frombuffer("".join(spelled).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.int64)
    rows = np.repeat(np.arange(len(texts)), [len(each) for each in spelled])
    found_rows: list[Ints] = [np.empty(0, np.intp)]
    found_keys: list[Ints] = [np.empty(0, np.int64)]
    keys = np.zeros(len(codes), np.int64)
    for length in range(1, _LONGEST + 1):
        n_left = len(codes) - length + 1
        if n_left <= 0:
            break
        keys = keys[:n_left] * _FACTOR + codes[length - 1 :]  # wraps around, which is what makes it a hash
        kept = rows[:n_left] == rows[length - 1 :]
        if length < _SHORTEST:
            kept &= codes[:n_left] >= _UNSPACED
        found_rows.append(rows[:n_left][kept])
        found_keys.append(keys[kept] * _FACTOR + length)
    return np.concatenate(found_rows), np.concatenate(found_keys)


def _common(rows: Ints, keys: Ints) -> tuple[NDArray[np.integer[Any]], Ints]:
    """List the keys, ascending, with how many rows have each."""
    if not keys.size:
        return np.empty(0, np.int64), np.empty(0, np.intp)
    once = np.unique(np.column_stack([keys, rows]), axis=0)[:, 0]
    kept, counts = np.unique(once, return_counts=True)
    least = 1 if kept.size <= _MOST else 2
    return kept[counts >= least].astype(np.int64), counts[counts >= least]


def _known(vocabulary: NDArray[np.integer[Any]], rows: Ints, keys: Ints, *, offset: int) -> tuple[Ints, Ints]:
    if not vocabulary.size:
        return rows, np.full(len(rows), _STRANGE)
    places = np.minimum(np.searchsorted(vocabulary, keys), vocabulary.size - 1)
    return rows, np.where(vocabulary[places] == keys, places + offset, _STRANGE)


def _frequent(counts: Counter[str]) -> list[str]:
    least = 1 if len(counts) <= _MOST else 2
    return sorted(key for key, count in counts.items() if count >= least)
