"""Addresses, ranges and the layout of a sheet."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.tables.google import SheetAddress, SheetLayout, is_sheet
from penstock.tables.google.a1 import MOST_COLUMNS, area, column_number, letters, quoted
from penstock.tables.google.address import is_loopback

BOOK = "1AbC_d-9"
GOOGLE = "https://sheets.googleapis.com"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (f"https://docs.google.com/spreadsheets/d/{BOOK}/edit?gid=7#gid=7", SheetAddress(book=BOOK, gid=7)),
        (f"https://docs.google.com/spreadsheets/d/{BOOK}/edit?gid=7#gid=8", SheetAddress(book=BOOK, gid=8)),
        (f"https://docs.google.com/spreadsheets/d/{BOOK}/edit?gid=7&usp=sharing", SheetAddress(book=BOOK, gid=7)),
        (f" https://docs.google.com/spreadsheets/d/{BOOK} ", SheetAddress(book=BOOK)),
        (f"https://docs.google.com/spreadsheets/u/1/d/{BOOK}/", SheetAddress(book=BOOK)),
        (f"https://docs.google.com/a/example.org/spreadsheets/d/{BOOK}/edit", SheetAddress(book=BOOK)),
        (f"http://127.0.0.1:8766/spreadsheets/d/{BOOK}/edit", SheetAddress(book=BOOK, origin="http://127.0.0.1:8766")),
        (
            f"http://localhost:1/spreadsheets/d/{BOOK}/#gid=0",
            SheetAddress(book=BOOK, gid=0, origin="http://localhost:1"),
        ),
        (f"http://[::1]:2/spreadsheets/d/{BOOK}/edit", SheetAddress(book=BOOK, origin="http://[::1]:2")),
    ],
)
def test_an_address_is_read_as_it_is_copied(url, address):
    assert is_sheet(url.strip())
    assert SheetAddress.of(url) == address


@pytest.mark.parametrize(
    "url",
    [
        f"https://docs.example.com/spreadsheets/d/{BOOK}/edit",
        f"https://docs.google.com.evil.example/spreadsheets/d/{BOOK}/edit",
        f"https://docs.google.com@evil.example/spreadsheets/d/{BOOK}/edit",
        f"http://192.168.0.9/spreadsheets/d/{BOOK}/edit",
        f"http://127.0.0.1.nip.io/spreadsheets/d/{BOOK}/edit",
        f"ftp://127.0.0.1/spreadsheets/d/{BOOK}/edit",
        "http://[::1/spreadsheets/d/x",
        "https://docs.google.com:99999/spreadsheets/d/x",
    ],
)
def test_other_hosts_are_not_asked(url):
    with pytest.raises(InputError, match="is not the address of a Google Sheet"):
        SheetAddress.of(url)


def test_an_address_without_a_spreadsheet_says_so():
    with pytest.raises(InputError, match="names no spreadsheet"):
        SheetAddress.of("https://docs.google.com/document/d/1AbC/edit")


def test_a_published_copy_is_told_from_the_sheet_itself():
    with pytest.raises(InputError, match="published copy"):
        SheetAddress.of("https://docs.google.com/spreadsheets/d/e/2PACX-1v/pubhtml")


def test_a_password_in_an_address_is_not_repeated():
    with pytest.raises(InputError) as caught:
        SheetAddress.of(f"https://ann:secret@example.com/spreadsheets/d/{BOOK}?token=secret#secret")
    assert "secret" not in str(caught.value)


@given(
    st.from_regex(r"[A-Za-z0-9_-]{1,44}", fullmatch=True),
    st.none() | st.integers(0, 2**31 - 1),
    st.sampled_from([GOOGLE, "http://127.0.0.1:8766", "http://localhost:80"]),
)
def test_an_address_that_is_shown_leads_back_to_its_sheet(book, gid, origin):
    address = SheetAddress(book=book, gid=gid, origin=origin)
    assert SheetAddress.of(address.url) == address


@pytest.mark.parametrize(("source", "sheet"), [("table.csv", False), ("C:/x.csv", False), ("https://x", True)])
def test_what_is_no_file_is_taken_for_a_sheet(source, sheet):
    assert is_sheet(source) is sheet


@pytest.mark.parametrize(
    ("url", "own"), [("http://127.9.9.9/t", True), ("https://[::1]", True), ("https://10.0.0.1", False), ("x", False)]
)
def test_only_this_machine_is_loopback(url, own):
    assert is_loopback(url) is own


@given(st.integers(1, MOST_COLUMNS))
def test_a_column_is_found_again_by_its_letters(column):
    assert column_number(letters(column)) == column_number(letters(column).lower()) == column


@pytest.mark.parametrize(
    ("column", "name"), [(1, "A"), (26, "Z"), (27, "AA"), (702, "ZZ"), (703, "AAA"), (18_278, "ZZZ")]
)
def test_columns_are_named_as_in_a_sheet(column, name):
    assert letters(column) == name


@pytest.mark.parametrize("name", ["", "4", "C5", "AAAA", "Ä", "A "])
def test_what_is_no_column_is_refused(name):
    with pytest.raises(InputError, match="is no column"):
        column_number(name)


def test_a_column_outside_every_sheet_has_no_letters():
    with pytest.raises(ValueError, match="no column 0"):
        letters(0)


def test_the_name_of_a_tab_is_quoted():
    assert quoted("It's 5!A1") == "'It''s 5!A1'"


def test_a_rectangle_of_one_cell_is_named_by_that_cell():
    assert area("T", row=5, column=4, last_row=5, last_column=4) == "'T'!D5"
    assert area("T", row=5, column=4, last_row=7, last_column=30) == "'T'!D5:AD7"


def test_the_usual_layout_is_that_of_the_first_sheets():
    layout = msgspec.yaml.decode(b"{}", type=SheetLayout)
    assert (layout.text_column, layout.first_column, layout.header_rows, layout.first_row) == (3, 4, (2, 3, 4), 5)


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({"name_row": 3}, "must be different rows"),
        ({"first_row": 4}, "give at least 5"),
        ({"name_row": 0}, "name_row is 0"),
        ({"text": "d"}, "Column D cannot hold both"),
        ({"text": "12"}, "'12' is no column"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(places, said):
    with pytest.raises(InputError, match=said):
        SheetLayout(**places)


def test_a_layout_refuses_names_it_does_not_know():
    with pytest.raises(msgspec.ValidationError, match="texts"):
        msgspec.convert({"texts": "C"}, SheetLayout)
