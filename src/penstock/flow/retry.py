"""Whether a failed call is tried again, and after how long: a decision without a clock.

Three kinds of failure, three answers. `Throttled` says nothing about the call, so it costs no attempt: the call goes
back to the gate, and the pace decides how long everyone waits. `Unreachable` may be the server or the call, so it is
tried a few times, after waits with full jitter (M. Brooker, "Exponential Backoff And Jitter", 2015). Anything else
would fail again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.errors import Throttled, Unreachable

if TYPE_CHECKING:
    import random


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How often a call without an answer is tried, and how long the waits between may get.

    Attributes:
        attempts: Calls made for one prompt at most, the first one included; refusals are not counted.
        base: Seconds; the first wait is at most this long, and every further one at most twice the one before.
        cap: Seconds; no wait is longer.
    """

    attempts: int = 5
    base: float = 0.5
    cap: float = 30.0

    def delay(self, failures: int, error: Exception, *, rng: random.Random) -> float | None:
        """Say how many seconds to wait before the next try; None to give up.

        Args:
            failures: Calls for this prompt that ended without an answer, this one included, refusals not.
            error: What the call raised.
            rng: Where the jitter comes from.
        """
        if isinstance(error, Throttled):
            return 0.0
        if not isinstance(error, Unreachable) or failures >= self.attempts:
            return None
        return full_jitter(failures, first=self.base, longest=self.cap, rng=rng)


def full_jitter(failures: int, *, first: float, longest: float, rng: random.Random) -> float:
    """Choose a wait after so many failures: anything up to `first` seconds, doubled with each, up to `longest`."""
    return rng.uniform(0.0, min(longest, first * 2.0 ** min(failures - 1, 60)))
