"""One thread owns a database; whoever has something for it hands it in, and each round of hand-ins is one commit.

Many tasks wait for their outcome to be durable at the same time. While one round is being written the next one
gathers, so a busy run commits hundreds of outcomes with one sync of the disk, and an idle one commits at once: that
is group commit, as databases do it themselves. `gathered` goes one step further and makes one statement of many
hand-ins.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from dataclasses import dataclass
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

LARGEST_ROUND = 4096
"""Hand-ins in one transaction at most, so that other processes get their turn."""


@dataclass(slots=True)
class _Task:
    work: Work
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Desk:
    """Runs functions of a connection on a thread of its own; many tasks of one loop may hand in at once.

    Work must be repeatable: when one hand-in of a round fails, the others are run again without it.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], *, name: str) -> None:
        """Remember how to connect; the thread starts with `async with`.

        Args:
            connect: Opens the connection, in the desk's own thread, with autocommit on.
            name: What messages call this database.
        """
        self._connect = connect
        self._name = name
        self._queue: SimpleQueue[_Task | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        opened = self._loop.create_future()
        self._thread = threading.Thread(target=self._serve, args=(opened,), name=f"penstock-{self._name}", daemon=True)
        self._thread.start()
        await opened
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self._thread.join))

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` inside a transaction; on return it is durable.

        Raises:
            LedgerError: The database could not be read or written.
        """
        if self._loop is None:
            raise RuntimeError("Desk is used outside `async with`.")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Task(work, future))
        return await future

    def gathered(self, work: Callable[[sqlite3.Connection, Sequence[V]], Sequence[R]]) -> Gathered[V, R]:
        """Make a function whose simultaneous calls become one call of `work` with all their values."""
        return Gathered(self, work)

    def _serve(self, opened: asyncio.Future[None]) -> None:
        try:
            connection = self._connect()
        except (sqlite3.Error, OSError, LedgerError) as error:
            reason = self._explain(error)
            self._tell(lambda: opened.set_exception(reason))
            return
        self._tell(lambda: opened.set_result(None))
        try:
            while (tasks := self._take()) is not None:
                self._commit(connection, tasks)
                self._tell(partial(_settle, tasks))
        finally:
            connection.close()

    def _take(self) -> list[_Task] | None:
        """Wait for a hand-in and take all that are there; None when the desk closes."""
        first = self._queue.get()
        if first is None:
            return None
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

    def _commit(self, connection: sqlite3.Connection, tasks: list[_Task]) -> None:
        """Run all tasks in one transaction; when one fails, each in its own."""
        try:
            connection.execute("begin immediate")
            for task in tasks:
                task.result = task.work(connection)
            connection.execute("commit")
        except Exception as error:  # noqa: BLE001 - the thread's edge: the error goes to whoever handed in
            if connection.in_transaction:
                connection.execute("rollback")
            if len(tasks) == 1:
                tasks[0].error = self._explain(error)
                return
            for task in tasks:
                self._commit(connection, [task])

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
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(news)


class Gathered(Generic[V, R]):
    """A hand-in that joins the others of its kind which wait at the same moment."""

    def __init__(self, desk: Desk, work: Callable[[sqlite3.Connection, Sequence[V]], Sequence[R]]) -> None:
        self._desk = desk
        self._work = work
        self._waiting: deque[tuple[V, asyncio.Future[R]]] = deque()
        self._summoned = False

    async def __call__(self, value: V) -> R:
        """Hand `value` in; returns its part of the result once the round is durable."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((value, future))
        if not self._summoned:
            self._summoned = True
            asyncio.get_running_loop().call_soon(self._summon)
        return await future

    def _summon(self) -> None:
        """Send everything that has gathered during this turn of the loop."""
        self._summoned = False
        calls = list(self._waiting)
        self._waiting.clear()
        values = [value for value, _ in calls]
        task = asyncio.ensure_future(self._desk.do(lambda connection: self._work(connection, values)))
        task.add_done_callback(lambda done: _hand_out(done, calls))


def _hand_out(done: asyncio.Future[Sequence[R]], calls: list[tuple[Any, asyncio.Future[R]]]) -> None:
    if done.cancelled():
        for _, future in calls:
            future.cancel()
        return
    error = done.exception()
    if error is not None:
        for _, future in calls:
            if not future.done():
                future.set_exception(error)
        return
    for (_, future), result in zip(calls, done.result(), strict=True):
        if not future.done():
            future.set_result(result)


def _settle(tasks: list[_Task]) -> None:
    for task in tasks:
        if task.future.done():
            continue  # whoever waited was cancelled; the work is durable all the same
        if task.error is not None:
            task.future.set_exception(task.error)
        else:
            task.future.set_result(task.result)
