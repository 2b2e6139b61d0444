"""Numeric scores: one number from 0 to 1 for each category, in one reply for a whole block of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from penstock.errors import BadReply
from penstock.judge.block_prompt import BlockPrompt
from penstock.judge.fence import RULE
from penstock.judge.reply import UNREADABLE, object_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.judge.category import Category

INSTRUCTIONS = "You judge how strongly a text belongs to each of several categories."
"""The default first sentence of the system prompt; users may give their own."""

SLACK = 0.5
"""How far outside 0 to 1 a number may be and still be read as that end; further out it is on another scale."""


class _Plain(msgspec.Struct):
    """A reply as it should be; whatever does not fit is looked at more closely."""

    scores: Annotated[list[float], msgspec.Meta(min_length=1)]


_plain = msgspec.json.Decoder(_Plain)


class ScorePrompt(BlockPrompt):
    """Makes the prompts of one block of categories; the system part is the same for every text."""

    def __init__(
        self,
        categories: Sequence[Category],
        *,
        instructions: str = INSTRUCTIONS,
        temperature: float | None = 0.0,
        max_tokens: int | None = None,
    ) -> None:
        n = len(categories)
        super().__init__(
            system=_system(categories, instructions),
            schema=schema(n),
            wanted=f"exactly {n} numbers",
            temperature=temperature,
            max_tokens=max_tokens,
        )


def schema(n: int) -> dict[str, Any]:
    """JSON Schema of a reply with `n` scores."""
    number = {"type": "number", "minimum": 0, "maximum": 1}
    return {
        "type": "object",
        "properties": {"scores": {"type": "array", "items": number, "minItems": n, "maxItems": n}},
        "required": ["scores"],
        "additionalProperties": False,
    }


def read_scores(reply: str, n: int, *, judged: str = "") -> tuple[float, ...]:
    """Check a reply and return its `n` scores, from 0 to 1, rounded to two decimals.

    A reply may wrap its JSON in a code fence or in words. Numbers a little outside the range are moved to its end;
    anything else is refused, never repaired: a score is what the model said or it is not there. Nor is it what the text
    that was `judged` says about itself, where the model only repeats it.

    Raises:
        BadReply: No JSON object, no list of scores, a wrong count, or something that is no number on this scale.
    """
    if "{" not in judged and "｛" not in judged:  # such a text holds nothing that a model could repeat
        with suppress(*UNREADABLE):
            plain = _plain.decode(reply).scores
            if len(plain) == n and min(plain) >= 0 and max(plain) <= 1:
                return tuple([round(score, 2) + 0.0 for score in plain])
    try:
        scores = msgspec.convert(object_in(reply, judged=judged).get("scores"), list[Any])
    except msgspec.ValidationError:
        raise BadReply("the reply has no list of scores") from None
    if len(scores) != n:
        raise BadReply(f"the reply has {len(scores)} scores instead of {n}")
    return tuple(_score(value, place) for place, value in enumerate(scores, start=1))


def _score(value: Any, place: int) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadReply(f"score {place} is not a number")
    if not -SLACK <= value <= 1 + SLACK:
        raise BadReply(f"score {place} is {_short(value)}, which is not on a scale from 0 to 1")
    return round(min(1.0, max(0.0, float(value))), 2) + 0.0


def _short(value: float) -> str:
    """Write a number of a reply, which may be an integer of a thousand digits."""
    return f"{value:g}" if abs(value) < 1e9 else "very large"


def _system(categories: Sequence[Category], instructions: str) -> str:
    listed = "\n".join(f"{place}. {_line(category)}" for place, category in enumerate(categories, start=1))
    n = len(categories)
    return (
        f"{instructions}\n\n{RULE}\n\nThe categories, in order:\n{listed}\n\n"
        "Give each category a number from 0.00 (does not belong at all) to 1.00 (belongs entirely), with two decimals. "
        f'Reply with one JSON object and nothing else: {{"scores": [...]}}, with exactly {n} numbers in the order '
        "of the categories."
    )


def _line(category: Category) -> str:
    parts = [category.name, category.definition, category.detail]
    return " - ".join(" ".join(part.split()) for part in parts if part.strip())
