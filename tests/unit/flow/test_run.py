import asyncio
import gc
from collections import Counter

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import LedgerError, Outage
from penstock.flow.run import flow
from penstock.flow.shield import waiting

pytestmark = pytest.mark.anyio


class Numbers:
    """A source that knows how many items it gave and whether it was closed."""

    def __init__(self, count):
        self.count = count
        self.given = 0
        self.closed = False

    async def __call__(self):
        try:
            for number in range(self.count):
                self.given += 1
                yield number
        finally:
            self.closed = True


async def same(item):
    return [item]


async def settle():
    """Let everybody run until nobody can go on."""
    for _ in range(200):
        await anyio.lowlevel.checkpoint()


async def collect(source, stage, **sizes):
    async with flow(source, stage, **sizes) as running:
        return [result async for result in running]


@given(
    count=st.integers(0, 200),
    workers=st.integers(1, 9),
    depth=st.none() | st.integers(0, 7),
    pauses=st.lists(st.integers(0, 3), min_size=1, max_size=5),
)
def test_every_item_goes_through_exactly_once_whatever_the_sizes(count, workers, depth, pauses):
    async def stage(item):
        for _ in range(pauses[item % len(pauses)]):
            await anyio.lowlevel.checkpoint()
        return [item]

    results = anyio.run(lambda: collect(Numbers(count)(), stage, workers=workers, depth=depth))
    assert sorted(results) == list(range(count))


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 4))
def test_a_stage_may_make_none_one_or_many_of_an_item(sizes, workers):
    async def stage(item):
        return [item] * sizes[item]

    results = anyio.run(lambda: collect(Numbers(len(sizes))(), stage, workers=workers))
    assert Counter(results) == Counter({place: size for place, size in enumerate(sizes) if size})


async def test_results_come_in_the_order_in_which_they_are_finished():
    turn = anyio.Event()

    async def stage(item):
        if item == 0:
            await turn.wait()
        return [item]

    async with flow(Numbers(3)(), stage, workers=2) as running:
        results = []
        async for result in running:
            results.append(result)
            if len(results) == 2:
                turn.set()
    assert results == [1, 2, 0]


@settings(max_examples=25)
@given(workers=st.integers(1, 6), depth=st.integers(0, 6))
def test_while_the_reader_stalls_only_what_workers_and_queues_hold_leaves_the_source(workers, depth):
    async def stalled():
        source = Numbers(1000)
        async with flow(source(), same, workers=workers, depth=depth):
            await settle()
            return source.given

    in_the_hand_of_the_feeder = 1
    assert anyio.run(stalled) <= workers + 2 * depth + in_the_hand_of_the_feeder


async def test_while_the_stage_stalls_the_source_waits():
    source = Numbers(1000)
    hold = anyio.Event()

    async def stage(item):
        await hold.wait()
        return [item]

    async with flow(source(), stage, workers=3, depth=4) as running:
        await settle()
        assert running.meter.working == 3
        assert source.given <= 3 + 4 + 1


async def test_many_workers_end_on_an_empty_source():
    assert await collect(Numbers(0)(), same, workers=300) == []


async def test_an_error_of_the_source_leaves_as_itself():
    async def source():
        yield 1
        raise OSError("the table ends in the middle of a row")

    with pytest.raises(OSError, match="middle of a row"):
        await collect(source(), same, workers=2)


async def test_an_error_of_a_worker_leaves_as_itself():
    async def stage(item):
        raise Outage(f"none for {item}")

    with pytest.raises(Outage, match="none for 0"):
        await collect(Numbers(9)(), stage, workers=1)


async def test_an_error_of_the_reader_leaves_as_itself():
    async def read():
        async with flow(Numbers(9)(), same, workers=2) as running:
            async for _ in running:
                raise KeyError("reader")

    with pytest.raises(KeyError, match="reader"):
        await read()


async def test_an_error_keeps_the_cause_it_was_raised_with():
    cause = OSError("no space left")

    async def stage(item):
        raise LedgerError("make room") from cause

    with pytest.raises(LedgerError) as caught:
        await collect(Numbers(1)(), stage, workers=1)
    assert caught.value.__cause__ is cause


async def test_an_error_keeps_the_error_that_it_followed_from():
    async def stage(item):
        try:
            return [{}["missing"]]
        except KeyError:
            raise TypeError("second")  # noqa: B904 - the context is what is looked at

    with pytest.raises(TypeError) as caught:
        await collect(Numbers(1)(), stage, workers=1)
    assert isinstance(caught.value.__context__, KeyError)


async def test_when_a_worker_fails_the_others_finish_what_they_have_in_hand():
    in_hand, failed, finished = anyio.Event(), anyio.Event(), []

    async def stage(item):
        if item == 0:
            await in_hand.wait()
            failed.set()
            raise Outage("gone")
        in_hand.set()
        await failed.wait()
        await settle()
        finished.append(item)
        return [item]

    with pytest.raises(Outage):
        await collect(Numbers(2)(), stage, workers=2)
    assert finished == [1]


async def test_after_an_error_of_a_worker_the_source_is_closed():
    source = Numbers(1000)

    async def stage(item):
        raise Outage("gone")

    with pytest.raises(Outage):
        await collect(source(), stage, workers=2)
    assert source.closed


async def test_leaving_the_block_early_cancels_the_workers_and_closes_the_source():
    source = Numbers(1000)
    cancelled = []

    async def stage(item):
        if item == 0:
            return [item]
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.append(item)

    async with flow(source(), stage, workers=4) as running:
        async for result in running:
            assert result == 0
            break
    assert source.closed
    assert 1 <= len(cancelled) <= 4


async def test_cancelling_whoever_reads_ends_the_flow():
    source = Numbers(1000)
    with anyio.CancelScope() as scope:
        async with flow(source(), same, workers=4) as running:
            async for _ in running:
                scope.cancel()
                await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert source.closed


@pytest.mark.parametrize("read", [0, 1, 50, 500])
async def test_no_task_is_left_behind(read):
    before = asyncio.all_tasks()
    async with flow(Numbers(500)(), same, workers=7) as running:
        results = aiter(running)
        for _ in range(read):
            await anext(results)
    del results
    gc.collect()
    await settle()
    assert asyncio.all_tasks() == before


class Calls:
    """A stage with calls that wait for their turn, and are then on the wire until they are let go."""

    def __init__(self):
        self.started = []
        self.turns = anyio.Semaphore(2)
        self.answered = anyio.Event()

    async def __call__(self, item):
        with waiting():
            await self.turns.acquire()
        self.started.append(item)
        await self.answered.wait()
        return [item]


async def test_after_a_stop_what_is_in_hand_is_finished_and_its_results_still_come():
    calls = Calls()
    async with flow(Numbers(1000)(), calls, workers=5) as running:
        await settle()
        assert calls.started == [0, 1]
        running.stop()
        await settle()
        calls.answered.set()
        results = [result async for result in running]
    assert sorted(results) == [0, 1]


async def test_after_a_stop_what_only_waits_for_its_turn_is_not_taken_up():
    calls = Calls()
    async with flow(Numbers(1000)(), calls, workers=5) as running:
        await settle()
        running.stop()
        for _ in range(3):
            calls.turns.release()
        await settle()
        calls.answered.set()
        assert len([result async for result in running]) == len(calls.started) == 2


async def test_after_a_stop_the_source_gives_nothing_more_and_is_closed():
    source = Numbers(1000)
    calls = Calls()
    async with flow(source(), calls, workers=2, depth=3) as running:
        await settle()
        given_before = source.given
        running.stop()
        calls.answered.set()
        assert len([result async for result in running]) == 2
    assert source.given == given_before
    assert source.closed


async def test_an_item_that_comes_at_the_moment_of_the_stop_is_not_taken_up():
    taken_up = []

    async def source():
        yield 0
        yield 1
        await anyio.sleep_forever()

    async def stage(item):
        taken_up.append(item)
        running.stop()  # the other worker has its item already, and does not know it yet
        await anyio.lowlevel.checkpoint()
        return [item]

    async with flow(source(), stage, workers=2, depth=0) as running:
        assert [result async for result in running] == [0]
    assert taken_up == [0]


async def test_a_stop_before_the_first_item_ends_the_flow_at_once():
    async with flow(Numbers(1000)(), same, workers=2) as running:
        running.stop()
        assert [result async for result in running] == []


async def test_a_second_wait_of_a_stopped_worker_ends_it():
    reached = []

    async def stage(item):
        await anyio.lowlevel.checkpoint()
        with waiting():
            await anyio.lowlevel.checkpoint()
            reached.append(item)
        return [item]

    async with flow(Numbers(1)(), stage, workers=1) as running:
        while running.meter.working == 0:
            await anyio.lowlevel.checkpoint()
        running.stop()
        assert [result async for result in running] == []
    assert reached == []


async def test_waiting_outside_a_flow_changes_nothing():
    with waiting():
        await anyio.lowlevel.checkpoint()


async def test_the_meter_counts_items_and_the_deepest_queues():
    async with flow(Numbers(50)(), same, workers=2, depth=3) as running:
        await settle()
        results = [result async for result in running]
    assert len(results) == running.meter.items == 50
    assert running.meter.deepest_in == running.meter.deepest_out == 3
    assert running.meter.working == 0
