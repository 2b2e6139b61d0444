"""Chooses the weights of the kernels: those under which answers that are left out are predicted best.

The error of answers left out alone has a derivative by every weight (Sundararajan and Keerthi, Neural Computation
13(5), 2001), which is followed downhill from the usual weights, and never far from them with few examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.grade.offline.kernel import BAGS, Mix, apart, line, same

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Doubles = NDArray[np.floating[Any]]
    Ints = NDArray[np.integer[Any]]

_LEARNED = ("near", "line", "shared", "same", "near_same", "shared_same", "both", "reach", *BAGS)
_STEPS = 12
_RATE = 0.15
_SPREAD = 0.4  # how far the logarithm of a weight is expected to be from the usual one
_DECAYS = (0.8, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Graded answers that weights are chosen by.

    Attributes:
        figures: Standardised, shape (n, n_figures).
        bags: Cosines of each bag, five of shape (n, n).
        questions: Number of each answer's question, shape (n,).
        targets: Shape (n, n_targets).
    """

    figures: Doubles
    bags: Sequence[Floats]
    questions: Ints
    targets: Doubles


def tune(sample: Sample) -> Mix:
    """Follow the error downhill (Adam), and return the best weights that were met; never those of peers."""
    parts = _Parts(sample)
    usual = np.log([getattr(Mix(), name) for name in _LEARNED])
    place, best, least = usual.copy(), usual, np.inf
    speed, size = np.zeros_like(usual), np.zeros_like(usual)
    for step in range(1, _STEPS + 1):
        error, slope = parts.error(_mix(place))
        error += float(((place - usual) ** 2).sum()) / (2 * _SPREAD**2)
        slope = slope + (place - usual) / _SPREAD**2
        if error < least:
            best, least = place.copy(), error
        speed = _DECAYS[0] * speed + (1 - _DECAYS[0]) * slope
        size = _DECAYS[1] * size + (1 - _DECAYS[1]) * slope**2
        corrected = speed / (1 - _DECAYS[0] ** step), size / (1 - _DECAYS[1] ** step)
        place = place - _RATE * corrected[0] / (np.sqrt(corrected[1]) + 1e-6)
    return _mix(best)


def _mix(logarithms: Doubles) -> Mix:
    return Mix.of(dict(zip(_LEARNED, np.exp(np.clip(logarithms, -8, 5)).tolist(), strict=True)))


class _Parts:
    """The kernels of a sample, computed once."""

    def __init__(self, sample: Sample) -> None:
        self._apart = apart(sample.figures, sample.figures)
        self._line = line(sample.figures, sample.figures)
        self._same = same(sample.questions).astype(np.float32)
        self._bags = sample.bags
        self._wanted = sample.targets - sample.targets.mean(axis=0)
        self._scale = np.maximum((self._wanted**2).sum(axis=0), 1e-9)

    def error(self, mix: Mix) -> tuple[float, Doubles]:
        """Half n times the logarithm of the mean squared error of answers left out, and its slope by log weights."""
        near = np.exp(-self._apart / np.float32(mix.reach**2))
        shares = mix.shares
        shared = np.zeros_like(near)
        for share, bag in zip(shares, self._bags, strict=True):
            shared += np.float32(share) * bag
        total = mix.general(near, self._line) + np.float32(mix.shared) * shared
        total += self._same * mix.within(near, shared)
        total[np.diag_indices_from(total)] += 1
        inverse = np.linalg.inv(total.astype(np.float64))
        mixed, diagonal = inverse @ self._wanted, np.diag(inverse)
        residual = mixed / diagonal[:, None]
        n_rows = len(residual)
        loss = float((residual**2 / self._scale).sum()) + 1e-9  # which is 0 when all targets are the same
        # d loss / d kernel, as a matrix that kernels' derivatives are multiplied with, entry by entry
        outer = 2 * residual / self._scale
        by_mixed = outer / diagonal[:, None]
        by_diagonal = -(outer * residual / diagonal[:, None]).sum(axis=1)
        slopes = -(inverse @ by_mixed) @ mixed.T - inverse @ (by_diagonal[:, None] * inverse)
        slopes = np.asarray(slopes, dtype=np.float32)
        parts = [float(np.vdot(slopes, part)) for part in self._slopes(mix, near, shared, shares)]
        factor = n_rows / (2 * loss)
        return n_rows / 2 * float(np.log(loss)), factor * np.array(parts)

    def _slopes(self, mix: Mix, near: Floats, shared: Floats, shares: Doubles) -> Iterator[Floats]:
        """Derive the kernel by the logarithm of each weight."""
        same = self._same
        both = np.float32(mix.both) * same * near
        yield np.float32(mix.near) * near
        yield np.float32(mix.line) * self._line
        yield np.float32(mix.shared) * shared
        yield np.float32(mix.same) * same
        yield np.float32(mix.near_same) * same * near
        yield np.float32(mix.shared_same) * same * shared
        yield both * shared
        by_near = np.float32(mix.near) + np.float32(mix.near_same) * same + np.float32(mix.both) * same * shared
        yield by_near * near * self._apart * np.float32(2 / mix.reach**2)
        by_shared = np.float32(mix.shared) + np.float32(mix.shared_same) * same + both
        for share, bag in zip(shares, self._bags, strict=True):
            yield np.float32(share) * by_shared * (bag - shared)
