"""From a model's word and a text's nearness to a score: the formula of anchored rationales.

    score = 0.7 x weight(anchor) + 0.3 x sigmoid(3 x (r - 0.5))

The model's word for how strongly a text belongs to a category, its anchor, counts most. The nearness of the text to the
category's description moves the score within the anchor's reach: r is the cosine of their embeddings, stretched so
that the nearest category of the row has 1 and the farthest 0. Two anchors are held to their word: Core is never below
0.80, None never above 0.20.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

WEIGHTS = {"Core": 0.95, "Strong": 0.80, "Reasonable": 0.55, "Weak": 0.25, "None": 0.05}
"""What each anchor weighs, the strongest first."""

ANCHOR_SHARE, SIMILARITY_SHARE = 0.7, 0.3
STEEPNESS = 3.0
LEAST_CORE, MOST_NONE = 0.80, 0.20

DECIMALS = 9
"""Of everything that is kept beside a score: exact for every purpose, and short enough to be read."""

ALIKE = 1e-6
"""Cosines that differ by no more are equal: embeddings are not more exact than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The score of one category, with everything it was made of.

    Attributes:
        category: Name of the category.
        score: From 0 to 1, with two decimals.
        anchor: The model's word, one of `WEIGHTS`.
        similarity: Cosine of text and category, from -1 to 1.
        r: The cosine among those of all categories of the row: 0 for the farthest, 1 for the nearest.
        anchor_part: What the anchor gives to the score, before it is rounded.
        similarity_part: What the similarity gives to it, before the bounds for Core and None.
        rationale: Why, in the model's words.
    """

    category: str
    score: float
    anchor: str
    similarity: float
    r: float
    anchor_part: float
    similarity_part: float
    rationale: str


def scored(anchor: str, *, similarity: float, r: float, category: str = "", rationale: str = "") -> Scored:
    """Work out a score from an anchor and a nearness from 0 to 1."""
    r = round(r, DECIMALS)
    anchor_part = round(ANCHOR_SHARE * WEIGHTS[anchor], DECIMALS)
    similarity_part = round(SIMILARITY_SHARE * _squashed(r), DECIMALS)
    return Scored(
        category=category,
        score=_held(anchor, anchor_part + similarity_part),
        anchor=anchor,
        similarity=round(similarity, DECIMALS),
        r=r,
        anchor_part=anchor_part,
        similarity_part=similarity_part,
        rationale=rationale,
    )


def _held(anchor: str, score: float) -> float:
    if anchor == "Core":
        score = max(LEAST_CORE, score)
    elif anchor == "None":
        score = min(MOST_NONE, score)
    return round(score + 1e-12, 2)  # a half that binary fractions fall short of goes up as well


def _squashed(r: float) -> float:
    return 1.0 / (1.0 + math.exp(-STEEPNESS * (r - 0.5)))


def cosines(text: NDArray[np.float32], categories: NDArray[np.float32]) -> tuple[float, ...]:
    """Compare a text of shape (n_dims,) with categories of shape (n_categories, n_dims); one without length has 0."""
    one, many = text.astype(np.float64), categories.astype(np.float64)
    lengths = np.linalg.norm(many, axis=1) * np.linalg.norm(one)
    products = many @ one
    near = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return tuple(np.clip(near, -1.0, 1.0).tolist())


def stretched(similarities: Sequence[float]) -> tuple[float, ...]:
    """Stretch the similarities of all categories of a row to 0 to 1; 0.5 each where there is no difference."""
    low, high = min(similarities), max(similarities)
    if high - low <= ALIKE:
        return (0.5,) * len(similarities)
    return tuple((similarity - low) / (high - low) for similarity in similarities)


class Anchored(Protocol):
    """What a disagreement is about."""

    @property
    def anchor(self) -> str:
        """One of `WEIGHTS`."""
        ...

    @property
    def r(self) -> float:
        """From 0 to 1."""
        ...


def disagreement(cell: Anchored) -> float:
    """Say how far the model's word and the similarity are apart, from 0 to 1: what a person should look at first.

    Both are stretched to 0 to 1 (None to Core, sigmoid at r = 0 to sigmoid at r = 1) and subtracted: 0 for Core where
    the category is the nearest of its row, 1 for Core where it is the farthest.
    """
    weight = (WEIGHTS[cell.anchor] - WEIGHTS["None"]) / (WEIGHTS["Core"] - WEIGHTS["None"])
    squashed = (_squashed(cell.r) - _squashed(0.0)) / (_squashed(1.0) - _squashed(0.0))
    return abs(weight - squashed)


class _Detail(msgspec.Struct, frozen=True, kw_only=True):
    category: str = ""
    anchor: str
    similarity: float
    r: float
    anchor_part: float
    similarity_part: float
    rationale: str


def detailed(cells: Iterable[Scored]) -> tuple[dict[str, Any], ...]:
    """List what is kept of each cell besides its score, as plain values for JSON."""
    return tuple(
        {name: getattr(cell, name) for name in _Detail.__struct_fields__}  # the score stands in the verdict
        for cell in cells
    )


def restored(kept: Iterable[Mapping[str, Any]]) -> tuple[Scored, ...]:
    """Work out again, from what `detailed` listed, the scores with everything they were made of.

    Raises:
        msgspec.ValidationError: It is something else.
    """
    details = [msgspec.convert(each, _Detail) for each in kept]
    return tuple(
        scored(each.anchor, similarity=each.similarity, r=each.r, category=each.category, rationale=each.rationale)
        for each in details
    )
