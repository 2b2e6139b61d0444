"""The parts of the offline grader compute what they say they do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.grade.offline.bags import Bags
from penstock.grade.offline.calibration import Calibration, Outlook, calibration_error
from penstock.grade.offline.exercise import Exercise
from penstock.grade.offline.kernel import Mix
from penstock.grade.offline.peers import Peers
from penstock.grade.offline.process import kernel, solve
from penstock.grade.offline.resemblance import N_FIGURES, Resemblance
from penstock.grade.offline.rows import Rows
from penstock.grade.offline.tuning import Sample, tune
from penstock.grade.offline.units import read, root

_WORDS = ("water", "salt", "heat", "boils", "dries", "the", "rock", "not", "水", "蒸发", "증발")
_answers = st.lists(st.sampled_from(_WORDS), max_size=8).map(" ".join)


def _rows(dense: np.ndarray) -> Rows:
    rows, columns = np.nonzero(dense)
    starts = np.r_[0, np.cumsum(np.bincount(rows, minlength=len(dense)))]
    values = dense[rows, columns].astype(np.float32)
    return Rows(starts=starts, columns=columns.astype(np.int32), values=values, width=dense.shape[1])


def _random_rows(seed: int, n_rows: int = 90, width: int = 12) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(n_rows, width)) * (random.random((n_rows, width)) < np.linspace(0.02, 1, width))


def test_words_of_one_family_have_one_root() -> None:
    assert {root(word) for word in ("evaporation", "evaporated", "evaporates", "evaporating")} == {root("evaporate")}


def test_characters_without_spaces_are_units_of_their_own() -> None:
    assert read("水蒸发 quickly").units == ("水", "蒸", "发", root("quickly"))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_product_of_sparse_rows_is_that_of_dense_ones(seed: int) -> None:
    dense = _random_rows(seed)
    assert np.allclose(_rows(dense).gram(), dense @ dense.T, atol=1e-4)


def test_sparse_rows_multiply_a_column_like_dense_ones() -> None:
    dense = _random_rows(3)
    dense[5] = 0
    column = np.arange(12, dtype=np.float32)
    assert np.allclose(_rows(dense).times(column), dense @ column, atol=1e-4)


def test_rows_that_are_taken_keep_their_order_and_values() -> None:
    dense = _random_rows(4)
    places = np.array([7, 0, 7, 30])
    weights = np.array([1.0, 2.0, 3.0, 4.0], np.float32)
    assert np.allclose(_rows(dense).take(places).mixed(weights), weights @ dense[places], atol=1e-4)


@given(st.lists(_answers, min_size=1, max_size=8), st.lists(_answers, max_size=3))
@settings(deadline=None)
def test_cosines_of_bags_lie_between_0_and_1(learned: list[str], new: list[str]) -> None:
    bags = Bags.of([read(text) for text in learned])
    rows = bags.rows([read(text) for text in [*learned, *new]])
    for first, end in zip(bags.bounds[:-1], bags.bounds[1:], strict=True):
        products = rows.between(first, end).gram()
        assert products.min() >= 0
        assert products.max() <= 1 + 1e-4


@given(_answers, _answers)
@settings(deadline=None)
def test_resemblance_is_finite_and_most_for_the_reference_itself(answer: str, reference: str) -> None:
    texts = [read(answer), read(reference), read("something else")]
    resemblance = Resemblance.of(texts)
    exercises = [Exercise(references=(reference,), answer=each) for each in (answer, reference)]
    figures = resemblance.measure(exercises, texts[:2])
    assert figures.shape == (2, N_FIGURES)
    assert np.isfinite(figures).all()
    assert figures[0, 8] <= figures[1, 8]  # longest common subsequence


def test_a_graded_answer_does_not_see_its_own_mark() -> None:
    random = np.random.default_rng(0)
    rows = _rows((random.random((9, 12)) < 0.4).astype(float))
    shared = rows.gram()
    scores, changed = random.random(9), random.random(9)
    changed[1:] = scores[1:]
    weights = np.ones(12, np.float32)
    measured = [
        Peers.of(rows, marks, weights).measure(rows, shared, n_terms=12, own=np.arange(9))
        for marks in (scores, changed)
    ]
    assert np.allclose(measured[0][0], measured[1][0])
    assert not np.allclose(measured[0][1], measured[1][1])


@pytest.mark.parametrize("blocks", [np.arange(30), np.arange(30) % 7])
def test_what_is_left_out_is_predicted_as_if_it_had_never_been_there(blocks: np.ndarray) -> None:
    random = np.random.default_rng(1)
    figures = random.normal(size=(30, 4))
    targets = random.random((30, 2))
    targets -= targets.mean(axis=0)
    compared = kernel(figures, figures, np.eye(30, dtype=np.float32), np.arange(30) % 3, Mix()).astype(np.float64)
    predicted = solve(compared, targets).left_out(targets, blocks)
    held = blocks == 3
    inner = compared[np.ix_(~held, ~held)] + np.eye((~held).sum())
    refitted = compared[np.ix_(held, ~held)] @ np.linalg.solve(inner, targets[~held])
    assert np.allclose(predicted[held], refitted, atol=1e-5)


def test_tuned_weights_predict_no_worse_than_the_usual_ones() -> None:
    random = np.random.default_rng(2)
    figures = random.normal(size=(60, 5))
    targets = np.clip(0.5 + 0.3 * figures[:, :1] + 0.05 * random.normal(size=(60, 1)), 0, 1)
    bags = [np.eye(60, dtype=np.float32)] * 5
    questions = np.arange(60) % 4
    sample = Sample(figures=figures, bags=bags, questions=questions, targets=targets)

    def error(mix: Mix) -> float:
        compared = kernel(figures, figures, bags[0], questions, mix.without_peers())
        return float(np.mean((solve(compared, targets).left_out(targets, np.arange(60)) - targets) ** 2))

    assert error(tune(sample)) < error(Mix())


def test_stated_chances_come_true() -> None:
    random = np.random.default_rng(3)
    raw = random.random(4000)
    right = (random.random(4000) < 0.2 + 0.6 * raw).astype(float)
    outlook = Outlook(score=raw, right=raw, nearest=random.random(4000))
    chance = Calibration.fit(outlook, score=right, right=right).chance(outlook)
    assert calibration_error(chance, right) < 0.03
    assert np.abs(chance - (0.2 + 0.6 * raw)).max() < 0.12


def test_stated_errors_follow_the_real_ones() -> None:
    random = np.random.default_rng(4)
    nearest = (random.random(4000) < 0.5).astype(float)
    score = np.clip(0.5 + np.where(nearest > 0, 0.05, 0.25) * random.normal(size=4000), 0, 1)
    outlook = Outlook(score=np.full(4000, 0.5), right=np.full(4000, 0.5), nearest=nearest)
    error = Calibration.fit(outlook, score=score, right=score.round()).error(outlook)
    assert error[nearest > 0].mean() == pytest.approx(0.05, abs=0.03)
    assert error[nearest == 0].mean() == pytest.approx(0.24, abs=0.04)
