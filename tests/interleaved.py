"""What the tests of the request path share: an experiment, rankers that misbehave, scripts in their own processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from itertools import product
from typing import TYPE_CHECKING, Any, Self

from penstock.interleave.experiment import Experiment, Served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from penstock.interleave.methods import Draft, Method
    from penstock.interleave.record import Record

EVERYBODY = {"mode": "INTERLEAVE", "sampling_rate": 1}
"""Settings under which every user's ranking is interleaved."""

ONE_BY_ONE = {**EVERYBODY, "parallel_enabled": False}


class Trial:
    """An experiment on rankers A, B, C and so on, and the records that it logged.

    Args:
        rankers: Each a ranker, or the list that a ranker always returns.
        settings: Everybody is in the sample where they are not given.
        more: Of the experiment.
    """

    def __init__(self, *rankers: Any, settings: Any = EVERYBODY, **more: Any) -> None:
        self.records: list[Record] = []
        named = {name: always(ranker) for name, ranker in zip("ABCDE", rankers, strict=False)}
        more = {"log": self.records.append, **more}
        self.experiment = Experiment("home", named, settings=settings, **more)

    def rank(self, context: Any = None, *, k: int = 4, user_id: object = "ann", **more: Any) -> Served:
        """Rank for Ann unless it is said for whom."""
        return self.experiment.rank(context, k=k, user_id=user_id, **more)

    @property
    def record(self) -> Record:
        """The newest record."""
        return self.records[-1]


def always(ranker: Any) -> Any:
    """Make a ranker of a list; a ranker stays what it is."""
    return (lambda _context: ranker) if isinstance(ranker, list) else ranker


def raises(error: BaseException) -> Callable[[Any], Any]:
    """Make a ranker that raises."""

    def rank(_context: Any) -> Any:
        raise error

    return rank


class Hanging:
    """A ranker that hangs until it is let go, or its context ends; it counts its calls and returns."""

    def __init__(self, ranking: Sequence[Any] = ("late",)) -> None:
        self.calls = 0
        self.returned = 0
        self._ranking = list(ranking)
        self._go = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, _context: Any) -> Any:
        with self._lock:
            self.calls += 1
        self._go.wait(60)
        with self._lock:
            self.returned += 1
        return self._ranking

    def let_go(self) -> None:
        self._go.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_about: object) -> None:
        self.let_go()


def counted(items: Sequence[Any], taken: list[Any]) -> Callable[[Any], Iterator[Any]]:
    """Make a ranker that gives items one by one and notes which were taken."""

    def rank(_context: Any) -> Iterator[Any]:
        for item in items:
            taken.append(item)
            yield item

    return rank


def soon(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait until something is so; say whether it became so."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


def threads() -> int:
    """Count the threads of rankers."""
    return sum(thread.name == "penstock-ranker" for thread in threading.enumerate())


def told(script: str, *, flags: Sequence[str] = (), folder: Path | None = None, **environment: str) -> str:
    """Run a script in a process of its own, and give what it prints."""
    around: Mapping[str, str] = {**os.environ, **environment}
    command = [sys.executable, *flags, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=around, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Scripted:
    """Coins that fall as they are told, and then all alike."""

    def __init__(self, tosses: Sequence[int]) -> None:
        self._left = list(tosses)

    def flip(self) -> int:
        return self._left.pop(0) if self._left else 0

    def bits(self, count: int) -> int:
        return sum(self.flip() << place for place in range(count))


def every_draft(method: Method, rankings: Sequence[Sequence[Any]], k: int) -> list[Draft]:
    """Draft once for every way in which the first `k` coins may fall, all of them equally likely."""
    from penstock.interleave.feed import Feed

    drafts: list[Draft] = []
    for tosses in product((0, 1), repeat=k):
        coins: Any = Scripted(tosses)
        drafts.append(method.draft([Feed(ranking) for ranking in rankings], k, coins))
    return drafts
