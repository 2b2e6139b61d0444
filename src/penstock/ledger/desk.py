"""One thread owns a database; whoever has something for it hands it in, and each round of hand-ins is one commit.

Many tasks wait for their outcome to be durable at the same time. While one round is being written the next one
gathers, so a busy run commits hundreds of outcomes with one sync of the disk, and an idle one commits at once: that
is group commit, as databases do it themselves. `gathered` goes one step further and makes one statement of many
hand-ins.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
import threading
import time
from collections import deque
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from penstock.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

T = TypeVar("T")
V = TypeVar("V")
R = TypeVar("R")

Work: TypeAlias = "Callable[[sqlite3.Connection], Any]"
_Job: TypeAlias = "_Task | _Round[Any, Any]"

LARGEST_ROUND = 4096
"""Hand-ins in one transaction at most, so that other processes get their turn."""


class Desk:
    """Runs functions of a connection on a thread of its own; many tasks of one loop may hand in at once.

    Work must be repeatable: when one hand-in of a round fails, the others are run again without it.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], *, name: str, linger: float = 0.0) -> None:
        """Remember how to connect; the thread starts with `async with`.

        Args:
            connect: Opens the connection, in the desk's own thread, with autocommit on.
            name: What messages call this database.
            linger: Seconds between two commits, so that a busy run makes fewer of them; after a pause the first one
                comes at once.
        """
        self._connect = connect
        self._name = name
        self._linger = linger
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._lost: BaseException | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        opened = self._loop.create_future()
        self._thread = threading.Thread(target=self._serve, args=(opened,), name="penstock-desk", daemon=True)
        self._thread.start()
        await opened
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self._thread.join))
            if kind is None:
                await asyncio.sleep(0)  # the last round tells of its end in the loop
                self._raise_lost()

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` inside a transaction; on return it is durable.

        Raises:
            LedgerError: The database could not be read or written.
        """
        self._raise_lost()
        future: asyncio.Future[T] = self.loop.create_future()
        self.put(_Task(work, future))
        return await future

    def put(self, job: _Job) -> None:
        """Queue a hand-in; it is told of its end in the loop."""
        self._raise_lost()
        self._queue.put(job)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the desk belongs to."""
        if self._loop is None or self._closed:
            raise RuntimeError("Desk is used outside `async with`.")
        return self._loop

    def _raise_lost(self) -> None:
        """An error that nobody waited for is raised at the next chance."""
        if self._lost is not None:
            lost, self._lost = self._lost, None
            raise lost

    def gathered(
        self,
        work: Callable[[sqlite3.Connection, Sequence[V]], Sequence[R]],
        *,
        ended: Callable[[V], None] = lambda _: None,
    ) -> Gathered[V, R]:
        """Make a function whose simultaneous calls become one call of `work` with all their values.

        Args:
            work: Gives one result per value.
            ended: Told of every value that nobody waited for, when it is durable or has failed.
        """
        return Gathered(self, work, ended)

    def _serve(self, opened: asyncio.Future[None]) -> None:
        try:
            connection = self._connect()
        except BaseException as error:  # noqa: BLE001 - the thread's edge: whoever opens the desk gets the error
            self._tell(partial(_refuse, opened, self._explain(error)))
            return
        self._tell(partial(_accept, opened))
        try:
            latest = -math.inf
            while (tasks := self._take(latest + self._linger)) is not None:
                self._tell(partial(self._settle, self._commit(connection, tasks)))
                latest = time.monotonic()
        finally:
            connection.close()

    def _take(self, earliest: float) -> list[_Job] | None:
        """Wait for a hand-in, and until `earliest`, and take all that are there; None when the desk closes."""
        first = self._queue.get()
        if first is None:
            return None
        if not self._closed and (rest := earliest - time.monotonic()) > 0:
            time.sleep(rest)
        tasks = [first]
        while len(tasks) < LARGEST_ROUND:
            try:
                task = self._queue.get_nowait()
            except Empty:
                break
            if task is None:
                self._queue.put(None)
                break
            tasks.append(task)
        return tasks

    def _commit(self, connection: sqlite3.Connection, tasks: list[_Job]) -> list[_Job]:
        """Run all tasks in one transaction; one that fails is taken out, and the others run again without it.

        Returns:
            All of them; a gathered one that failed is replaced by its parts, each of which had its own try.
        """
        ended: list[_Job] = []
        while tasks:
            failed = self._attempt(connection, tasks)
            if failed is None:
                return [*ended, *tasks]
            tasks = [task for task in tasks if task is not failed]
            parts = failed.split()
            if not parts:
                ended.append(failed)
            for part in parts:
                ended += self._commit(connection, [part])
        return ended

    def _attempt(self, connection: sqlite3.Connection, tasks: list[_Job]) -> _Job | None:
        """Try all tasks in one transaction.

        Returns:
            The task that is to blame where it failed; None where all are durable, or all failed with the database.
        """
        working: _Job | None = None
        try:
            connection.execute("begin immediate")
            for task in tasks:
                working = task
                task.run(connection)
            working = None
            connection.execute("commit")
        except Exception as error:  # noqa: BLE001 - the thread's edge: the error goes to whoever handed in
            _roll_back(connection)
            if working is None or isinstance(error, (sqlite3.OperationalError, OSError)):
                for task in tasks:
                    task.error = self._explain(error)
                return None
            working.error = self._explain(error)
        return working

    def _settle(self, tasks: list[_Job]) -> None:
        for task in tasks:
            self._lost = task.settle() or self._lost

    def _explain(self, error: BaseException) -> BaseException:
        if isinstance(error, (sqlite3.Error, OSError)):
            explained = LedgerError(
                f"The {self._name} cannot be used: {error}; make room or check the folder, then resume."
            )
            explained.__cause__ = error
            return explained
        return error

    def _tell(self, news: Callable[[], object]) -> None:
        """Run `news` in the loop; a loop that is gone has nobody left to tell."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(news)


class Gathered(Generic[V, R]):
    """A hand-in that joins all others of its kind which wait when the desk gets to it."""

    def __init__(
        self,
        desk: Desk,
        work: Callable[[sqlite3.Connection, Sequence[V]], Sequence[R]],
        ended: Callable[[V], None],
    ) -> None:
        self._desk = desk
        self._work = work
        self._ended = ended
        self._waiting: deque[tuple[V, asyncio.Future[R] | None]] = deque()
        self._summoned = False

    async def __call__(self, value: V) -> R:
        """Hand `value` in; returns its part of the result once the round is durable."""
        future: asyncio.Future[R] = self._desk.loop.create_future()
        self._hand_in(value, future)
        return await future

    def leave(self, value: V) -> None:
        """Hand `value` in without waiting; closing the desk sees to it. Its errors are the desk's `lost`."""
        self._hand_in(value, None)

    def _hand_in(self, value: V, future: asyncio.Future[R] | None) -> None:
        self._waiting.append((value, future))
        if not self._summoned:
            self._summoned = True
            self._desk.put(_Round(self._waiting, self._work, self._taken, self._ended))

    def _taken(self) -> None:
        """The desk is about to empty the line: what comes now needs a round of its own."""
        self._summoned = False


class _Round(Generic[V, R]):
    """Everything that waits in one line at the moment when the desk gets to it."""

    def __init__(
        self,
        line: deque[tuple[V, asyncio.Future[R] | None]],
        work: Callable[[sqlite3.Connection, Sequence[V]], Sequence[R]],
        taken: Callable[[], None],
        ended: Callable[[V], None],
    ) -> None:
        self._ended = ended
        self._line = line
        self._work = work
        self._taken = taken
        self._calls: list[tuple[V, asyncio.Future[R] | None]] = []
        self._results: Sequence[R] = ()
        self.error: BaseException | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        """Take what waits, and work on it; run again after a failure, it works on the same and on what came since."""
        self._taken()
        while self._line:
            self._calls.append(self._line.popleft())
        self._results = self._work(connection, [value for value, _ in self._calls])

    def split(self) -> Sequence[_Job]:
        """Make a round of each hand-in, so that a bad one fails alone; nothing where there is one only."""
        if len(self._calls) < 2:
            return ()
        return [_Round(deque([call]), self._work, _nobody, self._ended) for call in self._calls]

    def settle(self) -> BaseException | None:
        """Tell whoever waits, in the loop; returns an error that nobody waited for."""
        lost = None
        for place, (value, future) in enumerate(self._calls):
            if future is None:
                lost = self.error
                self._ended(value)
            elif not future.done():
                _resolve(future, None if self.error else self._results[place], self.error)
        return lost


class _Task:
    """One hand-in that runs by itself."""

    def __init__(self, work: Work, future: asyncio.Future[Any]) -> None:
        self._work = work
        self._future = future
        self._result: Any = None
        self.error: BaseException | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        self._result = self._work(connection)

    def split(self) -> Sequence[_Job]:
        """It has no parts."""
        return ()

    def settle(self) -> BaseException | None:
        if not self._future.done():
            _resolve(self._future, self._result, self.error)
        return None


def _resolve(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _nobody() -> None:
    """Nobody has to know that a round of one begins."""


def _accept(opened: asyncio.Future[None]) -> None:
    if not opened.done():
        opened.set_result(None)


def _refuse(opened: asyncio.Future[None], error: BaseException) -> None:
    if not opened.done():
        opened.set_exception(error)


def _roll_back(connection: sqlite3.Connection) -> None:
    """End a transaction that failed; where that fails, too, SQLite has ended it itself."""
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("rollback")
