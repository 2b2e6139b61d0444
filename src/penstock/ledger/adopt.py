"""Carries verdicts of an earlier job over to the items of a new one that have not changed.

Rows move, come and go between two runs, so an item is found by its digest and part, not by its place. What the earlier
job has is listed by digest in a temporary table, which goes with the connection: the layout of the file stays, and
writing outcomes costs no index that only this needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from penstock.records import Usage

if TYPE_CHECKING:
    import sqlite3

_NOTHING = msgspec.json.encode(Usage()).decode()

_LIST = """
    create temp table earlier (digest text, part integer, row integer, primary key (digest, part)) without rowid
"""
_FILL = """
    insert or ignore into temp.earlier (digest, part, row)
    select digest, part, row from main.outcome where job = ? and standing = 0 and digest <> '' order by row, part
"""
_ENTER = """
    insert or ignore into main.outcome (job, row, part, digest, standing, body)
    select :job, json_extract(item.value, '$[0]'), json_extract(item.value, '$[1]'), old.digest, 0,
        json_set(old.body, '$.key', json_array(json_extract(item.value, '$[0]'), json_extract(item.value, '$[1]')),
            '$.cached', json('true'), '$.seconds', 0.0, '$.usage', json(:nothing))
    from json_each(:items) as item
    cross join temp.earlier on earlier.digest = json_extract(item.value, '$[2]')
        and earlier.part = json_extract(item.value, '$[1]')
    cross join main.outcome as old on old.job = :earlier and old.row = earlier.row and old.part = earlier.part
        and old.digest = earlier.digest and old.standing = 0
"""


def adopt(db: sqlite3.Connection, job: int, earlier: int, items: str) -> int:
    """Enter what is found and return how many outcomes that are.

    The joins are crossed to keep their order: SQLite knows nothing of the size of a list in JSON, and would rather read
    the whole earlier job for every chunk.

    Args:
        db: Connection to a ledger, inside a transaction.
        job: Number of the new job.
        earlier: Number of the job whose verdicts are carried over.
        items: JSON list of `[row, part, digest]`.
    """
    _list(db, earlier)
    return db.execute(_ENTER, {"job": job, "earlier": earlier, "items": items, "nothing": _NOTHING}).rowcount


def _list(db: sqlite3.Connection, earlier: int) -> None:
    """List an earlier job by digest, unless that was done for the chunk before; a rollback takes it back."""
    db.execute("create temp table if not exists listed (job integer)")
    if db.execute("select 1 from temp.listed where job = ?", (earlier,)).fetchone():
        return
    db.execute("drop table if exists temp.earlier")
    db.execute(_LIST)
    db.execute(_FILL, (earlier,))
    db.execute("delete from temp.listed")
    db.execute("insert into temp.listed values (?)", (earlier,))
