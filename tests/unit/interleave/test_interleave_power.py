"""Sample sizes, against scipy's noncentral t and by made-up experiments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from penstock.errors import InputError
from penstock.interleave.analysis import detectable_effect, preference, sample_size


def exact_power(users, effect, deviation, alpha=0.05):
    limit = stats.t.ppf(1 - alpha / 2, users - 1)
    shift = effect / deviation * np.sqrt(users)
    return stats.nct.sf(limit, users - 1, shift) + stats.nct.cdf(-limit, users - 1, shift)


@pytest.mark.parametrize(("effect", "deviation"), [(0.02, 0.9), (0.05, 0.9), (0.1, 0.5), (0.5, 0.9), (1.0, 0.9)])
@pytest.mark.parametrize("power", [0.8, 0.9])
def test_the_users_named_have_the_power_promised_and_hardly_more(effect, deviation, power):
    users = sample_size(effect, deviation, power=power)
    assert exact_power(users, effect, deviation) >= power - 0.005
    assert exact_power(max(2, int(users * 0.9) - 1), effect, deviation) < power


def test_a_known_figure():
    assert sample_size(0.02, 0.9) == 15_896


def test_the_sign_of_an_effect_does_not_matter():
    assert sample_size(-0.02, 0.9) == sample_size(0.02, 0.9)


@given(st.floats(0.001, 1), st.floats(0.05, 2))
def test_the_detectable_effect_is_the_inverse(effect, deviation):
    users = sample_size(effect, deviation)
    if users > 10:
        assert detectable_effect(users, deviation) <= effect <= detectable_effect(users - 1, deviation)


def test_a_worse_ranker_is_found_at_the_size_that_was_named():
    rng = np.random.default_rng(5)
    users = sample_size(0.2, 1.0)
    found = [preference(rng.normal(0.2, 1.0, users), np.ones(users)).p_value < 0.05 for _ in range(800)]
    assert 0.75 < np.mean(found) < 0.85


@pytest.mark.parametrize(
    ("effect", "deviation", "more"),
    [
        (0, 0.9, {}),
        (0.1, 0, {}),
        (0.1, -1, {}),
        (0.1, float("nan"), {}),
        (0.1, 1, {"alpha": 0}),
        (0.1, 1, {"power": 1}),
    ],
)
def test_what_has_no_sample_size_is_refused(effect, deviation, more):
    with pytest.raises(InputError):
        sample_size(effect, deviation, **more)


@pytest.mark.parametrize("users", [0, 1])
def test_too_few_users_show_no_effect_at_all(users):
    with pytest.raises(InputError, match="too few"):
        detectable_effect(users, 0.9)
