"""Vectors of a text's words, made here: embeddings for those who have no server for them.

A text is its words (stems of English ones, pairs of letters where there are no spaces) and, counting less, the pieces
of its words, each hashed to one of a few thousand places with a sign (Weinberger et al., ICML 2009, "Feature hashing
for large scale multitask learning"). So two texts are near when they share words or parts of words; of meaning this
knows nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from typing import TYPE_CHECKING

import anyio.to_thread
import numpy as np

from penstock.judge.bag import spell
from penstock.judge.keys import keys
from penstock.judge.words import split
from penstock.models.embedding_calls import Embedded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.models.embedding_calls import Vectors

SIZE = 4096
"""Numbers in a vector."""

PIECE = 0.5
"""What all pieces of a word count together, beside the word itself."""

LARGE = 50_000
"""Characters from which the work is done in a thread."""

_MOST_KNOWN = 50_000  # words remembered between calls


class LocalVectors:
    """Embeds texts without a server: always the same vectors, in every process.

    One object may serve many tasks and threads; ten thousand short texts take about a second.
    """

    name = "local"
    identity = f"local:hashed-words-1/{SIZE}"

    def __init__(self) -> None:
        self._known: dict[str, dict[int, float]] = {}

    async def embed(self, texts: Sequence[str], /) -> Embedded:
        """Embed texts: shape (n_texts, 4096), each of length 1, or 0 where no word is found."""
        if sum(map(len, texts)) < LARGE:
            return Embedded(vectors=self.vectors(texts))
        return Embedded(vectors=await anyio.to_thread.run_sync(self.vectors, texts))

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Make the vectors alone."""
        vectors = np.zeros((len(texts), SIZE), np.float32)
        for row, text in enumerate(texts):
            self._write(vectors[row], text)
        return vectors

    def _write(self, vector: Vectors, text: str) -> None:
        counts = Counter(split(text))
        for token, count in counts.items():
            often = 1.0 + math.log(count)
            for place, value in self._places(token).items():
                vector[place] += often * value
        length = float(np.linalg.norm(vector))
        if length > 0:
            vector /= length

    def _places(self, token: str) -> dict[int, float]:
        known = self._known.get(token)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known = {}
            known = self._known[token] = _hashed(token)
        return known


def _hashed(token: str) -> dict[int, float]:
    """Work out the places of a folded token, and what it adds to each."""
    words = keys(token)
    if not words:
        return {}
    pieces = spell(token)
    places: dict[int, float] = {}
    each = [("w", word, 1.0 / math.sqrt(len(words))) for word in words]
    each += [("p", piece, PIECE / math.sqrt(len(pieces))) for piece in pieces]
    for kind, feature, weight in each:
        number = int.from_bytes(hashlib.blake2b(f"{kind}{feature}".encode(), digest_size=8).digest(), "big")
        place = number % SIZE
        places[place] = places.get(place, 0.0) + (weight if number >> 63 else -weight)
    return places
