"""Logistic regression finds the minimum of its loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.judge.logistic import fit, sigmoid


def learned(seed, l2):
    random = np.random.default_rng(seed)
    features = random.normal(size=(40, 6)).astype(np.float32)
    targets = (features[:, :2] + random.normal(size=(40, 2)) > 0).astype(np.float32)
    offset = np.zeros(2, np.float32)
    mix = fit(lambda block: features @ (features.T @ block), targets, offset=offset, l2=np.full(2, l2, np.float32))
    return features, targets, features.T @ mix


@given(seed=st.integers(0, 100), l2=st.sampled_from([0.1, 1.0, 10.0]))
def test_the_slope_vanishes_at_the_solution(seed, l2):
    features, targets, weights = learned(seed, l2)
    slope = features.T @ (sigmoid(features @ weights) - targets) + l2 * weights
    start = features.T @ (0.5 - targets)
    assert np.linalg.norm(slope) < 0.05 * np.linalg.norm(start)


@pytest.mark.parametrize("logit", [-1000.0, 1000.0])
def test_a_sure_logit_does_not_overflow(logit):
    assert sigmoid(np.array([logit]))[0] == (logit > 0)
