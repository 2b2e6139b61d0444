"""What tests and benchmarks of score jobs on sheets share: sheets of made-up texts, and what must stand in them."""

from __future__ import annotations

import random
import time
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.testing import Behaviour, ModelServer, expected_scores
from penstock.testing.answers import score_text
from penstock.testing.sheet.sample import FIRST_ROW, TAB, lay_out
from penstock.testing.sheet.server import SheetServer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from penstock.testing.sheet.behaviour import SheetBehaviour
    from penstock.testing.sheet.book import SheetBook

BOOK = "b"
TEXT, FIRST = 3, 4
"""Columns of the texts and of the first category."""
BLOCK = 10
"""Categories in one call."""
UNFIT = "(no numbers for this)"
"""A text with this in it gets an answer without numbers, however often it is asked."""
ODD = (
    "=SUM(A1:A3)",
    '=IMPORTXML("http://127.0.0.1/")',
    "+41 44 000 00 00",
    "-1",
    "@everyone",
    "'quoted",
    "two\nlines",
    "Schade, dass schon um zwölf geschlossen wird.",
    "司書さんが親切で 📚",
    "1e5",
    "TRUE",
    "2026-01-02",
)
"""Texts that a sheet typed by hand would take for something else."""
Cells = dict[int, dict[int, Any]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A sheet before a job, and which cells it must fill.

    Attributes:
        texts: From row 5 on; empty ones between them.
        width: Categories.
        book: The sheet.
    """

    texts: Sequence[str]
    width: int
    book: SheetBook

    @property
    def blocks(self) -> list[int]:
        """Categories in each call."""
        return [min(BLOCK, self.width - start) for start in range(0, self.width, BLOCK)]

    def cells(self) -> dict[str, Cells]:
        """What each tab must hold after the job, and nothing else."""
        found = held(self.book)
        for number, text in enumerate(self.texts):
            if text.strip():
                found[TAB].setdefault(FIRST_ROW + number, {}).update(self._scores(text))
        for row in [row for row, line in found[TAB].items() if not any(value != "" for value in line.values())]:
            del found[TAB][row]
        return {tab: {row: _filled(line) for row, line in rows.items()} for tab, rows in found.items()}

    def _scores(self, text: str) -> dict[int, Any]:
        scores: list[Any] = []
        for size in self.blocks:
            scores += [""] * size if UNFIT in text else expected_scores(text, size)
        return dict(enumerate(scores, start=FIRST))


def _filled(line: Mapping[int, Any]) -> dict[int, Any]:
    return {column: value for column, value in line.items() if value != ""}


def plan(rows: int, width: int, *, seed: int = 0, blank: float = 0.0, unfit: float = 0.0, stale: float = 0.0) -> Plan:
    """Make up a sheet.

    Args:
        rows: Texts, empty ones included.
        width: Categories.
        seed: The sheet follows from it.
        blank: Share of the rows without a text.
        unfit: Share of the texts that no model can judge.
        stale: Share of the cells that hold a score of an earlier time.
    """
    rng = random.Random(seed)
    texts = [_text(number, rng, blank=blank, unfit=unfit) for number in range(rows - 1)]
    texts.append(f"{rows - 1}: the last one")
    book = lay_out(texts, [(f"category {number}", f"About {number}.", "") for number in range(width)])
    for row in range(FIRST_ROW, FIRST_ROW + rows):
        for column in range(FIRST, FIRST + width):
            if rng.random() < stale:
                book.tabs[TAB].set(row, column, rng.choice([0.123, "n/a", 7]))
    if width < 20:  # a person's notes beside the scores
        book.tabs[TAB].set(FIRST_ROW, FIRST + width + 1, "a note")
        book.tabs[TAB].set(FIRST_ROW + rows, 1, "the end")
    book.add("Other").set(3, 2, "untouched")
    return Plan(texts=texts, width=width, book=book)


def _text(number: int, rng: random.Random, *, blank: float, unfit: float) -> str:
    lot = rng.random()
    if lot < blank:
        return rng.choice(["", "", "  "])
    if lot < blank + unfit:
        return f"{number} {UNFIT}"
    return f"{rng.choice(ODD)} {number}" if rng.random() < 0.2 else f"{number}: the ferry was late again"


def held(book: SheetBook) -> dict[str, Cells]:
    """Every cell of a book that holds something, by tab, row and column."""
    return deepcopy({title: tab.cells for title, tab in book.tabs.items()})


def wrong(book: SheetBook, wanted: Mapping[str, Cells]) -> list[str]:
    """Cells that hold something else than they should, of all tabs."""
    found = held(book)
    places = {
        (tab, row, column)
        for cells in (found, wanted)
        for tab, rows in cells.items()
        for row, line in rows.items()
        for column in line
    }
    return sorted(
        f"{tab}!R{row}C{column}: {_at(found, tab, row, column)!r} instead of {_at(wanted, tab, row, column)!r}"
        for tab, row, column in places
        if _at(found, tab, row, column) != _at(wanted, tab, row, column)
    )


def _at(cells: Mapping[str, Cells], tab: str, row: int, column: int) -> Any:
    return cells.get(tab, {}).get(row, {}).get(column)


def _nothing() -> None:
    """Let nothing happen."""


@dataclass(kw_only=True)
class Asked:
    """Answers, and remembers what was asked.

    Attributes:
        answer: The model.
        answers: The text and how many numbers were wanted, in order.
        times: When each was answered, in seconds.
        meanwhile: What happens while so many questions have been answered.
    """

    answer: Callable[[dict[str, Any]], str]
    answers: list[tuple[str, int]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    meanwhile: dict[int, Callable[[], Any]] = field(default_factory=dict)

    def __call__(self, body: dict[str, Any]) -> str:
        """Answer as the model does, but for unfit texts."""
        reply = self.answer(body)
        fenced = str(body["messages"][-1]["content"]).split("\n")
        text = next(msgspec.json.decode(line)["text"] for line in fenced if line.startswith('{"'))
        (values,) = msgspec.json.decode(reply).values()
        self.answers.append((text, len(values)))
        self.times.append(time.monotonic())
        self.meanwhile.pop(len(self.answers), _nothing)()
        return "I would rather not." if UNFIT in text else reply


@dataclass(frozen=True, kw_only=True)
class World:
    """The servers of one job.

    Attributes:
        plan: The sheet.
        sheet: Its server.
        model: The model's server.
        asked: What the model was asked.
    """

    plan: Plan
    sheet: SheetServer
    model: ModelServer
    asked: Asked

    @property
    def url(self) -> str:
        """The address of the sheet."""
        return self.sheet.sheet_url(BOOK)

    @property
    def book(self) -> SheetBook:
        """The sheet as it is now."""
        return self.sheet.book(BOOK)

    def wrong(self) -> list[str]:
        """Cells that are not as the plan has them."""
        return wrong(self.book, self.plan.cells())


@asynccontextmanager
async def world(
    made: Plan,
    *,
    sheet: SheetBehaviour | None = None,
    model: Behaviour | None = None,
    answer: Callable[[dict[str, Any]], str] = score_text,
    **settings: Any,
) -> AsyncGenerator[World, None]:
    """Start a sheet server with a copy of the plan's book, and a model server.

    Args:
        made: The plan.
        sheet: How the sheet's server behaves.
        model: How the model's server behaves.
        answer: Its model.
        **settings: More for the sheet's server.
    """
    asked = Asked(answer=answer)
    async with (
        SheetServer({BOOK: deepcopy(made.book)}, behaviour=sheet, **settings) as sheets,
        ModelServer(model, answer=asked) as models,
    ):
        yield World(plan=made, sheet=sheets, model=models, asked=asked)


def insert_row(book: SheetBook, at: int, text: str) -> None:
    """Insert a row with a text, as a person does: everything from there on moves down."""
    tab = book.tabs[TAB]
    tab.rows += 1
    lines = {row + (row >= at): line for row, line in tab.cells.items()}
    tab.cells.clear()
    tab.cells.update(lines)
    tab.set(at, TEXT, text)


def insert_column(book: SheetBook, at: int) -> None:
    """Insert an empty column, as a person does: everything from there on moves right."""
    tab = book.tabs[TAB]
    tab.columns += 1
    for row, line in tab.cells.items():
        tab.cells[row] = {column + (column >= at): value for column, value in line.items()}


def swap_rows(book: SheetBook, one: int, other: int) -> None:
    """Let two rows change places, as sorting does."""
    cells = book.tabs[TAB].cells
    cells[one], cells[other] = cells[other], cells[one]
