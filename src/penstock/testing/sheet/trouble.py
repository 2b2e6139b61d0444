"""Errors in the words and the JSON of Google's servers.

Sources: https://cloud.google.com/apis/design/errors, https://developers.google.com/workspace/sheets/api/limits and
https://developers.google.com/workspace/drive/api/guides/handle-errors.
"""

from __future__ import annotations

from typing import Any

PROJECT = "100000000000"
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
PROTECTED = (
    "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection if"
    " you need to edit."
)
INTERNAL = "Internal error encountered."
UNAVAILABLE = "The service is currently unavailable."
_EXPIRED = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid"
    " authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_MISSING = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid"
    " authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class Trouble(Exception):
    """A request that gets an error: its status, and the JSON that tells why."""

    def __init__(self, code: int, message: str, *, details: tuple[dict[str, Any], ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    def body(self) -> dict[str, Any]:
        """Return the error as the Sheets API writes it."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "status": STATUSES[self.code]}
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}


class DriveTrouble(Trouble):
    """An error of the Drive API, which has a shape of its own."""

    def __init__(self, code: int, message: str, *, reason: str, location: str = "") -> None:
        super().__init__(code, message)
        self._item = {"message": message, "domain": "global", "reason": reason}
        if location:
            self._item |= {"location": location, "locationType": "parameter"}

    def body(self) -> dict[str, Any]:
        """Return the error as the Drive API writes it."""
        return {"error": {"code": self.code, "message": self.message, "errors": [self._item]}}


def invalid(message: str) -> Trouble:
    """Return a 400: the request itself is wrong."""
    return Trouble(400, message)


def denied() -> Trouble:
    """Return the 403 of a book that is not shared with the caller, or not for writing."""
    return Trouble(403, "The caller does not have permission")


def missing() -> Trouble:
    """Return the 404 of a book that is not there."""
    return Trouble(404, "Requested entity was not found.")


def exhausted(*, kind: str, limit: str, name: str, most: int, unit: str) -> Trouble:
    """Return the 429 of a quota.

    Args:
        kind: `Read` or `Write`.
        limit: In words: `per minute per user`.
        name: As the metadata has it: `PerMinutePerUser`.
        most: The limit itself.
        unit: `1/min/{project}/{user}` and the like.
    """
    message = (
        f"Quota exceeded for quota metric '{kind} requests' and limit '{kind} requests {limit}' of service"
        f" 'sheets.googleapis.com' for consumer 'project_number:{PROJECT}'."
    )
    metadata = {
        "service": "sheets.googleapis.com",
        "consumer": f"projects/{PROJECT}",
        "quota_location": "global",
        "quota_metric": f"sheets.googleapis.com/{kind.lower()}_requests",
        "quota_limit": f"{kind}Requests{name}",
        "quota_limit_value": str(most),
        "quota_unit": unit,
    }
    links = [{"description": "Request a higher quota limit.", "url": "https://cloud.google.com/docs/quotas/help"}]
    return Trouble(
        429,
        message,
        details=(
            _info("RATE_LIMIT_EXCEEDED", metadata),
            {"@type": "type.googleapis.com/google.rpc.Help", "links": links},
        ),
    )


def unauthenticated(*, token: str, method: str) -> Trouble:
    """Return the 401 of a call without a token, or with one that is unknown or has expired."""
    told = {"service": "sheets.googleapis.com", "method": method}
    if token:
        return Trouble(401, _EXPIRED, details=(_info("ACCESS_TOKEN_EXPIRED", told),))
    return Trouble(401, _MISSING, details=(_info("CREDENTIALS_MISSING", told),))


def out_of_scope(*, method: str) -> Trouble:
    """Return the 403 of a token that was issued for something else."""
    told = {"service": "sheets.googleapis.com", "method": method}
    return Trouble(
        403,
        "Request had insufficient authentication scopes.",
        details=(_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", told),),
    )


def _info(reason: str, metadata: dict[str, str]) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": metadata,
    }
