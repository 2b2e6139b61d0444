"""A linear model over bags of features: the log-odds of a text are a sum over its words, pieces and pairs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from penstock.judge.bag import Bag, Corpus
from penstock.judge.logistic import fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_AT_ONCE = 4096  # texts scored in one block, which bounds the memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Linear:
    """What each feature adds to the log-odds of each target; the last column of a table adds to the squared length.

    Attributes:
        bag: The features.
        word_terms: Every word with its pieces, shape (n_words, n_targets + 1).
        piece_terms: Every piece, for words not seen before, shape (n_pieces, n_targets + 1).
        pair_terms: Every pair, shape (n_pairs, n_targets + 1).
        offset: The log-odds of an empty text, shape (n_targets,).
    """

    bag: Bag
    word_terms: Floats
    piece_terms: Floats
    pair_terms: Floats
    offset: Floats

    @classmethod
    def fit(cls, token_lists: Sequence[list[str]], labels: NDArray[np.float64], *, l2: NDArray[np.float64]) -> Linear:
        """Learn from split texts, labels from 0 to 1 of shape (n_texts, n_targets), and a penalty per target."""
        targets, bag = labels.astype(np.float32), Bag.of(token_lists)
        corpus = Corpus(bag, token_lists)
        held = (targets.sum(axis=0) + 0.5) / (len(targets) + 1)  # never quite 0 or 1
        offset = np.log(held / (1 - held)).astype(np.float32)
        ratios = corpus.ratios(targets)
        mix = fit(partial(corpus.kernel, ratios=ratios), targets, offset=offset, l2=l2.astype(np.float32))
        words, pieces, pairs = corpus.weights(mix, ratios)
        piece_squares = bag.piece_weights**2
        word_squares = bag.word_weights**2
        spelled, parts = bag.spell(list(bag.words))
        word_squares[2:] += np.bincount(spelled, weights=piece_squares[parts], minlength=len(bag.words))
        return cls(
            bag=bag,
            word_terms=np.column_stack([words[: bag.n_words], word_squares]),
            piece_terms=np.column_stack([pieces * bag.piece_weights[:, None], piece_squares]),
            pair_terms=np.column_stack([pairs * bag.pair_weights[:, None], bag.pair_weights**2]),
            offset=offset,
        )

    def logits(self, token_lists: Sequence[list[str]]) -> NDArray[np.float64]:
        """Give the log-odds of split texts, shape (n_texts, n_targets)."""
        blocks = range(0, len(token_lists), _AT_ONCE)
        found = [self._block(token_lists[start : start + _AT_ONCE]) for start in blocks]
        return np.concatenate([np.empty((0, len(self.offset))), *found])

    def _block(self, token_lists: Sequence[list[str]]) -> NDArray[np.float64]:
        reading = self.bag.read(token_lists)
        strange = reading.words >= self.bag.n_words
        terms = self.word_terms.take(np.where(strange, 0, reading.words), axis=0)
        if reading.strange:
            terms[strange] = self._strange(reading.strange)[reading.words[strange] - self.bag.n_words]
        terms[reading.pair_places] += self.pair_terms[reading.pairs]
        sums = np.add.reduceat(terms, reading.starts, axis=0)
        lengths = np.sqrt(np.where(sums[:, -1] > 0, sums[:, -1], 1))
        return (self.offset + sums[:, :-1] / lengths[:, None]).astype(np.float64)

    def _strange(self, words: Sequence[str]) -> Floats:
        """Sum the pieces of words not seen before, shape (n_words, n_targets + 1)."""
        places, pieces = self.bag.spell(words)
        sums = np.zeros((len(words), self.piece_terms.shape[1]), np.float32)
        starts = np.flatnonzero(np.r_[True, places[1:] != places[:-1]]) if places.size else places
        if places.size:
            sums[places[starts]] = np.add.reduceat(self.piece_terms.take(pieces, axis=0), starts, axis=0)
        return sums
