"""Words on the standard error stream: one line each, and no character that would steer a terminal."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


def plain(words: str) -> str:
    """Write every character that cannot be seen, line breaks and escapes included, as what it stands for."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in words)


def say(line: str) -> None:
    """Print a line for people; where nobody reads any more, the work goes on all the same."""
    stream = errors()
    if stream is not None:
        with suppress(OSError):
            print(line, file=stream, flush=True)


def errors() -> TextIO | None:
    """The standard error stream; None where whoever started the process has closed it."""
    return sys.stderr
