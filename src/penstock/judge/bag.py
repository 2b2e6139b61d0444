"""A text as a bag of features: its words, their pieces, and pairs of neighbouring words.

A word is itself and its pieces (runs of 3-5 letters; of 1-4 in scripts without spaces and in Korean, where the letters
inside syllables count too), so words never seen before still have known pieces, and so have misspellings and
inflections (Bojanowski et al., TACL 2017). Features are weighted by inverse document frequency and a text's vector has
length 1 or so, whatever the length of the text.

Texts share words, so a vector is never written out: a text is a list of words, and a word a list of pieces.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from penstock.judge.sparse import Sparse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ints = NDArray[np.intp]

_START, _END = 0, 1  # the two words that every text has
_FIRST = 2
_SEEN = 2  # texts a feature must occur in
_MOST = 100_000  # features kept of each kind, the most frequent
_LETTERS = 40  # of a word that are looked at
_DOUBT = 3.0  # occurrences every feature is believed to have had, labelled as the texts are
_PIECE = np.float32(0.5)  # what a piece counts beside a word


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bag:
    """The features that texts are described by, and the weight of each.

    Attributes:
        words: The number of each word, from 2.
        pieces: The number of each piece, from 0.
        pairs: Neighbouring words as first x n_words + second, ascending.
        word_weights: Shape (n_words,), n_words counting the two marks of start and end.
        piece_weights: Shape (n_pieces,).
        pair_weights: Shape (n_pairs,).
    """

    words: dict[str, int]
    pieces: dict[str, int]
    pairs: NDArray[np.int64]
    word_weights: Floats
    piece_weights: Floats
    pair_weights: Floats

    @classmethod
    def of(cls, token_lists: Sequence[list[str]]) -> Bag:
        """Choose the features that occur in at least two of the texts."""
        n_texts = len(token_lists)
        in_texts = Counter(token for tokens in token_lists for token in set(tokens))
        in_words: Counter[str] = Counter()
        for word, count in in_texts.items():
            in_words.update(dict.fromkeys(spell(word), count))
        words = _frequent(in_texts)
        numbers = {word: _FIRST + place for place, word in enumerate(words)}
        pieces = _frequent(in_words)
        size = len(words) + _FIRST
        in_pairs = Counter(pair for tokens in token_lists for pair in set(_pairs(tokens, numbers, size)))
        pairs = sorted(_frequent(in_pairs))
        return cls(
            words=numbers,
            pieces={piece: place for place, piece in enumerate(pieces)},
            pairs=np.array(pairs, dtype=np.int64),
            word_weights=np.r_[np.zeros(_FIRST, np.float32), _rarity((in_texts[w] for w in words), n_texts)],
            piece_weights=_PIECE * _rarity((in_words[p] for p in pieces), n_texts),
            pair_weights=_rarity((in_pairs[p] for p in pairs), n_texts),
        )

    @property
    def n_words(self) -> int:
        """How many words there are, the marks of start and end included."""
        return len(self.words) + _FIRST

    def read(self, token_lists: Sequence[list[str]]) -> Reading:
        """Look up every word and pair of the texts."""
        flat: list[int] = []
        strange: dict[str, int] = {}
        starts = np.empty(len(token_lists), np.intp)
        known, n_words = self.words, self.n_words
        for row, tokens in enumerate(token_lists):
            starts[row] = len(flat)
            flat.append(_START)
            flat += [known.get(token) or strange.setdefault(token, n_words + len(strange)) for token in tokens]
            flat.append(_END)
        words = np.array(flat, dtype=np.int64)
        places, pairs = self._find_pairs(words)
        return Reading(starts=starts, words=words, strange=tuple(strange), pair_places=places, pairs=pairs)

    def spell(self, words: Sequence[str]) -> tuple[Ints, Ints]:
        """List the known pieces of words: the place of the word, the number of the piece, for each."""
        get = self.pieces.get
        spelled = [[piece for part in spell(word) if (piece := get(part)) is not None] for word in words]
        lengths = np.array([len(pieces) for pieces in spelled], dtype=np.intp)
        flat = [piece for pieces in spelled for piece in pieces]
        return np.repeat(np.arange(len(words)), lengths), np.array(flat, dtype=np.intp)

    def _find_pairs(self, words: NDArray[np.int64]) -> tuple[Ints, Ints]:
        empty = np.empty(0, np.intp)
        if not self.pairs.size or words.size < 2:
            return empty, empty
        both = (words[:-1] < self.n_words) & (words[1:] < self.n_words)
        places = np.flatnonzero(both)
        wanted = words[places] * self.n_words + words[places + 1]
        found = np.minimum(np.searchsorted(self.pairs, wanted), self.pairs.size - 1)
        hit = self.pairs[found] == wanted
        return places[hit], found[hit]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """Texts looked up in a bag.

    Attributes:
        starts: Where each text begins in `words`, shape (n_texts,); each begins and ends with a mark.
        words: The number of every word in order; a strange word's number is n_words + its place in `strange`.
        strange: The words that the bag does not have, each once.
        pair_places: Where in `words` each known pair begins, ascending.
        pairs: The number of each of those pairs.
    """

    starts: Ints
    words: NDArray[np.int64]
    strange: tuple[str, ...]
    pair_places: Ints
    pairs: Ints


class Corpus:
    """The matrix X of texts to learn from, one vector per text, kept in its factors."""

    def __init__(self, bag: Bag, token_lists: Sequence[list[str]]) -> None:
        reading = bag.read(token_lists)
        every = [*bag.words, *reading.strange]
        spelled, pieces = bag.spell(every)
        n_texts, n_all = len(token_lists), _FIRST + len(every)
        self._own = np.r_[bag.word_weights, np.zeros(len(reading.strange), np.float32)][:, None]
        values = bag.piece_weights[pieces]
        self._spelling = Sparse(spelled + _FIRST, pieces, values, (n_all, len(bag.pieces)))
        self._spelled = Sparse(pieces, spelled + _FIRST, values, (len(bag.pieces), n_all))
        squares = self._own[:, 0] ** 2 + np.bincount(spelled + _FIRST, weights=values**2, minlength=n_all)
        texts = np.repeat(np.arange(n_texts), np.diff(np.r_[reading.starts, reading.words.size]))
        paired, pair_values = texts[reading.pair_places], bag.pair_weights[reading.pairs]
        norms = np.bincount(texts, weights=squares[reading.words], minlength=n_texts)
        norms += np.bincount(paired, weights=pair_values**2, minlength=n_texts)
        scale = (1 / np.sqrt(np.where(norms > 0, norms, 1))).astype(np.float32)
        n_pairs = len(bag.pairs)
        self._words = Sparse(texts, reading.words, scale[texts], (n_texts, n_all))
        self._used = Sparse(reading.words, texts, scale[texts], (n_all, n_texts))
        self._pairs = Sparse(paired, reading.pairs, pair_values * scale[paired], (n_texts, n_pairs))
        self._paired = Sparse(reading.pairs, paired, pair_values * scale[paired], (n_pairs, n_texts))

    def ratios(self, labels: Floats) -> Ratios:
        """Tell how much more each feature occurs with a label than without, for labels of shape (n_texts, width)."""
        share = labels.mean(axis=0)

        def ratio(with_label: Floats, in_all: Floats) -> Floats:
            inside = with_label + _DOUBT * share
            outside = np.maximum(in_all - with_label, 0) + _DOUBT * (1 - share)
            level = inside.sum(axis=0) / outside.sum(axis=0)
            return np.asarray(np.log(inside / (outside * level)) ** 2, dtype=np.float32)

        once = np.ones((len(labels), 1), np.float32)
        used, all_used = self._used.dot(labels), self._used.dot(once)
        return Ratios(
            words=self._own**2 * ratio(self._own * used, self._own * all_used),
            pieces=ratio(self._spelled.dot(used), self._spelled.dot(all_used)),
            pairs=ratio(self._paired.dot(labels), self._paired.dot(once)),
        )

    def kernel(self, mix: Floats, ratios: Ratios) -> Floats:
        """Multiply X X^T, with features weighed by their ratios, with a block of shape (n_texts, width)."""
        words, _, pairs = self.weights(mix, ratios)
        return self._words.dot(words) + self._pairs.dot(pairs)

    def weights(self, mix: Floats, ratios: Ratios) -> tuple[Floats, Floats, Floats]:
        """Turn a mix of texts into what each word (with its pieces), piece and pair adds, X^T a by feature."""
        used = self._used.dot(mix)
        pieces = ratios.pieces * self._spelled.dot(used)
        words = ratios.words * used + self._spelling.dot(pieces)
        return words, pieces, ratios.pairs * self._paired.dot(mix)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ratios:
    """Squared log-count ratios, per feature and label: what naive Bayes makes of a feature before anything is learned.

    Logistic regression on features weighed so learns faster (Wang and Manning, ACL 2012).

    Attributes:
        words: Shape (n_words, width), times the squared weight of the word.
        pieces: Shape (n_pieces, width).
        pairs: Shape (n_pairs, width).
    """

    words: Floats
    pieces: Floats
    pairs: Floats


def spell(word: str) -> list[str]:
    """List the pieces of a folded word; none for punctuation and emoji."""
    first = word[0]
    if not first.isalnum():
        return []
    if first < "\u0e00":
        return _runs(f"<{word[:_LETTERS]}>", 3, 5)
    whole = word[:_LETTERS]
    if "\uac00" <= first <= "\ud7a3":
        return _runs(whole, 1, 4) + _runs(f"<{unicodedata.normalize('NFD', whole)}>", 3, 6)
    return _runs(whole, 1, 4)


def _runs(text: str, shortest: int, longest: int) -> list[str]:
    sizes = range(shortest, longest + 1)
    return [text[start : start + size] for size in sizes for start in range(len(text) - size + 1)]


def _pairs(tokens: list[str], numbers: dict[str, int], size: int) -> list[int]:
    places = [_START, *(numbers.get(token, -1) for token in tokens), _END]
    return [first * size + second for first, second in pairwise(places) if first >= 0 and second >= 0]


_Key = TypeVar("_Key", str, int)


def _frequent(counts: Counter[_Key]) -> list[_Key]:
    kept = sorted((-count, key) for key, count in counts.items() if count >= _SEEN)
    return [key for _, key in kept[:_MOST]]


def _rarity(counts: Iterable[int], n_texts: int) -> Floats:
    held = np.minimum(np.array(list(counts), dtype=np.float64), n_texts)
    return (np.log((1 + n_texts) / (1 + held)) + 1).astype(np.float32)
