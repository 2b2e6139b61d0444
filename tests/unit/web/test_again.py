"""How often a call is tried again, and after which waits."""

import random

import pytest

from penstock.errors import Throttled, Unfit, Unreachable
from penstock.web.again import Again

pytestmark = pytest.mark.anyio


class Failing:
    """Raises these errors, one after the other, then answers."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def again(**settings):
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    return waits, Again(sleep=sleep, rng=random.Random(0), **settings)


async def test_a_call_that_fails_for_now_is_made_again():
    call = Failing(Unreachable("a"), Unreachable("b"))
    assert await again()[1].ask(call) == "done"
    assert call.calls == 3


async def test_after_the_last_attempt_the_last_error_is_raised():
    call = Failing(*(Unreachable(str(nth)) for nth in range(9)))
    with pytest.raises(Unreachable, match="2"):
        await again(attempts=3)[1].ask(call)


async def test_what_would_fail_again_is_not_tried_again():
    call = Failing(Unfit("no"))
    with pytest.raises(Unfit):
        await again()[1].ask(call)
    assert call.calls == 1


async def test_the_wait_that_a_server_asks_for_is_kept():
    waits, tries = again()
    await tries.ask(Failing(Throttled("slow down", retry_after=7.0)))
    assert 7.0 <= waits[0] <= 7.5


async def test_a_wait_of_centuries_is_cut_short():
    waits, tries = again(longest=30.0)
    await tries.ask(Failing(Throttled("full", retry_after=9.2e9)))
    assert waits[0] <= 31.0


async def test_refusals_cost_no_attempt():
    call = Failing(Throttled("a"), Unreachable("b"), Throttled("c"))
    assert await again(attempts=2)[1].ask(call) == "done"


async def test_waits_grow_no_longer_than_the_longest():
    waits, tries = again(attempts=40, longest=4.0)
    await tries.ask(Failing(*(Unreachable("x") for _ in range(39))))
    assert max(waits) <= 4.0
    assert max(waits[:2]) <= 1.0
