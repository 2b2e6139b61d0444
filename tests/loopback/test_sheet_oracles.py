"""Google's own client and gspread drive the sheet server as they drive Google's."""

import asyncio
import json
from contextlib import closing, contextmanager

import google.auth.credentials
import google.auth.transport.requests
import google.oauth2.credentials
import google.oauth2.service_account
import gspread
import gspread.http_client
import httplib2
import pytest
import requests
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from penstock.testing.sheet.behaviour import SheetBehaviour
from penstock.testing.sheet.book import SheetBook
from penstock.testing.sheet.server import SheetServer

pytestmark = pytest.mark.anyio

SCOPES = ["https://www.googleapis.com/auth/spreadsheets"]
GOOGLE = "https://sheets.googleapis.com"
TAB = "It's a tab"


def book():
    return SheetBook({TAB: [["id", "text"], [1, "=1+1"], [2, "two"]], "Other": []}, title="Trip")


@pytest.fixture
async def server():
    async with SheetServer({"b": book()}) as running:
        yield running


def a_token(key):
    """A token as google-auth buys it. Its `before_request` is not used: it asks Google about regions in a thread."""
    account = google.oauth2.service_account.Credentials.from_service_account_file(str(key), scopes=SCOPES)
    with requests.Session() as session:
        session.trust_env = False
        account.refresh(google.auth.transport.requests.Request(session))
    return google.oauth2.credentials.Credentials(account.token)


@contextmanager
def official(server, credentials=None):
    """The `spreadsheets` of Google's client."""
    caller = {"credentials": credentials} if credentials else {"http": httplib2.Http(proxy_info=None)}
    service = build(
        "sheets",
        "v4",
        **caller,
        static_discovery=True,
        cache_discovery=False,
        client_options={"api_endpoint": server.url},
    )
    with closing(service):
        yield service.spreadsheets()


@contextmanager
def with_gspread(server, monkeypatch):
    """A client of gspread, whose addresses are constants of its modules."""
    for name, address in vars(gspread.http_client).copy().items():
        if name.endswith("_URL") and address.startswith(GOOGLE):
            monkeypatch.setattr(gspread.http_client, name, address.replace(GOOGLE, server.url))
    with requests.Session() as session:
        session.trust_env = False
        yield gspread.Client(google.auth.credentials.AnonymousCredentials(), session=session)


async def test_googles_client_reads_and_writes(server):
    def drive():
        with official(server) as sheets:
            data = [{"range": "'It''s a tab'!C2:D3", "values": [[0.5, None], ["=2", True]]}]
            write = sheets.values().batchUpdate(spreadsheetId="b", body={"valueInputOption": "RAW", "data": data})
            told = write.execute()["totalUpdatedCells"]
            ranges = ["'It''s a tab'!A2:D", "Other"]
            read = sheets.values().batchGet(spreadsheetId="b", ranges=ranges, valueRenderOption="UNFORMATTED_VALUE")
            return told, read.execute()["valueRanges"]

    told, read = await asyncio.to_thread(drive)
    assert told == 3
    assert read[0]["values"] == [[1, "=1+1", 0.5], [2, "two", "=2", True]]
    assert read[1] == {"range": "Other!A1:Z1000", "majorDimension": "ROWS"}
    assert server.book("b").formulas() == []


async def test_googles_client_adds_a_tab_and_lists_it(server):
    def drive():
        with official(server) as sheets:
            wanted = [{"addSheet": {"properties": {"title": "Why", "gridProperties": {"rowCount": 5}}}}]
            reply = sheets.batchUpdate(spreadsheetId="b", body={"requests": wanted}).execute()["replies"][0]
            titles = sheets.get(spreadsheetId="b", fields="sheets.properties.title").execute()
            return reply["addSheet"]["properties"]["sheetId"], titles

    gid, titles = await asyncio.to_thread(drive)
    assert gid == 2
    assert [each["properties"]["title"] for each in titles["sheets"]] == [TAB, "Other", "Why"]


async def test_googles_client_updates_appends_clears_and_creates(server):
    def drive():
        with official(server) as sheets:
            values, there = sheets.values(), {"spreadsheetId": "b", "valueInputOption": "RAW"}
            values.update(**there, range="Other!A1", body={"values": [["x"]]}).execute()
            values.append(**there, range="Other!A:A", body={"values": [["y"]]}).execute()
            values.clear(spreadsheetId="b", range="Other!A1").execute()
            made = sheets.create(body={"properties": {"title": "New"}}, fields="spreadsheetId").execute()
            return sheets.get(spreadsheetId=made["spreadsheetId"]).execute()["properties"]["title"]

    assert await asyncio.to_thread(drive) == "New"
    assert server.book("b").values("Other") == [[], ["y"]]


@pytest.mark.parametrize(
    ("behaviour", "address", "status", "words"),
    [
        ({"reads_per_minute_per_user": 0}, "Other!A1", 429, "Quota exceeded for quota metric 'Read requests'"),
        ({"unshared": ("b",)}, "Other!A1", 403, "The caller does not have permission"),
        ({"require_token": True}, "Other!A1", 401, "missing required authentication credential"),
        ({}, "Gone!A1", 400, "Unable to parse range: Gone!A1"),
        ({"faults": {"http_503": 1.0}}, "Other!A1", 503, "currently unavailable"),
    ],
)
async def test_googles_client_understands_the_errors(server, behaviour, address, status, words):
    server.behave(SheetBehaviour(**behaviour))
    with official(server) as sheets:
        read = sheets.values().get(spreadsheetId="b", range=address)
        with pytest.raises(HttpError, match=words) as caught:
            await asyncio.to_thread(read.execute)
    assert caught.value.resp.status == status


async def test_a_write_that_googles_client_repeats_after_a_503_is_there_once(server):
    server.behave(SheetBehaviour(seed=3, faults={"applied_then_503": 0.5}))
    with official(server) as sheets:
        there = {"spreadsheetId": "b", "range": "Other!A1", "valueInputOption": "RAW"}
        write = sheets.values().update(**there, body={"values": [["x"]]})
        write._sleep = lambda _: None
        await asyncio.to_thread(write.execute, num_retries=9)
    assert server.book("b").values("Other") == [["x"]]
    assert server.stats().applied_again == server.stats().faults["applied_then_503"]


async def test_googles_credentials_buy_a_token_here(server, tmp_path):
    server.service_account(tmp_path / "key.json")
    server.behave(SheetBehaviour(require_token=True))

    def drive():
        with official(server, a_token(tmp_path / "key.json")) as sheets:
            return sheets.get(spreadsheetId="b").execute()["properties"]["title"]

    assert await asyncio.to_thread(drive) == "Trip"
    assert server.stats().tokens == 1


async def test_gspread_reads_and_writes(server, monkeypatch):
    def drive():
        with with_gspread(server, monkeypatch) as client:
            opened = client.open_by_key("b")
            tab = opened.worksheet(TAB)
            tab.update([[0.5], [0.25]], "C2:C3")
            tab.batch_update([{"range": "D2", "values": [["=2"]]}], raw=True)
            return tab.get_all_values(), tab.row_count, [each.title for each in opened.worksheets()]

    values, rows, titles = await asyncio.to_thread(drive)
    assert values == [["id", "text", "", ""], ["1", "=1+1", "0.5", "=2"], ["2", "two", "0.25", ""]]
    assert (rows, titles) == (1000, [TAB, "Other"])
    assert server.book("b").formulas() == []


async def test_gspread_adds_grows_clears_and_removes_tabs(server, monkeypatch):
    def drive():
        with with_gspread(server, monkeypatch) as client:
            opened = client.open_by_key("b")
            made = opened.add_worksheet("Why", rows=3, cols=2)
            made.add_rows(2)
            made.append_row(["x"])
            made.append_row(["y"])
            made.batch_clear(["A1"])
            opened.del_worksheet(opened.worksheet("Other"))

    await asyncio.to_thread(drive)
    assert list(server.book("b").tabs) == [TAB, "Why"]
    assert server.book("b").tabs["Why"].rows == 5
    assert server.book("b").values("Why") == [[], ["y"]]


async def test_gspread_tells_a_quota_from_what_is_not_there(server, monkeypatch):
    server.behave(SheetBehaviour(writes_per_minute_per_user=0))
    with with_gspread(server, monkeypatch) as client:
        opened = await asyncio.to_thread(client.open_by_key, "b")
        tab = await asyncio.to_thread(opened.worksheet, "Other")
        with pytest.raises(gspread.exceptions.APIError) as caught:
            await asyncio.to_thread(tab.update, [["x"]], "A1")
        with pytest.raises(gspread.exceptions.WorksheetNotFound):
            await asyncio.to_thread(opened.worksheet, "Gone")
        with pytest.raises(gspread.exceptions.SpreadsheetNotFound):
            await asyncio.to_thread(client.open_by_key, "gone")
    details = json.loads(caught.value.response.text)["error"]["details"]
    assert (caught.value.code, details[0]["reason"]) == (429, "RATE_LIMIT_EXCEEDED")
