"""Accounts that fetch and renew their tokens from a server."""

import json

import anyio
import pytest

from googling import sheet_client
from penstock.errors import DeliveryError, InputError, Refused
from penstock.tables.google import DRIVE_SCOPE, CellBlock, SheetAddress, SheetsClient, credentials
from penstock.testing.sheet.behaviour import SheetBehaviour
from penstock.testing.sheet.server import SheetServer
from penstock.web.transport import HttpTransport

pytestmark = pytest.mark.anyio

LOCKED = SheetBehaviour(require_token=True)
FAST = {"reads_per_minute": 60_000, "writes_per_minute": 60_000}
BLOCK = CellBlock(tab="Comments", row=5, column=4, values=((1,),))


def opened(server, http, path, **settings):
    """A client of the server's own account."""
    address = SheetAddress.of(server.sheet_url())
    who = credentials(address, http=http, environment={"GOOGLE_APPLICATION_CREDENTIALS": str(path)}, **settings)
    return SheetsClient(address, http, who, **FAST), who


@pytest.mark.parametrize("kind", ["service_account", "authorized_user"])
async def test_an_account_fetches_one_token_for_many_requests(kind, tmp_path):
    async with SheetServer(behaviour=LOCKED) as server, HttpTransport() as http:
        getattr(server, kind)(tmp_path / "key.json")
        client, _ = opened(server, http, tmp_path / "key.json")
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(client.book)
        assert server.stats().tokens == 1
        assert set(server.stats().by_status) == {200}


async def test_a_token_that_was_ended_early_is_renewed_once_for_all(tmp_path):
    async with SheetServer(behaviour=LOCKED) as server, HttpTransport() as http:
        server.service_account(tmp_path / "key.json")
        client, _ = opened(server, http, tmp_path / "key.json")
        await client.book()
        server.expire_tokens()
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(client.book)
        assert server.stats().tokens == 2


async def test_a_token_is_renewed_before_it_ends(tmp_path):
    behaviour = SheetBehaviour(require_token=True, token_seconds=60.0)
    async with SheetServer(behaviour=behaviour) as server, HttpTransport() as http:
        server.service_account(tmp_path / "key.json")
        client, _ = opened(server, http, tmp_path / "key.json")
        await client.book()
        await client.book()
        assert server.stats().tokens == 2
        assert set(server.stats().by_status) == {200}


async def test_a_renewed_token_is_used_for_writing_on(tmp_path):
    async with SheetServer(behaviour=LOCKED) as server, HttpTransport() as http:
        server.service_account(tmp_path / "key.json")
        client, _ = opened(server, http, tmp_path / "key.json")
        await client.update([BLOCK])
        server.expire_tokens()
        await client.update([BLOCK])
        assert server.stats().applied == 2


async def test_the_scope_that_is_asked_for_decides_what_is_allowed(tmp_path):
    async with SheetServer(behaviour=LOCKED) as server, HttpTransport() as http:
        server.service_account(tmp_path / "key.json")
        client, _ = opened(server, http, tmp_path / "key.json", scopes=(DRIVE_SCOPE,))
        with pytest.raises(DeliveryError, match="may not use Google Sheets: log in anew with the scope"):
            await client.update([BLOCK])


async def test_missing_access_names_the_account_to_share_with(tmp_path):
    behaviour = SheetBehaviour(require_token=True, unshared=("rehearsal",))
    async with SheetServer(behaviour=behaviour) as server, HttpTransport() as http:
        email = server.service_account(tmp_path / "key.json")
        client, who = opened(server, http, tmp_path / "key.json")
        with pytest.raises(Refused, match=f"share it with {email} as an editor"):
            await client.book()
        assert who.account == email


async def test_an_account_that_is_turned_away_says_why_without_its_key(tmp_path):
    async with SheetServer(behaviour=LOCKED) as server, HttpTransport() as http:
        server.service_account(tmp_path / "key.json")
        info = json.loads((tmp_path / "key.json").read_text())
        (tmp_path / "key.json").write_text(json.dumps({**info, "client_email": "ghost@example.org"}))
        client, _ = opened(server, http, tmp_path / "key.json")
        with pytest.raises(Refused, match=r"account not found.*make a new key") as caught:
            await client.book()
        assert caught.value.__cause__ is None
        assert "PRIVATE" not in str(caught.value)


@pytest.mark.parametrize("broken", [{"private_key": "a damaged key"}, {"client_email": 7}])
async def test_a_key_that_is_damaged_says_so(broken, tmp_path):
    async with SheetServer(behaviour=LOCKED) as server, HttpTransport() as http:
        server.service_account(tmp_path / "key.json")
        info = json.loads((tmp_path / "key.json").read_text())
        (tmp_path / "key.json").write_text(json.dumps({**info, **broken}))
        client, _ = opened(server, http, tmp_path / "key.json")
        with pytest.raises(InputError, match="GOOGLE_APPLICATION_CREDENTIALS"):
            await client.book()


async def test_a_token_server_that_is_away_is_tried_again_and_then_told(tmp_path):
    async with SheetServer(behaviour=LOCKED) as server:
        server.service_account(tmp_path / "key.json")
        info = json.loads((tmp_path / "key.json").read_text())
    (tmp_path / "key.json").write_text(json.dumps({**info, "token_uri": "http://127.0.0.1:9/token"}))
    environment = {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "key.json")}
    async with sheet_client(LOCKED, environment=environment, attempts=2) as (_, client):
        with pytest.raises(InputError, match="no token could be fetched: the connection failed"):
            await client.book()


async def test_a_token_of_another_server_is_turned_down_with_its_place(tmp_path):
    async with SheetServer(behaviour=LOCKED) as other, SheetServer(behaviour=LOCKED) as server, HttpTransport() as http:
        other.service_account(tmp_path / "key.json")
        client, _ = opened(server, http, tmp_path / "key.json")
        with pytest.raises(Refused, match=r"turned the credentials down .* in place of GOOGLE_APPLICATION_CREDENTIALS"):
            await client.book()
        assert server.stats().by_status == {401: 2}
