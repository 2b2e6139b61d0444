"""The part of a JSON Schema that a server takes, where it does not take it whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def narrowed(schema: Mapping[str, Any], left_out: Callable[[str, Any], bool], *, say: bool = False) -> dict[str, Any]:
    """Copy a schema without some of its keywords, at every depth.

    Args:
        schema: JSON Schema.
        left_out: Tells from a keyword and its value whether it goes; names of properties are no keywords.
        say: Whether what goes is said in the description beside it, as `minItems: 3, maxItems: 3`.
    """
    gone = {name: value for name, value in schema.items() if left_out(name, value)}
    kept = {name: _inside(name, value, left_out, say=say) for name, value in schema.items() if name not in gone}
    if say and gone:
        words = ", ".join(f"{name}: {value}" for name, value in gone.items())
        kept["description"] = f"{kept['description']} ({words})" if "description" in kept else words
    return kept


def _inside(keyword: str, value: Any, left_out: Callable[[str, Any], bool], *, say: bool) -> Any:
    if keyword in {"properties", "$defs"}:
        return {name: narrowed(inner, left_out, say=say) for name, inner in cast("dict[str, Any]", value).items()}
    if keyword in {"items", "additionalProperties"} and isinstance(value, dict):
        return narrowed(cast("dict[str, Any]", value), left_out, say=say)
    if keyword in {"anyOf", "allOf", "oneOf", "prefixItems"}:
        return [narrowed(inner, left_out, say=say) for inner in cast("list[dict[str, Any]]", value)]
    return value
