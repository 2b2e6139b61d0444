"""What the tests about provider batches share: judges that ask in batches, and a job in a process that dies on cue."""

import hashlib
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from penstock.jobs.chunks import plan
from penstock.jobs.run import Runner
from penstock.jobs.workspace import Workspace
from penstock.judge.category import Category
from penstock.judge.scorer import ModelJudge
from penstock.ledger.ledger import Job
from penstock.models import ModelSpec, Session
from penstock.models.batches import BatchApi
from penstock.records import Item, Key
from penstock.score.batch.carrier import Carrier
from penstock.score.batch.journal import BatchJournal
from penstock.score.batch.judge import BatchJudge
from penstock.score.batch.model import BatchModel
from penstock.web.again import Again
from penstock.web.transport import HttpTransport

CATEGORIES = (Category(name="a"), Category(name="b"))
CHUNK = 20


def items(n, *, first=0):
    return [
        Item(key=Key(row), fields={"text": text}, digest=hashlib.sha256(text.encode()).hexdigest()[:16])
        for row, text in ((row, f"row {row}") for row in range(first, first + n))
    ]


class Rows:
    """A source of numbered rows."""

    parts = 1

    def __init__(self, n):
        self.n = n

    def rows(self):
        return ([item] for item in items(self.n))


@asynccontextmanager
async def batch_judge(url, folder, *, session, cache=None, samples=1, price=None, purse=None, key_variable="", **more):
    """A judge that asks in batches, in a hurry."""
    spec = ModelSpec(name="openai/m", base_url=url, key_variable=key_variable).settled()
    judge = ModelJudge([CATEGORIES], [session.model(spec)], cache=cache, samples=samples)
    again = Again(attempts=8, first=0.001, longest=0.01)
    sizes = {name: more.pop(name) for name in ("most_lines", "most_bytes") if name in more}
    api = BatchApi(session.http, base_url=spec.base_url, key=spec.key(), again=again, pauses=(0.01, 0.05))
    model = BatchModel(spec, session.http, price=price, purse=purse, again=again, **sizes)
    carrier = Carrier(api, BatchJournal(folder), say=more.get("say", lambda _: None))
    async with BatchJudge(judge, model, carrier, cache=cache, **{"linger": 0.1, **more}) as batching:
        yield batching


async def run_job(url, home, *, rows, transport=None, started=lambda _: None, cached=True):
    """Run or go on with the one job of a workspace; returns it and the workspace's outcomes."""
    async with Workspace(home) as workspace, Session(transport=transport) as session:
        jobs = await workspace.jobs()
        if jobs:
            job = jobs[0]
        else:
            name = workspace.new_id("score")
            job = Job(id=name, system="score", fingerprint="f", config="{}", folder="", rows=rows)
            job = await workspace.ledger.add_job(job, plan(rows, chunk_rows=CHUNK))
        folder = workspace.folder(job.id)
        cache = await workspace.cache(ttl=86_400.0, entries=10_000) if cached else None
        async with batch_judge(url, folder.path, session=session, cache=cache) as judge:
            runner = Runner(
                job=job,
                ledger=workspace.ledger,
                source=Rows(rows),
                work=judge.work,
                folder=folder,
                chunk_rows=CHUNK,
                tick=0.05,
            )
            started(runner)
            job = await runner.run()
        return job, await workspace.ledger.outcomes(job.id, 0, rows)


class Dying(HttpTransport):
    """Kills its process before or after a call: `when METHOD part-of-the-path`."""

    def __init__(self, cue):
        super().__init__()
        self.when, self.method, self.part = cue.split()

    def _die(self, when, method, url):
        if (when, method) == (self.when, self.method) and self.part in url:
            os.kill(os.getpid(), signal.SIGKILL)

    async def send(self, method, url, **more):
        self._die("before", method, url)
        answer = await super().send(method, url, **more)
        self._die("after", method, url)
        return answer

    @asynccontextmanager
    async def stream(self, url, **more):
        self._die("before", "GET", url)
        async with super().stream(url, **more) as answer:
            yield answer
        self._die("after", "GET", url)


async def main():
    url, home, rows, cached, *cue = sys.argv[1:]
    transport = Dying(cue[0]) if cue else HttpTransport()
    async with transport:
        job, outcomes = await run_job(url, Path(home), rows=int(rows), transport=transport, cached=cached == "cached")
    sys.stdout.write(
        json.dumps({"status": job.status, "scores": {one.key.row: getattr(one, "scores", None) for one in outcomes}})
    )


if __name__ == "__main__":
    anyio.run(main)
