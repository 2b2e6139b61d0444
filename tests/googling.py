"""What the tests of Google Sheets share: a client on a server of our own, in a time of their own."""

import random
from contextlib import asynccontextmanager

import anyio.lowlevel

from penstock.tables.google import SheetAddress, SheetsClient, credentials
from penstock.testing.sheet.server import SheetServer
from penstock.web.transport import HttpTransport


class Time:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds
        await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def sheet_client(behaviour=None, *, books=None, book="rehearsal", environment=None, **settings):
    """Start a server and open a client of one of its books, both in the same pretended time."""
    time = Time()
    async with SheetServer(books, behaviour=behaviour, clock=time) as server, HttpTransport() as http:
        address = SheetAddress.of(server.sheet_url(book))
        authorizer = credentials(address, http=http, environment=environment or {})
        yield server, new_client(address, http, authorizer, time, **settings)


def new_client(address, http, authorizer, time, **settings):
    """Open a client that waits in pretended time."""
    return SheetsClient(
        address, http, authorizer, **{"clock": time, "sleep": time.sleep, "rng": random.Random(1), **settings}
    )
