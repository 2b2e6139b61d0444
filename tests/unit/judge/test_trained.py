"""The trained judge learns from labels, says how well, and never says more than it knows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.judge.category import Category
from penstock.judge.lexical import LexicalJudge
from penstock.judge.trained import TrainedJudge

FRUIT = ("apple", "pear", "plum", "cherry", "melon", "grape")
TOOLS = ("hammer", "saw", "drill", "wrench", "pliers", "chisel")
CATEGORIES = (Category(name="eaten"), Category(name="used"), Category(name="rare", definition="Something purple."))


def sample(n_texts, *, seed=0, noise=0.0):
    """Sentences about fruit or tools; a share of the labels is turned around."""
    random = np.random.default_rng(seed)
    kinds = random.integers(0, 2, n_texts)
    texts = [
        f"{random.choice(['my', 'a', 'the'])} {random.choice((FRUIT, TOOLS)[kind])} no {k}"
        for k, kind in enumerate(kinds)
    ]
    turned = kinds ^ (random.random(n_texts) < noise)
    return texts, np.column_stack([1 - turned, turned, np.zeros(n_texts)])


@pytest.fixture(scope="module")
def judge():
    return TrainedJudge.fit(*sample(200, noise=0.2), CATEGORIES)


def test_it_learns_what_its_categories_never_say(judge):
    scores = judge.score(["a fresh plum", "an old hammer"])
    assert scores[0, 0] > 0.6
    assert scores[0, 1] < 0.4
    assert scores[1, 0] < 0.4
    assert scores[1, 1] > 0.6


def test_a_misspelt_word_is_still_known(judge):
    assert judge.score(["the hammmer"])[0, 1] > 0.6


def test_its_scores_are_chances(judge):
    scores = judge.score([f"the {fruit}" for fruit in FRUIT])[:, 0]
    assert 0.7 < scores.mean() < 0.9  # one label in five is wrong


def test_a_category_with_few_examples_stays_lexical_and_says_so(judge):
    assert judge.methods == ("local:trained", "local:trained", "local:lexical")
    assert judge.score(["purple"])[0, 2] == LexicalJudge(CATEGORIES).score(["purple"])[0, 2] > 0


def test_without_enough_examples_it_is_the_lexical_judge():
    judge = TrainedJudge.fit(["a joy", "a saw"], [[1, 0, 0], [0, 1, 0]], CATEGORIES)
    assert set(judge.methods) == {"local:lexical"}
    assert np.array_equal(judge.score(["eaten"]), LexicalJudge(CATEGORIES).score(["eaten"]))


def test_repeating_one_text_does_not_make_a_trained_category():
    texts = ["a plum"] * 20 + [f"tool {k}" for k in range(20)]
    judge = TrainedJudge.fit(texts, np.repeat([[1.0], [0.0]], 20, axis=0), CATEGORIES[:1])
    assert judge.methods == ("local:lexical",)


def test_agreement_is_not_lifted_by_repeated_texts():
    random = np.random.default_rng(1)
    words = [f"w{k} x{k}" for k in range(60)]
    labels = random.integers(0, 2, 60).astype(float)[:, None]
    twice = TrainedJudge.fit(words * 4, np.tile(labels, (4, 1)), CATEGORIES[:1])
    assert twice.agreement.auroc < 0.75  # labels are coin flips: only a leak could tell them


def test_agreement_matches_what_new_texts_show():
    judge = TrainedJudge.fit(*sample(300, noise=0.2), CATEGORIES)
    texts, labels = sample(300, seed=9, noise=0.2)
    right = (judge.score(texts)[:, 0] >= judge.thresholds[0]) == labels[:, 0]
    assert abs(right.mean() - judge.agreement.categories[0].accuracy) < 0.08


def test_the_same_examples_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        TrainedJudge.fit(*sample(60), CATEGORIES).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_saved_judge_scores_and_reports_the_same(tmp_path, judge):
    judge.save(tmp_path / "judge.npz")
    loaded = TrainedJudge.load(tmp_path / "judge.npz")
    texts = [*sample(50, seed=3)[0], "", "unseen wörds 漢字 😂"]
    assert np.array_equal(loaded.score(texts), judge.score(texts))
    assert loaded.categories == judge.categories
    assert repr(loaded.agreement) == repr(judge.agreement)
    assert (loaded.methods, loaded.thresholds) == (judge.methods, judge.thresholds)


@pytest.mark.parametrize("content", [b"", b"not a judge", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_judge_is_refused(tmp_path, content):
    (tmp_path / "judge").write_bytes(content)
    with pytest.raises(InputError, match="is not a trained judge"):
        TrainedJudge.load(tmp_path / "judge")


def test_a_lexical_judge_is_kept_too(tmp_path):
    TrainedJudge.fit(["a", "b"], np.eye(2), CATEGORIES[:2]).save(tmp_path / "judge")
    assert TrainedJudge.load(tmp_path / "judge").methods == ("local:lexical", "local:lexical")


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        ([], np.empty((0, 1)), "no example"),
        (["a"], [[1, 0]], "shape"),
        (["a"], [[2.0]], "between 0 and 1"),
        (["a"], [[float("nan")]], "between 0 and 1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(texts, labels, message):
    with pytest.raises(InputError, match=message):
        TrainedJudge.fit(texts, labels, CATEGORIES[:1])


def test_soft_labels_are_learned_as_shares():
    texts, labels = sample(200)
    judge = TrainedJudge.fit(texts, 0.2 + 0.6 * labels, CATEGORIES)
    assert judge.score(["the cherry"])[0, 0] == pytest.approx(0.8, abs=0.08)


def test_scripts_without_spaces_are_learned():
    good, bad = ("最高の映画", "楽しい一日", "大好きな店"), ("最悪の映画", "悲しい一日", "大嫌いな店")
    texts = [f"{word}だった{k}" for k in range(10) for word in good + bad]
    labels = np.array([[1.0] if any(word in text for word in good) else [0.0] for text in texts])
    judge = TrainedJudge.fit(texts, labels, CATEGORIES[:1])
    assert judge.score(["本当に最高の店"])[0, 0] > 0.5 > judge.score(["本当に最悪の店"])[0, 0]


@settings(deadline=None)
@given(texts=st.lists(st.text() | st.sampled_from(sample(40)[0]), max_size=8))
def test_a_batch_scores_like_its_texts_one_by_one(judge, texts):
    batch = judge.score(texts)
    assert batch.shape == (len(texts), 3)
    assert np.all((batch >= 0) & (batch <= 1))
    for text, row in zip(texts, batch, strict=True):
        assert np.array_equal(judge.score([text])[0], row)
