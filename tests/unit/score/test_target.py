"""A file as the place of the scores: what is checked before the first call, and what is written at the end."""

import pytest

from penstock.errors import InputError
from penstock.jobs.chunks import plan
from penstock.jobs.workspace import Workspace
from penstock.ledger.ledger import Job
from penstock.records import Key, Verdict
from penstock.score.config import ScoreConfig
from penstock.score.summary import Summary
from penstock.score.target import FileTarget
from penstock.tables import open_table
from penstock.tables.google import SheetLayout

pytestmark = pytest.mark.anyio


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("id,text\n1,one\n2,two\n3,three\n", encoding="utf-8")
    return path


def target(rows, *, path=None, picked=None, names=("joy",), **settings):
    config = ScoreConfig.checked(
        source=str(rows),
        text="text",
        output=str(path or rows.with_name("out.csv")),
        categories=[{"name": name} for name in names],
        **settings,
    )
    return FileTarget(config, open_table(rows), path or rows.with_name("out.csv"), picked=picked)


async def test_a_table_with_free_columns_is_fit(rows):
    made = target(rows)
    await made.check()
    assert (made.name, made.outlet(), made.gauges()) == (rows.with_name("out.csv"), None, {})
    assert not rows.with_name("out.csv").exists()


@pytest.mark.parametrize(("names", "prefix"), [(("id",), ""), (("d",), "i")])
async def test_a_column_that_is_there_already_is_refused(rows, names, prefix):
    with pytest.raises(InputError, match=r"'id'.*rename the category"):
        await target(rows, names=names, prefix=prefix).check()


async def test_the_table_is_not_written_over_itself(rows):
    with pytest.raises(InputError, match="is the table itself; write to another file"):
        await target(rows, path=rows).check()


async def test_a_link_to_the_table_is_the_table(rows, tmp_path):
    link = tmp_path / "link.csv"
    link.symlink_to(rows)
    with pytest.raises(InputError, match="is the table itself"):
        await target(rows, path=link).check()


@pytest.mark.parametrize("name", ["out.doc", "nowhere/out.csv"])
async def test_a_place_that_cannot_be_written_is_refused(rows, name):
    with pytest.raises(InputError):
        await target(rows, path=rows.parent / name).check()


async def scored(rows, **settings):
    """Deliver a job that has scores for the first and the third row."""
    made, summary = target(rows, **settings), Summary(["joy"])
    async with Workspace(rows.parent / "home") as workspace:
        job = Job(id="score-1", system="score", fingerprint="f", config="{}", folder="", rows=3)
        await workspace.ledger.add_job(job, plan(3, chunk_rows=3))
        verdicts = [Verdict(key=Key(row), scores=(row / 10,), method="openai/m") for row in (0, 2)]
        await workspace.ledger.record("score-1", verdicts)
        await made.deliver(workspace.ledger, "score-1", summary=summary)
    return rows.with_name("out.csv").read_text(encoding="utf-8").splitlines(), summary


async def test_rows_keep_their_order_and_those_not_judged_are_pending(rows):
    lines, summary = await scored(rows)
    assert lines == [
        "id,text,joy,score_status,score_method,score_reason",
        "1,one,0.0,ok,openai/m,",
        "2,two,,pending,,",
        "3,three,0.2,ok,openai/m,",
    ]
    assert (summary.rows, summary.scored) == (2, 2)


async def test_rows_that_were_not_picked_are_left_out(rows):
    lines, _ = await scored(rows, picked=lambda row: row == 2)
    assert lines[1:] == ["3,three,0.2,ok,openai/m,"]


async def test_nothing_is_said_of_a_row_of_a_sheet_that_has_no_text(rows):
    rows.write_text('text\none\n" "\nthree\n', encoding="utf-8")
    lines, _ = await scored(rows, layout=SheetLayout())
    assert lines[1:] == ["one,0.0,ok,openai/m,", " ,,,,", "three,0.2,ok,openai/m,"]
