"""What comparing an answer with its key gives."""

from __future__ import annotations

from dataclasses import dataclass

_LONGEST = 200  # characters of an answer that are repeated to people


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an answer was understood to say, and how that compares with the key.

    Attributes:
        score: From 0 to 1.
        correct: Whether it is right in full.
        read: What the answer was read as, for people: "B", "A, C", "true", "5 km"; empty for a blank answer.
        expected: The key in the same form.
    """

    score: float
    correct: bool
    read: str
    expected: str


def verdict(read: str, expected: str, *, right: bool) -> Found:
    """Make what is found of an answer that is either right or wrong."""
    return Found(score=float(right), correct=right, read=read[:_LONGEST], expected=expected[:_LONGEST])
