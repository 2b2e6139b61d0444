"""How fast earlier jobs with the same model went."""

import msgspec
import pytest

from ledgers import job
from penstock.jobs.workspace import Workspace
from penstock.judge.category import Category
from penstock.models.spec import ModelSpec
from penstock.score import ScoreConfig
from penstock.score.history import known_rate

pytestmark = pytest.mark.anyio


def config(model="openai/m", **settings):
    models = (ModelSpec(name=model).settled({}),)
    return ScoreConfig(
        source="a.csv", text="t", categories=(Category(name="joy"),), output="b.csv", models=models, **settings
    )


@pytest.fixture
async def workspace(tmp_path):
    async with Workspace(tmp_path) as opened:
        yield opened


async def ran(workspace, name="score-1", *, made=None, **shown):
    await workspace.ledger.add_job(job(name, config=(made or config()).encoded(), status="completed"), [])
    folder = workspace.folder(name).path
    folder.mkdir(parents=True)
    shown = {"seconds": 10.0, "done": 100, "skipped": 0, "gauges": {}, **shown}
    (folder / "checkpoint.json").write_bytes(msgspec.json.encode(shown))


async def test_without_an_earlier_job_nothing_is_known(workspace):
    assert await known_rate(workspace, config()) is None


async def test_the_rate_is_that_of_judgements_that_were_really_asked_for(workspace):
    await ran(workspace, skipped=30, gauges={"cache_hits": 20.0})
    assert await known_rate(workspace, config()) == 5.0


async def test_the_newest_job_counts(workspace):
    await ran(workspace, "score-1", seconds=10.0)
    await ran(workspace, "score-2", seconds=20.0)
    assert await known_rate(workspace, config()) == 5.0


async def test_a_job_that_asked_little_tells_nothing(workspace):
    await ran(workspace, done=19)
    assert await known_rate(workspace, config()) is None


@pytest.mark.parametrize("other", [config("openai/n"), config(mode="anchored"), config(samples=3), config(block=2)])
async def test_a_job_that_asked_otherwise_tells_nothing(workspace, other):
    await ran(workspace, made=other)
    assert await known_rate(workspace, config()) is None


async def test_a_job_of_another_version_or_system_is_passed_over(workspace):
    await workspace.ledger.add_job(job("score-0", config='{"old": 1}'), [])
    await workspace.ledger.add_job(job("grade-0", system="grade"), [])
    assert await known_rate(workspace, config()) is None
