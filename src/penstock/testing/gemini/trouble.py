"""Errors in the words and the JSON of Gemini's API.

Source: https://ai.google.dev/gemini-api/docs/troubleshooting
"""

from __future__ import annotations

from typing import Any

STATUSES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class GeminiTrouble(Exception):
    """A request that gets an error: its status, and the JSON that tells why."""

    def __init__(self, code: int, message: str, *, details: tuple[dict[str, Any], ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.details = details

    def body(self) -> dict[str, Any]:
        """Return the error as the API writes it."""
        error: dict[str, Any] = {"code": self.code, "message": str(self), "status": STATUSES[self.code]}
        if self.details:
            error["details"] = [
                {"@type": f"type.googleapis.com/google.rpc.{each.pop('type')}", **each}
                for each in map(dict, self.details)
            ]
        return {"error": error}


def wrong_key() -> GeminiTrouble:
    """Return the 400 of a key that is unknown."""
    info = {"type": "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
    return GeminiTrouble(400, "API key not valid. Please pass a valid API key.", details=(info,))


def no_key() -> GeminiTrouble:
    """Return the 403 of a call without a key."""
    return GeminiTrouble(
        403, "Method doesn't allow unregistered callers. Please use API Key or other form of API consumer identity."
    )


def missing_file(name: str) -> GeminiTrouble:
    """Return the 403 of a file that is not there."""
    named = name.removeprefix("files/")
    return GeminiTrouble(403, f"You do not have permission to access the File {named} or it may not exist.")


def unknown_model(name: str) -> GeminiTrouble:
    """Return the 404 of a model that is not known."""
    return GeminiTrouble(
        404, f"models/{name} is not found for API version v1beta, or is not supported for generateContent."
    )


def busy(*, retry_after: float) -> GeminiTrouble:
    """Return the 429 of too many calls."""
    quota = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
        "quotaId": "GenerateRequestsPerMinutePerProjectPerModel",
    }
    return GeminiTrouble(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        details=(
            {"type": "QuotaFailure", "violations": [quota]},
            {"type": "RetryInfo", "retryDelay": f"{retry_after:g}s"},
        ),
    )


def storage_full(most: int) -> GeminiTrouble:
    """Return the 429 of a storage that has no room, with the wait of 292 years that the API names."""
    metric = "generativelanguage.googleapis.com/file_storage_bytes"
    quota = {"quotaMetric": metric, "quotaId": "FileStorageBytesPerProject", "quotaValue": str(most)}
    return GeminiTrouble(
        429,
        f"You exceeded your current quota. * Quota exceeded for metric: {metric}, limit: {most}",
        details=(
            {"type": "QuotaFailure", "violations": [quota]},
            {"type": "RetryInfo", "retryDelay": "9223372036.854775807s"},
        ),
    )
