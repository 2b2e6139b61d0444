import pytest

from penstock.testing.sheet.book import SheetBook
from penstock.testing.sheet.changes import change, created, described
from penstock.testing.sheet.mask import masked
from penstock.testing.sheet.trouble import Trouble


@pytest.fixture
def book():
    return SheetBook({"First": [["a", "b"], ["c"]]}, rows=10, columns=4)


def tab(book, title):
    return next(
        each["properties"] for each in described(book, "b", url="")["sheets"] if each["properties"]["title"] == title
    )


def test_a_tab_is_added_at_the_end_with_a_number_of_its_own(book):
    grid = {"rowCount": 3, "columnCount": 2}
    (reply,) = change(book, [{"addSheet": {"properties": {"title": "Why", "gridProperties": grid}}}])
    added = reply["addSheet"]["properties"]
    assert (added["sheetId"], added["index"], added["gridProperties"]) == (1, 1, grid)
    assert tab(book, "Why") == added


def test_a_grid_grows_by_appending_and_by_setting_its_size(book):
    sized = {"sheetId": 0, "gridProperties": {"columnCount": 30}}
    change(
        book,
        [
            {"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": 5}},
            {"updateSheetProperties": {"properties": sized, "fields": "gridProperties.columnCount"}},
        ],
    )
    assert tab(book, "First")["gridProperties"] == {"rowCount": 15, "columnCount": 30}


def test_a_grid_that_shrinks_loses_what_lay_beyond(book):
    sized = {"sheetId": 0, "gridProperties": {"rowCount": 1, "columnCount": 1}}
    change(book, [{"updateSheetProperties": {"properties": sized, "fields": "gridProperties"}}])
    assert book.values("First") == [["a"]]


def test_only_named_fields_are_changed(book):
    renamed = {"sheetId": 0, "title": "Second", "gridProperties": {"rowCount": 99}}
    change(book, [{"updateSheetProperties": {"properties": renamed, "fields": "title"}}])
    assert tab(book, "Second")["gridProperties"]["rowCount"] == 10


def test_one_wrong_request_undoes_the_ones_before(book):
    requests = [{"addSheet": {"properties": {"title": "Why"}}}, {"deleteSheet": {"sheetId": 7}}]
    with pytest.raises(Trouble, match=r"Invalid requests\[1\].deleteSheet: No sheet with id: 7"):
        change(book, requests)
    assert list(book.tabs) == ["First"]


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"addSheet": {"properties": {"title": "First"}}}, 'A sheet with the name "First" already exists'),
        ({"addSheet": {"properties": {"gridProperties": {"rowCount": 10**7}}}}, "limit of 10000000 cells"),
        ({"deleteSheet": {"sheetId": 0}}, "You can't remove all the sheets in a document"),
        ({"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": "x"}}, "Invalid value at 'length'"),
        ({"updateSheetProperties": {"properties": {"title": "x"}}}, "At least one field must be listed"),
        ({"paintSheet": {}}, "does not know"),
        ({}, "No request set"),
    ],
)
def test_a_change_that_cannot_be_made_is_told(book, request_, why):
    with pytest.raises(Trouble, match=why):
        change(book, [request_])


def test_a_new_book_has_the_tabs_that_were_asked_for():
    book = created({"properties": {"title": "New"}, "sheets": [{"properties": {"title": "One"}}, {}]})
    assert (book.title, list(book.tabs)) == ("New", ["One", "Sheet2"])


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ("properties.title", {"properties": {"title": "Rehearsal"}}),
        ("sheets(properties(title,index))", {"sheets": [{"properties": {"title": "First", "index": 0}}]}),
        (
            "spreadsheetId, sheets/properties/sheetId",
            {"spreadsheetId": "b", "sheets": [{"properties": {"sheetId": 0}}]},
        ),
    ],
)
def test_a_mask_keeps_only_what_it_names(book, fields, kept):
    assert masked(described(book, "b", url=""), fields) == kept


def test_a_star_keeps_all(book):
    whole = described(book, "b", url="")
    assert masked(whole, "*") == masked(whole, "") == whole


@pytest.mark.parametrize("fields", ["(", "a(", "a(b", "a,", "a b)", "a;b", "a..b"])
def test_a_mask_that_cannot_be_read_is_refused(book, fields):
    with pytest.raises(Trouble, match="field mask"):
        masked(described(book, "b", url=""), fields)
