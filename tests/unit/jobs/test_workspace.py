from pathlib import Path

import pytest

from ledgers import job
from penstock.errors import JobError
from penstock.jobs.workspace import Workspace

pytestmark = pytest.mark.anyio


@pytest.fixture
async def workspace(tmp_path):
    async with Workspace(tmp_path / "home") as workspace:
        yield workspace


async def enter(workspace, *names, **more):
    for name in names:
        await workspace.ledger.add_job(job(name, **more), [])


def test_the_folder_is_the_given_one_else_of_the_environment_else_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Workspace().path == tmp_path / ".penstock"
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path / "env"))
    assert Workspace().path == tmp_path / "env"
    assert Workspace("given").path == tmp_path / "given"


def test_naming_a_workspace_makes_nothing(tmp_path):
    assert Workspace(tmp_path / "home").folder("score-1").path == Path(tmp_path / "home" / "runs" / "score-1")
    assert list(tmp_path.iterdir()) == []


async def test_a_job_is_found_by_its_id_and_by_the_beginning_of_it(workspace):
    await enter(workspace, "score-2026-aa", "score-2026-ab")
    assert (await workspace.find("score-2026-ab")).id == "score-2026-ab"
    assert (await workspace.find("score-2026-aa")).id == "score-2026-aa"


async def test_an_id_that_begins_another_one_is_that_job(workspace):
    await enter(workspace, "score-1", "score-12")
    assert (await workspace.find("score-1")).id == "score-1"


async def test_without_an_id_the_newest_job_is_found(workspace):
    await enter(workspace, "a", "b")
    assert (await workspace.find(None)).id == "b"


async def test_a_beginning_that_fits_several_jobs_is_turned_down(workspace):
    await enter(workspace, "score-1", "score-2")
    with pytest.raises(JobError, match="2 jobs begin with 'score'; write more of the id"):
        await workspace.find("score")


async def test_an_unknown_job_and_an_empty_workspace_are_named(workspace):
    with pytest.raises(JobError, match="There are no jobs in"):
        await workspace.find(None)
    await enter(workspace, "a")
    with pytest.raises(JobError, match="There is no job 'b'"):
        await workspace.find("b")


async def test_a_job_that_says_it_runs_while_nobody_holds_it_was_interrupted(workspace):
    await enter(workspace, "dead", status="running")
    assert [found.status for found in await workspace.jobs()] == ["interrupted"]
    with workspace.folder("dead").locked():
        assert (await workspace.find("dead")).status == "running"


async def test_ids_tell_the_system_and_differ(workspace):
    names = {workspace.new_id("score") for _ in range(20)}
    assert len(names) > 1
    assert all(name.startswith("score-2") for name in names)


async def test_the_cache_of_a_workspace_is_closed_with_it(tmp_path):
    async with Workspace(tmp_path) as workspace:
        cache = await workspace.cache(ttl=60.0, entries=5)
        cache.put("a", "answer")
    async with Workspace(tmp_path) as workspace:
        assert await (await workspace.cache(ttl=60.0, entries=5)).get("a") == "answer"
    with pytest.raises(RuntimeError, match="async with"):
        await cache.get("a")
