"""Reads and writes one spreadsheet.

Cells are written as values into fixed ranges, never as formulas and never by appending: sending the same update twice
changes nothing more.

Source: https://developers.google.com/workspace/sheets/api/reference/rest
"""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from penstock.errors import DeliveryError, InputError, NoServer, Refused, Unreachable
from penstock.flow.retry import Backoff
from penstock.tables.google.a1 import area
from penstock.tables.google.book import FIELDS, Area, Tab, read_book
from penstock.tables.google.calls import Calls, Declined, Rhythm
from penstock.tables.google.cells import CellBlock, fit, is_cut, requests
from penstock.tables.google.complaint import about_protection
from penstock.tables.google.stats import SheetStats
from penstock.tables.google.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence

    from penstock.tables.google.account import Authorizer
    from penstock.tables.google.address import SheetAddress
    from penstock.tables.google.book import Book
    from penstock.web.transport import Http

PER_MINUTE = 55.0
"""Requests of each kind; Google lets a user make 60."""
READS_SAVED = 4
"""Reads that a quiet time saves up: a sheet is opened, and compared at the end, without waiting between its pages."""


class OutsideGrid(InputError):
    """A range that was to be read lies outside its tab."""


class _Ranges(msgspec.Struct):
    values: list[list[Any]] = msgspec.field(default_factory=list)


class _Batch(msgspec.Struct, rename="camel"):
    value_ranges: list[_Ranges] = msgspec.field(default_factory=list)


class SheetsClient:
    """One spreadsheet; many tasks may use it at once, and their updates are written one after the other.

    Attributes:
        stats: What it has done so far.
    """

    def __init__(
        self,
        address: SheetAddress,
        http: Http,
        authorizer: Authorizer,
        *,
        reads_per_minute: float = PER_MINUTE,
        writes_per_minute: float = PER_MINUTE,
        attempts: int = 5,
        timeout: float = 30.0,
        patience: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        """Remember whom to ask; nothing is sent yet.

        Args:
            address: Which spreadsheet.
            http: What sends the requests; its owner closes it.
            authorizer: Whose requests they are.
            reads_per_minute: Most requests that read in any minute.
            writes_per_minute: Most requests that write in any minute.
            attempts: Tries per request without an answer; refusals are not counted.
            timeout: Seconds for one answer.
            patience: Seconds of nothing but refusals after which a request is given up.
            clock: Gives seconds.
            sleep: Waits seconds.
            rng: Where jitter comes from.
        """
        now = clock()
        self.stats = SheetStats()
        self._address = address
        self._authorizer = authorizer
        self._attempts = attempts
        self._updating = anyio.Lock()
        self._calls = Calls(
            address=address,
            http=http,
            authorizer=authorizer,
            rhythm=Rhythm(
                clock=clock,
                sleep=sleep,
                rng=rng or random.Random(),  # noqa: S311 - jitter, not secrets
                backoff=Backoff(attempts=attempts, base=1.0, cap=32.0),
                patience=patience,
                timeout=timeout,
            ),
            stats=self.stats,
            read_turns=Turns(reads_per_minute, now=now, at_once=True, saved=READS_SAVED),
            write_turns=Turns(writes_per_minute, now=now, at_once=False),
        )

    async def book(self) -> Book:
        """Read the title and the tabs.

        Raises:
            InputError: It cannot be read; says why.
        """
        with self._preparing():
            told = await self._calls.get("", [("fields", FIELDS)])
            try:
                return read_book(told)
            except msgspec.ValidationError:
                raise InputError(f"{self._address.url} did not answer as a Google Sheet.") from None

    async def get(self, ranges: Sequence[str]) -> list[list[list[Any]]]:
        """Read the values of some ranges in one request.

        Args:
            ranges: In A1 notation, within the grid.

        Returns:
            For every range its rows from the first on; empty cells at the end of a row and empty rows at the end are
            left out. Numbers, truth values and texts come as such; dates come as they are shown.

        Raises:
            OutsideGrid: One of them begins outside its tab.
            InputError: They cannot be read; says why.
        """
        query = [("ranges", one) for one in ranges]
        query += [("majorDimension", "ROWS"), ("valueRenderOption", "UNFORMATTED_VALUE")]
        query += [("dateTimeRenderOption", "FORMATTED_STRING")]
        with self._preparing():
            told = await self._calls.get("/values:batchGet", query)
            try:
                found = msgspec.convert(told, _Batch).value_ranges
            except msgspec.ValidationError:
                found = []
            if len(found) != len(ranges):
                raise InputError(f"{self._address.url} did not answer as a Google Sheet.")
            return [one.values for one in found]

    async def until_writable(self) -> None:
        """Wait until an update would be sent at once, so that it can be put together as late as possible."""
        await self._calls.until_writable()

    async def update(self, blocks: Iterable[CellBlock]) -> None:
        """Write values into their cells; a grid that is too small is enlarged.

        Texts longer than a cell holds are cut and end in a mark; `stats.cut` counts them.

        Raises:
            DeliveryError: They could not be written; says why. Some of them may have been.
        """
        async with self._updating:
            for request in requests([self._fitted(block) for block in blocks]):
                with self._delivering(request[0].range):
                    await self._put(request)

    async def check_writable(self, tab: str, *, rows: tuple[int, int], columns: tuple[int, int]) -> None:
        """Make sure that cells may be written: by what the tab says is protected, and by a change that changes nothing.

        Args:
            tab: Name of the tab.
            rows: The first and the last row, counted from 1.
            columns: The first and the last column, counted from 1.

        Raises:
            InputError: They may not; says why.
        """
        wanted = Area(row=rows[0], column=columns[0], last_row=rows[1], last_column=columns[1])
        for closed in (await self.book()).tab(tab).closed:
            if closed.meets(wanted):
                said = about_protection(self._authorizer.account, _within(closed, wanted, tab))
                raise Refused(f"{self._address.url}: {said}")
        unchanged = ((None,) * (columns[1] - columns[0] + 1),)
        blocks = [CellBlock(tab=tab, row=row, column=columns[0], values=unchanged) for row in sorted(set(rows))]
        async with self._updating:
            with self._preparing(blocks[0].range):
                await self._put(blocks)

    async def add_tab(self, title: str, *, rows: int, columns: int) -> Tab:
        """Add a tab, unless there is one of this name.

        Raises:
            InputError: It cannot be added; says why.
        """
        grid = {"rowCount": rows, "columnCount": columns}
        request = {"addSheet": {"properties": {"title": title, "gridProperties": grid}}}
        async with self._updating:
            with self._preparing(f"'{title}'"):
                try:
                    await self._calls.post(":batchUpdate", {"requests": [request]})
                except Declined as declined:  # one that an earlier try, or an earlier run, has added
                    if not declined.complaint.tab_exists:
                        raise
        return (await self.book()).tab(title)

    def _fitted(self, block: CellBlock) -> CellBlock:
        values = tuple(tuple(fit(value) for value in row) for row in block.values)
        self.stats.cut += sum(is_cut(value) for row in values for value in row)
        return CellBlock(tab=block.tab, row=block.row, column=block.column, values=values)

    async def _put(self, blocks: Sequence[CellBlock]) -> None:
        body = {
            "valueInputOption": "RAW",
            "includeValuesInResponse": False,
            "data": [block.wire() for block in blocks],
        }
        try:
            await self._calls.post("/values:batchUpdate", body)
        except Declined as declined:
            if not declined.complaint.beyond_grid:
                raise
            await self._grow(blocks)
            await self._calls.post("/values:batchUpdate", body)
        self.stats.cells += sum(value is not None for block in blocks for _, value in block.cells())

    async def _grow(self, blocks: Sequence[CellBlock]) -> None:
        """Append what the grids lack: appending cannot take away what somebody else adds at the same time."""
        book = await self.book()
        missing: list[dict[str, Any]] = []
        for title in dict.fromkeys(block.tab for block in blocks):
            tab = book.tab(title)
            own = [block for block in blocks if block.tab == title]
            lacking = {
                "ROWS": max(block.last_row for block in own) - tab.rows,
                "COLUMNS": max(block.last_column for block in own) - tab.columns,
            }
            missing += [
                {"appendDimension": {"sheetId": tab.gid, "dimension": dimension, "length": length}}
                for dimension, length in lacking.items()
                if length > 0
            ]
        if missing:
            await self._calls.post(":batchUpdate", {"requests": missing})

    @contextmanager
    def _preparing(self, writing: str = "") -> Generator[None]:
        """Translate what goes wrong before there are results."""
        try:
            yield
        except Declined as declined:
            refused = declined.complaint.http in {401, 403, 404, 429}
            kind = Refused if refused else OutsideGrid if declined.complaint.beyond_grid else InputError
            raise kind(self._sentence(declined, writing)) from None
        except Unreachable as error:
            raise NoServer(
                f"{self._address.url} gave no answer in {self._attempts} tries ({error}): check the connection and run "
                f"it again."
            ) from error

    @contextmanager
    def _delivering(self, writing: str) -> Generator[None]:
        """Translate what goes wrong with results, which are kept elsewhere."""
        try:
            yield
        except Declined as declined:
            raise DeliveryError(self._sentence(declined, writing)) from None
        except InputError as error:
            raise DeliveryError(str(error)) from error
        except Unreachable as error:
            raise DeliveryError(
                f"{self._address.url} did not take the results in {self._attempts} tries ({error}): resume when it "
                f"does."
            ) from error

    def _sentence(self, declined: Declined, writing: str) -> str:
        who = self._authorizer
        said = declined.complaint.sentence(account=who.account, source=who.source, writing=writing)
        return f"{self._address.url}: {said}"


def _within(closed: Area, wanted: Area, tab: str) -> str:
    """Name the cells that two areas have in common."""
    return area(
        tab,
        row=max(closed.row, wanted.row),
        column=max(closed.column, wanted.column),
        last_row=min(closed.last_row, wanted.last_row),
        last_column=min(closed.last_column, wanted.last_column),
    )
