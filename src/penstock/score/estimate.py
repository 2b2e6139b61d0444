"""What a whole run will take, from a few questions that were really asked.

For each question something is known before it is asked: the size of its prompt, and the shape of its reply. What the
server counts is nearly in proportion to that, so totals are estimated by ratios (Cochran, Sampling Techniques, chapter
6), which need far fewer questions than plain means where texts differ in length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUGH = 0.4
"""How far off an estimate may be, as a share, where nothing was asked."""

USUAL_REPEATS = 0.03
"""Calls that have to be made again, per question, before anything is known of a server."""

WEIGHT = 10
"""Questions that the usual share counts for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A figure that is not known exactly.

    Attributes:
        low: It is hardly less.
        likely: The best guess.
        high: It is hardly more.
    """

    low: float
    likely: float
    high: float

    def scaled(self, factor: float) -> Span:
        """Multiply all three."""
        return Span(low=self.low * factor, likely=self.likely * factor, high=self.high * factor)

    def __add__(self, other: Span) -> Span:
        return Span(low=self.low + other.low, likely=self.likely + other.likely, high=self.high + other.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One judgement that was really asked for: what was foreseen of it, and what it took.

    Attributes:
        questions: Questions it stands for: its samples that were not remembered.
        foreseen_in: Prompt tokens of these questions, estimated from the text.
        foreseen_out: Tokens of the replies, estimated from their shape.
        calls: Requests sent.
        tokens_in: Prompt tokens, as the server counted them.
        tokens_out: Tokens of the replies, as the server counted them.
        seconds: Time from the first call to the end.
        cost_usd: What it cost; 0 where nobody counted.
    """

    questions: int
    foreseen_in: float
    foreseen_out: float
    calls: int
    tokens_in: int
    tokens_out: int
    seconds: float
    cost_usd: float = 0.0


def rough(total: float) -> Span:
    """Estimate what nobody has measured."""
    return Span(low=total * (1 - ROUGH), likely=total, high=total * (1 + ROUGH))


def ratio(taken: Sequence[float], foreseen: Sequence[float], *, rest: float, of: int, smooth: bool = False) -> Span:
    """Estimate a total from what was taken for some, with a 95 % interval.

    Args:
        taken: What each of the sample took: `(n,)`.
        foreseen: What was foreseen for each: `(n,)`.
        rest: What is foreseen for the rest, in sum.
        of: Judgements in the rest.
        smooth: Whether no call of the sample had to be made again. Such calls may still come, so the interval then goes
            up by what 3 in n of them would take (the rule of three).
    """
    n, expected = len(taken), sum(foreseen)
    if not n or not expected:
        return rough(rest)
    slope = sum(taken) / expected
    likely = slope * rest
    if n == 1 or not of:
        return rough(likely) if of else Span(low=likely, likely=likely, high=likely)
    squares = sum((value - slope * size) ** 2 for value, size in zip(taken, foreseen, strict=True))
    per_item = math.sqrt(squares / (n - 1) * (1 / n + 1 / of))
    reach = _t95(n - 1) * per_item * (rest / of) / (expected / n) * of
    return Span(low=max(0.0, likely - reach), likely=likely, high=likely + reach + (likely * 3 / n if smooth else 0.0))


def tempered(total: Span, asked: Sequence[Asked]) -> Span:
    """Correct a total for calls that had to be made again: in a few questions, one more or less is chance.

    So their share is drawn towards what is usual: it is the mean of a Gamma distribution that the sample has updated.
    Where every other question had to be asked again, that is the server's way and no chance, and the share stays.
    """
    questions, calls = sum(one.questions for one in asked), sum(one.calls for one in asked)
    if not questions or calls < questions:
        return total
    share = calls / questions - 1
    weight = WEIGHT * min(1.0, max(0.0, 2 - 4 * share))
    drawn = (share * questions + USUAL_REPEATS * weight) / (questions + weight)
    factor = (1 + drawn) / (1 + share)
    return Span(
        low=total.low * min(1.0, factor), likely=total.likely * factor, high=max(total.high, total.likely * factor)
    )


def duration(calls: Span, *, seconds: float, reached: int, most: int, per_minute: float | None = None) -> Span:
    """Estimate the seconds of so many calls.

    Args:
        calls: How many.
        seconds: Of one call, on average.
        reached: Calls in flight that the server is known to bear: the slow end.
        most: Calls that may be in flight at all: the fast end.
        per_minute: A known limit of calls a minute.
    """
    floor = 60 * calls.likely / per_minute if per_minute else 0.0

    def took(count: float, lanes: int) -> float:
        return max(floor, math.ceil(count / lanes) * seconds if count > 0 else 0.0)

    slow = took(calls.likely, max(1, reached))
    return Span(low=took(calls.low, max(1, most)), likely=slow, high=max(slow, took(calls.high, max(1, reached))))


def _t95(freedom: int) -> float:
    """Two-sided 95 % quantile of Student's t, within 2 % from three degrees of freedom on."""
    return 1.96 + 2.4 / freedom + 3.2 / freedom**2
