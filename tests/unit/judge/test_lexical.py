"""The lexical judge scores by shared words, and by nothing else."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.judge.category import Category
from penstock.judge.lexical import LexicalJudge

JOY = Category(name="joy", definition="Being happy or delighted.", detail="Not about relief.")
DELIVERY = Category(name="late delivery", definition="The parcel came late or not at all.")


def score(text, *categories):
    return LexicalJudge(categories or (JOY, DELIVERY)).score([text])[0].tolist()


def test_a_text_without_evidence_scores_nothing():
    assert score("The table is brown.") == [0.0, 0.0]


def test_stop_words_are_no_evidence():
    assert score("or at all or not") == [0.0, 0.0]


def test_the_whole_name_is_strong_evidence():
    assert score("What a joy!") == [0.8, 0.0]


def test_an_inflected_word_of_the_definition_counts():
    assert score("Her happiness")[0] == 0.4


def test_reasons_add_up():
    assert score("Happy and delighted")[0] == pytest.approx(1 - 0.6 * 0.6)


def test_saying_a_word_twice_adds_nothing():
    assert score("happy happy happy") == score("happy")


@pytest.mark.parametrize(
    "text", ["I am not happy", "I don't feel happy at all", "never happy", "without any joy", "hardly happy"]
)
def test_a_denied_word_counts_nothing(text):
    assert score(text)[0] == 0.0


@pytest.mark.parametrize("text", ["not bad, happy", "I did not wait but happy"])
def test_denial_ends_with_its_clause(text):
    assert score(text)[0] == 0.4


def test_what_a_description_denies_is_no_evidence():
    assert score("what a relief")[0] == 0.0


def test_a_word_of_many_categories_is_worth_less():
    other = Category(name="mirth", definition="Being happy and loud.")
    assert score("happy", JOY, other)[0] < score("happy", JOY, DELIVERY)[0]


@pytest.mark.parametrize(
    ("told", "text", "denied"),
    [
        ("楽しい", "映画は楽しかった", "映画は楽しくなかった"),
        ("开心", "今天很开心", "不开心"),
        ("좋아하다", "정말 좋아요", "좋아하지 않아요"),
    ],
)
def test_scripts_without_stems_match_by_letters(told, text, denied):
    judge = LexicalJudge([Category(name="x", definition=told)])
    scores = judge.score([text, denied])[:, 0]
    assert scores[0] > 0
    assert scores[1] == 0


@pytest.mark.parametrize("text", ["😂", "hahaha", "lol", "ㅋㅋㅋ", ":D"])
def test_laughter_and_faces_are_words_too(text):
    judge = LexicalJudge([Category(name="fun", definition="Laughing, tears of joy.")])
    assert judge.score([text])[0, 0] > 0


def test_the_same_text_scores_the_same_in_another_process():
    program = (
        "from penstock.judge.category import Category; from penstock.judge.lexical import LexicalJudge;"
        "print(LexicalJudge([Category(name='joy', definition='happy, glad, merry')]).score(['happy, glad, merry']))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]


def test_no_texts_give_no_rows():
    assert LexicalJudge((JOY, DELIVERY)).score([]).shape == (0, 2)


@given(st.lists(st.text(), max_size=5))
def test_scores_are_hundredths_between_zero_and_one(texts):
    scores = LexicalJudge((JOY, DELIVERY)).score(texts)
    assert scores.shape == (len(texts), 2)
    assert np.all((scores >= 0) & (scores <= 1))
    assert np.array_equal(scores, np.round(scores, 2))
