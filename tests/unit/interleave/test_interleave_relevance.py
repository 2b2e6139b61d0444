"""Graded queries and the rankers that rank them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.interleave.simulation import Ranker, generated, rank, read_letor
from penstock.interleave.simulation.clicks import NO_ITEM

LETOR = """\
# grades and features
2 qid:7 1:0.5 3:1 # the first
0 qid:7 1:0.25

1 qid:8 1:1e-2 2:-3
4 qid:8 3:0.5
0 qid:8 1:0.75
"""


def rng(seed=1):
    return np.random.default_rng(seed)


def written(folder, text, name="rank.train"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def ranked(relevance, first, second, *, k=10, overlap=0.5, seed=1):
    return rank(relevance, Ranker.of(first), Ranker.of(second), k=k, overlap=overlap, rng=rng(seed))


def test_a_file_is_read_by_query(tmp_path):
    relevance = read_letor(written(tmp_path, LETOR), features=[1, 3])
    assert [grades.tolist() for grades in relevance.grades] == [[2, 0], [1, 4, 0]]
    assert [values.tolist() for values in relevance.features[1]] == [[0.5, 0.25], [0.01, 0.0, 0.75]]
    assert [values.tolist() for values in relevance.features[3]] == [[1.0, 0.0], [0.0, 0.5, 0.0]]


def test_only_the_features_that_are_wanted_are_kept(tmp_path):
    assert set(read_letor(written(tmp_path, LETOR), features=[3]).features) == {3}


def test_lines_of_one_query_need_not_be_together(tmp_path):
    relevance = read_letor(written(tmp_path, "1 qid:1\n2 qid:2\n3 qid:1\n"))
    assert [grades.tolist() for grades in relevance.grades] == [[1, 3], [2]]


def test_sizes_may_be_in_a_file_of_their_own(tmp_path):
    path = written(tmp_path, "1 1:1\n2 1:2\n3 1:3\n")
    relevance = read_letor(path, sizes=written(tmp_path, "1\n2\n", "rank.train.query"), features=[1])
    assert [grades.tolist() for grades in relevance.grades] == [[1], [2, 3]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("5 qid:1 1:1\n", r"Line 1 of .*grade from 0 to 4: '5 qid:1 1:1'"),
        ("-1 qid:1\n", "Line 1"),
        ("1.5 qid:1\n", "Line 1"),
        ("0 qid:1\ngood qid:1\n", "Line 2"),
        ("0 qid:1 1:nan\n", "Line 1"),
        ("0 qid:1 1\n", "Line 1"),
        ("0 qid:1 x:1\n", "Line 1"),
        ("\n# nothing\n", "has no documents"),
        ("0 1:1\n", "without qid: .*--query"),
        ("0 qid:1 2:1\n", "has the feature 1: its ranking would be by chance"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_place(tmp_path, text, says):
    with pytest.raises(InputError, match=says):
        read_letor(written(tmp_path, text), features=[1])


@pytest.mark.parametrize(("sizes", "says"), [("1\n1\n", "counts 2 lines"), ("3\n0\n", "Line 2"), ("x\n", "Line 1")])
def test_sizes_that_do_not_belong_to_the_file_are_refused(tmp_path, sizes, says):
    path = written(tmp_path, "0\n1\n2\n")
    with pytest.raises(InputError, match=says):
        read_letor(path, sizes=written(tmp_path, sizes, "sizes"))


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_letor(tmp_path / "absent")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe0 qid:1")
    with pytest.raises(InputError, match="not UTF-8"):
        read_letor(binary)


def test_made_up_documents_are_mostly_not_relevant():
    grades = np.concatenate(generated(200, 50, rng()).grades)
    assert (grades == 0).mean() == pytest.approx(0.515, abs=0.02)
    assert set(np.unique(grades)) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(("queries", "documents"), [(0, 50), (5, 1)])
def test_nothing_to_rank_is_refused(queries, documents):
    with pytest.raises(InputError, match="no lists"):
        generated(queries, documents, rng())


def test_a_feature_ranks_from_the_highest_down(tmp_path):
    relevance = read_letor(written(tmp_path, LETOR), features=[1, 3])
    lists = ranked(relevance, "feature:1", "feature:3")
    assert [order.tolist() for order in lists.first] == [[0, 1], [2, 0, 1]]
    assert lists.second[1][0] == 1


def test_equal_scores_are_not_ordered_as_in_the_file(tmp_path):
    text = "".join(f"{4 - n // 10} qid:1 1:1\n" for n in range(50))
    relevance = read_letor(written(tmp_path, text), features=[1])
    first, second = ranked(relevance, "feature:1", "feature:1").of(0)
    assert first == second
    assert first != sorted(first)


def test_a_ranker_without_noise_is_the_best_there_is():
    lists = ranked(generated(30, 20, rng()), "noise:0", "noise:1")
    assert lists.ndcg(0, 10) == pytest.approx(np.ones(30))
    assert lists.ndcg(1, 10).mean() < 0.95


def test_rankers_that_share_all_their_noise_have_one_list():
    lists = ranked(generated(5, 20, rng()), "noise:1", "noise:1", overlap=1.0)
    assert lists.of(3)[0] == lists.of(3)[1]


def test_rankers_that_share_more_noise_have_more_in_common():
    relevance = generated(100, 50, rng())

    def common(overlap):
        lists = ranked(relevance, "noise:1", "noise:1", overlap=overlap)
        return sum(len(set(first[:10]) & set(second[:10])) for first, second in map(lists.of, range(100)))

    assert common(0.0) < common(0.5) < common(0.9)


@pytest.mark.parametrize("worse", ["pinned", "pinned:3", "shuffled:5", "swapped:3", "swapped:1"])
def test_a_ranker_that_is_worse_on_purpose_is_worse_and_has_the_same_documents(worse):
    lists = ranked(generated(200, 50, rng()), "noise:0.3", worse)
    assert lists.ndcg(1, 10).mean() < lists.ndcg(0, 10).mean()
    assert all(sorted(first) == sorted(second) for first, second in map(lists.of, range(200)))


def test_a_pinned_item_comes_from_below_and_stands_at_a_place_from_5_to_10():
    lists = ranked(generated(50, 50, rng()), "noise:0.3", "pinned")
    for first, second in map(lists.of, range(50)):
        place = next(place for place, (a, b) in enumerate(zip(first, second, strict=True)) if a != b)
        assert 4 <= place <= 9
        assert first.index(second[place]) >= 10


def test_a_swap_changes_exactly_that_many_of_the_shown_items():
    lists = ranked(generated(50, 50, rng()), "noise:0.3", "swapped:3")
    assert {len(set(first[:10]) - set(second[:10])) for first, second in map(lists.of, range(50))} == {3}


@given(st.sampled_from(["pinned:2", "shuffled:5", "swapped:9"]), st.integers(2, 12), st.integers(0, 1000))
def test_short_lists_can_be_made_worse_too(worse, documents, seed):
    lists = ranked(generated(3, documents, rng(seed)), "noise:1", worse, seed=seed)
    assert all(sorted(second) == list(range(documents)) for _, second in map(lists.of, range(3)))


@pytest.mark.parametrize(
    "word",
    ["", "feature", "feature:x", "feature:1.5", "noise", "noise:-1", "noise:nan", "best:1", "swapped:-1"],
)
def test_a_word_that_is_no_ranker_is_refused(word):
    with pytest.raises(InputError, match="is no ranker"):
        Ranker.of(word)


def test_a_ranker_may_have_its_usual_number():
    assert [Ranker.of(word).number for word in ("pinned", "shuffled", "swapped", "swapped:4")] == [1, 5, 3, 4]


def test_the_first_ranker_cannot_be_a_worse_version_of_itself():
    with pytest.raises(InputError, match="first ranker cannot be 'pinned'"):
        ranked(generated(2, 5, rng()), "pinned", "noise:1")


def test_an_overlap_outside_0_to_1_is_refused():
    with pytest.raises(InputError, match="overlap"):
        ranked(generated(2, 5, rng()), "noise:1", "noise:1", overlap=1.5)


def test_two_rankers_of_one_word_have_names_of_their_own():
    assert ranked(generated(2, 5, rng()), "noise:1", "noise:1").rankers == ("noise:1 (1)", "noise:1 (2)")


def test_ndcg_is_as_defined():
    relevance = generated(1, 3, rng())
    relevance.grades[0][:] = [1, 0, 2]
    lists = ranked(relevance, "noise:0", "noise:0")
    lists.first[0][:] = [0, 1, 2]  # gains 1, 0, 3 at discounts 1, 0.6309, 0.5; at best 3, 1, 0
    assert lists.ndcg(0, 3) == pytest.approx([(1 + 3 * 0.5) / (3 + 0.63093)], abs=1e-5)
    assert lists.ndcg(0, 1) == pytest.approx([1 / 3])


def test_ndcg_is_0_where_nothing_is_relevant():
    relevance = generated(1, 3, rng())
    relevance.grades[0][:] = 0
    assert ranked(relevance, "noise:1", "noise:2").ndcg(0, 3) == pytest.approx([0.0])


def test_a_list_that_ends_early_shows_nothing_behind():
    lists = ranked(generated(1, 3, rng()), "noise:0", "noise:1")
    assert lists.shown(0, 5)[0, 3:].tolist() == [NO_ITEM, NO_ITEM]
