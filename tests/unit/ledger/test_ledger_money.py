"""What every ledger knows of money: sums of what outcomes took, and verdicts that need not be paid for again."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledgers import LEDGERS, USED, failure, job, verdict
from penstock.errors import JobError
from penstock.jobs.chunks import plan
from penstock.records import Item, Key, Usage, Verdict

pytestmark = pytest.mark.anyio

NOTHING = Usage()


@pytest.fixture(params=LEDGERS)
async def ledger(request, tmp_path):
    async with LEDGERS[request.param](tmp_path) as opened:
        await opened.add_job(job("old", rows=9), plan(9, chunk_rows=3))
        await opened.add_job(job("new", rows=9), plan(9, chunk_rows=3))
        yield opened


def item(row, digest, part=0):
    return Item(key=Key(row, part), fields={"text": "?"}, digest=digest)


def usage(cost):
    return Usage(calls=1, tokens_in=10, tokens_out=2, cost_usd=cost)


async def test_a_job_without_outcomes_has_spent_nothing(ledger):
    assert await ledger.spent("old") == NOTHING


async def test_what_verdicts_and_failures_took_is_summed_up(ledger):
    await ledger.record("old", [verdict(0, usage=usage(0.25)), failure(1, usage=usage(0.5)), verdict(2, usage=USED)])
    assert await ledger.spent("old") == Usage(calls=5, tokens_in=140, tokens_out=16, cost_usd=0.75)


async def test_each_job_has_spent_its_own(ledger):
    await ledger.record("old", [verdict(0, usage=usage(0.25))])
    assert await ledger.spent("new") == NOTHING


async def test_an_unknown_job_has_spent_nothing_that_could_be_told(ledger):
    with pytest.raises(JobError):
        await ledger.spent("score-9")


async def test_the_cost_of_an_outcome_comes_back(ledger):
    await ledger.record("old", [verdict(0, usage=usage(0.000123456789))])
    [found] = await ledger.outcomes("old", 0, 1)
    assert found.usage == usage(0.000123456789)


async def test_a_row_that_has_not_changed_is_adopted_as_remembered_and_free(ledger):
    given = verdict(0, digest="a", usage=usage(1.0), seconds=2.5, note="n", detail='{"x": "ü \\u0000"}')
    await ledger.record("old", [given])
    assert await ledger.adopt("new", [item(0, "a")], earlier="old") == 1
    assert await ledger.outcomes("new", 0, 9) == [
        verdict(0, digest="a", usage=NOTHING, seconds=0.0, note="n", cached=True, detail=given.detail)
    ]


async def test_a_row_that_has_changed_is_not_adopted(ledger):
    await ledger.record("old", [verdict(0, digest="a")])
    assert await ledger.adopt("new", [item(0, "b")], earlier="old") == 0
    assert await ledger.outcomes("new", 0, 9) == []


async def test_a_row_that_has_moved_takes_its_verdict_along(ledger):
    await ledger.record("old", [verdict(0, digest="a", scores=(0.1,)), verdict(1, digest="b", scores=(0.2,))])
    await ledger.adopt("new", [item(7, "a"), item(3, "b")], earlier="old")
    found = {outcome.key.row: outcome.scores for outcome in await ledger.outcomes("new", 0, 9)}
    assert found == {7: (0.1,), 3: (0.2,)}


async def test_a_row_that_was_doubled_is_adopted_twice(ledger):
    await ledger.record("old", [verdict(4, digest="a")])
    assert await ledger.adopt("new", [item(0, "a"), item(1, "a")], earlier="old") == 2


async def test_of_equal_rows_the_first_is_adopted(ledger):
    await ledger.record("old", [verdict(5, digest="a", scores=(0.5,)), verdict(2, digest="a", scores=(0.2,))])
    await ledger.adopt("new", [item(0, "a")], earlier="old")
    [found] = await ledger.outcomes("new", 0, 1)
    assert found.scores == (0.2,)


async def test_a_verdict_is_adopted_for_the_same_part_only(ledger):
    await ledger.record("old", [verdict(0, part=1, digest="a")])
    assert await ledger.adopt("new", [item(0, "a", part=0)], earlier="old") == 0
    assert await ledger.adopt("new", [item(0, "a", part=1)], earlier="old") == 1


async def test_failures_are_not_adopted(ledger):
    await ledger.record("old", [failure(0, digest="a"), failure(1, digest="b", later=True)])
    assert await ledger.adopt("new", [item(0, "a"), item(1, "b")], earlier="old") == 0


async def test_an_item_without_a_digest_is_like_no_other(ledger):
    await ledger.record("old", [verdict(0, digest="")])
    assert await ledger.adopt("new", [item(0, "")], earlier="old") == 0


async def test_an_outcome_that_is_there_is_kept(ledger):
    await ledger.record("old", [verdict(0, digest="a", scores=(0.1,))])
    await ledger.record("new", [verdict(0, digest="a", scores=(0.9,))])
    assert await ledger.adopt("new", [item(0, "a")], earlier="old") == 0
    [found] = await ledger.outcomes("new", 0, 1)
    assert found.scores == (0.9,)


async def test_chunk_after_chunk_is_adopted_from_the_same_job(ledger):
    await ledger.record("old", [verdict(row, digest=str(row)) for row in range(9)])
    found = [await ledger.adopt("new", [item(row, str(row))], earlier="old") for row in range(9)]
    assert found == [1] * 9


async def test_jobs_can_be_adopted_from_in_turn(ledger):
    await ledger.add_job(job("older"), [])
    await ledger.record("old", [verdict(0, digest="a")])
    await ledger.record("older", [verdict(0, digest="b")])
    found = [await ledger.adopt("new", [item(k, d)], earlier=j) for k, d, j in ((0, "a", "old"), (1, "b", "older"))]
    assert found == [1, 1]


async def test_from_an_unknown_job_nothing_can_be_adopted(ledger):
    with pytest.raises(JobError):
        await ledger.adopt("new", [item(0, "a")], earlier="score-9")


async def test_an_old_ledger_whose_outcomes_have_no_cost_is_read():
    body = {"key": [0, 0], "scores": [0.5], "method": "m", "usage": {"calls": 1, "tokens_in": 5, "tokens_out": 1}}
    import msgspec

    found = msgspec.json.decode(json.dumps(body), type=Verdict)
    assert found.usage == Usage(calls=1, tokens_in=5, tokens_out=1, cost_usd=0.0)


DIGESTS = st.lists(st.sampled_from("abcd"), max_size=8)


@pytest.mark.parametrize("kind", LEDGERS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=DIGESTS, after=DIGESTS)
async def test_exactly_the_unchanged_rows_are_adopted_wherever_they_stand(tmp_path_factory, kind, before, after):
    async with LEDGERS[kind](tmp_path_factory.mktemp("adopt")) as ledger:
        for name in ("old", "new"):
            await ledger.add_job(job(name, rows=8), plan(8, chunk_rows=3))
        scores = {digest: (ord(digest) % 7 / 7,) for digest in "abcd"}
        await ledger.record("old", [verdict(row, digest=d, scores=scores[d]) for row, d in enumerate(before)])
        await ledger.adopt("new", [item(row, d) for row, d in enumerate(after)], earlier="old")
        found = {one.key.row: one.scores for one in await ledger.outcomes("new", 0, 8)}
    assert found == {row: scores[d] for row, d in enumerate(after) if d in before}
