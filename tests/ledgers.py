"""Every kind of ledger and cache there is, for the tests that each of them has to pass.

A new kind joins by one more entry: a function of a place, which opens another connection to it at each call.
"""

from penstock.ledger.cache import SqliteCache
from penstock.ledger.ledger import Job
from penstock.ledger.sqlite import SqliteLedger
from penstock.records import Failure, Key, Usage, Verdict

LEDGERS = {"sqlite": lambda folder, **settings: SqliteLedger(folder / "ledger.db", **settings)}
CACHES = {"sqlite": lambda folder, **settings: SqliteCache(folder / "cache.db", **settings)}


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now=1_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


def job(job_id="score-1", **more):
    settings = {"system": "score", "fingerprint": "f", "config": "{}", "folder": "/runs", "rows": 4, **more}
    return Job(id=job_id, **settings)


def verdict(row=0, part=0, **more):
    settings = {"digest": "0123456789abcdef", "scores": (0.25, 1.0), "method": "openai/m", **more}
    return Verdict(key=Key(row, part), **settings)


def failure(row=0, part=0, **more):
    settings = {"digest": "0123456789abcdef", "code": "unfit", "reason": "the text is empty", **more}
    return Failure(key=Key(row, part), **settings)


USED = Usage(calls=3, tokens_in=120, tokens_out=12)
