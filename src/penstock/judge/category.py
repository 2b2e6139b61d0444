"""A category: what a text is scored against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One question asked of every text: how much does it belong here, from 0 to 1?

    Attributes:
        name: Short and unique; the name of its column.
        definition: One sentence.
        detail: Anything else a judge should know: examples, borders, exceptions.
    """

    name: str
    definition: str = ""
    detail: str = ""
