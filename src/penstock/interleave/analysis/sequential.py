"""An interval that may be looked at every day, and stopped on when it leaves 0.

An interval of fixed size is right once. Looked at on 14 days, it finds a winner between two equal rankers in 14 to 20
of 100 experiments instead of 5. The normal-mixture boundary (Robbins 1970; the mSPRT of Johari et al. 2017; Howard et
al., Annals of Statistics 2021) is right at all times at once:

    |S - theta N| < sqrt((V + r) log((V + r) / (r alpha^2)))        V = sum over users of (T_u - theta c_u)^2

S is the sum of the users' totals T_u, N that of their counts c_u, theta the preference per ranking. All theta that
satisfy it are the interval; it excludes 0 exactly where the evidence (e-value) against 0 reaches 1 / alpha.

What makes it valid. Users are independent of each other. For users who come once each, and scores that are as likely
to be x as -x where no ranker is preferred, exp(l S - l^2 V / 2) is a supermartingale for every l, and the boundary
holds at any number of users (de la Pena 1999). Users who come back add to a total that was already counted. Then S is
normal for many users, and of two looks the correlation is at least sqrt(V1 / V2), that of a Brownian motion at the
times V, as long as a user's later scores do not lean against the earlier ones, which tastes, habits and frozen coins
never make them do; by Slepian's inequality (1962), such looks cross a boundary at most as often. So the clock is V,
the squares of whole users, and not the number of users or rankings. Away from 0 the same holds for many users
(Waudby-Smith et al. 2021: asymptotic confidence sequences). Since one clock must go with one weight, every ranking has
the same weight here; an unweighted mean over users has no clock, because a new user with one ranking may make it less
certain than it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log, sqrt
from typing import TYPE_CHECKING

from penstock.errors import InputError
from penstock.interleave.analysis.preference import check_confidence, users_with_rankings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

_WIDEST = 60  # steps by 1.2 from an eighth of the width outwards before an end counts as out of sight
_LARGEST = 700.0  # exponent that a float can just hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What a look needs to know of the users, and nothing else; each is a sum over users.

    Attributes:
        users: Users with rankings that count.
        rankings: Their counts.
        total: Their totals.
        squares: Their totals, squared.
        products: Their totals times their counts.
        counts: Their counts, squared.
    """

    users: int = 0
    rankings: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    products: float = 0.0
    counts: float = 0.0

    @classmethod
    def of(cls, totals: ArrayLike, counts: ArrayLike) -> Sums:
        """Sum up users given as arrays of shape (n_users,); those without rankings are left out."""
        total, count = users_with_rankings(totals, counts)
        return cls(
            users=int(count.size),
            rankings=float(count.sum()),
            total=float(total.sum()),
            squares=float(total @ total),
            products=float(total @ count),
            counts=float(count @ count),
        )

    def residual(self, theta: float) -> float:
        """Give the sum over users of (total - theta * count) squared."""
        return max(0.0, self.squares - 2 * theta * self.products + theta * theta * self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known at one moment; it may be the hundredth.

    Attributes:
        users: Users so far.
        rankings: Their rankings that count.
        estimate: Mean score of a ranking, positive where the first ranker is preferred; None without rankings.
        low: Lower end of the always-valid interval; minus infinity, or the least possible, where nothing is known.
        high: Upper end.
        e_value: Evidence against no preference; at 1 / (1 - confidence) it is decided.
        decided: Whether the interval excludes 0.
    """

    users: int
    rankings: int
    estimate: float | None
    low: float
    high: float
    e_value: float
    decided: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceSequence:
    """The always-valid interval; fixed before the first look, and the same at every look.

    Attributes:
        planned: Rankings with a winner after which the interval is to be tightest. Any number is valid; one that is
            three times off makes the interval a few per cent wider.
        confidence: That all intervals together hold, 0 to 1.
        scale: Usual size of a ranking's score where it is not 0 (1 for outcomes; the root of the mean square for
            credits).
        bound: Largest possible score, which the interval never exceeds; infinity where there is none.
    """

    planned: float = 1000.0
    confidence: float = 0.95
    scale: float = 1.0
    bound: float = 1.0

    def __post_init__(self) -> None:
        check_confidence(self.confidence)
        if not (0 < self.planned < inf and 0 < self.scale < inf and self.bound > 0):
            raise InputError("The planned rankings, the scale and the bound of a confidence sequence are above 0.")

    @property
    def prior(self) -> float:
        """The r of the boundary, in the units of V: best for V as planned (Howard et al. 2021, section 3.5)."""
        least = 1 - 2 * log(1 - self.confidence)
        ratio = least
        for _ in range(50):  # x = 1 + 2 log(1 / alpha) + log x: minus the lower branch of Lambert's W
            ratio = least + log(ratio)
        return self.planned * self.scale**2 / (ratio - 1)

    def look(self, totals: ArrayLike, counts: ArrayLike) -> Look:
        """Look at the users as they are now.

        Args:
            totals: Sum of the scores of each user's rankings so far, shape (n_users,).
            counts: Number of those rankings, shape (n_users,).

        Raises:
            InputError: The shapes differ.
        """
        return self.look_at(Sums.of(totals, counts))

    def look_at(self, sums: Sums) -> Look:
        """Look at users that were summed up before."""
        estimate = sums.total / sums.rankings if sums.rankings else None
        below = above = inf
        if estimate is not None:
            below, above = self._reach(sums, estimate, -1), self._reach(sums, estimate, 1)
        evidence = self._log_evidence(sums)
        return Look(
            users=sums.users,
            rankings=round(sums.rankings),
            estimate=estimate,
            low=max(-self.bound, (estimate or 0.0) - below),
            high=min(self.bound, (estimate or 0.0) + above),
            e_value=exp(min(_LARGEST, evidence)),
            decided=evidence >= -log(1 - self.confidence),
        )

    def _log_evidence(self, sums: Sums) -> float:
        """Logarithm of the normal mixture of exp(l S - l^2 V / 2) over l, at a preference of 0."""
        prior = self.prior
        clock = sums.squares + prior
        return sums.total**2 / (2 * clock) - log(clock / prior) / 2

    def _reach(self, sums: Sums, estimate: float, side: int) -> float:
        """Find how far the interval reaches from the estimate to one side; infinity where no end is in sight."""
        prior = self.prior
        alpha = 1 - self.confidence

        def outside(distance: float) -> bool:
            clock = sums.residual(estimate + side * distance) + prior
            return (sums.rankings * distance) ** 2 >= clock * log(clock / (prior * alpha**2))

        clock = sums.residual(estimate) + prior
        inner = 0.0
        outer = sqrt(clock * log(clock / (prior * alpha**2))) / sums.rankings / 8
        for _ in range(_WIDEST):
            if outside(outer):
                return _edge(outside, inner, outer)
            inner, outer = outer, 1.2 * outer
        return inf


def _edge(outside: Callable[[float], bool], inner: float, outer: float) -> float:
    """Narrow down to where `outside` begins."""
    for _ in range(60):
        middle = (inner + outer) / 2
        if outside(middle):
            outer = middle
        else:
            inner = middle
    return outer
