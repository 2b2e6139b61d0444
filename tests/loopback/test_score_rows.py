"""Which rows of a table are judged: the first ones, some by lot, those that failed, those that changed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from browsing import Page
from penstock.errors import InputError, JobError
from penstock.jobs import life
from penstock.jobs.workspace import Workspace
from penstock.score import a_resume
from penstock.score.ahead import a_preview_table
from penstock.score.api import prepare
from penstock.testing import expected_scores
from scored import bench

pytestmark = pytest.mark.anyio

TEXTS = [f"{number}: the ferry was late" for number in range(40)]


# --- the first ones, or some by lot ---


async def test_a_limit_judges_the_first_rows_and_writes_no_others(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        result = await desk.score(limit=7)
        assert (result.job.rows, result.tally.verdicts, desk.server.stats().answered) == (7, 7, 7)
    assert desk.column("text") == TEXTS[:7]
    assert desk.column("joy") == [str(expected_scores(text, 2)[0]) for text in TEXTS[:7]]


async def test_a_limit_beyond_the_table_takes_all(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        await desk.score(limit=1000)
    assert desk.column("score_status") == ["ok"] * 40


async def test_a_sample_takes_rows_in_their_order_and_the_same_ones_each_time(tmp_path):
    taken = []
    for home in ("one", "two"):
        async with bench(tmp_path) as desk:
            desk.write(TEXTS)
            await desk.score(sample=9, home=tmp_path / home)
            assert sorted(desk.mind.asked) == sorted(desk.column("text"))
        taken.append(desk.column("text"))
    assert taken[0] == taken[1]
    assert len(taken[0]) == 9
    assert taken[0] == [text for text in TEXTS if text in taken[0]] != TEXTS[:9]


async def test_a_sample_counts_its_rows_and_not_those_that_were_passed_over(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        result = await desk.score(sample=9)
    words = Page(result.report.read_text(encoding="utf-8")).text
    assert result.rows == 9 < result.job.rows
    assert "9 rows, 9 scored, 0 failed" in words
    assert "9 drawn by lot" in words


async def test_a_preview_counts_the_rows_of_a_sample_and_not_those_that_were_passed_over(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        found = await a_preview_table(tmp_path / "rows.csv", **desk.given(sample=9))
    assert (found.rows, found.judgements, found.questions) == (9, 9, 9)


async def test_a_sample_is_drawn_from_the_rows_that_the_limit_leaves(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        await desk.score(limit=12, sample=5)
    assert len(desk.column("text")) == 5
    assert set(desk.column("text")) < set(TEXTS[:12])


async def test_what_a_sample_was_given_is_remembered_for_the_whole_table(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        await desk.score(sample=9)
        taken = desk.column("text")
        desk.again()
        await desk.score()
        assert sorted(desk.mind.asked) == sorted(set(TEXTS) - set(taken))


async def test_a_sample_holds_its_place_in_numbered_messages(tmp_path):
    async with bench(tmp_path, unfit=set(TEXTS)) as desk:
        desk.write(TEXTS)
        result = await desk.score(sample=3)
        async with Workspace(tmp_path / "home") as workspace:
            failures = await workspace.ledger.failures(result.job.id, limit=9)
    assert [TEXTS[one.key.row] for one in failures] == desk.column("text")


async def test_a_limited_job_goes_on_after_the_table_has_grown(tmp_path):
    async with bench(tmp_path, unfit={TEXTS[3]}) as desk:
        desk.write(TEXTS)
        first = await desk.score(limit=10)
        desk.write([*TEXTS, "one more"])
        desk.mind.unfit.clear()
        desk.again()
        then = await a_resume(first.job.id, home=tmp_path / "home", again=True)
        assert desk.mind.asked == [TEXTS[3]]
    assert (then.job.id, then.job.status) == (first.job.id, "completed")
    assert desk.column("text") == TEXTS[:10]


async def test_a_whole_job_is_not_gone_on_with_after_the_table_has_grown(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        first = await desk.score()
        desk.write([*TEXTS, "one more"])
        with pytest.raises(JobError, match=r"had 40 rows when job .* began and has 41 now"):
            await a_resume(first.job.id, home=tmp_path / "home", again=True)


# --- those that failed ---


async def test_only_failed_asks_for_the_failed_parts_alone(tmp_path):
    async with bench(tmp_path, unfit={TEXTS[3], TEXTS[17]}) as desk:
        desk.write(TEXTS)
        first = await desk.score()
        assert first.tally.failures == 2
        desk.mind.unfit.clear()
        desk.again()
        then = await desk.score(only_failed=True)
        assert sorted(desk.mind.asked) == sorted([TEXTS[3], TEXTS[17]])
        assert desk.server.stats().answered == 2
    assert (then.job.id, then.tally.verdicts, then.tally.failures) == (first.job.id, 40, 0)
    assert desk.column("score_status") == ["ok"] * 40


async def test_only_failed_leaves_the_block_of_the_row_that_did_not_fail(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        answer = desk.mind.answer
        one = TEXTS[31]
        desk.mind.answer = lambda body: "no" if one in str(body) and "hope" in str(body) else answer(body)
        first = await desk.score(categories=["joy", "fear", "hope"], block=2)
        assert first.tally.failures == 1
        desk.mind.answer = answer
        desk.again()
        await desk.score(categories=["joy", "fear", "hope"], block=2, only_failed=True)
        assert ["hope" in str(body) for body in desk.mind.bodies] == [True]
    joy, fear = expected_scores(one, 2)
    assert desk.rows()[31]["hope"] == str(expected_scores(one, 1)[0])
    assert (desk.rows()[31]["joy"], desk.rows()[31]["fear"]) == (str(joy), str(fear))


async def test_only_failed_without_a_failure_asks_nothing(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        first = await desk.score()
        desk.again()
        then = await desk.score(only_failed=True)
        assert (then.job.id, desk.server.stats().received) == (first.job.id, 0)


async def test_only_failed_without_a_job_says_so(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        with pytest.raises(JobError, match="run it without --only-failed first"):
            await desk.score(only_failed=True)


async def test_only_failed_refuses_a_table_of_another_length(tmp_path):
    async with bench(tmp_path, unfit={TEXTS[3]}) as desk:
        desk.write(TEXTS)
        await desk.score()
        desk.write([*TEXTS, "one more"])
        with pytest.raises(JobError, match=r"had 40 rows when job .* began and has 41 now: give --only-changed"):
            await desk.score(only_failed=True)


# --- those that changed ---


async def test_only_changed_asks_for_new_and_changed_rows_alone(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        first = await desk.score(cache=False)
        moved = ["new", *reversed(TEXTS[2:]), "changed", TEXTS[7]]  # two removed, one twice
        desk.write(moved)
        desk.again()
        then = await desk.score(cache=False, only_changed=True)
        assert sorted(desk.mind.asked) == ["changed", "new"]
    assert then.job.id != first.job.id
    assert desk.column("text") == moved
    assert desk.column("fear") == [str(expected_scores(text, 2)[1]) for text in moved]


async def test_what_was_taken_over_cost_nothing(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        await desk.score(cache=False, usage=True)
        desk.write([*TEXTS, "new"])
        desk.again()
        then = await desk.score(cache=False, usage=True, only_changed=True)
        stats = desk.server.stats()
        assert (then.usage.calls, then.usage.tokens_in, then.usage.tokens_out) == (1, stats.tokens_in, stats.tokens_out)
    assert desk.column("score_calls") == ["0"] * 40 + ["1"]


async def test_only_changed_asks_again_for_what_failed(tmp_path):
    async with bench(tmp_path, unfit={TEXTS[3]}) as desk:
        desk.write(TEXTS)
        await desk.score(cache=False)
        desk.mind.unfit.clear()
        desk.again()
        await desk.score(cache=False, only_changed=True)
        assert desk.mind.asked == [TEXTS[3]]


async def test_only_changed_without_an_earlier_job_judges_all(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        assert (await desk.score(only_changed=True)).tally.verdicts == 40


async def test_only_changed_is_told_by_the_result_the_summary_and_the_page(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        await desk.score()
        desk.write([*TEXTS[:30], "new"])
        then = await desk.score(only_changed=True)
    told = json.loads((then.report.parent / "run_meta.json").read_text(encoding="utf-8"))["summary"]
    assert (then.adopted, told["scored"], told["cached"], told["calls"]) == (30, 31, 30, 1)
    assert "31 scored" in (words := Page(then.report.read_text(encoding="utf-8")).text)
    assert "97 % from the cache" in words


async def test_only_changed_does_not_go_on_with_a_job_that_was_left_before_the_last_one(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        left = await desk.score(cache=False)
        async with Workspace(tmp_path / "home") as workspace:
            await workspace.ledger.set_status(left.job.id, "interrupted")
        desk.write([*TEXTS, "one more"])
        await desk.score(cache=False)
        desk.write(changed := ["one more", *TEXTS[1:]])
        desk.again()
        then = await desk.score(cache=False, only_changed=True)
        assert (desk.mind.asked, then.adopted) == ([], 40)
    assert desk.column("joy") == [str(expected_scores(text, 2)[0]) for text in changed]


async def test_a_job_that_was_killed_before_it_took_over_does_so_when_it_is_run(tmp_path):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        await desk.score(cache=False)
        desk.write([*TEXTS, "new"])
        desk.again()
        async with Workspace(tmp_path / "home") as workspace:
            given = desk.given(cache=False)
            del given["home"]
            prepared = await prepare(tmp_path / "rows.csv", workspace, **given)
            killed = await life.find_or_add(workspace, prepared.undertaking(), fresh=False)
        then = await desk.score(cache=False, only_changed=True)
        assert (then.job.id, desk.mind.asked) == (killed.id, ["new"])


@settings(max_examples=15)
@given(
    before=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12),
    after=st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=12),
)
async def test_only_changed_asks_for_no_text_that_was_judged(before, after, tmp_path_factory):
    async with bench(tmp_path_factory.mktemp("rows")) as desk:
        desk.write(before)
        await desk.score(cache=False)
        desk.write(after)
        desk.again()
        await desk.score(cache=False, only_changed=True)
        assert set(desk.mind.asked) == set(after) - set(before)
    assert desk.column("joy") == [str(expected_scores(text, 2)[0]) for text in after]


@pytest.mark.parametrize("other", ["only_changed", "fresh"])
async def test_only_failed_does_not_go_with_a_new_job(tmp_path, other):
    async with bench(tmp_path) as desk:
        desk.write(TEXTS)
        with pytest.raises(InputError, match="leave one of them away"):
            await desk.score(only_failed=True, **{other: True})
