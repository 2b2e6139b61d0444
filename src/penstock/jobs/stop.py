"""Connects the signals of a process to the job that it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.jobs.signals import stopping

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from penstock.jobs.run import Runner


def say_nothing(_: str) -> None:
    """Keep what could be said to oneself."""


class Stop:
    """Stops a runner at the first signal, even one that comes before the runner is there.

    Use it as `with Stop(...) as stop`, and give `stop.watch` the runner when it is made.
    """

    def __init__(self, *, signals: bool, say: Callable[[str], None] = say_nothing) -> None:
        """Remember whether to listen.

        Args:
            signals: Whether Ctrl-C stops the job in order.
            say: Told in a sentence that Ctrl-C was heard.
        """
        self._runner: Runner | None = None
        self._asked = False
        self._signals = stopping(self._stop, say=say) if signals else None

    def __enter__(self) -> Self:
        if self._signals is not None:
            self._signals.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._signals is not None:
            self._signals.__exit__(None, None, None)

    def watch(self, runner: Runner) -> None:
        """Take the runner that a signal stops."""
        self._runner = runner
        if self._asked:
            runner.stop()

    def _stop(self) -> None:
        self._asked = True
        if self._runner is not None:
            self._runner.stop()
