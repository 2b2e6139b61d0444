"""Examples are read from either layout, and what does not fit is said in one sentence."""

import pytest

from penstock.errors import InputError
from penstock.judge.category import Category
from penstock.judge.examples import read_examples

HOW = "write 0 or 1, true or false, or a score from 0 to 1"
CATEGORIES = (Category(name="Joy"), Category(name="anger"))


def test_a_column_per_category_is_read():
    rows = [
        ("a", {"joy": "1", "Anger ": "false"}),
        ("b", {"joy": 0.25, "Anger ": True}),
        ("c", {"joy": "", "Anger ": 1}),
    ]
    assert read_examples(rows, CATEGORIES).labels.tolist() == [[1, 0], [0.25, 1], [0, 1]]


@pytest.mark.parametrize("cell", ["joy,anger", "anger; JOY", " joy | anger "])
def test_a_column_of_names_is_read(cell):
    assert read_examples([("a", {"labels": cell})], CATEGORIES).labels.tolist() == [[1, 1]]


def test_a_name_with_a_separator_is_found_whole():
    categories = (Category(name="fear, worry"), Category(name="joy"))
    assert read_examples([("a", {"label": "fear, worry"})], categories).labels.tolist() == [[1, 0]]


def test_numbers_may_be_names():
    categories = (Category(name="0"), Category(name="2"))
    rows = [("a", {"label": 2.0}), ("b", {"label": "0"})]
    assert read_examples(rows, categories).labels.tolist() == [[0, 1], [1, 0]]


def test_labels_of_other_categories_are_counted():
    examples = read_examples([("a", {"label": "joy,pride"}), ("b", {"label": "pride"})], CATEGORIES)
    assert examples.others == {"pride": 2}
    assert examples.labels.tolist() == [[1, 0], [0, 0]]


def test_rows_without_a_text_are_left_out_and_counted():
    examples = read_examples([("  ", {"label": "joy"}), ("b", {"label": "joy"})], CATEGORIES)
    assert (examples.texts, examples.blank) == (("b",), 1)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "There is no example in x.csv: every example needs a text."),
        ([(" ", {"label": "joy"})], "There is no example in x.csv: every example needs a text."),
        (
            [("a", {"joy": 1})],
            "x.csv has no column for 'anger': add it, or a column 'labels'.",
        ),
        (
            [("a", {"mood": 1})],
            "x.csv has neither a column per category nor a column 'labels': add one of them.",
        ),
        (
            [("a", {"label": "pride"})],
            "No label in x.csv is one of the categories 'Joy', 'anger': it says 'pride'.",
        ),
        (
            [("a", {"joy": 0, "anger": "0"})],
            "No example in x.csv has a label: mark at least one text with one of 'Joy', 'anger'.",
        ),
        *(
            (
                [("a", {"joy": 1, "anger": 0}), ("b", {"joy": cell, "anger": 0})],
                f"'{cell}' in x.csv, data row 2, column 'joy' is no label: {HOW}.",
            )
            for cell in ("maybe", "nan", "1.5", "-0.1")
        ),
    ],
)
def test_bad_examples_are_told_in_one_sentence(rows, message):
    with pytest.raises(InputError) as caught:
        read_examples(rows, CATEGORIES, source="x.csv")
    assert str(caught.value) == message


def test_a_message_repeats_no_control_letters_and_no_long_cells():
    with pytest.raises(InputError, match=r"^'a b x{36}…' in"):
        read_examples([("a", {"joy": "a\x1b\nb " + "x" * 99, "anger": 0})], CATEGORIES)
