"""The methods of interleaving, each behind its name."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from penstock.errors import InputError
from penstock.interleave.methods.method import Draft, Method

if TYPE_CHECKING:
    from collections.abc import Callable

_HOME = {
    "team_draft_v1": ("team_draft", "TeamDraft"),
    "optimized_v1": ("optimized", "Optimized"),
    "balanced_v1": ("balanced", "Balanced"),
    "probabilistic_v1": ("probabilistic", "Probabilistic"),
}

METHODS = tuple(_HOME)
"""Names of the methods, as in the setting `interleave_method`."""

__all__ = ["METHODS", "Draft", "Method", "method"]


@cache  # one instance of each, so that what a method remembers is remembered
def method(name: str) -> Method:
    """Give the method of a name; it is loaded when it is first asked for.

    Raises:
        InputError: Nobody knows the name.
    """
    if name not in _HOME:
        raise InputError(f"There is no interleaving method {name!r}: choose one of {', '.join(METHODS)}.")
    module, kind = _HOME[name]
    make = cast("Callable[[], Method]", getattr(import_module(f"{__name__}.{module}"), kind))
    return make()
