"""Calibration makes scores mean what they say."""

import numpy as np

from penstock.judge.calibrate import Calibration


def drawn(n_texts, seed):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n_texts, 2)) * 2 - 1
    labels = (random.random((n_texts, 2)) < 1 / (1 + np.exp(-logits))).astype(float)
    return logits, labels


def test_log_odds_that_boast_are_brought_back():
    logits, labels = drawn(4000, 0)
    boasting, nothing = 3 * logits + 1, np.zeros_like(logits)
    calibration = Calibration.fit(boasting, nothing, labels)
    assert np.allclose(calibration.apply(boasting, nothing), 1 / (1 + np.exp(-logits)), atol=0.07)


def test_lexical_evidence_is_believed_before_examples_say_otherwise():
    logits, labels = np.zeros((4, 1)), np.array([[0.0], [0.0], [1.0], [0.0]])
    calibration = Calibration.fit(logits, np.zeros((4, 1)), labels)
    low, high = calibration.apply(np.zeros((2, 1)), np.array([[0.0], [0.8]]))[:, 0]
    assert high > low + 0.3


def test_lexical_evidence_that_misleads_is_unlearned():
    random = np.random.default_rng(0)
    lexical = random.integers(0, 2, (500, 1)) * 0.8
    labels = random.integers(0, 2, (500, 1)).astype(float)
    calibration = Calibration.fit(np.zeros((500, 1)), lexical, labels)
    low, high = calibration.apply(np.zeros((2, 1)), np.array([[0.0], [0.8]]))[:, 0]
    assert abs(high - low) < 0.1
