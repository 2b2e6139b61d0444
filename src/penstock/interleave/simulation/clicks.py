"""How users click: position-based and cascade models with graded relevance, and users who are not alike.

All models here have one form (Chuklin, Markov and de Rijke, "Click Models for Web Search", 2015). A user looks at an
item with a chance that depends on its position, clicks on what was looked at with a chance that depends on its grade,
and after a click leaves with a chance that depends on its grade too. Without leaving it is the position-based model;
with every position looked at it is the cascade model (dependent clicks: Guo, Liu and Wang, WSDM 2009), in the
instantiations that studies of interleaving share (Hofmann, Whiteson and de Rijke, CIKM 2011): perfect, navigational,
informational.

Users differ: each looks at a share of their rankings only, and many at hardly any. It is this difference between users
that makes A/B tests need so many of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from penstock.errors import InputError

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Grades = NDArray[np.int8]
    Clicks = NDArray[np.bool_]

GRADES = 5
"""Grades of relevance, 0 to 4."""

NO_ITEM = -1
"""Stands for the grade where a list has ended; nobody clicks there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickModel:
    """How one kind of user clicks.

    Attributes:
        name: As it is asked for.
        meaning: One clause for people.
        click: Chance of a click on an item that is looked at, by its grade 0 to 4.
        leave: Chance of leaving after that click, by grade.
        decay: The item at position p is looked at with the chance 1 / p ** decay; 0: every item, down to where the
            user leaves.
    """

    name: str
    meaning: str
    click: tuple[float, ...]
    leave: tuple[float, ...] = (0.0,) * GRADES
    decay: float = 0.0

    def __post_init__(self) -> None:
        chances = (*self.click, *self.leave)
        if len(chances) != 2 * GRADES or not all(0 <= chance <= 1 for chance in chances) or self.decay < 0:
            raise InputError(
                f"The click model {self.name} needs {GRADES} chances from 0 to 1 to click and as many to leave, "
                "and a decay of 0 or more."
            )

    def draw(self, grades: Grades, rng: Generator) -> Clicks:
        """Let one user look at each ranking.

        Args:
            grades: Of what is shown, shape (n_rankings, k), `NO_ITEM` where there is nothing.
            rng: All chance comes from it, in an amount that depends on the shape only, so that equal states and shapes
                give the same users.

        Returns:
            Whether each place was clicked, shape (n_rankings, k).
        """
        looked: Floats = np.arange(1.0, grades.shape[1] + 1) ** -self.decay
        clicked: Clicks = rng.random(grades.shape) < _by_grade(self.click)[grades] * looked
        if not any(self.leave):
            return clicked
        left: Clicks = clicked & (rng.random(grades.shape) < _by_grade(self.leave)[grades])
        gone: Clicks = np.less(left, np.cumsum(left, axis=1))  # by an item above
        return np.asarray(clicked & ~gone, dtype=np.bool_)


def _by_grade(chances: tuple[float, ...]) -> Floats:
    return np.array((*chances, 0.0))  # the last one is what NO_ITEM finds


def eagerness(users: int, shape: float | None, rng: Generator) -> Floats:
    """Draw for each user the share of rankings that they look at, shape (n_users,).

    It is 1 - exp(-g) for a g from the gamma law of mean 1: at a shape of 0.5, a quarter of the users look at less than
    one ranking in ten.

    Args:
        users: How many.
        shape: Of the gamma law; the smaller, the more users differ. None: everybody looks at everything.
        rng: Where the chance comes from.

    Raises:
        InputError: The shape is not above 0.
    """
    if shape is None:
        return np.ones(users)
    if not 0 < shape < np.inf:
        raise InputError(f"A propensity of {shape} is none: give the shape of a gamma law, above 0, as 0.5.")
    return -np.expm1(-rng.gamma(shape, 1 / shape, users))


def _attraction(noise: float = 0.1) -> tuple[float, ...]:
    """Turn grades into chances of a click (Ai et al., SIGIR 2018): noise, and then the gain of the grade."""
    best = 2 ** (GRADES - 1) - 1
    return tuple(noise + (1 - noise) * (2**grade - 1) / best for grade in range(GRADES))


CLICK_MODELS: dict[str, ClickModel] = {
    model.name: model
    for model in (
        ClickModel(
            name="pbm",
            meaning="position-based: looks at position p with the chance 1/p, and clicks on what is relevant",
            click=_attraction(),
            decay=1.0,
        ),
        ClickModel(
            name="perfect",
            meaning="cascade: looks at everything, and clicks in proportion to the relevance",
            click=(0.0, 0.2, 0.4, 0.8, 1.0),
        ),
        ClickModel(
            name="navigational",
            meaning="cascade: seeks one good item, and leaves once it is found",
            click=(0.05, 0.3, 0.5, 0.7, 0.95),
            leave=(0.2, 0.3, 0.5, 0.7, 0.9),
        ),
        ClickModel(
            name="informational",
            meaning="cascade: clicks on much, also on what is not relevant",
            click=(0.4, 0.6, 0.7, 0.8, 0.9),
            leave=(0.1, 0.2, 0.3, 0.4, 0.5),
        ),
        ClickModel(
            name="random",
            meaning="clicks on half of the items, whatever they are",
            click=(0.5,) * GRADES,
        ),
    )
}
"""The click models by name."""


def click_model(name: str) -> ClickModel:
    """Give the click model of a name.

    Raises:
        InputError: Nobody knows the name.
    """
    if name not in CLICK_MODELS:
        raise InputError(f"There is no click model {name!r}: choose one of {', '.join(CLICK_MODELS)}.")
    return CLICK_MODELS[name]
