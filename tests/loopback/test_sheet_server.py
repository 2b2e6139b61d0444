import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from penstock.errors import InputError, JobError
from penstock.testing.sheet.behaviour import SheetBehaviour
from penstock.testing.sheet.book import SheetBook
from penstock.testing.sheet.process import serve_sheet_in_process
from penstock.testing.sheet.server import SheetServer

pytestmark = pytest.mark.anyio

VIDEO = b"\0\0\0\x10ftypisom\0\0\0\0"
COMMAND = "from penstock.cli.testing_sheet import serve_sheet_command; serve_sheet_command()"
PARENT = """
import time
from penstock.testing.sheet.process import serve_sheet_in_process
with serve_sheet_in_process() as server:
    print(server.url, server.pid, flush=True)
    time.sleep(60)
"""


@asynccontextmanager
async def serving(books=None, **more):
    """A server and a session of a real client."""
    behaviour = SheetBehaviour(**{key: more.pop(key) for key in list(more) if key not in {"files", "port"}})
    async with SheetServer(books, behaviour=behaviour, **more) as server, aiohttp.ClientSession() as session:
        yield server, session


async def get(session, url, **more):
    async with session.get(url, **more) as response:
        return response.status, response.headers, await response.read()


async def write(server, session, values, *, at="S!A1", book="b", **more):
    body = {"valueInputOption": "RAW", "data": [{"range": at, "values": values}]}
    url = f"{server.url}/v4/spreadsheets/{book}/values:batchUpdate"
    async with session.post(url, json=body, **more) as response:
        return response.status


def one_tab():
    return {"b": SheetBook({"S": []})}


async def test_without_books_a_sample_is_served():
    async with serving() as (server, session):
        url = f"{server.url}/v4/spreadsheets/rehearsal/values/Comments!C2:D5"
        status, headers, body = await get(session, url)
        rows = json.loads(body)["values"]
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=UTF-8")
    assert (rows[0], len(rows)) == (["Category", "opening hours"], 4)


async def test_a_title_with_anything_in_it_can_be_addressed():
    title = "a/b 'c'!:d%"
    async with serving({"b": SheetBook({title: [["x"]]})}) as (server, session):
        url = f"{server.url}/v4/spreadsheets/b/values:batchGet"
        status, _, body = await get(session, url, params={"ranges": "'a/b ''c''!:d%'!A1"})
    assert (status, json.loads(body)["valueRanges"][0]["values"]) == (200, [["x"]])


@pytest.mark.parametrize(("fault", "written"), [("reset", None), ("applied_then_reset", "x")])
async def test_a_lost_connection_tells_nothing_about_what_was_done(fault, written):
    async with serving(one_tab(), faults={fault: 1.0}) as (server, session):
        with pytest.raises(aiohttp.ClientError):
            await write(server, session, [["x"]])
        assert server.book("b").cell("S", "A1") == written
        assert server.stats().faults == {fault: 1}


async def test_a_server_that_hangs_can_be_closed_at_once():
    async with serving(one_tab(), faults={"hang": 1.0}) as (server, session):
        call = asyncio.create_task(write(server, session, [["x"]]))
        while not server.stats().writes:  # noqa: ASYNC110 - it arrives on the other side of a socket
            await asyncio.sleep(0.001)
        await server.close()
        with pytest.raises(aiohttp.ClientError):
            await call
    assert server.book("b").values("S") == []


async def test_a_slow_write_is_done_even_when_nobody_waits_for_it_any_more():
    async with serving(one_tab(), faults={"slow": 1.0}, slow_seconds=0.05) as (server, session):
        with pytest.raises(TimeoutError):
            await write(server, session, [["x"]], timeout=aiohttp.ClientTimeout(total=0.01))
        while server.book("b").cell("S", "A1") is None:  # noqa: ASYNC110 - nothing tells when it is done
            await asyncio.sleep(0.001)
    assert server.stats().applied == 1


async def test_behaviour_can_change_and_counts_can_begin_anew():
    async with serving(one_tab()) as (server, session):
        server.behave(SheetBehaviour(faults={"http_503": 1.0}))
        assert await write(server, session, [["x"]]) == 503
        server.behave(SheetBehaviour())
        server.reset()
        assert await write(server, session, [["x"]]) == 200
        assert server.stats().by_status == {200: 1}


async def test_keys_are_written_for_the_owners_eyes_only(tmp_path):
    async with serving() as (server, _):
        email = server.service_account(tmp_path / "key.json")
        server.authorized_user(tmp_path / "person.json")
    key = json.loads((tmp_path / "key.json").read_text())
    assert (key["client_email"], urlsplit(key["token_uri"]).hostname) == (email, "127.0.0.1")
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


async def test_a_file_is_served_as_drive_does(tmp_path):
    (tmp_path / "ferry.mp4").write_bytes(VIDEO)
    files = {"one": tmp_path / "ferry.mp4", "two": VIDEO}
    async with serving(files=files) as (server, session):
        for name in files:
            url = f"{server.url}/drive/v3/files/{name}"
            _, headers, body = await get(session, url, params={"alt": "media"})
            assert (body, headers["Content-Type"]) == (VIDEO, "video/mp4")
        _, _, told = await get(session, url, params={"fields": "name,size,mimeType"})
    assert json.loads(told) == {"name": "two", "mimeType": "video/mp4", "size": "16"}
    assert server.stats().downloads == 2


@pytest.mark.parametrize(
    ("behaviour", "file", "status", "reason"),
    [
        ({}, "none", 404, "notFound"),
        ({"unshared": ("v",)}, "v", 404, "notFound"),
        ({"undownloadable": ("v",)}, "v", 403, "cannotDownloadFile"),
    ],
)
async def test_a_file_that_may_not_be_had_is_refused_as_drive_does(behaviour, file, status, reason):
    async with serving(files={"v": VIDEO}, **behaviour) as (server, session):
        got, _, body = await get(session, f"{server.url}/drive/v3/files/{file}?alt=media")
    assert (got, json.loads(body)["error"]["errors"][0]["reason"]) == (status, reason)


async def test_a_person_sees_the_cells_come_in():
    async with serving({"b": SheetBook({"S": [["<i>"]]})}) as (server, session):
        assert server.sheet_url("b") == f"{server.url}/spreadsheets/d/b/edit#gid=0"
        await write(server, session, [[0.25]], at="S!B1")
        _, headers, page = await get(session, server.sheet_url("b"))
    assert b'<meta http-equiv="refresh" content="2">' in page
    assert b'<td>&lt;i&gt;</td><td class="n">0.25</td>' in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]


async def test_a_page_of_another_site_cannot_reach_it():
    async with serving() as (server, session):
        status, _, _ = await get(session, f"{server.url}/stats", headers={"Host": "evil.example"})
    assert status == 403


async def test_a_port_that_is_taken_is_said():
    async with serving() as (server, _):
        port = urlsplit(server.url).port
        with pytest.raises(InputError, match=f"Port {port} cannot be used"):
            async with SheetServer(port=port):
                pass


async def test_a_server_that_does_not_run_has_no_address():
    with pytest.raises(JobError, match="not running"):
        _ = SheetServer().url


def test_a_server_in_another_process_can_be_filled_and_read():
    with serve_sheet_in_process({"a": SheetBook()}) as server:
        server.place("b", SheetBook({"It's": [["x", 0.5]]}))
        server.behave(SheetBehaviour(writes_per_day=1))
        assert server.book("b").values("It's") == [["x", 0.5]]
        assert server.stats().writes == 0
        server.reset()


def test_a_server_in_another_process_ends_with_its_parent():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    with parent:
        _, pid = parent.stdout.readline().split()
        parent.kill()
    descriptor = os.pidfd_open(int(pid)) if Path(f"/proc/{pid.decode()}").exists() else None
    if descriptor is not None:
        import select

        assert select.select([descriptor], [], [], 30)[0]
        os.close(descriptor)


def test_the_command_serves_a_table_and_prints_its_address(tmp_path):
    table, categories = tmp_path / "t.csv", tmp_path / "c.yaml"
    table.write_text("id,said\n1,too late\n2,=late\n")
    categories.write_text("categories: [{name: punctual, definition: On time.}, price]\n")
    key = tmp_path / "key.json"
    options = ["--table", table, "-t", "said", "-c", categories, "--port", "0", "--json", "--service-account", key]
    with subprocess.Popen([sys.executable, "-c", COMMAND, *map(str, options)], stdout=subprocess.PIPE) as process:
        told = json.loads(process.stdout.readline())
        import urllib.request

        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{told['api']}/books/rehearsal") as response:
            rows = json.load(response)["tabs"][0]["values"]
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    assert rows[1:] == [
        ["", "", "Category", "punctual", "price"],
        ["", "", "Definition", "On time."],
        ["", "", "Detail"],
        [1, "", "too late"],
        [2, "", "=late"],
    ]
    assert json.loads(key.read_text())["token_uri"] == told["token"]
    assert told["url"].endswith("/spreadsheets/d/rehearsal/edit#gid=0")
