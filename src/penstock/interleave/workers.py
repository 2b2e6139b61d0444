"""Threads that are lent to calls, and never waited for.

A pool of the standard library waits for its workers: at the end of a `with`, and at the end of the process. One
ranker that hangs would hold up the response that was to go out without it, and two stuck workers of two would starve
the next request. Here a worker belongs to its call until it returns, however late; who needs one meanwhile gets an idle
one or a new one. What a late call returns goes into its own `Call` and nowhere else, also when its thread was frozen
between two invocations of a function and goes on in the middle of the next one.
"""

from __future__ import annotations

import os
import threading
import time
from contextvars import copy_context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MOST_IDLE = 8
"""Idle threads that are kept for the next request; more are let go."""


class Call(Generic[T]):
    """One function that a worker runs.

    Attributes:
        value: What it returned, once it did.
        error: What it raised instead.
        seconds: What it took, once it is over.
    """

    __slots__ = ("_began", "_over", "_work", "error", "seconds", "value")

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._over = threading.Event()
        self._began = time.perf_counter()
        self.value: T | None = None
        self.error: BaseException | None = None
        self.seconds: float | None = None

    def wait(self, timeout: float | None) -> bool:
        """Wait until it is over, at most `timeout` seconds; say whether it is."""
        return self._over.wait(timeout)

    @property
    def over(self) -> bool:
        """Whether it has returned or raised."""
        return self._over.is_set()

    def run(self) -> None:
        """Run the function in this thread and keep what comes of it."""
        try:
            self.value = self._work()
        except BaseException as error:  # noqa: BLE001 - whatever a ranker raises belongs to its side, and is kept
            self.error = error
        finally:
            del self._work  # and with it what the request had: a late call may be remembered for long
            self.seconds = time.perf_counter() - self._began
            self._over.set()


class Workers:
    """Threads for calls; safe to use from many threads.

    Daemons: a call that never returns does not keep the process from ending. Idle ones end with this object.
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._idle: list[SimpleQueue[Callable[[], None] | None]] = []
        self._lock = threading.Lock()
        self._process = os.getpid()

    def start(self, work: Callable[[], T]) -> Call[T]:
        """Run a function in a thread of its own, with the context variables of this one.

        Raises:
            RuntimeError: The system gives no more threads.
        """
        if self._process != os.getpid():  # after a fork the threads are the parent's
            self._forget()
        call = Call(work)
        context = copy_context()
        inbox = self._take_idle() or self._hire()
        inbox.put(lambda: context.run(call.run))
        return call

    def _take_idle(self) -> SimpleQueue[Callable[[], None] | None] | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _hire(self) -> SimpleQueue[Callable[[], None] | None]:
        inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=_serve, args=(ref(self), inbox), name="penstock-ranker", daemon=True).start()
        return inbox

    def close(self) -> None:
        """Let the idle threads go; those at work go when they are done."""
        with self._lock:
            idle, self._idle = self._idle, []
        for inbox in idle:
            inbox.put(None)

    def __del__(self) -> None:
        self.close()

    def take_back(self, inbox: SimpleQueue[Callable[[], None] | None]) -> bool:
        """Keep a thread that is done for the next call; False where there are enough."""
        with self._lock:
            if len(self._idle) >= MOST_IDLE:
                return False
            self._idle.append(inbox)
            return True


def _serve(owner: ref[Workers], inbox: SimpleQueue[Callable[[], None] | None]) -> None:
    """Run what comes; holds no workers meanwhile, so that they and their idle threads end when nobody has them."""
    while (work := inbox.get()) is not None:
        work()
        del work
        workers = owner()
        if workers is None or not workers.take_back(inbox):
            return
        del workers
