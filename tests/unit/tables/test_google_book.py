"""What a spreadsheet says about itself."""

import pytest

from penstock.errors import InputError
from penstock.tables.google import SheetLayout
from penstock.tables.google.book import Area, read_book
from penstock.tables.google.scoring import _check_grid


def told(*sheets):
    return {"properties": {"title": "B"}, "sheets": list(sheets)}


def sheet(title="T", gid=0, **more):
    grid = {"rowCount": 100, "columnCount": 26}
    return {"properties": {"title": title, "sheetId": gid, "gridProperties": grid, "index": 3}, **more}


def merged(top, bottom, left, right):
    return {"startRowIndex": top, "endRowIndex": bottom, "startColumnIndex": left, "endColumnIndex": right}


def test_a_tab_that_is_a_chart_is_left_out():
    book = read_book(told({"properties": {"title": "Chart", "sheetId": 9}}, sheet()))
    assert [tab.title for tab in book.tabs] == ["T"]


def test_the_first_tab_needs_no_number_in_the_answer():
    grid = {"rowCount": 1, "columnCount": 1}
    (tab,) = read_book({"sheets": [{"properties": {"title": "T", "gridProperties": grid}}]}).tabs
    assert tab.gid == 0


def test_merged_cells_are_counted_from_one():
    (tab,) = read_book(told(sheet(merges=[merged(1, 2, 3, 6)]))).tabs
    assert tab.merges == (Area(row=2, column=4, last_row=2, last_column=6),)


@pytest.mark.parametrize(("merge", "cells"), [((1, 2, 3, 6), "D2:F2"), ((2, 9, 1, 5), "B3:E9")])
def test_a_merged_header_is_refused(merge, cells):
    (tab,) = read_book(told(sheet(merges=[merged(*merge)]))).tabs
    with pytest.raises(InputError, match=f"The cells {cells} of the tab 'T' are merged"):
        _check_grid(tab, SheetLayout())


@pytest.mark.parametrize("merge", [(0, 1, 0, 20), (1, 2, 0, 3), (1, 3, 3, 4), (7, 9, 3, 9)])
def test_merged_cells_elsewhere_do_no_harm(merge):
    (tab,) = read_book(told(sheet(merges=[merged(*merge)]))).tabs
    _check_grid(tab, SheetLayout())


def test_a_book_without_cells_says_so():
    with pytest.raises(InputError, match="no tab with cells"):
        read_book(told()).tab()


def test_many_tabs_are_named_in_part():
    book = read_book(told(*(sheet(f"T{number}", number) for number in range(25))))
    with pytest.raises(InputError, match="'T19' and 5 more"):
        book.tab("Else")
