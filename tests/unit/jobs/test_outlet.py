"""Outcomes are sent on in batches, none is lost, and a sink that fails stops the job in order."""

import anyio
import pytest

from penstock.errors import DeliveryError, JobError
from penstock.jobs.outlet import Outlet, sending
from penstock.records import Key, Verdict

pytestmark = pytest.mark.anyio


def verdict(row):
    return Verdict(key=Key(row), scores=(0.5,), method="m")


class Sheet:
    """Takes batches, as fast and as well as it is told."""

    def __init__(self, *, seconds=0.0, broken=False):
        self.batches = []
        self.arrived = anyio.Event()
        self.seconds, self.broken = seconds, broken

    async def send(self, outcomes):
        await anyio.sleep(self.seconds)
        if self.broken:
            raise DeliveryError("the sheet cannot be reached")
        self.batches.append([outcome.key.row for outcome in outcomes])
        self.arrived.set()

    @property
    def rows(self):
        return [row for batch in self.batches for row in batch]


def ignore():
    pass


async def test_everything_is_sent_in_order_before_the_block_is_left():
    sheet = Sheet()
    outlet = Outlet(sheet.send, interval=60, count=1000)
    async with sending(outlet, failed=ignore):
        for row in range(120):
            await outlet.take(verdict(row))
    assert sheet.rows == list(range(120))
    assert outlet.gauges()["unsent"] == 0


async def test_a_batch_goes_when_its_time_has_come():
    sheet = Sheet()
    outlet = Outlet(sheet.send, interval=0.01, count=1000)
    async with sending(outlet, failed=ignore):
        await outlet.take(verdict(0))
        await sheet.arrived.wait()
        await outlet.take(verdict(1))
    assert sheet.batches == [[0], [1]]


async def test_a_batch_goes_earlier_when_there_are_enough():
    sheet = Sheet()
    outlet = Outlet(sheet.send, interval=3600, count=3)
    async with sending(outlet, failed=ignore):
        for row in range(3):
            await outlet.take(verdict(row))
        await sheet.arrived.wait()
        assert sheet.batches == [[0, 1, 2]]


async def test_what_gathers_behind_a_slow_sink_goes_in_one_batch():
    sheet = Sheet(seconds=0.05)
    outlet = Outlet(sheet.send, interval=0.001, count=1)
    async with sending(outlet, failed=ignore):
        await outlet.take(verdict(0))
        await anyio.sleep(0.02)
        for row in range(1, 40):
            await outlet.take(verdict(row))
    assert sheet.rows == list(range(40))
    assert len(sheet.batches) <= 3


async def test_the_job_waits_while_too_much_has_gathered():
    sheet = Sheet(seconds=0.01)
    outlet = Outlet(sheet.send, interval=0.001, count=1, room=5)
    most = 0
    async with sending(outlet, failed=ignore):
        for row in range(50):
            await outlet.take(verdict(row))
            most = max(most, len(outlet._waiting))
    assert most <= 5
    assert sheet.rows == list(range(50))


async def test_a_sink_that_fails_is_told_once_and_its_error_leaves_the_block():
    told = []
    outlet = Outlet(Sheet(broken=True).send, interval=0.001, count=1, room=2)

    async def job():
        async with sending(outlet, failed=lambda: told.append(1)):
            for row in range(20):  # far more than there is room for: nobody waits behind an error
                await outlet.take(verdict(row))
                await anyio.sleep(0.001)

    with pytest.raises(DeliveryError, match="cannot be reached"):
        await job()
    assert told == [1]
    assert outlet.gauges()["unsent"] == 20


async def test_an_error_of_the_job_leaves_as_itself_when_what_was_judged_is_sent():
    sheet = Sheet()
    outlet = Outlet(sheet.send, interval=3600, count=1000)

    async def job():
        async with sending(outlet, failed=ignore):
            await outlet.take(verdict(7))
            raise JobError("fewer rows")

    with pytest.raises(JobError, match="fewer rows"):
        await job()
    assert sheet.rows == [7]


async def test_the_time_to_visibility_is_measured():
    outlet = Outlet(Sheet(seconds=0.01).send, interval=0.01, count=100)
    async with sending(outlet, failed=ignore):
        await outlet.take(verdict(0))
    assert 0 < outlet.gauges()["lag_median"] <= outlet.gauges()["lag_p95"]


async def test_a_batch_grows_until_it_can_be_sent_at_once():
    sheet, ready = Sheet(), anyio.Event()
    outlet = Outlet(sheet.send, interval=0.01, count=1, ready=ready.wait)
    async with sending(outlet, failed=ignore):
        await outlet.take(verdict(0))
        await anyio.sleep(0.05)
        await outlet.take(verdict(1))
        ready.set()
    assert sheet.batches == [[0, 1]]
