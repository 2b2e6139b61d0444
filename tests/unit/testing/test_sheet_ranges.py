import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.testing.sheet.ranges import MOST_COLUMNS, Rectangle, in_a1, letters, number, quoted, read_range

TITLES = ["First", "It's", "a!b", "C3", "Two words"]
titles = st.text(min_size=1, max_size=12).filter(lambda title: "\0" not in title)
columns = st.integers(1, MOST_COLUMNS)
rows = st.integers(1, 10_000_000)


def found(text):
    return read_range(text, TITLES)


@given(columns)
def test_the_letters_of_a_column_lead_back_to_its_number(column):
    assert number(letters(column)) == column


def test_columns_are_lettered_as_in_a_sheet():
    assert [letters(column) for column in (1, 26, 27, 702, 703, MOST_COLUMNS)] == ["A", "Z", "AA", "ZZ", "AAA", "ZZZ"]


@given(titles, rows, columns, rows, columns)
def test_a_range_that_was_written_reads_the_same(title, top, left, height, width):
    whole = Rectangle(top=top, left=left, bottom=top + height, right=min(left + width, MOST_COLUMNS))
    assert read_range(in_a1(title, whole), [title]) == (title, whole)


@given(titles)
def test_any_title_can_be_quoted(title):
    assert read_range(quoted(title), ["first", title])[0] == title


@pytest.mark.parametrize(
    ("text", "title", "cells"),
    [
        ("First!A1:B2", "First", Rectangle(bottom=2, right=2)),
        ("'It''s'!B2", "It's", Rectangle(top=2, left=2, bottom=2, right=2, lone=True)),
        ("'a!b'!A:C", "a!b", Rectangle(right=3)),
        ("Two words!A2:C", "Two words", Rectangle(top=2, right=3)),
        ("First!5:6", "First", Rectangle(top=5, bottom=6)),
        ("First!A5:6", "First", Rectangle(top=5, bottom=6)),
        ("First!$B$2:$A$1", "First", Rectangle(bottom=2, right=2)),
        ("b2:c3", "First", Rectangle(top=2, left=2, bottom=3, right=3)),
        ("'C3'", "C3", Rectangle()),
        ("Two words", "Two words", Rectangle()),
        ("C3", "First", Rectangle(top=3, left=3, bottom=3, right=3, lone=True)),
    ],
)
def test_ranges_mean_what_they_mean_at_google(text, title, cells):
    assert found(text) == (title, cells)


@pytest.mark.parametrize(
    "text", ["", "Nobody!A1", "First!", "First!A0", "First!A", "First!5", "First!AAAA1", "'It's'!A1", "'First", "A1:"]
)
def test_what_is_no_range_here_means_nothing(text):
    assert found(text) is None


def test_only_a_title_that_needs_quotes_gets_them_in_answers():
    cells = Rectangle(bottom=1, right=1)
    assert [in_a1(title, cells) for title in ("Sheet1", "A1", "It's")] == ["Sheet1!A1", "'A1'!A1", "'It''s'!A1"]
