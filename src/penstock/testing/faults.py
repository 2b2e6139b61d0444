"""Which call meets which fault: decided by the seed, the content and how often it was asked, never by arrival order."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Fault: TypeAlias = Literal[
    # The server fails.
    "http_500",
    "http_502",
    "http_503",
    "http_503_retry_after",
    "http_529",  # overloaded, as Anthropic says it
    "quota",  # 429 `insufficient_quota`: the account is out of money or over its day; asking again is no use
    # The connection fails.
    "hang",  # no answer for `hang_seconds`, then the connection closes
    "drop",  # the connection closes before the answer
    "drop_midway",  # the connection closes in the middle of the body
    # The body is not a completion.
    "html_body",  # 200 with a web page, as proxies do
    "truncated_body",  # 200 with JSON that ends too early
    "error_body",  # 200 with an error object
    "no_choices",  # 200 without `choices`
    # The model will not.
    "content_filter",  # 200, no content, `finish_reason: content_filter`
    "policy",  # 400 `content_policy_violation`
    # The content is wrong, or looks wrong.
    "empty",  # no content
    "truncated",  # the content ends too early, `finish_reason: length`
    "prose",  # no JSON at all
    "fenced",  # the right answer inside a Markdown fence, with chatter around it: to be accepted
    "wrong_count",  # one number too few or too many
    "nan",  # NaN among the numbers
    "string",  # a word among the numbers
    "out_of_range",  # scores from 0 to 100 instead of 0 to 1
]

FAULTS: tuple[Fault, ...] = get_args(Fault)

BATCH_FAULTS: tuple[Fault, ...] = ("http_500", "http_502", "http_503", "http_503_retry_after", "http_529", "drop")
"""What a call to `/files` or `/batches` may meet."""


def draw(seed: int, content: bytes, *, nth: int, purpose: str) -> float:
    """Return a number strictly between 0 and 1 that these arguments alone decide, evenly spread over them."""
    name = f"{seed} {nth} {purpose} ".encode() + content
    return (int.from_bytes(hashlib.blake2b(name, digest_size=6).digest(), "big") + 0.5) / 2**48


def fate(
    seed: int, content: bytes, *, nth: int, faults: Mapping[Fault, float], sticky: Iterable[Fault] = ()
) -> Fault | None:
    """Return the fault that the `nth` call (from 0) for this content meets, if any.

    `faults` holds the share of the calls that meet each fault, at most 1 together. One in `sticky` holds for a content
    for ever: its share is one of the contents.
    """
    if not faults:
        return None
    held: dict[Fault, float] = {fault: share for fault, share in faults.items() if fault in sticky}
    passing: dict[Fault, float] = {fault: share for fault, share in faults.items() if fault not in held}
    return _pick(held, draw(seed, content, nth=0, purpose="sticky")) or _pick(
        passing, draw(seed, content, nth=nth, purpose="fault")
    )


def _pick(shares: Mapping[Fault, float], at: float) -> Fault | None:
    """Return the fault in whose part of the unit interval `at` falls."""
    for fault, share in shares.items():
        at -= share
        if at < 0:
            return fault
    return None
