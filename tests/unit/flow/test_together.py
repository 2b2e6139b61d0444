"""Calls side by side for one item keep what a stop promises."""

from functools import partial

import anyio
import pytest

from penstock.flow.run import flow
from penstock.flow.shield import waiting
from penstock.flow.together import together

pytestmark = pytest.mark.anyio


async def items(n):
    for number in range(n):
        yield number


async def test_all_calls_run_at_once():
    inside, most = 0, 0

    async def call():
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await anyio.sleep(0.01)
        inside -= 1

    await together([call] * 5)
    assert most == 5


async def test_an_error_leaves_as_itself():
    async def call():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await together([call, call])


async def test_an_error_waits_for_what_is_on_the_wire_and_takes_away_what_waits():
    ended = []

    async def fail():
        raise ValueError("no")

    async def paid():
        await anyio.sleep(0.02)
        ended.append("paid")

    async def queued():
        with waiting():
            await anyio.Event().wait()
        ended.append("queued")

    with pytest.raises(ValueError, match="no"):
        await together([paid, queued, fail])
    assert ended == ["paid"]


async def test_a_stop_finishes_what_is_on_the_wire_and_takes_away_what_waits():
    wire, ended, never = anyio.Event(), [], anyio.Event()

    async def call(number):
        if number == 0:
            wire.set()
            await anyio.sleep(0.05)
            ended.append(number)
        else:
            with waiting():
                await never.wait()
            ended.append(number)

    async def stage(item):
        await together([partial(call, number) for number in range(3)])
        return [item]

    async with flow(items(5), stage, workers=1) as running:
        await wire.wait()
        running.stop()
        found = [item async for item in running]
    assert ended == [0]
    assert found == []


async def test_a_stop_during_calls_that_all_end_loses_nothing():
    began = anyio.Event()

    async def call():
        began.set()
        await anyio.sleep(0.02)

    async def stage(item):
        await together([call] * 3)
        return [item]

    async with flow(items(5), stage, workers=1) as running:
        await began.wait()
        running.stop()
        assert [item async for item in running] == [0]
