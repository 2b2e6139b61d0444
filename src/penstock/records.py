"""The values that flow: an item goes in, exactly one outcome comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping


class Key(NamedTuple):
    """Where an item stands in its job; keys sort in the order of the source.

    Attributes:
        row: Number of the row in its source, from 0.
        part: Which part of the row's work this is, from 0 (a block of categories).
    """

    row: int
    part: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One piece of work: a text, and what else the judge may need to see.

    Attributes:
        key: Where it stands.
        fields: What is judged, by name; where that is a text, it is called `text`.
        digest: 16 hexadecimal digits that change whenever what is judged changes.
        problem: One sentence, where the source could not read this item.
    """

    key: Key
    fields: Mapping[str, Any]
    digest: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an outcome took, summed over every call made for it, failed ones included.

    Attributes:
        calls: Requests sent.
        tokens_in: Prompt tokens, as the server counted them.
        tokens_out: Completion tokens, as the server counted them.
        cost_usd: What these tokens cost by the price of the model; 0 where no price is known.
    """

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            cost_usd=self.cost_usd + other.cost_usd,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A judged item.

    Attributes:
        key: The item's key.
        digest: The item's digest, so that a changed item is known.
        scores: One number from 0 to 1 per category, in the order of the categories; none where a person has to decide.
        method: What made it: a model's name, or that of a judge of our own, such as `local:lexical`.
        note: Why a fallback was used, where one was.
        cached: Whether it was remembered instead of asked for.
        seconds: Time from the first call to the accepted reply.
        usage: What it took.
        detail: What else its system keeps with it, as JSON; the ledger does not look into it.
    """

    key: Key
    digest: str = ""
    scores: tuple[float, ...]
    method: str
    note: str = ""
    cached: bool = False
    seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An item without a verdict, and why; never a score.

    Attributes:
        key: The item's key.
        digest: The item's digest.
        code: The kind of failure, one word (`unfit`, `rejected`, `bad_reply`, `throttled`, `unreachable`).
        reason: One sentence for people.
        later: Whether the same item may succeed later.
        status: The HTTP status behind it, where there was one.
        seconds: Time spent on it.
        usage: What it took.
        detail: What else its system keeps with it, as JSON; the ledger does not look into it.
    """

    key: Key
    digest: str = ""
    code: str
    reason: str
    later: bool = False
    status: int | None = None
    seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)
    detail: str = ""


Outcome: TypeAlias = Verdict | Failure
