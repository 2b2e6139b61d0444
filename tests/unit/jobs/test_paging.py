"""Rows and their outcomes come together, however many pages there are."""

from dataclasses import dataclass

import pytest

from ledgers import LEDGERS, job, verdict
from penstock.jobs import paging
from penstock.jobs.chunks import plan
from penstock.jobs.paging import paged

pytestmark = pytest.mark.anyio


@dataclass
class Line:
    number: int


@pytest.mark.parametrize("page", [1, 2, 5, 100])
async def test_every_row_meets_its_own_outcomes_in_order(tmp_path, monkeypatch, page):
    monkeypatch.setattr(paging, "PAGE", page)
    met = []
    async with LEDGERS["sqlite"](tmp_path) as ledger:
        await ledger.add_job(job(rows=7), plan(7, chunk_rows=3))
        await ledger.record("score-1", [verdict(row, part) for row in (1, 2, 6) for part in (1, 0)])
        await paged(ledger, "score-1", iter([Line(number) for number in range(7)]), lambda *pair: met.append(pair))
    assert [row.number for row, _ in met] == list(range(7))
    assert [[one.key for one in found] for _, found in met] == [
        [(row, 0), (row, 1)] if row in {1, 2, 6} else [] for row in range(7)
    ]
