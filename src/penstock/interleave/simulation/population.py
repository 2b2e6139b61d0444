"""Who comes, how often, and for what: the visits that an experiment sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from penstock.errors import InputError
from penstock.interleave.simulation.clicks import eagerness

if TYPE_CHECKING:
    from numpy.random import Generator

    from penstock.interleave.simulation.clicks import ClickModel, Clicks, Grades
    from penstock.interleave.simulation.pool import Indices

Seeding: TypeAlias = Literal["user", "request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """The users of an experiment.

    Attributes:
        users: How many.
        rankings_per_user: Rankings that each of them asks for.
        days: Days that these are spread over, at random.
        loyalty: Share of a user's rankings that are about the user's own query; the others are about any. At 1 every
            user has one pair of lists, as on a home page; at 0 they are as in a search engine.
        propensity: Shape of the gamma law of how many rankings a user looks at (`eagerness`); None: all of them.
        seeding: `user`: a user's coins are the same all day. `request`: every ranking has its own.
    """

    users: int = 2000
    rankings_per_user: int = 10
    days: int = 14
    loyalty: float = 0.5
    propensity: float | None = 0.5
    seeding: Seeding = "user"

    def __post_init__(self) -> None:
        if self.users < 4 or self.rankings_per_user < 1 or self.days < 1:
            raise InputError("An experiment has 4 users, 1 ranking for each and 1 day at least.")
        if not 0 <= self.loyalty <= 1:
            raise InputError(f"A loyalty of {self.loyalty} is none: give a number from 0 to 1.")

    def visit(self, queries: int, rng: Generator) -> Visits:
        """Let everybody come once."""
        shape = (self.users, self.rankings_per_user)
        own = rng.integers(queries, size=(self.users, 1))
        about = np.where(rng.random(shape) < self.loyalty, own, rng.integers(queries, size=shape))
        looks = rng.random(shape) < eagerness(self.users, self.propensity, rng)[:, np.newaxis]
        return Visits(queries=about, days=np.sort(rng.integers(self.days, size=shape), axis=1), looks=looks)

    def drafts(self, visits: Visits, count: int, rng: Generator) -> Indices:
        """Say which of `count` drafts of its query each ranking shows, shape (n_users, n_rankings).

        With seeds by user, the same user sees the same draft of the same query all day.
        """
        if self.seeding == "request":
            return rng.integers(count, size=visits.queries.shape)
        by_day = rng.integers(count, size=(self.users, self.days))
        return np.take_along_axis(by_day, visits.days, axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """What each user asks for; all of shape (n_users, n_rankings).

    Attributes:
        queries: Which query each ranking is about.
        days: On which day, from 0, in order.
        looks: Whether the user looks at the ranking at all.
    """

    queries: Indices
    days: Indices
    looks: Clicks

    def clicks(self, model: ClickModel, grades: Grades, rng: Generator) -> Clicks:
        """Let the users click on what they are shown, shape (n_users * n_rankings, k) like `grades`."""
        return model.draw(grades, rng) & self.looks.reshape(-1, 1)
