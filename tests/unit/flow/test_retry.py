from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import BadReply, Refused, Rejected, Throttled, Unfit, Unreachable
from penstock.flow.retry import Backoff


@given(st.integers(1, 1000))
def test_a_refusal_never_spends_an_attempt(failures):
    assert Backoff(attempts=1).delay(failures, Throttled("too often"), rng=Random(1)) == 0


def test_a_lost_call_is_given_up_after_all_attempts():
    backoff = Backoff(attempts=3)
    delays = [backoff.delay(failures, Unreachable("gone"), rng=Random(1)) for failures in (1, 2, 3)]
    assert [delay is None for delay in delays] == [False, False, True]


@given(st.integers(1, 10_000), st.integers())
def test_a_wait_is_between_nothing_and_its_bound(failures, seed):
    backoff = Backoff(attempts=20_000, base=0.5, cap=30.0)
    delay = backoff.delay(failures, Unreachable("gone"), rng=Random(seed))
    assert delay is not None
    assert 0 <= delay <= min(30.0, 0.5 * 2 ** min(failures - 1, 10))


@pytest.mark.parametrize("error", [Unfit("empty"), Rejected("no"), BadReply("no JSON"), Refused("key"), ValueError()])
def test_what_would_fail_again_is_not_tried_again(error):
    assert Backoff().delay(1, error, rng=Random(1)) is None
