import asyncio

import pytest

from pacing import Answer, InFlight, Server, drive, in_virtual_time
from penstock.flow.gate import Gate
from penstock.flow.pace import Pace


def gate_of(calls: int) -> Gate:
    return Gate(Pace(ceiling=calls), clock=asyncio.get_running_loop().time)


def test_a_call_waits_until_another_one_ends():
    async def main():
        gate = gate_of(1)
        first = await gate.enter()
        second = asyncio.create_task(gate.enter())
        await asyncio.sleep(5)
        assert not second.done()
        gate.succeeded(first)
        await asyncio.wait_for(second, 0.001)

    in_virtual_time(main)


def test_calls_start_in_the_order_in_which_they_came():
    async def main():
        gate, order = gate_of(1), []

        async def call(name):
            ticket = await gate.enter()
            order.append(name)
            await asyncio.sleep(1)
            gate.succeeded(ticket)

        await asyncio.gather(*[call(name) for name in range(20)])
        assert order == list(range(20))

    in_virtual_time(main)


def test_a_refused_call_comes_back_before_those_who_wait():
    async def main():
        gate, order = gate_of(1), []
        refused = await gate.enter()

        async def wait(name):
            ticket = await gate.enter(again=refused if name == "again" else None)
            order.append(name)
            gate.succeeded(ticket)

        others = [asyncio.create_task(wait(name)) for name in ("a", "b")]
        await asyncio.sleep(0)
        gate.throttled(refused)
        again = asyncio.create_task(wait("again"))
        await asyncio.gather(again, *others)
        assert order[-1] == "b"
        assert order.index("again") < 2

    in_virtual_time(main)


def test_a_refused_call_waits_as_long_as_the_server_asked():
    async def main():
        gate = gate_of(8)
        refused = await gate.enter()
        gate.throttled(refused, retry_after=7)
        await gate.enter(again=refused)
        assert asyncio.get_running_loop().time() >= 7

    in_virtual_time(main)


def test_others_go_on_while_one_refused_call_waits():
    async def main():
        gate = gate_of(8)
        held, refused = await gate.enter(), await gate.enter()
        gate.throttled(refused, retry_after=60)
        gate.succeeded(held)
        await asyncio.wait_for(gate.enter(), 1)

    in_virtual_time(main)


def test_a_cancelled_waiter_leaves_its_place():
    async def main():
        gate = gate_of(1)
        first = await gate.enter()
        waiter = asyncio.create_task(gate.enter())
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.wait([waiter])
        assert gate.stats().waiting == 0
        gate.succeeded(first)
        await asyncio.wait_for(gate.enter(), 0.001)

    in_virtual_time(main)


def test_a_waiter_cancelled_at_the_moment_of_its_turn_keeps_no_slot():
    async def main():
        gate = gate_of(1)
        first = await gate.enter()
        waiter = asyncio.create_task(gate.enter())
        await asyncio.sleep(0)
        gate.succeeded(first)  # gives the turn to the waiter, which has not run yet
        waiter.cancel()
        await asyncio.wait([waiter])
        assert waiter.cancelled()
        assert gate.stats().in_flight == 0

    in_virtual_time(main)


@pytest.mark.parametrize("seed", range(5))
def test_cancelling_at_any_moment_leaks_nothing(seed):
    import random

    async def main():
        rng = random.Random(seed)
        gate = gate_of(3)

        async def call():
            ticket = await gate.enter()
            told = False
            try:
                await asyncio.sleep(rng.uniform(0, 2))
                gate.succeeded(ticket)
                told = True
            finally:
                if not told:
                    gate.failed(ticket)

        tasks = [asyncio.create_task(call()) for _ in range(50)]
        for task in tasks:
            asyncio.get_running_loop().call_later(rng.uniform(0, 20), task.cancel)
        await asyncio.wait(tasks)
        stats = gate.stats()
        assert (stats.in_flight, stats.waiting) == (0, 0)
        assert stats.started == stats.succeeded + stats.failed

    in_virtual_time(main)


def test_a_cancelled_wait_for_a_retry_after_leaves_no_trace():
    async def main():
        gate = gate_of(2)
        refused = await gate.enter()
        gate.throttled(refused, retry_after=100)
        again = asyncio.create_task(gate.enter(again=refused))
        await asyncio.sleep(1)
        assert gate.stats().waiting == 1
        again.cancel()
        await asyncio.wait([again])
        assert gate.stats().waiting == 0

    in_virtual_time(main)


def test_two_gates_do_not_share_their_limits():
    async def main():
        one, other = gate_of(1), gate_of(1)
        await one.enter()
        await asyncio.wait_for(other.enter(), 0.001)

    in_virtual_time(main)


def test_failed_calls_give_their_slot_back():
    class Broken(Server):
        async def ask(self, tokens):
            answer = await super().ask(tokens)
            self.broken = not getattr(self, "broken", False)
            return Answer(status=500) if self.broken else answer

    async def main():
        server = Broken(rules=(InFlight((0, 4)),), latency=lambda: 1.0)
        return await drive(server, Pace(ceiling=16), calls=40)

    run = in_virtual_time(main)
    assert run.stats.succeeded == 40
    assert run.stats.in_flight == 0


def test_a_ticket_that_is_given_back_counts_as_no_call_and_frees_its_place():
    async def main():
        gate = gate_of(1)
        gate.withdrawn(await gate.enter())
        gate.succeeded(await gate.enter())
        stats = gate.stats()
        assert (stats.started, stats.succeeded, stats.failed, stats.in_flight) == (1, 1, 0, 0)

    in_virtual_time(main)
