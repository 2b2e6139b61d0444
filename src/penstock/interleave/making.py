"""Makes the rankings of one request: side by side with a deadline, or one after the other.

A ranker that raises, is late or returns nothing is lost for this request; the others go on.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Sized
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from penstock.errors import InputError, PenstockError
from penstock.interleave.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from penstock.interleave.workers import Call

_log = logging.getLogger("penstock.interleave")

Loss: TypeAlias = Literal["late", "raised", "empty", "stuck", "unreadable"]
"""How a ranking is lost: too late, an error, no items, too many late calls at work, not to be read or to be merged."""

MOST_STUCK: Final = 8
"""Late calls of one ranker that may still be at work; beyond them it is not called again until one returns."""

_MOST_THREADS: Final = 64
"""Late calls of one ranker at work, trials included."""

_TRIAL: Final = 30.0
"""Seconds after which a ranker that is stuck is tried once more."""

_FULL: Final = "rank_full"
_STREAM: Final = "rank_stream"


class SideError(PenstockError):
    """Rankings were lost while they were read.

    Attributes:
        names: The rankers.
        loss: What happened.
    """

    def __init__(self, names: Sequence[str], loss: Loss, reason: str) -> None:
        super().__init__(f"{', '.join(names)}: {reason}")
        self.names = names
        self.loss: Loss = loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What came of one ranker.

    Attributes:
        name: The ranker.
        value: What it returned; None where it was lost.
        loss: Why it was lost; None where it was not.
        error: What it raised.
        seconds: What it took, as far as that is known.
    """

    name: str
    value: Any = None
    loss: Loss | None = None
    error: BaseException | None = None
    seconds: float | None = None


def callable_of(ranker: Any) -> Callable[[Any], Any]:
    """Give the function of a ranker: itself, its `rank_stream`, or else its `rank_full`.

    Raises:
        InputError: It is no ranker.
    """
    for name in (_STREAM, _FULL):
        method = getattr(ranker, name, None)
        if callable(method):
            return method  # type: ignore[no-any-return] # whatever takes a context and returns a ranking
    if callable(ranker):
        return ranker  # type: ignore[no-any-return] # see above
    raise InputError(f"{ranker!r} is no ranker: it is neither callable nor has {_FULL} or {_STREAM}.")


class Runner:
    """Makes rankings with the same rankers for request after request; safe to use from many threads.

    Args:
        rankers: By name, the baseline first.
        deadline: Seconds after which a ranking that is not there is done without; None waits for all.
        workers: Threads.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        rankers: Mapping[str, Callable[[Any], Any]],
        *,
        deadline: float | None,
        workers: Workers | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rankers = dict(rankers)
        self._deadline = deadline
        self._workers = workers or Workers()
        self._clock = clock
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._late: dict[str, list[Call[None] | Pulled]] = {name: [] for name in self._rankers}
        self._tried = dict.fromkeys(self._rankers, self._clock())
        self._process = os.getpid()

    def one_by_one(self, context: Any) -> list[Made]:
        """Make the rankings in this thread; a later one is left out once the deadline is over."""
        began = self._clock()
        made = [self._here(name, context) for name in list(self._rankers)[:1]]
        for name in list(self._rankers)[1:]:
            over = self._deadline is not None and self._clock() - began >= self._deadline
            usable = any(each.loss is None for each in made)
            made.append(Made(name=name, loss="late") if over and usable else self._here(name, context))
        return made

    def side_by_side(self, context: Any) -> list[Made]:
        """Make the rankings in threads.

        Returns as soon as all are there, or those that are there at the deadline, or the first usable one after it. A
        ranking that there is no thread for is made in this one, once the others are at work.

        Raises:
            RuntimeError: There is not one thread; nothing was started.
        """
        until = None if self._deadline is None else self._clock() + self._deadline
        done = _Counter()
        made = {name: Made(name=name, loss="stuck") for name in self._rankers if self._is_stuck(name)}
        calls = self._start_all([name for name in self._rankers if name not in made], context, until, done)
        if not calls and not made:
            raise RuntimeError("there is no thread for any ranker")
        made |= {name: self._here(name, context) for name in self._rankers if name not in calls and name not in made}
        while len(made) < len(self._rankers):
            came = self._next(done, until, usable=any(each.loss is None for each in made.values()))
            if came is None:
                break
            made[came.name] = came
        made |= {came.name: came for came in done.close()}
        for name in calls.keys() - made.keys():
            made[name] = Made(name=name, loss="late")
            self._count_late(name, calls[name])
        return [made[name] for name in self._rankers]

    def alone(self, name: str, context: Any) -> Any:
        """Make one ranking in this thread; what the ranker raises is raised."""
        return self._rankers[name](context)

    def let_go(self, made: Sequence[Made]) -> None:
        """Let go of the iterators that other threads advance; one that was late counts as a late call."""
        for each in made:
            if isinstance(each.value, Pulled):
                each.value.close()
                if each.value.late:
                    self._count_late(each.name, each.value)

    def _here(self, name: str, context: Any, catch: type[BaseException] = Exception) -> Made:
        began = self._clock()
        try:
            value = self._rankers[name](context)
            nothing = value is None or _has_no_length(value)
        except catch as error:  # whatever a ranker raises costs its side only
            return Made(name=name, loss="raised", error=error, seconds=self._clock() - began)
        return Made(name=name, value=value, loss="empty" if nothing else None, seconds=self._clock() - began)

    def _start_all(
        self, names: Sequence[str], context: Any, until: float | None, done: _Counter
    ) -> dict[str, Call[None]]:
        calls: dict[str, Call[None]] = {}
        for name in names:
            try:
                calls[name] = self._start(name, context, until, done)
            except RuntimeError as error:
                _log.warning("there is no thread for ranker %s: %s", name, error)
        return calls

    def _start(self, name: str, context: Any, until: float | None, done: _Counter) -> Call[None]:
        def work() -> None:
            made = self._here(name, context, catch=BaseException)  # the thread is the ranker's alone
            if not _is_stream(made.value):
                done.put(made)
                return
            pulled = Pulled(name, until, self._clock)
            if done.put(replace(made, value=pulled)):
                pulled.serve(made.value)

        return self._workers.start(work)

    def _next(self, done: _Counter, until: float | None, *, usable: bool) -> Made | None:
        """Wait for the next ranking; None once the deadline is over and there is something to serve."""
        if until is None:
            return done.get(None)
        came = done.get(max(0.0, until - self._clock()))
        return came if came or usable else done.get(None)

    def _count_late(self, name: str, call: Call[None] | Pulled) -> None:
        with self._lock:
            self._late[name].append(call)

    def _is_stuck(self, name: str) -> bool:
        if self._process != os.getpid():  # after a fork the late calls are the parent's, and so may the lock be
            self._forget()
        with self._lock:
            late = self._late[name] = [call for call in self._late[name] if not call.over]
            if len(late) < MOST_STUCK:
                self._tried[name] = self._clock()
                return False
            if len(late) >= _MOST_THREADS or self._clock() - self._tried[name] < _TRIAL:
                return True
            self._tried[name] = self._clock()
            return False


class _Counter:
    """Where rankings are handed in until it closes; what comes later is nobody's."""

    def __init__(self) -> None:
        self._came: SimpleQueue[Made] = SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False

    def put(self, made: Made) -> bool:
        """Hand in a ranking; False when it is too late."""
        with self._lock:
            if not self._closed:
                self._came.put(made)
            return not self._closed

    def get(self, timeout: float | None) -> Made | None:
        """Wait for a ranking; None when none came in time."""
        try:
            return self._came.get(timeout=timeout)
        except Empty:
            return None

    def close(self) -> list[Made]:
        """Close, and give what came and was not taken."""
        with self._lock:
            self._closed = True
        return [self._came.get() for _ in range(self._came.qsize())]


class Pulled(Iterator[Any]):
    """An iterator that another thread advances, item by item as they are asked for.

    Args:
        name: The ranker.
        until: When the deadline is over.
        clock: Monotonic seconds.

    Attributes:
        late: Whether an item was not there at the deadline.
    """

    def __init__(self, name: str, until: float | None, clock: Callable[[], float]) -> None:
        self._name = name
        self._until = until
        self._clock = clock
        self._changed = threading.Condition()
        self.late = False
        self._items: list[Any] = []
        self._given = 0
        self._wanted = 1
        self._ended = False
        self._error: BaseException | None = None

    def __next__(self) -> Any:
        with self._changed:
            self._wanted = max(self._wanted, self._given + 1)
            self._changed.notify_all()
            left = None if self._until is None else max(0.0, self._until - self._clock())
            if not self._changed.wait_for(lambda: len(self._items) > self._given or self._ended, left):
                self.late = True
                raise SideError([self._name], "late", "the next item was not there in time")
            if len(self._items) > self._given:
                self._given += 1
                return self._items[self._given - 1]
            if self._error is not None:
                raise SideError([self._name], "raised", "the stream broke off") from self._error
            raise StopIteration

    @property
    def over(self) -> bool:
        """Whether its thread is through with it."""
        return self._ended

    def close(self) -> None:
        """Want no more items; the thread that advances it is free after the item it is at."""
        with self._changed:
            self._wanted = -1
            self._changed.notify_all()

    def serve(self, items: Iterator[Any]) -> None:
        """Advance the iterator as long as items are asked for; runs in the ranker's thread."""
        try:
            while self._is_wanted():
                item = next(items)
                with self._changed:
                    self._items.append(item)
                    self._changed.notify_all()
        except StopIteration:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where the items are read
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _is_wanted(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._wanted < 0 or self._wanted > len(self._items))
            return self._wanted > 0


def _is_stream(value: object) -> bool:
    return isinstance(value, Iterator)


def _has_no_length(value: object) -> bool:
    return isinstance(value, Sized) and not len(value)
