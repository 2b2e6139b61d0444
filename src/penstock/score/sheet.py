"""A Google sheet as the table and the place of the scores: texts in one column, a column per category.

Scores go into their cells while the job runs. At the end the cells are read back and compared with the ledger, so that
after any fault on the way the sheet holds what the ledger holds, cell for cell.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import accumulate, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from penstock.errors import DeliveryError, InputError
from penstock.jobs.outlet import Outlet
from penstock.judge.category import Category
from penstock.judge.detail import Detail
from penstock.records import Failure, Verdict
from penstock.tables import Row, Table
from penstock.tables.google import (
    SheetAddress,
    SheetsClient,
    credentials,
    differing,
    merge,
    moved,
    read_scoring_sheet,
)
from penstock.tables.google.a1 import area, cell_name, letters

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from penstock.jobs.workspace import Workspace
    from penstock.ledger.ledger import Ledger
    from penstock.records import Outcome
    from penstock.score.config import ScoreConfig
    from penstock.score.summary import Summary
    from penstock.tables.google import ScoringSheet, SheetLayout

Cells: TypeAlias = "Mapping[tuple[int, int], Any]"
Values: TypeAlias = "Callable[[Outcome, int], Sequence[Any]]"

PAGE = 5_000
"""Rows that are compared with the ledger at a time."""


class SheetRows:
    """The texts of a sheet as the rows of a table with one column."""

    def __init__(self, sheet: ScoringSheet) -> None:
        self._sheet = sheet

    @property
    def columns(self) -> tuple[str, ...]:
        """The letter of the text column."""
        return (self._sheet.layout.text,)

    def rows(self) -> Iterator[Row]:
        """Give every text, from the first row of the layout on."""
        for number, text in enumerate(self._sheet.texts):
            yield Row(number, (text,), problem=self._sheet.problem(number))


class OpenSheet:
    """A sheet that was read, and the way to it.

    Attributes:
        table: Its texts.
        categories: What they are judged against, as the sheet's heads say.
    """

    def __init__(self, client: SheetsClient, address: SheetAddress, sheet: ScoringSheet) -> None:
        self.client = client
        self.address = address
        self.sheet = sheet
        self.table = Table(path=Path(f"tab {sheet.tab}"), source=SheetRows(sheet))
        self.categories = tuple(Category(**category) for category in sheet.categories)

    @classmethod
    async def open(
        cls, url: str, layout: SheetLayout, workspace: Workspace, *, tab: str = "", writes_per_minute: float = 55.0
    ) -> OpenSheet:
        """Read the heads and the texts of a sheet.

        Args:
            url: As a browser shows it.
            layout: Where things stand in it.
            workspace: Closes the connections at its end.
            tab: Name of the tab; empty for the one that the address names, else the first.
            writes_per_minute: Calls that may write to it.

        Raises:
            InputError: There is no such sheet, no access to it, or it is not laid out like that.
        """
        from penstock.web.transport import HttpTransport

        address = SheetAddress.of(url)
        http = await workspace.enter(HttpTransport())
        client = SheetsClient(address, http, credentials(address, http=http), writes_per_minute=writes_per_minute)
        return cls(client, address, await read_scoring_sheet(client, address, layout, tab=tab))


class SheetTarget:
    """Puts scores into the cells of a sheet: while the job goes on, and once more in full at its end."""

    def __init__(self, opened: OpenSheet, config: ScoreConfig) -> None:
        self._client = opened.client
        self._config = config
        self._sheet = opened.sheet
        self._firsts = [0, *accumulate(len(block) for block in config.blocks)]

    @property
    def name(self) -> str:
        """Where the scores are to be seen."""
        return self._config.source

    def outlet(self) -> Outlet:
        """Make what sends scores on while the job goes on."""
        interval, count = self._config.flush_interval, self._config.flush_count
        return Outlet(self.send, interval=interval, count=count, ready=self._client.until_writable)

    def gauges(self) -> dict[str, float]:
        """What the sheet was asked, and how long it took."""
        stats = self._client.stats
        return {
            "sheet_reads": float(stats.reads),
            "sheet_writes": float(stats.writes),
            "sheet_refused": float(stats.refused),
            "sheet_retries": float(stats.retries),
            "sheet_cut": float(stats.cut),
        }

    async def check(self) -> None:
        """Make sure that the scores may be written, and that there is a tab for the rationales where they are wanted.

        Raises:
            InputError: Cells are protected, or they or the tab for the rationales hold something else.
        """
        rows = self._sheet.row(0), self._sheet.row(len(self._sheet.texts) - 1)
        columns = self._sheet.column(0), self._sheet.column(len(self._sheet.categories) - 1)
        await self._client.check_writable(self._sheet.tab, rows=rows, columns=columns)
        await self._check_cells()
        if self._config.rationales:
            await self._check_rationales(rows=rows[1], columns=columns[1])

    async def _check_cells(self) -> None:
        """Make sure that no score would replace a text: people keep notes beside categories, under a name as well."""
        sheet, width = self._sheet, len(self._sheet.categories)
        for first in range(0, len(sheet.texts), PAGE):
            last = min(first + PAGE, len(sheet.texts)) - 1
            place = {"row": sheet.row(first), "last_row": sheet.row(last)}
            (page,) = await self._client.get(
                [area(sheet.tab, **place, column=sheet.column(0), last_column=sheet.column(width - 1))]
            )
            for number, cells in enumerate(page, start=first):
                noted = next((column for column, cell in enumerate(cells) if _is_note(cell)), None)
                if noted is not None and sheet.texts[number].strip():
                    raise self._would_replace(number, noted)

    def _would_replace(self, number: int, category: int) -> InputError:
        sheet = self._sheet
        place, column = cell_name(sheet.row(number), sheet.column(category)), letters(sheet.column(category))
        return InputError(
            f"{place} of the tab '{sheet.tab}' holds a note, which a score would replace: if column {column} is no "
            "category, move it to the left of the texts; else empty the cell."
        )

    async def _check_rationales(self, *, rows: int, columns: int) -> None:
        """Add the tab for the rationales with its heads, unless it is one of this sheet already."""
        wanted, sheet = self._config.rationales, self._sheet
        if wanted == sheet.tab:
            raise InputError(f"The tab {wanted!r} holds the scores: name another one for the rationales.")
        row, column = sheet.layout.name_row, sheet.layout.text_column
        mark = f"Why the scores of {sheet.tab}"
        tabs = {tab.title: tab for tab in (await self._client.book()).tabs}
        tab = tabs.get(wanted) or await self._client.add_tab(wanted, rows=rows, columns=max(columns, column))
        whole = area(wanted, row=1, column=1, last_row=min(tab.rows, PAGE), last_column=tab.columns)
        (there,) = await self._client.get([whole])
        if there and there[row - 1 : row] and there[row - 1][column - 1 : column] == [mark]:
            return
        if any(cell not in {"", None} for cells in there for cell in cells):
            raise InputError(f"The tab {wanted!r} holds something else, which would be lost: name a new one.")
        heads: dict[tuple[int, int], Any] = {(row, column): mark}
        heads |= {(row, sheet.column(number)): category["name"] for number, category in enumerate(sheet.categories)}
        await self._client.update(merge(heads, wanted))

    async def send(self, outcomes: Sequence[Outcome]) -> None:
        """Write what these outcomes say into their cells; a failure that may still be mended is left out.

        Texts that were changed meanwhile get no score. Where most of them stand elsewhere now, nothing is written: a
        row or a column was put in, and scores would overwrite what is not theirs.

        Raises:
            DeliveryError: The sheet could not be written, however often that was tried, or is another one now.
        """
        settled = [one for one in outcomes if isinstance(one, Verdict) or not one.later]
        rows = sorted({one.key.row for one in settled})
        if not rows:
            return
        with _kept():
            changed = await moved(self._client, self._sheet, rows)
        if len(changed) > max(1, len(rows) // 2):
            raise self._is_other(changed)
        there = [one for one in settled if one.key.row not in changed]
        with _kept():
            await self._write({tab: self._cells(there, values) for tab, values in self._tabs()})

    async def deliver(self, ledger: Ledger, job_id: str, *, summary: Summary | None = None) -> None:
        """Make the sheet hold what the ledger holds.

        Raises:
            DeliveryError: It could not be written, or texts that were judged moved while the job ran.
        """
        texts, lost = self._sheet.texts, set[int]()
        with _kept():
            changed = await moved(self._client, self._sheet, range(len(texts)))
            for first in range(0, len(texts), PAGE):
                found = await ledger.outcomes(job_id, first, PAGE)
                outcomes = [one for one in found if texts[one.key.row].strip()]  # others were judged and taken away
                lost |= changed & {outcome.key.row for outcome in outcomes}
                if summary is not None:
                    for outcome in outcomes:
                        summary.take(outcome, self._firsts[outcome.key.part])
                there = [outcome for outcome in outcomes if outcome.key.row not in changed]
                await self._write(
                    {tab: await self._wrong(self._cells(there, values), tab) for tab, values in self._tabs()}
                )
        if lost:
            raise self._is_other(lost)

    def _is_other(self, changed: set[int]) -> DeliveryError:
        row, texts = self._sheet.row(min(changed)), "1 text" if len(changed) == 1 else f"{len(changed)} texts"
        return DeliveryError(
            f"{texts} of the sheet changed or moved while the job ran, the first in row {row}; run the same command "
            "again: what has not changed is taken over, and the rest is judged again."
        )

    def _tabs(self) -> list[tuple[str, Values]]:
        """The tabs that are written, and what goes into each."""
        tabs: list[tuple[str, Values]] = [(self._sheet.tab, _scores)]
        return [*tabs, (self._config.rationales, _rationales)] if self._config.rationales else tabs

    async def _wrong(self, wanted: Cells, tab: str) -> Cells:
        """Those of the wanted cells that hold something else."""
        rows = groupby(sorted(wanted.items()), key=lambda cell: cell[0][0])
        by_row = [(row, {column: value for (_, column), value in cells}) for row, cells in rows]
        return await differing(self._client, tab, by_row)

    async def _write(self, cells: Mapping[str, Cells]) -> None:
        """Write cells of several tabs with one request, as far as it holds them."""
        blocks = [block for tab, there in cells.items() for block in merge(there, tab)]
        if blocks:
            await self._client.update(blocks)

    def _cells(self, outcomes: Sequence[Outcome], values: Values) -> dict[tuple[int, int], Any]:
        """Say what belongs into which cell; a failed item's cells are blank."""
        cells: dict[tuple[int, int], Any] = {}
        for outcome in outcomes:
            start, stop = self._firsts[outcome.key.part], self._firsts[outcome.key.part + 1]
            for column, value in enumerate(values(outcome, stop - start), start=self._sheet.column(start)):
                cells[self._sheet.row(outcome.key.row), column] = value
        return cells


@contextmanager
def _kept() -> Generator[None]:
    """Say of whatever goes wrong on the way to the sheet that nothing is lost by it."""
    try:
        yield
    except (InputError, DeliveryError) as error:
        raise DeliveryError(f"{error} All results are kept: `penstock jobs resume` brings them.") from error


def _is_note(cell: Any) -> bool:
    """Say whether a cell holds somebody's note: a tick, or more than a word; a word may stand for a missing score."""
    return isinstance(cell, bool) or (isinstance(cell, str) and len(cell.split()) > 1)


def _scores(outcome: Outcome, width: int) -> Sequence[Any]:
    return [""] * width if isinstance(outcome, Failure) else outcome.scores


def _rationales(outcome: Outcome, width: int) -> Sequence[Any]:
    if isinstance(outcome, Failure):
        return [""] * width
    found = [str(detail["rationale"]) for detail in Detail.decode(outcome.detail).details]
    return found or [""] * width
