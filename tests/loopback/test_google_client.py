"""The client of a spreadsheet against a server with quotas, faults and protected cells."""

from itertools import pairwise

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from googling import Time, new_client, sheet_client
from penstock.errors import DeliveryError, InputError, NoServer, Refused
from penstock.tables.google import LONGEST_TEXT, CellBlock, SheetAddress, credentials, differing, merge
from penstock.testing.sheet.behaviour import SheetBehaviour
from penstock.testing.sheet.book import SheetBook
from penstock.web.transport import HttpTransport

pytestmark = pytest.mark.anyio

STORM = {
    "http_429": 0.15,
    "http_503": 0.1,
    "http_500": 0.05,
    "http_502_html": 0.05,
    "reset": 0.1,
    "applied_then_503": 0.1,
    "applied_then_reset": 0.1,
}


def block(values, *, tab="Comments", row=5, column=4):
    return CellBlock(tab=tab, row=row, column=column, values=tuple(tuple(line) for line in values))


async def test_a_book_tells_its_title_and_tabs():
    async with sheet_client() as (_, client):
        book = await client.book()
    assert book.title == "Library comments"
    assert [(tab.title, tab.gid, tab.rows, tab.columns) for tab in book.tabs] == [("Comments", 0, 1000, 26)]


async def test_several_ranges_are_read_in_one_request():
    async with sheet_client() as (server, client):
        names, texts, nothing = await client.get(["'Comments'!D2:H2", "'Comments'!C5:C6", "'Comments'!Z9"])
        assert names == [["opening hours", "staff", "collection", "building"]]
        assert len(texts) == 2
        assert nothing == []
        assert server.stats().reads == 1


async def test_numbers_are_written_as_numbers_and_texts_as_texts():
    async with sheet_client() as (server, client):
        await client.update([block([[0.25, "=1+1", True, "0.25"]])])
        assert server.book().values("Comments")[4][3:7] == [0.25, "=1+1", True, "0.25"]


async def test_a_cell_without_a_value_is_left_and_an_empty_text_clears_it():
    async with sheet_client() as (server, client):
        await client.update([block([[1, 2, 3]])])
        await client.update([block([[None, "", 4]])])
        assert [server.book().cell("Comments", f"{column}5") for column in "DEF"] == [1, None, 4]


async def test_a_text_that_is_too_long_is_cut_and_counted():
    async with sheet_client() as (server, client):
        await client.update([block([["あ" * (LONGEST_TEXT + 1), "short"]])])
        written = server.book().cell("Comments", "D5")
        assert len(written) == LONGEST_TEXT
        assert written.endswith("…[cut]")
        assert client.stats.cut == 1


@pytest.mark.parametrize("tab", ["It's 100% odd; a&b=c+d #1", "A1", "日本語", "a!b:c", "/?%27"])
async def test_a_tab_of_any_name_is_written_and_read_back(tab):
    async with sheet_client(books={"b": SheetBook({tab: []})}, book="b") as (server, client):
        await client.update([block([[1, "x"]], tab=tab)])
        assert server.book("b").values(tab)[4][3:] == [1, "x"]
        (read,) = await client.get(["'" + tab.replace("'", "''") + "'!D5:E5"])
        assert read == [[1, "x"]]


async def test_a_large_update_is_divided_into_requests():
    async with sheet_client() as (server, client):
        await client.update([block([["x" * 40_000] * 10] * 10)])
        assert server.stats().applied == 6
        assert client.stats.cells == 100
        assert not await differing(
            client, "Comments", [(row, dict.fromkeys(range(4, 14), "x" * 40_000)) for row in range(5, 15)]
        )


async def test_a_grid_that_is_too_small_is_enlarged():
    async with sheet_client(books={"b": SheetBook({"T": []}, rows=10, columns=5)}, book="b") as (server, client):
        await client.update([block([[1, 2], [3, 4]], tab="T", row=12, column=7)])
        (tab,) = (await client.book()).tabs
        assert (tab.rows, tab.columns) == (13, 8)
        assert server.book("b").cell("T", "H13") == 4


async def test_a_tab_is_added_once():
    async with sheet_client() as (server, client):
        first = await client.add_tab("It's why", rows=20, columns=3)
        assert (first.rows, first.columns) == (20, 3)
        assert await client.add_tab("It's why", rows=99, columns=9) == first
        assert list(server.book().tabs) == ["Comments", "It's why"]


async def test_a_tab_whose_adding_was_not_confirmed_is_added_once():
    storm = SheetBehaviour(faults={"applied_then_503": 0.7}, faults_on=("writes",))
    async with sheet_client(storm, attempts=30) as (server, client):
        for number in range(5):
            await client.add_tab(f"T{number}", rows=20, columns=3)
        assert len(server.book().tabs) == 6


async def test_writes_are_spaced_so_that_no_quota_is_exceeded():
    async with sheet_client() as (server, client):
        for number in range(150):
            await client.update([block([[number]])])
        stats = server.stats()
        assert stats.refused == 0
        assert stats.most_writes <= 56


async def test_processes_that_follow_each_other_keep_the_quota_of_writes():
    async with sheet_client() as (server, _), HttpTransport() as http:
        address, time = SheetAddress.of(server.sheet_url()), server._clock
        for life in range(30):
            client = new_client(address, http, credentials(address, http=http, environment={}), time)
            for number in range(4):
                await client.update([block([[life * number]])])
        assert server.stats().refused == 0


async def test_a_quota_that_others_use_up_is_waited_for():
    async with sheet_client(SheetBehaviour(writes_per_minute_per_user=10)) as (server, client):
        for number in range(40):
            await client.update([block([[number]], row=5 + number)])
        assert [row[3] for row in server.book().values("Comments")[16:44]] == list(range(12, 40))
        assert client.stats.refused == server.stats().refused > 0


async def test_a_wait_that_the_server_names_is_kept():
    behaviour = SheetBehaviour(faults={"http_429": 0.5}, faults_on=("writes",), retry_after=20.0)
    async with sheet_client(behaviour) as (server, client):
        for number in range(10):
            await client.update([block([[number]])])
        assert client.stats.refused > 0
        times = server.stats().write_times
        waits = [later - one for one, later in pairwise(times)]
        assert sum(wait >= 20 for wait in waits) >= client.stats.refused - 1


async def test_a_storm_leaves_the_sheet_as_without_faults():
    wanted = {(row, column): (row * column % 7) / 7 for row in range(5, 205) for column in range(4, 8)}
    async with sheet_client(SheetBehaviour(faults=STORM, seed=5), attempts=12) as (server, client):
        for row in range(5, 205, 10):
            await client.update(merge({at: wanted[at] for at in wanted if row <= at[0] < row + 10}, "Comments"))
        for (row, column), value in wanted.items():
            assert server.book().values("Comments")[row - 1][column - 1] == value
        assert set(server.stats().faults) >= {"http_429", "reset", "applied_then_503"}
        assert client.stats.retries > 0


@given(seed=st.integers(0, 10_000))
async def test_whatever_goes_wrong_every_update_is_applied(seed):
    async with sheet_client(SheetBehaviour(faults=STORM, seed=seed), attempts=60) as (server, client):
        await client.update([block([[1, 2]])])
        await client.update([block([[3]])])
        assert server.book().values("Comments")[4][3:5] == [3, 2]


async def test_a_server_that_hangs_is_given_up_with_the_reason():
    behaviour = SheetBehaviour(faults={"hang": 1.0}, faults_on=("writes",))
    async with sheet_client(behaviour, timeout=0.05, attempts=2) as (server, client):
        with pytest.raises(DeliveryError, match=r"in 2 tries \(no answer within 0\.05 s\): resume"):
            await client.update([block([[1]])])
        assert server.stats().writes == 2


async def test_writes_end_after_their_attempts_with_the_reason():
    behaviour = SheetBehaviour(faults={"http_503": 1.0}, faults_on=("writes",))
    async with sheet_client(behaviour) as (server, client):
        with pytest.raises(DeliveryError, match=r"in 5 tries .*HTTP 503: The service is currently unavailable"):
            await client.update([block([[1]])])
        assert server.stats().writes == 5


async def test_reads_end_after_their_attempts_with_the_reason():
    async with sheet_client(SheetBehaviour(faults={"http_502_html": 1.0})) as (server, client):
        with pytest.raises(NoServer, match=r"gave no answer in 5 tries .*HTTP 502"):
            await client.book()
        assert server.stats().reads == 5


async def test_nobody_at_the_address_is_told():
    async with HttpTransport() as http:
        address = SheetAddress.of("http://127.0.0.1:9/spreadsheets/d/x")
        client = new_client(address, http, credentials(address, http=http, environment={}), Time())
        with pytest.raises(NoServer, match="the connection failed"):
            await client.book()


async def test_refusals_without_end_are_given_up_after_the_patience():
    async with sheet_client(SheetBehaviour(writes_per_minute_per_user=0)) as (_, client):
        with pytest.raises(DeliveryError, match="quota for a minute stayed used up"):
            await client.update([block([[1]])])
        assert 200 < client.stats.waited_s <= 301


async def test_a_quota_of_the_day_ends_at_once():
    async with sheet_client(SheetBehaviour(writes_per_day=2)) as (server, client):
        for number in range(2):
            await client.update([block([[number]])])
        with pytest.raises(DeliveryError, match=r"quota for the day is used up.*resume tomorrow"):
            await client.update([block([[3]])])
        assert server.stats().writes == 3


async def test_a_quota_of_the_day_for_reading_is_a_refusal():
    async with sheet_client(SheetBehaviour(reads_per_day=0)) as (_, client):
        with pytest.raises(Refused, match="quota for the day is used up"):
            await client.book()


@pytest.mark.parametrize(
    ("behaviour", "error", "said"),
    [
        (SheetBehaviour(unshared=("rehearsal",)), Refused, r"no access to the sheet \(HTTP 403\)"),
        (SheetBehaviour(require_token=True), Refused, "wants credentials .* GOOGLE_APPLICATION_CREDENTIALS"),
    ],
)
async def test_a_sheet_that_may_not_be_read_says_why(behaviour, error, said):
    async with sheet_client(behaviour) as (server, client):
        with pytest.raises(error, match=said):
            await client.book()
        assert server.stats().reads == 1


async def test_a_sheet_that_is_not_there_says_so():
    async with sheet_client(book="missing") as (_, client):
        with pytest.raises(Refused, match="no such sheet"):
            await client.book()


async def test_a_tab_that_was_renamed_meanwhile_is_told():
    async with sheet_client() as (_, client):
        with pytest.raises(DeliveryError, match="no longer there, or was renamed"):
            await client.update([block([[1]], tab="Gone")])


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (SheetBehaviour(readonly=("rehearsal",)), "read but not written .* as an editor"),
        (SheetBehaviour(protected=("Comments!E5:E9",)), "'Comments'!D5:E5 is protected"),
    ],
)
async def test_cells_that_may_not_be_written_say_why(behaviour, said):
    async with sheet_client(behaviour) as (_, client):
        with pytest.raises(DeliveryError, match=said):
            await client.update([block([[1, 2]])])


async def test_a_sheet_for_reading_only_is_found_out_before_there_are_results():
    async with sheet_client(SheetBehaviour(readonly=("rehearsal",))) as (_, client):
        with pytest.raises(InputError, match="read but not written"):
            await client.check_writable("Comments", rows=(5, 16), columns=(4, 7))


async def test_finding_out_whether_cells_may_be_written_changes_none():
    async with sheet_client() as (server, client):
        await client.update([block([[1, 2, 3, 4]])])
        before = server.book().values("Comments")
        await client.check_writable("Comments", rows=(5, 16), columns=(4, 7))
        assert server.book().values("Comments") == before


async def test_cells_that_differ_are_found():
    async with sheet_client() as (server, client):
        await client.update([block([[0.1, 0.2], [0.3, "x"]])])
        wanted = [(5, {4: 0.1, 5: 0.25}), (6, {4: 0.3, 5: "x", 6: ""}), (900, {4: 1.0, 7: None})]
        assert await differing(client, "Comments", wanted) == {(5, 5): 0.25, (900, 4): 1.0}
        assert server.stats().reads == 1


async def test_what_differs_can_be_mended():
    wanted = {(row, column): row / column for row in range(5, 305) for column in range(4, 8)}
    rows = [(row, {column: wanted[row, column] for column in range(4, 8)}) for row in range(5, 305)]
    async with sheet_client() as (_, client):
        await client.update(merge({at: value for at, value in wanted.items() if at[0] % 7}, "Comments"))
        await client.update(merge(await differing(client, "Comments", rows), "Comments"))
        assert not await differing(client, "Comments", rows)


async def test_what_lies_outside_the_grid_differs_and_is_mended():
    async with sheet_client(books={"b": SheetBook({"T": []}, rows=10, columns=5)}, book="b") as (_, client):
        wanted = [(20, {9: 0.5})]
        missing = await differing(client, "T", wanted)
        assert missing == {(20, 9): 0.5}
        await client.update(merge(missing, "T"))
        assert not await differing(client, "T", wanted)


async def test_updates_that_come_at_once_are_written_one_after_the_other():
    async with sheet_client(SheetBehaviour(faults=STORM, seed=2), attempts=60) as (server, client):
        async with anyio.create_task_group() as tasks:
            for row in range(5, 25):
                tasks.start_soon(client.update, [block([[row]], row=row)])
        assert [server.book().cell("Comments", f"D{row}") for row in range(5, 25)] == list(range(5, 25))
