"""Quotas: so many requests in any 60 seconds or 24 hours, of one user or of the project.

Google refills its windows of a minute at moments that it does not tell; a sliding window is the strictest reading, so a
client that keeps within it is never refused. Requests that are refused do not count.
Source: https://developers.google.com/workspace/sheets/api/limits.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.testing.sheet.trouble import Trouble, exhausted

if TYPE_CHECKING:
    from penstock.testing.sheet.behaviour import SheetBehaviour
    from penstock.testing.sheet.calls import Kind

MINUTE = 60.0
DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One quota.

    Attributes:
        seconds: Length of the window.
        field: Name in the behaviour, after `reads_` or `writes_`.
        words: As Google's message says it.
        name: As Google's metadata says it.
        unit: As Google's metadata says it.
    """

    seconds: float
    field: str
    words: str
    name: str
    unit: str


_LIMITS = (
    Limit(seconds=DAY, field="per_day", words="per day", name="PerDay", unit="1/d/{project}"),
    Limit(
        seconds=MINUTE,
        field="per_minute_per_user",
        words="per minute per user",
        name="PerMinutePerUser",
        unit="1/min/{project}/{user}",
    ),
    Limit(
        seconds=MINUTE,
        field="per_minute_per_project",
        words="per minute",
        name="PerMinutePerProject",
        unit="1/min/{project}",
    ),
)


class Window:
    """Moments within the last so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.most = 0
        self._seconds = seconds
        self._times: deque[float] = deque()

    def count(self, *, now: float) -> int:
        """Return how many lie within the window that ends now; one that is exactly as old has left it."""
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        return len(self._times)

    def add(self, *, now: float) -> None:
        """Put this moment in."""
        self._times.append(now)
        self.most = max(self.most, self.count(now=now))


class Quotas:
    """Counts requests by user and kind, and refuses those beyond a limit."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str, str], Window] = {}

    def admit(self, behaviour: SheetBehaviour, *, kind: Kind, user: str, now: float) -> Trouble | None:
        """Count a request, or return the error of one that is too many."""
        windows: list[Window] = []
        for limit in _LIMITS:
            most = getattr(behaviour, f"{kind}s_{limit.field}")
            whose = user if limit.field.endswith("user") else ""
            window = self._windows.setdefault((kind, limit.field, whose), Window(limit.seconds))
            if most is not None and window.count(now=now) >= most:
                return refusal(kind, limit, most)
            windows.append(window)
        for window in windows:
            window.add(now=now)
        return None


def refusal(kind: Kind, limit: Limit = _LIMITS[1], most: int = 60) -> Trouble:
    """Return the 429 of a quota, by default that of a user's minute."""
    return exhausted(kind=kind.capitalize(), limit=limit.words, name=limit.name, most=most, unit=limit.unit)
