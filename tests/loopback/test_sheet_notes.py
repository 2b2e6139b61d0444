"""What people keep beside the categories of a sheet is told of before a score would replace it."""

import pytest

from penstock.errors import InputError
from penstock.models import ModelSpec
from penstock.score import a_score_table
from penstock.testing.sheet.sample import FIRST_ROW, TAB
from sheet_jobs import plan, world

pytestmark = pytest.mark.anyio


async def score(servers, home):
    model = ModelSpec(name="openai/m", base_url=servers.model.url)
    return await a_score_table(servers.url, model=model, home=home, flush_interval=0.05)


@pytest.mark.parametrize("note", ["ask them again", True])
async def test_a_note_where_a_score_would_go_stops_the_job_before_a_model_is_asked(tmp_path, note):
    made = plan(6, 3)
    made.book.put(TAB, f"E{FIRST_ROW + 2}", [[note]])
    async with world(made) as servers:
        with pytest.raises(InputError, match=f"E{FIRST_ROW + 2} of the tab .* holds a note, which a score would"):
            await score(servers, tmp_path)
        assert not servers.asked.answers
        assert servers.book.cell(TAB, f"E{FIRST_ROW + 2}") == note


async def test_what_an_earlier_time_left_is_replaced(tmp_path):
    made = plan(6, 3)
    made.book.put(TAB, f"D{FIRST_ROW}", [[0.5, "0.25", "n/a"]])
    async with world(made) as servers:
        assert (await score(servers, tmp_path)).job.status == "completed"
        assert servers.wrong() == []
