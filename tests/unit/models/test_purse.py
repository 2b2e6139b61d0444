"""A budget that many tasks spend from is exceeded by no more than the calls in flight."""

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import BudgetSpent, InputError, ItemError
from penstock.models.purse import Purse

pytestmark = pytest.mark.anyio


def test_what_calls_cost_is_counted():
    purse = Purse(1.0, spent_usd=0.25)
    purse.settle(purse.reserve(0.1), 0.05)
    assert (purse.spent_usd, purse.promised_usd, purse.in_flight) == (pytest.approx(0.3), 0.0, 0)


def test_promised_money_is_not_left():
    purse = Purse(1.0)
    purse.reserve(0.4)
    assert purse.left_usd == pytest.approx(0.6)


def test_a_call_that_does_not_fit_is_told_what_is_spent_and_what_to_do():
    purse = Purse(0.5, spent_usd=0.45)
    with pytest.raises(BudgetSpent, match=r"budget of 0\.5 USD .* 0\.4500 USD are spent .* 0\.1000 USD; resume with"):
        purse.reserve(0.1)
    assert purse.in_flight == 0


def test_a_call_larger_than_the_whole_budget_is_told_what_is_in_flight():
    purse = Purse(0.5)
    purse.reserve(0.2)
    with pytest.raises(BudgetSpent, match=r"0\.0000 USD are spent, 0\.2000 USD are in flight and .* 0\.6000 USD"):
        purse.reserve(0.6)


def test_a_budget_can_be_spent_to_the_last_cent():
    purse = Purse(0.3)
    for _ in range(3):
        purse.settle(purse.reserve(0.1), 0.1)
    assert purse.left_usd == pytest.approx(0.0)


def test_without_a_budget_everything_fits_and_is_counted():
    purse = Purse()
    purse.settle(purse.reserve(1e9), 1e9)
    assert (purse.left_usd, purse.spent_usd) == (None, 1e9)


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan"), float("inf")])
def test_a_budget_that_is_no_amount_is_refused(budget):
    with pytest.raises(InputError, match="give a larger one"):
        Purse(budget)


def test_a_spent_budget_is_no_fault_of_an_item():
    assert not issubclass(BudgetSpent, ItemError)


def test_a_hold_is_settled_however_its_block_is_left():
    purse = Purse(1.0)
    with pytest.raises(KeyError), purse.held(purse.reserve(0.25)):
        raise KeyError
    assert (purse.spent_usd, purse.in_flight) == (0.25, 0)


async def test_a_call_waits_while_those_in_flight_may_leave_enough_over():
    purse = Purse(1.0)
    first = purse.reserve(0.9)
    got = []
    async with anyio.create_task_group() as tasks:

        async def second():
            got.append(await purse.wait(0.5))

        tasks.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        assert got == []
        purse.settle(first, 0.1)
    assert purse.promised_usd == pytest.approx(0.5)


async def test_a_call_does_not_wait_for_money_that_can_no_longer_come():
    purse = Purse(1.0, spent_usd=0.6)
    purse.reserve(0.1)
    with pytest.raises(BudgetSpent):
        await purse.wait(0.5)


async def test_whoever_waits_is_told_when_the_money_is_gone():
    purse = Purse(1.0)
    hold = purse.reserve(0.9)
    told = []

    async def second():
        try:
            await purse.wait(0.5)
        except BudgetSpent as error:
            told.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        purse.settle(hold, 0.8)
    assert len(told) == 1


AMOUNTS = st.floats(0.0, 2.0, allow_subnormal=False)


@given(
    budget=st.floats(0.1, 10.0),
    calls=st.lists(st.tuples(AMOUNTS, AMOUNTS), max_size=40),
    order=st.lists(st.integers(0, 5), max_size=120),
)
def test_a_budget_is_exceeded_by_no_more_than_the_calls_in_flight_when_it_was_reached(budget, calls, order):
    purse, flying, allowed = Purse(budget), [], None
    for choice in [*order, *[5] * len(calls)]:  # in the end, whatever flies comes down
        if choice <= 2 and calls:
            estimate, cost = calls.pop()
            if purse.fits(estimate):
                assert allowed is None, "a call was let through beyond the budget"
                flying.append((purse.reserve(estimate), cost))
        elif flying:
            in_flight = sum(cost for _, cost in flying)
            purse.settle(*flying.pop(choice % len(flying)))
            if allowed is None and purse.spent_usd > budget + 1e-9:
                allowed = in_flight
    assert flying == []
    assert purse.spent_usd - budget <= (allowed or 0.0) + 1e-9
