"""What Google's API says when it does not do what it was asked, and what to do then.

Source: https://cloud.google.com/apis/design/errors (the shape), https://developers.google.com/workspace/sheets/api/limits
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import msgspec

from penstock.web.hide import hide

if TYPE_CHECKING:
    from penstock.web.transport import Response

_PER_MINUTE = frozenset({"", "RATE_LIMIT_EXCEEDED", "rateLimitExceeded", "userRateLimitExceeded"})
_QUOTA = _PER_MINUTE | {"QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED", "dailyLimitExceeded", "quotaExceeded"}
_DAY = re.compile(r"per ?day|daily", re.IGNORECASE)
_PASSING = frozenset({408, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """An answer that is no success.

    Attributes:
        http: HTTP status.
        status: Google's word for it, such as PERMISSION_DENIED.
        reason: The machine's reason behind it, such as RATE_LIMIT_EXCEEDED.
        limit: Name of the quota that is used up.
        message: What it says to people.
    """

    http: int
    status: str = ""
    reason: str = ""
    limit: str = ""
    message: str = ""

    @property
    def over_quota(self) -> bool:
        """Whether requests came too often: for the minute or for the day."""
        return self.http == 429 or (self.http == 403 and bool(self.reason) and self.reason in _QUOTA)

    @property
    def over_for_the_day(self) -> bool:
        """Whether waiting a minute does not help."""
        return self.over_quota and (self.reason not in _PER_MINUTE or bool(_DAY.search(f"{self.limit} {self.message}")))

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        return self.http in _PASSING or (self.http == 409 and self.status == "ABORTED")

    @property
    def beyond_grid(self) -> bool:
        """Whether a range lies outside the tab's grid."""
        return self.http == 400 and ("exceeds grid limits" in self.message or "beyond the last" in self.message)

    @property
    def tab_exists(self) -> bool:
        """Whether a tab that was to be added is there."""
        return self.http == 400 and "already exists" in self.message

    def sentence(self, *, account: str, source: str, writing: str) -> str:
        """Say what is wrong and what to do, in one sentence.

        Args:
            account: E-mail address of the account that asks; empty when unknown.
            source: Where its credentials come from; empty when there are none.
            writing: The range that was to be written; empty for reading.
        """
        if self.over_quota:
            return self._about_quota()
        if self.http == 401:
            return _about_credentials(source)
        if self.http == 403:
            return self._about_access(account, writing)
        if self.http == 404:
            return "There is no such sheet, or it was deleted (HTTP 404): copy its address from the browser again."
        return self._about_request(account, writing)

    def _about_quota(self) -> str:
        if self.over_for_the_day:
            return (
                f"Google's quota for the day is used up{_said(self.message)}: resume tomorrow, or ask for a larger one."
            )
        return f"Google's quota for a minute stayed used up{_said(self.message)}: resume later."

    def _about_access(self, account: str, writing: str) -> str:
        if self.reason == "SERVICE_DISABLED" or "has not been used in project" in self.message:
            return "The Google Sheets API is not enabled for these credentials: enable it in their Cloud project."
        if self.reason == "ACCESS_TOKEN_SCOPE_INSUFFICIENT" or "insufficient authentication scopes" in self.message:
            return (
                "These credentials may not use Google Sheets: log in anew with the scope "
                "https://www.googleapis.com/auth/spreadsheets."
            )
        if "protected" in self.message:
            return about_protection(account, writing)
        whom = account or "the account of these credentials"
        if writing:
            return f"The sheet may be read but not written (HTTP 403): share it with {whom} as an editor."
        return f"There is no access to the sheet (HTTP 403): share it with {whom} as an editor."

    def _about_request(self, account: str, writing: str) -> str:
        said = self.message
        if "protected cell" in said:
            return about_protection(account, writing)
        if "not supported for this document" in said:
            return "The file is an Office document and no Google Sheet: in Google Sheets, save it as one (File menu)."
        if "Unable to parse range" in said:
            return f"A tab is no longer there, or was renamed ({said}): give it its name back."
        if "number of cells" in said:
            return "The spreadsheet would have more than Google's limit of 10,000,000 cells: remove empty rows or tabs."
        if self.beyond_grid:
            return f"A range lies outside the sheet ({said}): add rows or columns to it."
        told = f": {said}" if said else ""
        return f"Google turned the request down (HTTP {self.http}{told})."


def _about_credentials(source: str) -> str:
    if not source:
        return "The sheet's server wants credentials (HTTP 401): name their file in GOOGLE_APPLICATION_CREDENTIALS."
    return f"Google turned the credentials down (HTTP 401): get new ones in place of {source}."


def _said(message: str) -> str:
    return f" ({message})" if message else ""


def read_complaint(answer: Response, *secrets: str) -> Complaint:
    """Read an answer that is no success, whatever it holds; the secrets are taken out of what it says."""
    try:
        told = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = None
    error = _dict(_dict(told).get("error"))
    reason, limit = _reason(error)
    return Complaint(
        http=answer.status,
        status=_text(error.get("status")),
        reason=reason,
        limit=limit,
        message=" ".join(hide(_text(error.get("message")), *secrets).split())[:300],
    )


def _reason(error: dict[str, Any]) -> tuple[str, str]:
    """Find the reason and the quota's name, in today's shape of errors or in the old one."""
    for detail in _dicts(error.get("details")):
        if detail.get("reason"):
            return _text(detail["reason"]), _text(_dict(detail.get("metadata")).get("quota_limit"))
    for old in _dicts(error.get("errors")):
        return _text(old.get("reason")), ""
    return "", ""


def _dict(told: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {}


def _dicts(told: Any) -> list[dict[str, Any]]:
    try:
        return msgspec.convert(told, list[dict[str, Any]])
    except msgspec.ValidationError:
        return []


def _text(told: Any) -> str:
    return told if isinstance(told, str) else ""


def about_protection(account: str, writing: str) -> str:
    """Say that a range is closed to an account, and what to do."""
    whom = account or "the account of these credentials"
    return f"The range {writing or 'to be written'} is protected: let {whom} edit it, or remove the protection."
