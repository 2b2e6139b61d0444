"""Settings of a job as the ledger keeps them: checked, written as JSON, read again."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

import msgspec

from penstock.errors import InputError

Settings = TypeVar("Settings", bound=msgspec.Struct)


def encoded(settings: msgspec.Struct) -> str:
    """Write settings as JSON, equal ones alike."""
    return msgspec.json.encode(settings, order="deterministic").decode()


def fingerprint(settings: msgspec.Struct) -> str:
    """Give 32 hexadecimal digits that are equal for equal settings."""
    return hashlib.sha256(encoded(settings).encode()).hexdigest()[:32]


def decoded(written: str, kind: type[Settings]) -> Settings:
    """Read settings that a ledger kept.

    Raises:
        InputError: They were written by a version that knew other settings.
    """
    try:
        return msgspec.json.decode(written, type=kind)
    except msgspec.DecodeError as error:
        raise InputError(f"The job was made by another version of Penstock: {error}.") from error


def checked(given: dict[str, Any], kind: type[Settings]) -> Settings:
    """Make settings, checking every value.

    Raises:
        InputError: A value is out of its range, or cannot be kept in a ledger.
    """
    try:
        settings = msgspec.convert(given, kind)
        kept = msgspec.json.decode(encoded(settings), type=kind)
    except msgspec.ValidationError as error:
        raise InputError(f"A setting cannot be used: {error}.") from error
    except UnicodeEncodeError as error:
        raise InputError(f"{error.object!r} holds bytes that are not text: give it another name.") from error
    if kept != settings:  # JSON has no infinity
        raise InputError("A setting cannot be used: every number must be finite.")
    return settings
