"""What every ledger does, whatever it is made of."""

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledgers import LEDGERS, USED, Clock, failure, job, verdict
from penstock.errors import JobError, LedgerError
from penstock.jobs.chunks import plan
from penstock.ledger.ledger import Chunk, Tally
from penstock.records import Failure, Key, Usage, Verdict

pytestmark = pytest.mark.anyio


@pytest.fixture(params=LEDGERS)
def opening(request, tmp_path):
    """Opens one more connection to the same ledger."""
    return lambda **settings: LEDGERS[request.param](tmp_path, **settings)


@pytest.fixture
async def ledger(opening):
    async with opening() as opened:
        yield opened


@pytest.fixture
async def begun(ledger):
    """A ledger with one job of four rows."""
    await ledger.add_job(job(), plan(4, chunk_rows=2))
    return ledger


async def test_a_new_ledger_has_no_jobs(ledger):
    assert await ledger.jobs() == []
    assert await ledger.job("score-1") is None


async def test_a_job_comes_back_as_it_was_entered(opening):
    given = job(config='{"a":"ü \\u0000 \\""}', status="failed", rows=7, error="Out of reach.", created_at=12.5)
    async with opening(clock=Clock(99.0)) as ledger:
        await ledger.add_job(given, [])
        found = await ledger.job(given.id)
    assert found == job(
        config=given.config, status="failed", rows=7, error="Out of reach.", created_at=12.5, updated_at=99.0
    )


async def test_jobs_are_listed_newest_first(ledger):
    for name in ("b", "a", "c"):
        await ledger.add_job(job(name), [])
    assert [found.id for found in await ledger.jobs()] == ["c", "a", "b"]


async def test_a_job_is_entered_once(begun):
    with pytest.raises(LedgerError):
        await begun.add_job(job(), [])


async def test_the_newest_unfinished_job_of_a_command_is_found(ledger):
    for name, status in (("a", "interrupted"), ("b", "failed"), ("c", "completed"), ("d", "cancelled")):
        await ledger.add_job(job(name, status=status), [])
    await ledger.add_job(job("e", fingerprint="other"), [])
    assert (await ledger.unfinished("f")).id == "b"


@pytest.mark.parametrize("status", ["completed", "cancelled"])
async def test_a_job_that_is_over_is_not_found_as_unfinished(ledger, status):
    await ledger.add_job(job(status=status), [])
    assert await ledger.unfinished("f") is None


async def test_a_status_comes_with_its_reason_and_its_time(opening):
    clock = Clock()
    async with opening(clock=clock) as ledger:
        await ledger.add_job(job(), [])
        clock.now += 5
        await ledger.set_status("score-1", "failed", error="The key was turned down.")
        found = await ledger.job("score-1")
    assert (found.status, found.error, found.updated_at) == ("failed", "The key was turned down.", clock.now)


async def test_a_request_to_stop_is_seen_by_another_connection(begun, opening):
    async with opening() as other:
        assert not await begun.stop_requested("score-1")
        await other.request_stop("score-1")
        assert await begun.stop_requested("score-1")


@pytest.mark.parametrize(("status", "still"), [("running", False), ("interrupted", True)])
async def test_a_request_to_stop_is_forgotten_when_the_job_runs_again(begun, status, still):
    await begun.request_stop("score-1")
    await begun.set_status("score-1", status)
    assert await begun.stop_requested("score-1") is still


async def test_the_plan_of_the_chunks_is_kept_in_order(begun):
    assert [(chunk.number, chunk.first_row, chunk.rows) for chunk in await begun.chunks("score-1")] == [
        (0, 0, 2),
        (1, 2, 2),
    ]


async def test_a_saved_chunk_takes_the_place_of_the_one_before(opening):
    changed = Chunk(
        number=1, first_row=2, rows=2, digest="ab", status="failed", retry_count=3, failed=1, last_error="row 3: no"
    )
    async with opening(clock=Clock(7.0)) as ledger:
        await ledger.add_job(job(), plan(4, chunk_rows=2))
        await ledger.save_chunks("score-1", [changed])
        first, second = await ledger.chunks("score-1")
    assert first.status == "pending"
    assert second == Chunk(
        number=1,
        first_row=2,
        rows=2,
        digest="ab",
        status="failed",
        retry_count=3,
        failed=1,
        last_error="row 3: no",
        updated_at=7.0,
    )


async def test_outcomes_come_back_as_they_were_recorded(begun):
    given = [
        verdict(0, note="openai/m: busy", cached=True, seconds=0.5, usage=USED),
        failure(1, code="throttled", reason='"quoted" \\ ü \u0000 \u2028', later=True, status=429, usage=USED),
    ]
    await begun.record("score-1", given)
    assert await begun.outcomes("score-1", 0, 4) == given


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCORES = st.lists(st.integers(0, 100).map(lambda cents: cents / 100), max_size=5).map(tuple)
USAGES = st.builds(Usage, calls=st.integers(0, 9), tokens_in=st.integers(0, 10**9), tokens_out=st.integers(0, 10**9))
OUTCOMES = st.builds(
    Verdict, key=st.just(Key(0)), digest=TEXT, scores=SCORES, method=TEXT, note=TEXT, cached=st.booleans(), usage=USAGES
) | st.builds(
    Failure,
    key=st.just(Key(0)),
    digest=TEXT,
    code=TEXT,
    reason=TEXT,
    later=st.booleans(),
    status=st.none() | st.integers(100, 599),
    seconds=st.floats(0, 1e6),
    usage=USAGES,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(outcomes=st.lists(OUTCOMES, min_size=1, max_size=20))
def test_any_outcome_comes_back_as_it_was_recorded(opening, outcomes):
    placed = [type(one)(**{**fields_of(one), "key": Key(place)}) for place, one in enumerate(outcomes)]

    async def there_and_back():
        async with opening() as ledger:
            if await ledger.job("score-1") is None:
                await ledger.add_job(job(), [])
            await ledger.record("score-1", placed)
            return await ledger.outcomes("score-1", 0, len(placed))

    assert anyio.run(there_and_back) == placed


def fields_of(value):
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


async def test_outcomes_come_in_the_order_of_their_keys(begun):
    keys = [(2, 0), (0, 1), (10, 0), (0, 0), (1, 3)]
    await begun.record("score-1", [verdict(*key) for key in keys])
    assert [one.key for one in await begun.outcomes("score-1", 0, 100)] == [Key(*key) for key in sorted(keys)]


async def test_outcomes_are_fetched_by_rows(begun):
    await begun.record("score-1", [verdict(row, part) for row in range(6) for part in range(2)])
    assert [tuple(one.key) for one in await begun.outcomes("score-1", 2, 2)] == [(2, 0), (2, 1), (3, 0), (3, 1)]


async def test_an_outcome_takes_the_place_of_an_earlier_one_of_its_key(begun):
    await begun.record("score-1", [failure(1, later=True)])
    await begun.record("score-1", [verdict(1, scores=(0.5,))])
    assert await begun.outcomes("score-1", 0, 4) == [verdict(1, scores=(0.5,))]
    assert await begun.tally("score-1") == Tally(verdicts=1)


async def test_the_last_of_two_outcomes_of_one_key_counts(begun):
    await begun.record("score-1", [verdict(1, scores=(0.1,)), verdict(1, scores=(0.9,))])
    assert await begun.outcomes("score-1", 0, 4) == [verdict(1, scores=(0.9,))]


async def test_the_tally_tells_verdicts_from_failures_and_those_from_failures_for_now(begun):
    await begun.record("score-1", [verdict(0), verdict(1), failure(2), failure(3, later=True), failure(4, later=True)])
    assert await begun.tally("score-1") == Tally(verdicts=2, failures=1, later=2)


async def test_the_first_failures_are_listed_in_the_order_of_their_keys(begun):
    await begun.record("score-1", [failure(row, later=row % 2 == 0) for row in (5, 3, 1, 4)] + [verdict(0)])
    assert [one.key.row for one in await begun.failures("score-1", limit=3)] == [1, 3, 4]


async def test_jobs_do_not_see_each_others_outcomes_and_chunks(begun):
    await begun.add_job(job("other"), plan(1, chunk_rows=1))
    await begun.record("other", [verdict(0)])
    assert await begun.outcomes("score-1", 0, 4) == []
    assert len(await begun.chunks("score-1")) == 2
    assert await begun.tally("score-1") == Tally()


async def test_what_is_recorded_is_there_for_another_connection_at_once(begun, opening):
    async with opening() as other:
        for row in range(20):
            await begun.record("score-1", [verdict(row)])
            assert len(await other.outcomes("score-1", row, 1)) == 1


async def test_many_tasks_may_record_at_once(begun):
    async with anyio.create_task_group() as tasks:
        for row in range(300):
            tasks.start_soon(begun.record, "score-1", [verdict(row)])
    assert await begun.tally("score-1") == Tally(verdicts=300)


async def test_a_bad_hand_in_does_not_harm_the_others_of_its_round(begun):
    errors = []

    async def record(name, row):
        try:
            await begun.record(name, [verdict(row)])
        except JobError as error:
            errors.append(str(error))

    async with anyio.create_task_group() as tasks:
        for row in range(20):
            tasks.start_soon(record, "no-such-job" if row == 7 else "score-1", row)
    assert errors == ["There is no job 'no-such-job'."]
    assert await begun.tally("score-1") == Tally(verdicts=19)


@pytest.mark.parametrize(
    "act",
    [
        lambda ledger: ledger.chunks("none"),
        lambda ledger: ledger.save_chunks("none", plan(1, chunk_rows=1)),
        lambda ledger: ledger.record("none", [verdict()]),
        lambda ledger: ledger.outcomes("none", 0, 1),
        lambda ledger: ledger.failures("none", limit=1),
        lambda ledger: ledger.tally("none"),
        lambda ledger: ledger.set_status("none", "running"),
        lambda ledger: ledger.request_stop("none"),
        lambda ledger: ledger.stop_requested("none"),
    ],
)
async def test_a_job_that_is_not_there_is_named(ledger, act):
    with pytest.raises(JobError, match="There is no job 'none'"):
        await act(ledger)


async def test_recording_nothing_is_no_work(begun):
    await begun.record("score-1", [])
    assert await begun.tally("score-1") == Tally()


async def test_a_closed_ledger_says_so_instead_of_hanging(opening):
    async with opening() as ledger:
        pass
    with pytest.raises(RuntimeError, match="async with"):
        await ledger.jobs()
    with pytest.raises(RuntimeError, match="async with"):
        await ledger.record("score-1", [verdict()])
