"""Parts of a request's JSON, found to be what they must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from penstock.testing.sheet.trouble import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


def object_at(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object, empty where there is none.

    Raises:
        Trouble: When something else stands there.
    """
    return _part(given.get(name) or {}, dict[str, Any], name)


def objects_at(given: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of objects, empty where there is none.

    Raises:
        Trouble: When something else stands there.
    """
    return _part(given.get(name) or [], list[dict[str, Any]], name)


def texts_at(given: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of texts, empty where there is none.

    Raises:
        Trouble: When something else stands there.
    """
    return _part(given.get(name) or [], list[str], name)


def lines_at(given: Mapping[str, Any], name: str) -> list[list[Any]]:
    """Return a list of lists, empty where there is none.

    Raises:
        Trouble: When something else stands there.
    """
    return _part(given.get(name) or [], list[list[Any]], name)


def count_at(given: Mapping[str, Any], name: str, usual: int) -> int:
    """Return a whole number, the usual one where there is none.

    Raises:
        Trouble: When something else stands there.
    """
    return _part(given.get(name, usual), int, name)


def _part(value: Any, kind: type[T], name: str) -> T:
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        raise invalid(f"Invalid value at '{name}': {error}") from error
