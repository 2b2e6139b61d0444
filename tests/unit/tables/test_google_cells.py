"""Cells on their way into a sheet and back."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.tables.google import LONGEST_TEXT, CellBlock, merge
from penstock.tables.google.cells import CUT, fit, is_cut, requests
from penstock.tables.google.differing import _pages, same

places = st.tuples(st.integers(1, 12), st.integers(1, 8))
cells = st.dictionaries(places, st.floats(0, 1) | st.text(max_size=3), max_size=60)


def all_cells(blocks):
    """Every cell of some blocks, each counted."""
    return sorted((place, str(value)) for block in blocks for place, value in block.cells())


def block(values, *, row=1, column=1):
    return CellBlock(tab="T", row=row, column=column, values=tuple(tuple(line) for line in values))


@given(cells)
def test_merging_loses_and_invents_no_cell(given_cells):
    assert all_cells(merge(given_cells, "T")) == sorted((place, str(value)) for place, value in given_cells.items())


@given(st.integers(1, 50), st.integers(1, 9), st.integers(1, 30), st.integers(1, 20))
def test_a_full_rectangle_becomes_one_block(height, width, row, column):
    full = {(row + r, column + c): r * c for r in range(height) for c in range(width)}
    (one,) = merge(full, "T")
    assert (one.row, one.column, one.last_row, one.last_column) == (row, column, row + height - 1, column + width - 1)


def test_rows_of_other_columns_become_other_blocks():
    filled = {(5, 4): 1, (5, 5): 2, (6, 4): 3, (6, 5): 4, (7, 4): 5, (9, 4): 6, (9, 5): 7}
    assert sorted(one.range for one in merge(filled, "T")) == ["'T'!D5:E6", "'T'!D7", "'T'!D9:E9"]


def test_cells_that_stay_as_they_are_are_not_sent():
    assert [one.range for one in merge({(1, 1): None, (1, 2): ""}, "T")] == ["'T'!B1"]


@given(cells, st.integers(150, 900))
def test_dividing_into_requests_loses_no_cell_and_keeps_to_the_size(given_cells, largest):
    parts = list(requests(merge(given_cells, "T"), largest=largest))
    assert all_cells(one for part in parts for one in part) == all_cells(merge(given_cells, "T"))
    for part in parts:
        assert sum(one.size for one in part) <= largest or len(list(part[0].cells())) == 1


@given(cells)
def test_the_size_of_a_block_is_not_underestimated(given_cells):
    for one in merge(given_cells, "It's a tab with ünïcödé"):
        assert len(msgspec.json.encode(one.wire())) <= one.size


def test_a_row_that_is_too_large_is_divided_by_columns():
    parts = list(requests([block([["a" * 300, "b" * 300]])], largest=500))
    assert [[one.range for one in part] for part in parts] == [["'T'!A1"], ["'T'!B1"]]


@pytest.mark.parametrize("letter", ["a", "あ", "😀"])
def test_a_text_that_no_cell_can_hold_is_cut_with_a_mark(letter):
    cut = fit(letter * (LONGEST_TEXT + 1))
    assert is_cut(cut)
    assert cut.endswith(CUT)
    assert LONGEST_TEXT - 1 <= len(cut.encode("utf-16-le")) // 2 <= LONGEST_TEXT


def test_a_text_that_just_fits_is_kept():
    text = "😀" * (LONGEST_TEXT // 2)
    assert fit(text) == text
    assert not is_cut(text)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (0.5, 0.5),
        (float("nan"), ""),
        (float("inf"), ""),
        (True, True),
        (None, None),
        ("=1+1", "=1+1"),
        ("half \ud83d", "half \ufffd"),
        (date(2026, 11, 21), "2026-11-21"),
        (["a", 1], '["a", 1]'),
    ],
)
def test_a_value_is_made_fit_for_a_cell(value, sent):
    assert fit(value) == sent


@given(st.text(st.characters(), max_size=200))
def test_whatever_is_sent_is_a_text(text):
    assert fit(text).encode().decode() == fit(text)


@pytest.mark.parametrize(
    ("wanted", "found", "equal"),
    [
        (0.1 + 0.2, 0.3, True),
        (0.5, 0.51, False),
        (1, True, False),
        (1, "1", False),
        ("", None, True),
        ("", "x", False),
        ("a\r\nb", "a\nb", True),
        (None, "anything", True),
        (0.5, None, False),
        ("a" * 60_000, fit("a" * 60_000), True),
    ],
)
def test_a_cell_is_compared_with_what_it_should_hold(wanted, found, equal):
    assert same(wanted, found) is equal


@given(
    st.lists(st.integers(1, 20_000), unique=True, max_size=40).map(sorted),
    st.lists(st.integers(1, 300), min_size=1, unique=True),
)
def test_pages_hold_every_row_once_and_not_too_many_cells(rows, columns):
    wanted = [(row, dict.fromkeys(columns, 1.0)) for row in rows]
    pages = list(_pages(iter(wanted)))
    assert [one for page in pages for one in page] == wanted
    width = max(columns) - min(columns) + 1
    assert all((page[-1][0] - page[0][0] + 1) * width <= 100_000 for page in pages)
