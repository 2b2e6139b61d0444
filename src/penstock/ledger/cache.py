"""Remembers checked answers, so that the same question is not paid for twice."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import msgspec

from penstock.errors import LedgerError
from penstock.ledger.desk import Desk
from penstock.ledger.sqlite import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

VERSION = 1

LINGER = 0.05
"""Seconds between two rounds of writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStats:
    """What a cache did since it was opened.

    Attributes:
        hits: Answers found.
        misses: Answers not found, or too old.
    """

    hits: int = 0
    misses: int = 0

    @property
    def hit_rate(self) -> float:
        """Share of lookups that were hits, from 0 to 1; 0 when there were none."""
        return self.hits / (self.hits + self.misses) if self.hits else 0.0


class Cache(Protocol):
    """Keeps answers by key for a while."""

    async def get(self, key: str, /) -> str | None:
        """Find an answer that is not too old."""
        ...

    def put(self, key: str, body: str, /) -> None:
        """Remember an answer, in the place of an earlier one; nobody waits for it, closing the cache sees to it."""
        ...

    async def flush(self) -> None:
        """Wait until everything that was put would outlive the process."""
        ...

    @property
    def stats(self) -> CacheStats:
        """Hits and misses so far."""
        ...


class SqliteCache:
    """A cache in one SQLite file, shared by all jobs and processes that open it.

    Answers are read where they are asked for: a lookup in a local file takes microseconds, less than handing it to
    a thread. They are written in rounds by a thread; until then they are found in memory. A crash may cost the
    latest answers, never the file: what must not be lost is in the ledger.
    """

    def __init__(
        self,
        path: Path,
        *,
        ttl: float = 86_400.0,
        entries: int = 10_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Remember the file; it is opened, and made if need be, by `async with`.

        Args:
            path: The file.
            ttl: Seconds an answer is good for.
            entries: Most answers kept; the oldest go first.
            clock: Seconds since 1970.
        """
        self._connect = partial(connect, path, "cache.sql", version=VERSION, durable=False)
        self._desk = Desk(self._connect, name=f"cache {path}", linger=LINGER)
        self._reader: sqlite3.Connection | None = None
        self._unwritten: dict[str, tuple[float, str]] = {}
        self._put = self._desk.gathered(self._insert, ended=self._written)
        self._ttl = ttl
        self._entries = entries
        self._clock = clock
        self._room = 0  # entries that can surely be added without counting them all
        self._changes = 0
        self._hits = 0
        self._misses = 0

    async def __aenter__(self) -> Self:
        await self._desk.__aenter__()
        self._reader = self._connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        await self._desk.__aexit__(kind, error, trace)

    async def get(self, key: str, /) -> str | None:
        """Find an answer that is not too old."""
        body = self._find(key)
        if body is None:
            self._misses += 1
        else:
            self._hits += 1
        return body

    def put(self, key: str, body: str, /) -> None:
        """Remember an answer, in the place of an earlier one; nobody waits for it, closing the cache sees to it."""
        self._unwritten[key] = answer = (self._clock(), body)
        self._put.leave((key, *answer))

    async def flush(self) -> None:
        """Wait until everything that was put is in the file."""
        await self._desk.do(lambda _: None)

    def _written(self, answer: tuple[str, float, str]) -> None:
        key, *rest = answer
        if self._unwritten.get(key) == tuple(rest):
            del self._unwritten[key]

    @property
    def stats(self) -> CacheStats:
        """Hits and misses so far."""
        return CacheStats(hits=self._hits, misses=self._misses)

    def _find(self, key: str) -> str | None:
        oldest = self._clock() - self._ttl
        if self._reader is None:
            raise RuntimeError("SqliteCache is used outside `async with`.")
        made_at, body = self._unwritten.get(key, (oldest, ""))
        if made_at > oldest:
            return body
        try:
            row = self._reader.execute(
                "select body from answer where key = ? and made_at > ?", (key, oldest)
            ).fetchone()
        except sqlite3.Error as error:
            raise LedgerError(f"The cache cannot be read: {error}; remove it, then resume.") from error
        return row[0] if row else None

    def _insert(self, db: sqlite3.Connection, answers: Sequence[tuple[str, float, str]]) -> Sequence[None]:
        now = self._clock()
        db.execute(
            "insert or replace into answer (key, made_at, body)"
            " select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')"
            " from json_each(?)",
            (msgspec.json.encode(answers).decode(),),
        )
        db.execute("delete from answer where made_at <= ?", (now - self._ttl,))
        changes = db.execute("pragma data_version").fetchone()[0]  # by other processes
        if self._room < len(answers) or changes != self._changes:
            self._changes = changes
            self._room = self._entries - db.execute("select count(*) from answer").fetchone()[0]
        else:
            self._room -= len(answers)
        if self._room < 0:
            db.execute(
                "delete from answer where rowid in (select rowid from answer order by made_at, rowid limit ?)",
                (-self._room,),
            )
            self._room = 0
        return [None] * len(answers)
