"""How simulated users click."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.interleave.simulation import CLICK_MODELS, ClickModel, click_model
from penstock.interleave.simulation.clicks import NO_ITEM, eagerness

MANY = 40_000


def rng(seed=1):
    return np.random.default_rng(seed)


def shares(model, *grades):
    """How often each place of one list is clicked."""
    return model.draw(np.tile(np.array(grades, dtype=np.int8), (MANY, 1)), rng()).mean(axis=0)


@pytest.mark.parametrize("name", CLICK_MODELS)
def test_the_first_place_is_clicked_as_often_as_the_model_says_of_its_grade(name):
    model = click_model(name)
    for grade, chance in enumerate(model.click):
        assert shares(model, grade)[0] == pytest.approx(chance, abs=0.02)


def test_in_the_position_based_model_the_third_place_is_looked_at_a_third_as_often():
    first, _, third = shares(click_model("pbm"), 3, 3, 3)
    assert third == pytest.approx(first / 3, abs=0.02)


def test_in_the_position_based_model_a_click_does_not_end_the_visit():
    after_nothing = shares(click_model("pbm"), 0, 4)[1]
    assert shares(click_model("pbm"), 4, 4)[1] == pytest.approx(after_nothing, abs=0.02)


def test_somebody_who_seeks_one_page_leaves_once_it_is_found():
    # clicks 0.95 and leaves 0.9 of those times: 1 - 0.855 go on
    assert shares(click_model("navigational"), 4, 4)[1] == pytest.approx(0.95 * 0.145, abs=0.01)


def test_somebody_who_clicks_at_random_does_not_care_for_grades():
    assert shares(click_model("random"), 0, 4, 2) == pytest.approx([0.5] * 3, abs=0.02)


@given(st.sampled_from(sorted(CLICK_MODELS)), st.integers(1, 12), st.integers(0, 2**32))
def test_nobody_clicks_where_there_is_nothing(name, k, seed):
    grades = rng(seed).integers(NO_ITEM, 5, size=(50, k)).astype(np.int8)
    assert not click_model(name).draw(grades, rng(seed))[grades == NO_ITEM].any()


def test_nobody_clicks_below_the_click_that_they_left_with():
    model = ClickModel(name="one", meaning="", click=(0.5,) * 5, leave=(1.0,) * 5)
    assert model.draw(np.zeros((1000, 8), dtype=np.int8), rng()).sum(axis=1).max() == 1


@pytest.mark.parametrize("name", CLICK_MODELS)
def test_equal_chance_gives_equal_clicks(name):
    grades = rng().integers(0, 5, size=(100, 10)).astype(np.int8)
    model = click_model(name)
    assert (model.draw(grades, rng(7)) == model.draw(grades, rng(7))).all()


@pytest.mark.parametrize("name", sorted(set(CLICK_MODELS) - {"random"}))
def test_what_is_more_relevant_is_clicked_more(name):
    assert list(click_model(name).click) == sorted(set(click_model(name).click))


def test_all_users_are_alike_where_no_shape_is_given():
    assert (eagerness(5, None, rng()) == 1).all()


def test_many_users_look_at_hardly_anything():
    eager = eagerness(MANY, 0.5, rng())
    assert 0.2 < (eager < 0.1).mean() < 0.3
    assert ((eager >= 0) & (eager <= 1)).all()


def test_users_differ_less_where_the_shape_is_larger():
    assert eagerness(MANY, 5.0, rng()).std() < eagerness(MANY, 0.5, rng()).std()


@pytest.mark.parametrize("shape", [0.0, -1.0, float("nan"), float("inf")])
def test_a_shape_that_is_none_is_refused(shape):
    with pytest.raises(InputError, match="propensity"):
        eagerness(5, shape, rng())


def test_an_unknown_click_model_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="'pmb': choose one of pbm, perfect"):
        click_model("pmb")


@pytest.mark.parametrize(
    "wrong",
    [
        {"click": (0.5,) * 4},
        {"click": (0, 0, 0, 0, 1.5)},
        {"click": (0.5,) * 5, "leave": (-0.1,) * 5},
        {"click": (0.5,) * 5, "decay": -1.0},
    ],
)
def test_a_click_model_of_wrong_chances_is_refused(wrong):
    with pytest.raises(InputError, match="chances from 0 to 1"):
        ClickModel(name="own", meaning="", **wrong)
