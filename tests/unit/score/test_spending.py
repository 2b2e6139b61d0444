"""What a job has cost is what the ledger knows, or the run folder where that knows more."""

import msgspec
import pytest

from ledgers import job, verdict
from penstock.jobs.workspace import Workspace
from penstock.records import Usage
from penstock.score.spending import spent_before

pytestmark = pytest.mark.anyio


@pytest.fixture
async def workspace(tmp_path):
    async with Workspace(tmp_path) as opened:
        await opened.ledger.add_job(job(), [])
        await opened.ledger.record("score-1", [verdict(usage=Usage(calls=1, cost_usd=0.5))])
        yield opened


def show(workspace, content):
    folder = workspace.folder("score-1").path
    folder.mkdir(parents=True)
    (folder / "checkpoint.json").write_bytes(content)


async def test_without_a_run_folder_the_ledger_tells(workspace):
    assert await spent_before(workspace, job()) == 0.5


@pytest.mark.parametrize(("shown", "spent"), [(0.75, 0.75), (0.25, 0.5)])
async def test_the_larger_of_ledger_and_run_folder_counts(workspace, shown, spent):
    show(workspace, msgspec.json.encode({"seconds": 1.0, "gauges": {"cost_usd": shown, "calls": 3}}))
    assert await spent_before(workspace, job()) == spent


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"gauges": {}}', b'{"gauges": {"cost_usd": "x"}}', b"\xff"])
async def test_a_run_folder_that_cannot_be_read_is_passed_over(workspace, content):
    show(workspace, content)
    assert await spent_before(workspace, job()) == 0.5
