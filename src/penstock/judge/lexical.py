"""The lexical judge: it looks for a category's own words in a text."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from penstock.judge.keys import keys, negated
from penstock.judge.words import split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from penstock.judge.category import Category

_NAME, _DEFINITION, _DETAIL = 0.8, 0.4, 0.3  # what finding the whole name, one word of the others is worth

_MOST_KNOWN, _LONGEST_KNOWN = 50_000, 40  # words remembered between calls, and their letters


class LexicalJudge:
    """Scores a text by the words it shares with a category's name, definition and detail.

    Every word found is one independent reason, so reasons add up as 1 - product(1 - weight); a word that many
    categories use is worth less, a denied word ("not happy") nothing. Where no word is found the score is 0.00.

    What it cannot do: it knows no synonyms, irony or context, and its scores are evidence, not probabilities. Say
    in `detail` which words count, or give labelled examples.

    One judge may serve many threads.
    """

    method = "local:lexical"

    def __init__(self, categories: Sequence[Category]) -> None:
        self.categories = tuple(categories)
        self._weights = _weights(self.categories)
        self._known: dict[str, tuple[str, ...]] = {}  # words looked up before; many threads may fill it

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Score texts: an array of shape (n_texts, n_categories) from 0 to 1 in steps of 0.01."""
        return self.weigh([split(text) for text in texts])

    def weigh(self, token_lists: Sequence[list[str]]) -> NDArray[np.float64]:
        """Score texts that are already split into tokens; the shape is that of `score`."""
        scores = np.zeros((len(token_lists), len(self.categories)))
        for row, tokens in enumerate(token_lists):
            found = self._found(tokens)
            for key in found:
                for column, reason in self._weights[key]:
                    scores[row, column] += reason
        return np.asarray(np.round(-np.expm1(-scores), 2), dtype=np.float64)

    def _found(self, tokens: list[str]) -> list[str]:
        """List the keys with a weight that a text has and does not deny, each once, in order."""
        found: dict[str, None] = {}
        if len(self._known) > _MOST_KNOWN:
            self._known = {}
        known = self._known
        for place, token in enumerate(tokens):
            held = known.get(token)
            if held is None:
                held = tuple(key for key in keys(token) if key in self._weights)
                if len(token) <= _LONGEST_KNOWN:
                    known[token] = held
            if held and not negated(tokens, place):
                found.update(dict.fromkeys(held))
        return list(found)


def _weights(categories: Sequence[Category]) -> dict[str, tuple[tuple[int, float], ...]]:
    """Give each key its categories and, for each, the weight of evidence -log(1 - weight)."""
    own = [_own(category) for category in categories]
    holders: dict[str, list[int]] = defaultdict(list)
    for column, weights in enumerate(own):
        for key in weights:
            holders[key].append(column)
    shared = {key: 1 - (len(columns) - 1) / len(categories) for key, columns in holders.items()}
    return {
        key: tuple((column, -math.log1p(-own[column][key] * shared[key])) for column in columns)
        for key, columns in holders.items()
    }


def _own(category: Category) -> dict[str, float]:
    weights: dict[str, float] = {}
    name = _told(category.name)
    in_name = 1 - (1 - _NAME) ** (1 / max(1, len(name)))
    for told, worth in ((_told(category.detail), _DETAIL), (_told(category.definition), _DEFINITION), (name, in_name)):
        for token_keys in told:
            for key in token_keys:
                weights[key] = max(weights.get(key, 0.0), worth / len(token_keys))
    return weights


def _told(text: str) -> list[tuple[str, ...]]:
    """List the keys of each word a description uses and does not deny."""
    tokens = split(text)
    told = ((place, keys(token)) for place, token in enumerate(tokens))
    return [found for place, found in told if found and not negated(tokens, place)]
