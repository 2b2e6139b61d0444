"""A Gaussian process over graded answers: what it learns, and what it would have said of answers left out.

Predictions for answers that are left out, alone or in blocks, follow from one inverse (Rasmussen and Williams, Gaussian
Processes for Machine Learning, 2006, section 5.4.2; for blocks, Ginsbourger and Schärer, 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.grade.offline.kernel import line, near

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penstock.grade.offline.kernel import Mix

    Floats = NDArray[np.floating[Any]]
    Doubles = NDArray[np.floating[Any]]
    Ints = NDArray[np.integer[Any]]

_EXACT = 1_500  # examples up to which the inverse is computed in double precision


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """What was learned under given weights of the kernels.

    Attributes:
        centre: Mean of each target.
        mix: What each answer adds, shape (n, n_targets).
        inverse: Of the kernel with noise, shape (n, n).
    """

    centre: Doubles
    mix: Doubles
    inverse: NDArray[np.floating[Any]]

    def left_out(self, targets: Doubles, blocks: Ints) -> Doubles:
        """Predict every answer from all but its own block; shape (n, n_targets)."""
        order = np.argsort(blocks, kind="stable")
        ends = np.flatnonzero(np.diff(blocks[order], append=-1)) + 1
        if len(ends) == len(blocks):
            return targets - self.mix / np.diag(self.inverse).astype(np.float64)[:, None]
        predicted = np.empty_like(targets)
        start = 0
        for end in ends.tolist():
            block = order[start:end]
            part = self.inverse[np.ix_(block, block)].astype(np.float64)
            predicted[block] = targets[block] - np.linalg.solve(part, self.mix[block])
            start = end
        return predicted


def kernel(
    figures: Doubles, peers: Doubles, shared: Floats, questions: Ints, mix: Mix, *, telling: Floats | None = None
) -> Floats:
    """Compare answers with each other; shape (n, n), as `shared` and `telling` are."""
    alike = near(figures, figures, reach=mix.reach)
    total = mix.general(alike, line(figures, figures))
    total += np.float32(mix.shared) * shared
    beside = near(peers, peers, reach=mix.reach) if mix.peers or mix.peers_same else None
    if beside is not None:
        total += np.float32(mix.peers) * beside
    for question in np.unique(questions).tolist():
        places = np.flatnonzero(questions == question)
        square = np.ix_(places, places)
        total[square] += mix.within(alike[square], shared[square])
        if beside is not None:
            total[square] += np.float32(mix.peers_same) * beside[square]
        if telling is not None:
            total[square] += np.float32(mix.relevant) * telling[square]
    return total


def solve(compared: Floats, targets: Doubles) -> Solution:
    """Learn targets of shape (n, n_targets) from how answers compare, shape (n, n), with noise of variance 1."""
    noisy = compared.astype(np.float64) if len(compared) <= _EXACT else compared.copy()
    noisy[np.diag_indices_from(noisy)] += 1
    inverse = np.linalg.inv(noisy)
    centre = targets.mean(axis=0)
    wanted = (targets - centre).astype(inverse.dtype)
    return Solution(centre=centre, mix=(inverse @ wanted).astype(np.float64), inverse=inverse)
