"""How many users an experiment needs, and what effect a number of users can show."""

from __future__ import annotations

from math import ceil, sqrt
from statistics import NormalDist

from penstock.errors import InputError


def sample_size(effect: float, deviation: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Give the users needed to find an effect with the chance `power`, in a two-sided test of size `alpha`.

    Student's t instead of the normal law costs about z * z / 2 users more (Guenther 1981).

    Args:
        effect: Mean score of a user that is to be found, for example 0.02: two more wins than losses in 100 rankings.
        deviation: Standard deviation of the users' scores, as in `Preference.deviation`.
        alpha: Chance of a finding where there is no effect.
        power: Chance of a finding where there is this effect.

    Raises:
        InputError: A number is outside its range.
    """
    if not effect:
        raise InputError("No number of users shows an effect of 0: give the smallest one that matters, as 0.02.")
    _check(deviation, alpha, power)
    either = NormalDist().inv_cdf(1 - alpha / 2)
    users = ((either + NormalDist().inv_cdf(power)) * deviation / effect) ** 2 + either**2 / 2
    return max(2, ceil(users))


def detectable_effect(users: int, deviation: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Give the smallest effect that a number of users shows with the chance `power`; the inverse of `sample_size`.

    Raises:
        InputError: A number is outside its range, or the users are too few for any effect.
    """
    _check(deviation, alpha, power)
    either = NormalDist().inv_cdf(1 - alpha / 2)
    spare = users - either**2 / 2
    if users < 2 or spare <= 0:
        raise InputError(
            f"{users} users are too few for any effect: at least {max(2, ceil(either**2 / 2) + 1)} it takes."
        )
    return (either + NormalDist().inv_cdf(power)) * deviation / sqrt(spare)


def _check(deviation: float, alpha: float, power: float) -> None:
    if not 0 < deviation < float("inf"):
        raise InputError(f"A standard deviation of {deviation} is none: give a number above 0, as 0.9.")
    if not (0 < alpha < 1 and 0 < power < 1):
        raise InputError(f"alpha {alpha} and power {power} are chances: give numbers between 0 and 1.")
