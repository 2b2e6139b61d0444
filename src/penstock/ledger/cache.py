"""Remembers checked answers, so that the same question is not paid for twice."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from penstock.ledger.desk import Desk
from penstock.ledger.sqlite import connect

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

VERSION = 1


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

    async def get(self, key: str, /) -> bytes | None:
        """Find an answer that is not too old."""
        ...

    async def put(self, key: str, body: bytes, /) -> None:
        """Remember an answer, in the place of an earlier one."""
        ...

    @property
    def stats(self) -> CacheStats:
        """Hits and misses so far."""
        ...


class SqliteCache:
    """A cache in one SQLite file, shared by all jobs and processes that open it.

    A crash of the machine may cost the latest answers, never the file: what must not be lost is in the ledger.
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
        self._desk = Desk(lambda: connect(path, "cache.sql", version=VERSION, durable=False), name="cache")
        self._get = self._desk.gathered(self._select)
        self._put = self._desk.gathered(self._insert)
        self._ttl = ttl
        self._entries = entries
        self._clock = clock
        self._hits = 0
        self._misses = 0

    async def __aenter__(self) -> Self:
        await self._desk.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._desk.__aexit__(kind, error, trace)

    async def get(self, key: str, /) -> bytes | None:
        """Find an answer that is not too old."""
        body = await self._get(key)
        if body is None:
            self._misses += 1
        else:
            self._hits += 1
        return body

    async def put(self, key: str, body: bytes, /) -> None:
        """Remember an answer, in the place of an earlier one."""
        await self._put((key, body))

    @property
    def stats(self) -> CacheStats:
        """Hits and misses so far."""
        return CacheStats(hits=self._hits, misses=self._misses)

    def _select(self, db: sqlite3.Connection, keys: Sequence[str]) -> Sequence[bytes | None]:
        oldest = self._clock() - self._ttl
        found: dict[str, bytes] = {}
        for key in dict.fromkeys(keys):
            row = db.execute("select body from answer where key = ? and made_at > ?", (key, oldest)).fetchone()
            if row is not None:
                found[key] = row[0]
        return [found.get(key) for key in keys]

    def _insert(self, db: sqlite3.Connection, answers: Sequence[tuple[str, bytes]]) -> Sequence[None]:
        now = self._clock()
        db.executemany(
            "insert or replace into answer (key, body, made_at) values (?, ?, ?)",
            [(key, body, now) for key, body in answers],
        )
        db.execute("delete from answer where made_at <= ?", (now - self._ttl,))
        excess = db.execute("select count(*) from answer").fetchone()[0] - self._entries
        if excess > 0:
            db.execute(
                "delete from answer where rowid in (select rowid from answer order by made_at, rowid limit ?)",
                (excess,),
            )
        return [None] * len(answers)
