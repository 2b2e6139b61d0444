"""Field masks: which parts of an answer a client asked for, as `fields=sheets(properties(title)),properties.title`.

Source: https://developers.google.com/workspace/sheets/api/guides/field-masks.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias, TypeGuard

from penstock.testing.sheet.trouble import invalid

Mask: TypeAlias = "dict[str, Mask]"
_TOKEN = re.compile(r"[A-Za-z0-9_]+|[*(),./]")


def masked(answer: dict[str, Any], fields: str) -> dict[str, Any]:
    """Return the parts of an answer that a mask names; an empty mask names all.

    Raises:
        Trouble: When the mask cannot be read.
    """
    if not fields:
        return answer
    tokens = _TOKEN.findall(fields)
    if "".join(tokens) != fields.replace(" ", ""):
        raise _wrong(fields)
    mask = _read(tokens, fields)
    if tokens:
        raise _wrong(fields)
    kept: dict[str, Any] = _kept(answer, mask)
    return kept


def _read(tokens: list[str], fields: str) -> Mask:
    """Read names up to the end or a closing bracket, and take them off the list."""
    mask: Mask = {}
    while True:
        _take_path(mask, tokens, fields)
        if tokens[:1] != [","]:
            return mask
        tokens.pop(0)


def _take_path(mask: Mask, tokens: list[str], fields: str) -> None:
    if not tokens or tokens[0] in "(),./":
        raise _wrong(fields)
    inner = mask.setdefault(tokens.pop(0), {})
    if tokens[:1] in (["."], ["/"]):
        tokens.pop(0)
        _take_path(inner, tokens, fields)
    elif tokens[:1] == ["("]:
        tokens.pop(0)
        inner.update(_read(tokens, fields))
        if tokens[:1] != [")"]:
            raise _wrong(fields)
        tokens.pop(0)


def _kept(value: Any, mask: Mask) -> Any:
    if not mask or "*" in mask:
        return value
    if _is_list(value):
        return [_kept(each, mask) for each in value]
    if _is_object(value):
        return {name: _kept(each, mask[name]) for name, each in value.items() if name in mask}
    return value


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _wrong(fields: str) -> Exception:
    return invalid(f"Request contains an invalid argument: the field mask {fields!r} cannot be read.")
