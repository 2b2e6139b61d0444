"""What Gemini's API says when it does not do what it was asked, the same for models and for files.

Source: https://ai.google.dev/gemini-api/docs/troubleshooting (what there is), https://google.aip.dev/193 (the shape)
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from penstock.flow.ratelimits import seconds_of
from penstock.models.faults import UNREADABLE

if TYPE_CHECKING:
    from penstock.web.transport import Response

_KEY = frozenset(("API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED"))


class Violation(msgspec.Struct, rename="camel"):
    """A quota that is used up."""

    quota_id: str = ""
    quota_metric: str = ""


class Detail(msgspec.Struct, rename="camel"):
    """One of several things that are said about an error."""

    reason: str = ""
    retry_delay: str = ""
    violations: list[Violation] = msgspec.field(default_factory=list[Violation])


class ApiError(msgspec.Struct):
    """What is wrong; empty where the server does not say it in this shape."""

    status: str = ""
    message: str = ""
    details: list[Detail] = msgspec.field(default_factory=list[Detail])

    @property
    def about_key(self) -> bool:
        """Whether the key is wrong, or good for other things only."""
        return any(detail.reason in _KEY for detail in self.details)

    @property
    def for_the_day(self) -> bool:
        """Whether a quota of the day is used up, against which waiting a minute does not help."""
        return any("PerDay" in quota.quota_id for quota in self._quotas())

    @property
    def for_storage(self) -> bool:
        """Whether there is no room for more files."""
        return any("FileStorage" in quota.quota_id or "file_storage" in quota.quota_metric for quota in self._quotas())

    @property
    def retry_after(self) -> float | None:
        """Seconds after which the server wants to be asked again, where it says so."""
        delays = (detail.retry_delay for detail in self.details if detail.retry_delay)
        return seconds_of(next(delays, ""), now=datetime.now(UTC))

    def _quotas(self) -> list[Violation]:
        return [violation for detail in self.details for violation in detail.violations]


class _Failed(msgspec.Struct):
    error: ApiError = msgspec.field(default_factory=ApiError)


_decoder = msgspec.json.Decoder(_Failed)


def read_error(answer: Response) -> ApiError:
    """Read an answer that is no success, whatever it holds."""
    try:
        return _decoder.decode(answer.body).error
    except UNREADABLE:
        return ApiError()
