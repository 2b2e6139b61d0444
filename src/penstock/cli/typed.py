"""Reads what was typed for the servers of a rehearsal."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


def pair(typed: str, form: str, kind: Callable[[str], Value]) -> tuple[str, Value]:
    """Read `NAME=VALUE`.

    Args:
        typed: What was typed.
        form: How it should look, for the message.
        kind: Makes the value of its text.

    Raises:
        BadParameter: It is something else.
    """
    name, _, value = typed.partition("=")
    try:
        if name and value:
            return name, kind(value)
    except ValueError:
        pass
    raise click.BadParameter(f"{typed!r} is not {form}.")


def fault(typed: str) -> tuple[str, float]:
    """Read a fault and the share of calls that meet it."""
    return pair(typed, "NAME=SHARE, such as http_500=0.02", float)


def key_in(variable: str) -> str:
    """Read a key from the environment.

    Raises:
        InputError: The variable is not set.
    """
    import os

    from penstock.errors import InputError

    key = os.environ.get(variable, "")
    if not key:
        raise InputError(f"The variable {variable} is not set.")
    return key
