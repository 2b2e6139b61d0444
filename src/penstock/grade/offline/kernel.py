"""How much two graded answers have to say about each other: a sum of kernels.

Answers are near when their figures of resemblance are (R, a Gaussian of their distance, and L, a product), share when
their words do (B, a weighted mean of the cosines of five bags), and agree when they stand alike to the graded answers
of their question (P, a Gaussian over the figures of peers), and tell the same when they share the runs of letters that
marks go by (T, a cosine). They count for any two answers, and again, with weights of
their own, for two answers of the same question (S):

    near R + line L + shared B + peers P + S (same + near_same R + shared_same B + both B R + peers_same P + relevant T)
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Doubles = NDArray[np.floating[Any]]
    Ints = NDArray[np.integer[Any]]

BAGS = ("units", "neighbours", "beside", "pieces", "runs")
"""Names of the bags' weights, in the bags' order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Weights of the kernels, in units of the noise; the bags' count by their share of their sum.

    Attributes:
        reach: The Gaussians' width, in units of the root of the number of figures.
    """

    near: float = 1.0
    line: float = 0.5
    shared: float = 1.0
    same: float = 0.3
    near_same: float = 0.5
    shared_same: float = 3.0
    both: float = 1.0
    reach: float = 1.0
    units: float = 1.0
    neighbours: float = 1.0
    beside: float = 1.0
    pieces: float = 1.0
    runs: float = 1.0
    peers: float = 1.5
    peers_same: float = 1.5
    relevant: float = 3.0

    @classmethod
    def of(cls, weights: Mapping[str, float]) -> Mix:
        """Read weights that were written down by their names."""
        return cls(**{name: float(weight) for name, weight in weights.items()})

    def weights(self) -> dict[str, float]:
        """Write the weights down by their names."""
        return asdict(self)

    def without_peers(self) -> Mix:
        """Leave the marks of other answers to the same question aside."""
        return replace(self, peers=0.0, peers_same=0.0, relevant=0.0)

    @property
    def shares(self) -> Doubles:
        """What part of the mean cosine each bag has, shape (5,)."""
        weights = np.array([getattr(self, name) for name in BAGS])
        return np.asarray(weights / weights.sum())

    def general(self, near: Floats, line: Floats) -> Floats:
        """What figures of answers to any two questions have to say."""
        return np.asarray(np.float32(self.near) * near + np.float32(self.line) * line)

    def within(self, near: Floats, shared: Floats) -> Floats:
        """What answers of the same question have to say beyond that."""
        product = np.float32(self.shared_same) + np.float32(self.both) * near
        return np.asarray(np.float32(self.same) + np.float32(self.near_same) * near + product * shared)


def near(first: Doubles, second: Doubles, *, reach: float) -> Floats:
    """Compare figures of shapes (n, n_figures) and (m, n_figures), by a Gaussian; shape (n, m)."""
    return np.asarray(np.exp(-apart(first, second) / np.float32(reach * reach)))


def apart(first: Doubles, second: Doubles) -> Floats:
    """Half the mean squared difference of figures; shape (n, m)."""
    scale = 1 / np.sqrt(2 * max(first.shape[1], 1))
    one, other = (first * scale).astype(np.float32), (second * scale).astype(np.float32)
    squares = (one * one).sum(axis=1)[:, None] + (other * other).sum(axis=1)
    return np.asarray(np.maximum(squares - 2 * (one @ other.T), 0))


def line(first: Doubles, second: Doubles) -> Floats:
    """Mean product of figures; shape (n, m)."""
    scale = 1 / np.sqrt(max(first.shape[1], 1))
    return np.asarray((first * scale).astype(np.float32) @ (second * scale).astype(np.float32).T)


def same(questions: Ints) -> NDArray[np.bool_]:
    """Tell which pairs of answers have the same question; shape (n, n)."""
    return np.asarray(questions[:, None] == questions[None, :])
