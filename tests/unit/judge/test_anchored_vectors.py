"""The local vectors."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.judge.similarity import cosines
from penstock.judge.vectors import SIZE, LocalVectors

local = LocalVectors()


def near(text, *others):
    return cosines(local.vectors([text])[0], local.vectors(others))


@given(st.lists(st.text(), max_size=4))
def test_any_texts_become_vectors_of_length_1_or_0(texts):
    vectors = local.vectors(texts)
    assert vectors.shape == (len(texts), SIZE)
    lengths = np.linalg.norm(vectors, axis=1)
    assert all(length == pytest.approx(1, abs=1e-5) or length == 0 for length in lengths)


@given(st.text(), st.text())
def test_a_vector_depends_on_its_text_alone(text, other):
    assert np.array_equal(LocalVectors().vectors([text])[0], local.vectors([other, text])[1])


def test_every_process_makes_the_same_vectors():
    code = (
        "import hashlib; from penstock.judge.vectors import LocalVectors;"
        "print(hashlib.sha256(LocalVectors().vectors(['The crew helped 선원 船員']).tobytes()).hexdigest())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


@pytest.mark.parametrize(
    ("text", "nearer", "farther"),
    [
        ("Late again!", "delays: the boat is late", "fares: what a ticket costs"),
        ("They delayed us twice.", "delay: being late", "fares: what a ticket costs"),
        ("배가 또 늦었어요", "지연: 배가 늦다", "요금: 표가 비싸다"),
        ("船が遅れました", "遅延: 船が遅れること", "運賃: 切符の値段"),
        ("轮船又晚点了", "晚点: 轮船迟到", "票价: 船票太贵"),
        ("👍 great crew", "crew: people on board", "noise: engines"),
    ],
)
def test_shared_words_and_parts_of_words_bring_texts_near(text, nearer, farther):
    one, other = near(text, nearer, farther)
    assert one > other + 0.05


def test_words_of_no_content_bring_nothing_near():
    assert near("it is what it is", "what is it that they are") == (0.0,)


def test_of_meaning_it_knows_nothing():
    assert near("The voyage was dear.", "expensive tickets")[0] < 0.15


@pytest.mark.anyio
async def test_long_texts_are_embedded_all_the_same():
    embedded = await local.embed(["The crew helped. " * 5_000, "The crew helped."])
    assert cosines(embedded.vectors[0], embedded.vectors[1:])[0] > 0.99
    assert embedded.usage.calls == 0
