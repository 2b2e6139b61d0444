"""Two rankings of every query whose quality is known.

A ranker is given by a word:

- `feature:12` ranks by a feature of a learning-to-rank file, highest first.
- `noise:0.8` ranks by the true grade and normal noise of that standard deviation: 0 is the best ranking there is.
  Two such rankers share a part of their noise, so that their lists have items in common.
- `pinned`, `shuffled:5`, `swapped:3` take the other ranker's lists and make them worse on purpose: an item from far
  below is put at a place from 5 to 10, the first 5 are shuffled, or 3 of those that are shown change places with items
  that are not. An experiment that cannot find a ranker that is worse on purpose will not find anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penstock.errors import InputError
from penstock.interleave.simulation.clicks import NO_ITEM

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from penstock.interleave.simulation.clicks import Floats, Grades
    from penstock.interleave.simulation.relevance import Relevance

    Order = NDArray[np.int64]

_NUMBERED = {"feature": None, "noise": None, "pinned": 1.0, "shuffled": 5.0, "swapped": 3.0}  # what their number is
_WORSE = frozenset({"pinned", "shuffled", "swapped"})
_PIN_FROM, _PIN_TO = 4, 9  # places 5 to 10, counted from 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranker:
    """What was asked for by a word.

    Attributes:
        word: As it was given; the ranker's name.
        kind: `feature`, `noise`, `pinned`, `shuffled` or `swapped`.
        number: What stands behind the colon, or what is usual there.
    """

    word: str
    kind: str
    number: float

    @classmethod
    def of(cls, word: str) -> Ranker:
        """Take a word apart.

        Raises:
            InputError: It is not one of those above.
        """
        kind, _, number = word.partition(":")
        usual = _NUMBERED.get(kind)
        try:
            value = float(number) if number or usual is None else usual
        except ValueError:
            value = -1.0
        if kind not in _NUMBERED or not 0 <= value < np.inf or (kind != "noise" and value != int(value)):
            raise InputError(
                f"{word!r} is no ranker: give feature:NUMBER, noise:DEVIATION, pinned:NUMBER, shuffled:NUMBER or "
                "swapped:NUMBER."
            )
        return cls(word=word, kind=kind, number=value)

    @property
    def feature(self) -> int | None:
        """Number of the feature that it ranks by."""
        return int(self.number) if self.kind == "feature" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """Two rankings of each query.

    Attributes:
        rankers: Names of the two rankers.
        grades: For each query the grades of its documents.
        first: For each query its documents as the first ranker has them, as indices into the grades.
        second: The same of the second ranker.
        words: Where the relevance comes from, for people.
    """

    rankers: tuple[str, str]
    grades: tuple[Grades, ...]
    first: tuple[Order, ...]
    second: tuple[Order, ...]
    words: str

    def __len__(self) -> int:
        return len(self.grades)

    def of(self, query: int) -> tuple[list[int], list[int]]:
        """Give both rankings of a query."""
        return self.first[query].tolist(), self.second[query].tolist()

    def shown(self, ranker: int, k: int) -> Grades:
        """Give the grades of what one ranker alone would show, shape (n_queries, k)."""
        found = np.full((len(self), k), NO_ITEM, dtype=np.int8)
        for query, order in enumerate((self.first, self.second)[ranker]):
            head = self.grades[query][order[:k]]
            found[query, : len(head)] = head
        return found

    def ndcg(self, ranker: int, k: int) -> Floats:
        """Give nDCG@k of one ranker for each query, shape (n_queries,); 0 where nothing is relevant.

        The gain is 2 ** grade - 1, the discount 1 / log2(position + 1) (Burges et al. 2005).
        """
        best = [np.sort(grades)[::-1][:k] for grades in self.grades]
        ideal = np.array([_dcg(grades) for grades in best])
        reached = np.array([_dcg(grades) for grades in self.shown(ranker, k)])
        found: Floats = np.divide(reached, ideal, out=np.zeros(len(self)), where=ideal > 0)
        return found


def rank(relevance: Relevance, first: Ranker, second: Ranker, *, k: int, overlap: float, rng: Generator) -> Lists:
    """Rank the documents of each query twice.

    Args:
        relevance: The queries.
        first: The first ranker, by a feature or noise.
        second: The second ranker, of any kind.
        k: Items shown; what is made worse is made worse among them.
        overlap: Share of their noise, by variance, that two rankers by noise have in common, 0 to 1.
        rng: Where the chance comes from. Equal scores are ordered by it too, for both rankers alike: the order of a
            file may give its grades away.

    Raises:
        InputError: The first ranker would be a worse version of itself, or the overlap is not from 0 to 1.
    """
    if first.kind in _WORSE:
        raise InputError(
            f"The first ranker cannot be {first.word!r}: only the second is made from the other one's lists."
        )
    if not 0 <= overlap <= 1:
        raise InputError(f"An overlap of {overlap} is none: give a number from 0 to 1.")
    orders: tuple[list[Order], list[Order]] = ([], [])
    for query, grades in enumerate(relevance.grades):
        lots = rng.permutation(len(grades))
        noise = _shared_noise(len(grades), overlap, rng)
        better = _ordered(_scores(first, relevance, query, noise[0]), lots)
        orders[0].append(better)
        orders[1].append(
            _worsened(better, second, k, rng)
            if second.kind in _WORSE
            else _ordered(_scores(second, relevance, query, noise[1]), lots)
        )
    return Lists(
        rankers=(first.word, second.word) if first.word != second.word else (f"{first.word} (1)", f"{second.word} (2)"),
        grades=relevance.grades,
        first=tuple(orders[0]),
        second=tuple(orders[1]),
        words=relevance.words,
    )


def _shared_noise(documents: int, overlap: float, rng: Generator) -> Floats:
    """Draw standard normal noise for both rankers with the correlation `overlap`, shape (2, n_documents)."""
    own = rng.standard_normal((2, documents))
    common = rng.standard_normal(documents)
    noise: Floats = np.sqrt(overlap) * common + np.sqrt(1 - overlap) * own
    return noise


def _scores(ranker: Ranker, relevance: Relevance, query: int, noise: Floats) -> Floats:
    if ranker.feature is not None:
        return relevance.features[ranker.feature][query]
    return relevance.grades[query] + ranker.number * noise


def _ordered(scores: Floats, lots: Order) -> Order:
    return np.lexsort((lots, -scores))


def _worsened(order: Order, ranker: Ranker, k: int, rng: Generator) -> Order:
    worse = order.copy()
    count = int(ranker.number)
    if ranker.kind == "shuffled":
        worse[:count] = rng.permutation(worse[:count])
    elif ranker.kind == "swapped":
        count = min(count, k, max(0, len(worse) - k))
        shown = rng.choice(min(k, len(worse)), size=count, replace=False)
        below = k + rng.choice(max(0, len(worse) - k), size=count, replace=False)
        worse[shown], worse[below] = order[below], order[shown]
    else:
        for _ in range(count):
            worse = _pinned(worse, rng)
    return worse


def _pinned(order: Order, rng: Generator) -> Order:
    """Move an item from below place 10 to a place from 5 to 10; a list that is too short stays as it is."""
    if len(order) <= _PIN_TO + 1:
        return order
    old = int(rng.integers(_PIN_TO + 1, len(order)))
    new = int(rng.integers(_PIN_FROM, _PIN_TO + 1))
    return np.insert(np.delete(order, old), new, order[old])


def _dcg(grades: Grades) -> float:
    gains = 2.0 ** np.maximum(grades, 0) - 1  # NO_ITEM gains nothing
    return float(gains @ (1 / np.log2(np.arange(2, len(grades) + 2))))
