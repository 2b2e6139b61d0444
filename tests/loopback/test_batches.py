"""Rows judged through a provider's batch API, against the loopback server's: nothing lost, nothing paid for twice."""

import asyncio
import json
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import anyio
import pytest

import batching
from batching import batch_judge, items, run_job
from penstock.errors import BudgetSpent, InputError, Outage, Refused
from penstock.flow.together import together
from penstock.ledger.cache import SqliteCache
from penstock.models import Session
from penstock.models.prices import Price
from penstock.models.purse import Purse
from penstock.records import Failure, Verdict
from penstock.score.batch.journal import BatchJournal
from penstock.testing import Behaviour, ModelServer, expected_scores, serve_in_process

pytestmark = pytest.mark.anyio

KILLS = [
    "before POST /files",
    "after POST /files",
    "before POST /batches",
    "after POST /batches",
    "after GET /batches/batch",
    "after GET /content",
    "after DELETE /files",
]


@asynccontextmanager
async def judging(server, folder, **more):
    async with Session() as session, batch_judge(server.url, folder, session=session, **more) as judge:
        yield judge


async def judged(server, folder, todo, **more):
    async with judging(server, folder, **more) as judge:
        return await judge.judge(todo), judge


async def spend(judge):
    for n in range(1, 50):
        await judge.judge(items(10, first=100 * n))


async def created(folder):
    """Wait until a batch is at the provider; returns its name there."""
    while True:
        for entry in BatchJournal(folder).unfinished():
            if entry.batch_id:
                return entry.batch_id
        await anyio.sleep(0.01)


def right(outcomes):
    return all(list(one.scores) == expected_scores(f"row {one.key.row}", 2) for one in outcomes)


def in_process(*arguments):
    command = [sys.executable, str(Path(batching.__file__)), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


async def test_rows_are_judged_in_one_batch_after_one_direct_call(tmp_path):
    async with ModelServer() as server:
        outcomes, judge = await judged(server, tmp_path, items(50))
        stats = server.stats()
    assert right(outcomes)
    assert (stats.received, stats.batches, stats.batch_lines) == (1, 1, 49)
    assert judge.gauges() | {"batch_waiting": 0, "batch_done": 49, "calls": 50} == judge.gauges()


async def test_nothing_is_left_at_the_provider_or_on_the_disk(tmp_path):
    async with ModelServer(Behaviour(faults={"policy": 0.1})) as server:
        await judged(server, tmp_path, items(50))
        assert server.stats().files == 0
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["batches.jsonl"]


async def test_the_tokens_of_a_line_cost_the_share_that_batches_do(tmp_path):
    price = Price(usd_in=1.0, usd_out=2.0, batch=0.5)
    async with ModelServer() as server:
        outcomes, _ = await judged(server, tmp_path, items(3), price=price)
    direct, *others = outcomes
    assert direct.usage.cost_usd == pytest.approx(price.cost(direct.usage))
    assert [one.usage.cost_usd for one in others] == [pytest.approx(price.cost(one.usage) / 2) for one in others]
    assert all(one.usage.calls == 1 and one.usage.tokens_out > 0 for one in outcomes)


async def test_answers_are_remembered_as_those_of_calls_are(tmp_path):
    async with ModelServer() as server, SqliteCache(tmp_path / "cache.db") as cache:
        await judged(server, tmp_path, items(20), cache=cache)
        again, _ = await judged(server, tmp_path, items(20), cache=cache)
        async with Session() as session, batch_judge(server.url, tmp_path, session=session, cache=cache) as judge:
            live = await judge._judge.judge(items(20)[7])
        stats = server.stats()
    assert right(again)
    assert all(one.cached and one.usage.calls == 0 for one in [*again, live])
    assert (stats.received, stats.batch_lines) == (1, 19)


async def test_equal_texts_are_asked_and_paid_for_once(tmp_path):
    same = [type(one)(key=one.key, fields={"text": "same"}) for one in items(5)]
    async with ModelServer() as server:
        outcomes, _ = await judged(server, tmp_path, [*items(1, first=9), *same])
        assert server.stats().batch_lines == 1
    assert sum(one.usage.calls for one in outcomes) == 2
    assert [one.scores for one in outcomes[1:]] == [tuple(expected_scores("same", 2))] * 5


async def test_several_samples_are_several_lines(tmp_path):
    async with ModelServer() as server:
        outcomes, _ = await judged(server, tmp_path, items(10), samples=3)
        stats = server.stats()
    assert right(outcomes)
    assert stats.received + stats.batch_lines == 30
    assert [one.usage.calls for one in outcomes] == [3] * 10


async def test_replies_that_fail_the_check_are_asked_again_with_the_next_batch(tmp_path):
    async with ModelServer(Behaviour(faults={"wrong_count": 0.3, "http_500": 0.1}, batch_expired=0.1)) as server:
        async with Session() as session, batch_judge(server.url, tmp_path, session=session) as judge:
            todo, done = items(60), []
            while todo:
                outcomes = await judge.judge(todo)
                done += [one for one in outcomes if isinstance(one, Verdict)]
                todo = [
                    item for item, one in zip(todo, outcomes, strict=True) if isinstance(one, Failure) and one.later
                ]
        assert server.stats().batches > 1
    assert right(done)
    assert len(done) > 50


async def test_a_reply_that_never_fits_fails_for_good_after_three_times(tmp_path):
    async with ModelServer(Behaviour(faults={"prose": 1.0})) as server, judging(server, tmp_path) as judge:
        seen = [(await judge.judge(items(5)))[3] for _ in range(3)]
    assert [(one.code, one.later) for one in seen] == [("bad_reply", True), ("bad_reply", True), ("bad_reply", False)]
    assert [one.usage.calls for one in seen] == [1, 1, 1]


async def test_a_prompt_that_the_model_declines_fails_for_good_at_once(tmp_path):
    behaviour = Behaviour(faults={"policy": 0.5})
    async with ModelServer(behaviour) as server:
        outcomes, _ = await judged(server, tmp_path, items(40))
    declined = [one for one in outcomes if isinstance(one, Failure)]
    assert 0 < len(declined) < 40
    assert {(one.code, one.later) for one in declined} == {("rejected", False)}


async def test_an_item_without_a_text_is_not_sent(tmp_path):
    empty = type(items(1)[0])(key=items(1)[0].key, fields={"text": " "})
    async with ModelServer() as server:
        outcomes, _ = await judged(server, tmp_path, [empty, *items(3, first=1)])
    assert [one.code for one in outcomes if isinstance(one, Failure)] == ["unfit"]


async def test_a_load_has_at_most_so_many_lines(tmp_path):
    async with ModelServer() as server:
        outcomes, _ = await judged(server, tmp_path, items(25), most_lines=10)
        stats = server.stats()
    assert right(outcomes)
    assert (stats.batches, stats.batch_lines) == (3, 24)


async def test_a_load_that_is_too_much_for_the_account_is_sent_in_smaller_ones(tmp_path):
    async with ModelServer(Behaviour(batch_tokens=3_000)) as server:
        outcomes, _ = await judged(server, tmp_path, items(60))
        stats = server.stats()
    assert right(outcomes)
    assert stats.batch_lines == 59
    assert stats.batches > 1


async def test_an_account_without_room_for_one_question_stops_the_run(tmp_path):
    async with ModelServer(Behaviour(batch_tokens=10)) as server:
        with pytest.raises(Outage, match="no room for another batch: Enqueued token limit reached"):
            await judged(server, tmp_path, items(4))


async def test_calls_that_fail_or_are_lost_are_made_again_but_nothing_is_done_twice(tmp_path):
    async with ModelServer(Behaviour(batch_faults={"drop": 0.3, "http_503": 0.2}, seed=5)) as server:
        outcomes, _ = await judged(server, tmp_path, items(80), most_lines=10)
        stats = server.stats()
    assert right(outcomes)
    assert (stats.batch_lines, stats.batch_lines_again, stats.files) == (79, 0, 0)


async def test_a_setting_that_the_server_does_not_take_is_found_out_before_the_batch(tmp_path):
    async with ModelServer(Behaviour(structured="none", unsupported=("temperature",))) as server:
        outcomes, _ = await judged(server, tmp_path, items(10))
        assert server.stats().batch_answered == 9
    assert right(outcomes)


@pytest.mark.parametrize(
    ("behaviour", "error", "words"),
    [
        (Behaviour(api_key="other"), Refused, "turned the key down"),
        (Behaviour(models=("other",)), Refused, "model's name"),
        (Behaviour(batches=False), Refused, "has no batches .* leave --batch out"),
        (Behaviour(batch_bytes=100), InputError, "does not take so large a file .* smaller batches"),
        (Behaviour(batch_lines=5), Refused, "turned batch .* down: The batch has more than 5 requests"),
    ],
)
async def test_what_the_server_will_not_take_is_told_in_a_sentence(tmp_path, behaviour, error, words):
    async with ModelServer(behaviour) as server:
        with pytest.raises(error, match=words):
            await judged(server, tmp_path, items(10))
        assert server.stats().batch_lines == 0


async def test_a_key_stands_in_no_message_and_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("THE_KEY", "sk-planted-1234")
    said = []
    async with ModelServer(Behaviour(api_key="other")) as server:
        with pytest.raises(Refused) as refused:
            await judged(server, tmp_path, items(3), key_variable="THE_KEY", say=said.append)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert "planted" not in f"{refused.value!r} {said} {written!r}"


async def test_a_batch_that_somebody_cancels_at_the_provider_stops_the_run(tmp_path):
    async with ModelServer(Behaviour(batch_seconds=20.0)) as server, Session() as session:

        async def cancel():
            url = f"{server.url}/batches/{await created(tmp_path)}/cancel"
            await session.http.send("POST", url, headers={}, timeout=5)

        with pytest.raises(Outage, match="cancelled at the provider"):
            async with batch_judge(server.url, tmp_path, session=session) as judge:
                await together([cancel, partial(judge.judge, items(3))])
        assert server.stats().files == 0
        async with batch_judge(server.url, tmp_path, session=session) as judge:
            left = await judge.judge(items(3))
            assert {one.later for one in left if isinstance(one, Failure)} == {True}
            server.behave(Behaviour())
            assert right(await judge.judge([items(3)[one.key.row] for one in left if isinstance(one, Failure)]))


async def test_a_budget_lets_through_what_it_has_room_for(tmp_path):
    price = Price(usd_in=100.0, usd_out=100.0, batch=0.5)
    purse = Purse(0.12)
    async with ModelServer() as server, judging(server, tmp_path, price=price, purse=purse) as judge:
        outcomes = await judge.judge(items(40))
        with pytest.raises(BudgetSpent):
            await spend(judge)
    unpaid = [one for one in outcomes if isinstance(one, Failure)]
    assert {(one.code, one.later) for one in unpaid} == {("unpaid", True)}
    assert 0 < len(unpaid) < 39
    assert purse.spent_usd < 0.13


class DiedError(Exception):
    """What a run of these tests dies of."""


async def left_behind(server, folder, price):
    """Judge rows in a run that dies when their answers are in the ledger, and its load is not closed yet."""
    purse = Purse(100.0)
    with suppress(DiedError):
        async with judging(server, folder, price=price, purse=purse) as judge:
            await judge.judge(items(20))
            raise DiedError
    return purse.spent_usd


async def test_answers_that_an_earlier_run_has_counted_take_no_money_again(tmp_path):
    price = Price(usd_in=100.0, usd_out=100.0, batch=0.5)
    async with ModelServer() as server:
        spent = await left_behind(server, tmp_path, price)
        purse = Purse(spent * 1.5, spent_usd=spent)
        with anyio.fail_after(20):
            async with judging(server, tmp_path, price=price, purse=purse) as judge:
                assert right(await judge.judge(items(5, first=100)))
    assert spent < purse.spent_usd < 1.5 * spent


async def test_answers_that_an_earlier_run_has_only_fetched_are_counted_when_they_are_taken(tmp_path):
    price = Price(usd_in=100.0, usd_out=100.0, batch=0.5)
    async with ModelServer() as server:
        await left_behind(server, tmp_path, price)
        purse = Purse(100.0)
        async with judging(server, tmp_path, price=price, purse=purse) as judge:
            outcomes = await judge.judge(items(20)[10:])
        assert server.stats().batches == 1
    assert purse.spent_usd > 0
    assert purse.spent_usd == pytest.approx(sum(one.usage.cost_usd for one in outcomes))


async def test_money_owed_for_a_batch_that_nobody_asks_about_is_not_waited_for(tmp_path):
    price = Price(usd_in=100.0, usd_out=100.0, batch=0.5)
    async with ModelServer(Behaviour(batch_seconds=30.0)) as server:
        with anyio.move_on_after(1.0):
            async with judging(server, tmp_path, price=price, purse=Purse(100.0)) as judge:
                await judge.judge(items(20))
        (entry,) = BatchJournal(tmp_path).unfinished()
        with anyio.fail_after(20), pytest.raises(BudgetSpent):
            async with judging(server, tmp_path, price=price, purse=Purse(entry.usd)) as judge:
                await judge.judge(items(5, first=100))


async def test_a_job_goes_through_in_few_batches(tmp_path):
    async with ModelServer(Behaviour(batch_seconds=0.2)) as server:
        job, outcomes = await run_job(server.url, tmp_path, rows=200)
        stats = server.stats()
    assert job.status == "completed"
    assert right(outcomes)
    assert (stats.batches, stats.batch_lines) == (1, 199)


async def test_a_stop_leaves_the_batch_at_the_provider_and_a_resume_fetches_it(tmp_path):
    async with ModelServer(Behaviour(batch_seconds=1.0)) as server:

        def stop_soon(runner):
            asyncio.get_running_loop().call_later(0.6, runner.stop)

        stopped, before = await run_job(server.url, tmp_path, rows=60, started=stop_soon)
        done, after = await run_job(server.url, tmp_path, rows=60)
        stats = server.stats()
    assert (stopped.status, done.status) == ("interrupted", "completed")
    assert len(before) < 60
    assert right(after)
    assert (stats.received, stats.batches, stats.batch_lines, stats.files) == (1, 1, 59, 0)


@pytest.mark.parametrize(("cue", "cached"), [*((cue, "cached") for cue in KILLS), (KILLS[-2], "")])
async def test_no_line_is_sent_twice_whenever_the_process_is_killed(tmp_path, cue, cached):
    with serve_in_process(Behaviour(batch_seconds=0.2)) as server:
        killed = in_process(server.url, tmp_path, 60, cached, cue)
        done = in_process(server.url, tmp_path, 60, cached)
        stats = server.stats()
    assert killed.returncode == -9
    scores = json.loads(done.stdout)["scores"]
    assert scores == {str(row): expected_scores(f"row {row}", 2) for row in range(60)}
    assert (stats.batch_lines_again, stats.files) == (0, 0)
    assert stats.batches == 1


async def test_a_job_that_is_cancelled_is_cancelled_at_the_provider_too(tmp_path):
    with serve_in_process(Behaviour(batch_seconds=2.0)) as server:
        in_process(server.url, tmp_path, 60, "cached", "after GET /batches/batch")
        (folder,) = (tmp_path / "runs").iterdir()
        async with judging(server, folder) as judge:
            assert await judge._carrier.withdraw() == 1
        stats = server.stats()
    assert (stats.batches_cancelled, stats.files) == (1, 0)


async def test_what_a_cancelled_batch_has_answered_is_kept_for_a_run_that_goes_on(tmp_path):
    with serve_in_process(Behaviour(batch_seconds=6.0)) as server:
        in_process(server.url, tmp_path, 60, "cached", "after GET /batches/batch")
        (folder,) = (tmp_path / "runs").iterdir()
        await anyio.sleep(0.6)
        async with judging(server, folder) as judge:
            await judge._carrier.withdraw()
        answered = server.stats().batch_answered
        server.behave(Behaviour())
        done = in_process(server.url, tmp_path, 60, "cached")
        stats = server.stats()
    assert json.loads(done.stdout)["status"] == "completed"
    assert 0 < answered < 59
    assert stats.batch_lines == 59 + stats.batch_answered - answered
    assert (stats.batches, stats.files) == (2, 0)


async def test_a_file_whose_batch_was_never_made_is_deleted_when_the_job_is_cancelled(tmp_path):
    with serve_in_process() as server:
        in_process(server.url, tmp_path, 60, "cached", "after POST /files")
        (folder,) = (tmp_path / "runs").iterdir()
        async with judging(server, folder) as judge:
            assert await judge._carrier.withdraw() == 0
        assert server.stats().files == 0
    assert BatchJournal(folder).unfinished() == []
