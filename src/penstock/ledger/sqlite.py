"""The ledger in one SQLite file: write-ahead log, synced to disk at every commit.

Several processes may open the same file: one works on a job while others list, watch and cancel.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import asdict, fields, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec
from filelock import FileLock

from penstock.errors import JobError, LedgerError
from penstock.ledger.adopt import adopt
from penstock.ledger.desk import Desk
from penstock.ledger.ledger import Chunk, Job, Tally
from penstock.records import Failure, Usage, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from penstock.ledger.ledger import JobStatus
    from penstock.records import Item, Outcome

VERSION = 1

LINGER = 0.002
"""Seconds between two commits, so that a busy run shares them."""

_JOB = ", ".join(field.name for field in fields(Job))
_CHUNK = ", ".join(field.name for field in fields(Chunk))
_USAGE = ("calls", "tokens_in", "tokens_out", "cost_usd")

_encode = msgspec.json.Encoder().encode
_verdicts = msgspec.json.Decoder(Verdict)
_failures = msgspec.json.Decoder(Failure)


class SqliteLedger:
    """Keeps jobs, chunks and outcomes in a file; see `Ledger` for what each method promises."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Remember the file; it is opened, and made if need be, by `async with`."""
        self._desk = Desk(
            lambda: connect(path, "schema.sql", version=VERSION, durable=True), name=f"ledger {path}", linger=LINGER
        )
        self._record = self._desk.gathered(_insert_outcomes)
        self._clock = clock

    async def __aenter__(self) -> Self:
        await self._desk.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._desk.__aexit__(kind, error, trace)

    async def add_job(self, job: Job, chunks: Sequence[Chunk], /) -> Job:
        """Enter a new job and the plan of its chunks; returns it with its times."""
        now = self._clock()
        stamped = replace(job, created_at=job.created_at or now, updated_at=now)
        values = asdict(stamped)

        def work(db: sqlite3.Connection) -> None:
            places = ", ".join(f":{name}" for name in values)
            db.execute(f"insert into job ({_JOB}) values ({places})", values)  # noqa: S608 - names of our own
            _write_chunks(db, job.id, chunks, now)

        await self._desk.do(work)
        return stamped

    async def job(self, job_id: str, /) -> Job | None:
        """Find one job by its id."""
        found = await self._select_jobs("where id = ?", (job_id,))
        return found[0] if found else None

    async def jobs(self) -> list[Job]:
        """List all jobs, newest first."""
        return await self._select_jobs("order by number desc", ())

    async def unfinished(self, fingerprint: str, /) -> Job | None:
        """Find the newest job of the same command that was neither completed nor cancelled."""
        found = await self._select_jobs(
            "where fingerprint = ? and status not in ('completed', 'cancelled') order by number desc limit 1",
            (fingerprint,),
        )
        return found[0] if found else None

    async def _select_jobs(self, where: str, values: tuple[Any, ...]) -> list[Job]:
        query = f"select {_JOB} from job {where}"  # noqa: S608 - both parts are written in this file
        rows = await self._desk.do(lambda db: db.execute(query, values).fetchall())
        return [Job(**dict(zip(_names(Job), row, strict=True))) for row in rows]

    async def set_status(self, job_id: str, status: JobStatus, /, *, error: str = "") -> None:
        """Note where a job stands; a request to stop is forgotten when it runs again."""
        values = (status, error, self._clock(), status == "running")
        await self._desk.do(
            lambda db: db.execute(
                "update job set status = ?, error = ?, updated_at = ?,"
                " stop_requested = case when ? then 0 else stop_requested end where number = ?",
                (*values, _number(db, job_id)),
            )
        )

    async def request_stop(self, job_id: str, /) -> None:
        """Ask whoever runs the job to stop."""
        query = "update job set stop_requested = 1 where number = ?"
        await self._desk.do(lambda db: db.execute(query, (_number(db, job_id),)))

    async def stop_requested(self, job_id: str, /) -> bool:
        """Whether somebody asked the job to stop."""
        query = "select stop_requested from job where number = ?"
        row = await self._desk.do(lambda db: db.execute(query, (_number(db, job_id),)).fetchone())
        return bool(row[0])

    async def chunks(self, job_id: str, /) -> list[Chunk]:
        """List the chunks of a job, in order."""
        query = f"select {_CHUNK} from chunk where job = ? order by number"  # noqa: S608 - names of our own
        rows = await self._desk.do(lambda db: db.execute(query, (_number(db, job_id),)).fetchall())
        return [Chunk(**dict(zip(_names(Chunk), row, strict=True))) for row in rows]

    async def save_chunks(self, job_id: str, chunks: Sequence[Chunk], /) -> None:
        """Replace what is known of these chunks."""
        now = self._clock()
        await self._desk.do(lambda db: _write_chunks(db, job_id, chunks, now))

    async def record(self, job_id: str, outcomes: Sequence[Outcome], /) -> None:
        """Keep these outcomes, each in the place of an earlier one of the same key."""
        if outcomes:
            await self._record((job_id, outcomes))

    async def outcomes(self, job_id: str, first_row: int, rows: int, /) -> list[Outcome]:
        """Fetch the outcomes of a range of rows, in the order of their keys."""
        return await self._desk.do(
            lambda db: _fetch(
                db,
                "select standing, body from outcome where job = ? and row >= ? and row < ? order by row, part",
                (_number(db, job_id), first_row, first_row + rows),
            )
        )

    async def failures(self, job_id: str, /, *, limit: int) -> list[Outcome]:
        """Fetch the first failures of a job, in the order of their keys."""
        return await self._desk.do(
            lambda db: _fetch(
                db,
                "select standing, body from outcome where job = ? and standing > 0 order by row, part limit ?",
                (_number(db, job_id), limit),
            )
        )

    async def tally(self, job_id: str, /) -> Tally:
        """Count how the items of a job ended."""
        query = "select standing, count(*) from outcome where job = ? group by standing"
        rows = await self._desk.do(lambda db: db.execute(query, (_number(db, job_id),)).fetchall())
        counts = dict(rows)
        return Tally(verdicts=counts.get(0, 0), failures=counts.get(1, 0), later=counts.get(2, 0))

    async def spent(self, job_id: str, /) -> Usage:
        """Sum up what the outcomes of a job took."""
        parts = ", ".join(f"total(json_extract(body, '$.usage.{name}'))" for name in _USAGE)
        query = f"select {parts} from outcome where job = ?"  # noqa: S608 - names of our own
        row = await self._desk.do(lambda db: db.execute(query, (_number(db, job_id),)).fetchone())
        *counts, cost = row
        return Usage(**dict(zip(_USAGE, [*map(int, counts), cost], strict=True)))

    async def adopt(self, job_id: str, items: Sequence[Item], /, *, earlier: str) -> int:
        """Enter verdicts of an earlier job for the items that have not changed, and return how many."""
        wanted = _encode([(item.key.row, item.key.part, item.digest) for item in items if item.digest]).decode()
        return await self._desk.do(lambda db: adopt(db, _number(db, job_id), _number(db, earlier), wanted))


def connect(path: Path, schema: str, *, version: int, durable: bool) -> sqlite3.Connection:
    """Open a database file of this room, making it on first use.

    Only one process makes it: several of them switching the journal mode at once would lock each other out.

    Raises:
        LedgerError: The file is of a newer version, or is no database.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False, cached_statements=64)
    try:
        found = _version(db)
        if found == 0:
            with FileLock(f"{path}.lock", timeout=30.0):
                found = _version(db) or _make(db, schema, version)
        _check_version(path, found, version=version)
        db.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
    except BaseException:
        db.close()
        raise
    return db


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("pragma user_version").fetchone()[0])


def _check_version(path: Path, found: int, *, version: int) -> None:
    if found != version:
        raise LedgerError(
            f"{path} was made by another version of Penstock (layout {found}, this one reads {version}); "
            "use that version, or another folder."
        )


def _make(db: sqlite3.Connection, schema: str, version: int) -> int:
    db.execute("pragma journal_mode = wal")
    statements = files("penstock.ledger").joinpath(schema).read_text(encoding="utf-8")
    db.executescript(f"begin; {statements} pragma user_version = {version}; commit;")
    return version


def _names(kind: type[Job | Chunk]) -> list[str]:
    return [field.name for field in fields(kind)]


def _number(db: sqlite3.Connection, job_id: str) -> int:
    row = db.execute("select number from job where id = ?", (job_id,)).fetchone()
    if row is None:
        raise JobError(f"There is no job {job_id!r}.")
    return int(row[0])


def _write_chunks(db: sqlite3.Connection, job_id: str, chunks: Sequence[Chunk], now: float) -> None:
    number = _number(db, job_id)
    names = _names(Chunk)
    places = ", ".join("?" for _ in names)
    rows = [(number, *(getattr(replace(chunk, updated_at=now), name) for name in names)) for chunk in chunks]
    db.executemany(f"insert or replace into chunk (job, {_CHUNK}) values (?, {places})", rows)  # noqa: S608 - names of our own


def _insert_outcomes(db: sqlite3.Connection, groups: Sequence[tuple[str, Sequence[Outcome]]]) -> Sequence[None]:
    """Insert all groups with one statement: the whole batch crosses into SQLite once, without the interpreter."""
    numbers = {job_id: _number(db, job_id) for job_id in {job_id for job_id, _ in groups}}
    rows = [
        (numbers[job_id], outcome.key.row, outcome.key.part, outcome.digest, _standing(outcome), _body(outcome))
        for job_id, outcomes in groups
        for outcome in outcomes
    ]
    db.execute(
        "insert or replace into outcome (job, row, part, digest, standing, body)"
        " select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),"
        " json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]') from json_each(?)",
        (_encode(rows).decode(),),
    )
    return [None] * len(groups)


def _standing(outcome: Outcome) -> int:
    if isinstance(outcome, Verdict):
        return 0
    return 2 if outcome.later else 1


def _body(outcome: Outcome) -> str:
    return _encode(outcome).decode()


def _fetch(db: sqlite3.Connection, query: str, values: tuple[Any, ...]) -> list[Outcome]:
    return [
        _failures.decode(body) if standing else _verdicts.decode(body)
        for standing, body in db.execute(query, values).fetchall()
    ]
