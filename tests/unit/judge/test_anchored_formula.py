"""From anchor and similarity to a score."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.judge.detail import Detail
from penstock.judge.similarity import (
    WEIGHTS,
    cosines,
    detailed,
    disagreement,
    restored,
    scored,
    stretched,
)

anchors = st.sampled_from(list(WEIGHTS))
nearness = st.floats(0, 1)
similarities = st.lists(st.floats(-1, 1), min_size=1, max_size=8)
cells = st.builds(
    scored,
    anchors,
    similarity=st.floats(-1, 1),
    r=nearness,
    category=st.text(max_size=9),
    rationale=st.text(max_size=40),
)


@pytest.mark.parametrize(
    ("anchor", "r", "score"),
    [
        ("Core", 1.0, 0.91),
        ("Core", 0.5, 0.82),  # 0.665 + 0.15
        ("Core", 0.0, 0.80),  # 0.72, held up
        ("Strong", 1.0, 0.81),
        ("Strong", 0.0, 0.61),
        ("Reasonable", 0.5, 0.54),
        ("Weak", 0.5, 0.33),
        ("Weak", 0.0, 0.23),
        ("None", 1.0, 0.20),  # 0.28, held down
        ("None", 0.5, 0.19),
        ("None", 0.0, 0.09),
    ],
)
def test_a_score_is_worked_out_by_the_formula(anchor, r, score):
    assert scored(anchor, similarity=0.3, r=r).score == score


@given(anchors, nearness)
def test_a_score_lies_between_0_and_1_and_its_parts_are_exact(anchor, r):
    cell = scored(anchor, similarity=0.0, r=r)
    assert 0 <= cell.score <= 1
    assert cell.score == round(cell.score, 2)
    assert cell.anchor_part == pytest.approx(0.7 * WEIGHTS[anchor], abs=1e-12)
    assert cell.similarity_part == pytest.approx(0.3 / (1 + math.exp(-3 * (r - 0.5))), abs=2e-9)
    if anchor not in {"Core", "None"}:
        assert cell.score == pytest.approx(cell.anchor_part + cell.similarity_part, abs=0.005 + 1e-9)


@given(nearness)
def test_core_and_none_are_held_to_their_word(r):
    assert scored("Core", similarity=0.0, r=r).score >= 0.80
    assert scored("None", similarity=0.0, r=r).score <= 0.20


@given(anchors, nearness, nearness)
def test_a_nearer_category_never_scores_lower(anchor, one, other):
    low, high = sorted([one, other])
    assert scored(anchor, similarity=0.0, r=low).score <= scored(anchor, similarity=0.0, r=high).score


@given(nearness)
def test_a_stronger_anchor_never_scores_lower(r):
    scores = [scored(anchor, similarity=0.0, r=r).score for anchor in WEIGHTS]
    assert scores == sorted(scores, reverse=True)


@given(similarities)
def test_similarities_are_stretched_in_their_order_from_0_to_1(raw):
    found = stretched(raw)
    assert all(0 <= r <= 1 for r in found)
    if max(raw) - min(raw) > 1e-6:
        assert (min(found), max(found)) == (0, 1)
        assert [found[place] for place in np.argsort(raw)] == sorted(found)


@pytest.mark.parametrize("raw", [(0.4,), (0.4, 0.4, 0.4), (0.4, 0.4 + 1e-9), (0.0, 0.0)])
def test_without_a_difference_every_category_is_as_near_as_any(raw):
    assert stretched(raw) == (0.5,) * len(raw)


def test_a_cosine_is_the_angle_whatever_the_lengths():
    text = np.array([3.0, 0.0], np.float32)
    categories = np.array([[9.0, 0.0], [0.0, 2.0], [-1.0, 0.0], [1.0, 1.0]], np.float32)
    assert cosines(text, categories) == pytest.approx((1.0, 0.0, -1.0, math.sqrt(0.5)), abs=1e-7)


def test_what_has_no_words_is_near_to_nothing():
    zero, one = np.zeros(2, np.float32), np.ones(2, np.float32)
    assert cosines(zero, np.stack([one, zero])) == (0.0, 0.0)
    assert cosines(one, np.stack([zero])) == (0.0,)


@given(anchors, nearness)
def test_word_and_similarity_disagree_from_0_to_1(anchor, r):
    assert 0 <= disagreement(scored(anchor, similarity=0.0, r=r)) <= 1


def test_they_disagree_most_where_the_farthest_category_is_called_core():
    worst, best = scored("Core", similarity=0.0, r=0.0), scored("Core", similarity=0.0, r=1.0)
    assert disagreement(worst) == 1.0
    assert disagreement(best) == 0.0
    assert disagreement(scored("None", similarity=0.0, r=1.0)) == 1.0


@given(st.lists(cells, max_size=4))
def test_details_come_back_as_they_were_written(block):
    written = Detail(details=detailed(block)).encoded()
    assert restored(Detail.decode(written).details) == tuple(block)


def test_no_detail_is_no_cell():
    kept = Detail.decode('{"agreement": [1.0], "samples": 3}')
    assert restored(Detail.decode("").details) == restored(kept.details) == ()
