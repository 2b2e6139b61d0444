"""Lets an error leave a task group as itself."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def unwrapped() -> Generator[None]:
    """Raise the first error of a group instead of the group, with the cause it came with.

    A group stops for one error, and the rest follows from the stop: callers catch that error by its class.

    Usage: `with unwrapped(): async with create_task_group() as tasks: ...`.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        error = first(group)
        context = error.__context__
        try:
            raise error
        finally:
            error.__context__ = context
            del error


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that a group, or a group within it, begins with."""
    error = group.exceptions[0]
    if isinstance(error, BaseExceptionGroup):
        return first(error)  # pyright: ignore[reportUnknownArgumentType] - a group may hold errors of any class
    return error
