"""Remembers checked answers, so that the same question is not paid for twice."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

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

    async def get(self, key: str, /) -> str | None:
        """Find an answer that is not too old."""
        ...

    def put(self, key: str, body: str, /) -> None:
        """Remember an answer, in the place of an earlier one; nobody waits for it, closing the cache sees to it."""
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
        self._desk = Desk(lambda: connect(path, "cache.sql", version=VERSION, durable=False), name=f"cache {path}")
        self._get = self._desk.gathered(self._select)
        self._put = self._desk.gathered(self._insert)
        self._ttl = ttl
        self._entries = entries
        self._clock = clock
        self._room = 0  # entries that can surely be added without counting them all
        self._changes = 0
        self._hits = 0
        self._misses = 0

    async def __aenter__(self) -> Self:
        await self._desk.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._desk.__aexit__(kind, error, trace)

    async def get(self, key: str, /) -> str | None:
        """Find an answer that is not too old."""
        body = await self._get(key)
        if body is None:
            self._misses += 1
        else:
            self._hits += 1
        return body

    def put(self, key: str, body: str, /) -> None:
        """Remember an answer, in the place of an earlier one; nobody waits for it, closing the cache sees to it."""
        self._put.leave((key, body))

    @property
    def stats(self) -> CacheStats:
        """Hits and misses so far."""
        return CacheStats(hits=self._hits, misses=self._misses)

    def _select(self, db: sqlite3.Connection, keys: Sequence[str]) -> Sequence[str | None]:
        """Look all keys up with one statement that gives one row: the interpreter is crossed once per round."""
        found: dict[str, str] = msgspec.json.decode(
            db.execute(
                "select coalesce(json_group_object(answer.key, answer.body), '{}') from json_each(?) wanted"
                " join answer on answer.key = wanted.value and answer.made_at > ?",
                (msgspec.json.encode(keys).decode(), self._clock() - self._ttl),
            ).fetchone()[0]
        )
        return [found.get(key) for key in keys]

    def _insert(self, db: sqlite3.Connection, answers: Sequence[tuple[str, str]]) -> Sequence[None]:
        now = self._clock()
        db.execute(
            "insert or replace into answer (key, body, made_at)"
            " select json_extract(value, '$[0]'), json_extract(value, '$[1]'), ? from json_each(?)",
            (now, msgspec.json.encode(answers).decode()),
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
