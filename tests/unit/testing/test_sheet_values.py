import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.testing.sheet.book import Formula, SheetBook
from penstock.testing.sheet.calls import perform, read_address, read_body
from penstock.testing.sheet.trouble import PROTECTED, Trouble

ROOT = "/v4/spreadsheets/b"
SIZE = 6  # of the grid in the property tests

cells = st.one_of(st.none(), st.just(""), st.booleans(), st.integers(-9, 9), st.text("=a ", max_size=3))
blocks = st.lists(st.lists(cells, max_size=3), max_size=3)
patches = st.tuples(st.integers(1, 3), st.integers(1, 3), blocks)


def call(book, method, path, body=None, *, protected=(), query=""):
    """What the server does with a request, without a server."""
    import json

    asked = read_address(method, ROOT + path, query)
    read = read_body(asked, json.dumps(body or {}).encode())
    return perform(book, asked, read, url="", protected=protected, now=1.0).answer


def get(book, text, **more):
    return call(book, "GET", f"/values/{text}", **more).get("values", [])


def update(book, text, values, *, entered="RAW", **more):
    return call(book, "PUT", f"/values/{text}", {"values": values}, query=f"valueInputOption={entered}", **more)


def batch(book, *ranges, entered="RAW", **more):
    data = [{"range": text, "values": values} for text, values in ranges]
    return call(book, "POST", "/values:batchUpdate", {"valueInputOption": entered, "data": data}, **more)


def refusal(step, *args, **more):
    with pytest.raises(Trouble) as caught:
        step(*args, **more)
    assert caught.value.code == 400
    return str(caught.value)


def at(row, column):
    return f"{'ABCDEF'[column - 1]}{row}"


def grid(book):
    """Every cell of the small grid, None where it is blank."""
    return [[book.cell("S", at(row, column)) for column in range(1, SIZE + 1)] for row in range(1, SIZE + 1)]


def trimmed(rows):
    """Rows as an answer holds them, by the rule itself."""
    kept = [list(row) for row in rows]
    for row in kept:
        while row and row[-1] is None:
            row.pop()
    while kept and not kept[-1]:
        kept.pop()
    return [["" if cell is None else cell for cell in row] for row in kept]


@given(st.lists(patches, max_size=6))
def test_cells_end_as_the_last_write_says_and_nothing_else_changes(writes):
    book = SheetBook({"S": [["x"] * SIZE] * SIZE}, rows=SIZE, columns=SIZE)
    wanted = grid(book)
    for top, left, block in writes:
        for row, line in enumerate(block, top):
            for column, value in enumerate(line, left):
                if value is not None:
                    wanted[row - 1][column - 1] = None if value == "" else value
    batch(book, *((f"S!{at(top, left)}", block) for top, left, block in writes))
    assert grid(book) == wanted


@given(blocks)
def test_what_was_written_is_read_back_without_its_blank_ends(block):
    book = SheetBook({"S": []}, rows=SIZE, columns=SIZE)
    update(book, "S!B2", block)
    read = get(book, "S!B2:F", query="valueRenderOption=UNFORMATTED_VALUE")
    assert read == trimmed([[None if cell == "" else cell for cell in line] for line in block])


@given(st.lists(st.lists(st.text("ab", max_size=1), max_size=4), max_size=4))
def test_columns_hold_the_same_as_rows(block):
    book = SheetBook({"S": block}, rows=SIZE, columns=SIZE)
    turned = get(book, "S", query="majorDimension=COLUMNS")
    assert {(r, c, cell) for c, line in enumerate(turned) for r, cell in enumerate(line) if cell} == {
        (r, c, cell) for r, line in enumerate(get(book, "S")) for c, cell in enumerate(line) if cell
    }


def test_raw_never_makes_a_formula():
    book = SheetBook({"S": []})
    update(book, "S!A1", [["=1+1", "TRUE", "1.5"]])
    assert book.values("S") == [["=1+1", "TRUE", "1.5"]]
    assert book.formulas() == []


def test_what_is_entered_as_by_a_person_becomes_formulas_and_numbers():
    book = SheetBook({"S": []})
    update(book, "S!A1", [["=1+1", "TRUE", "1.5", "'007", "2x"]], entered="USER_ENTERED")
    assert book.values("S") == [[Formula("=1+1"), True, 1.5, "007", "2x"]]
    assert book.formulas() == ["S!A1=1+1"]


def test_numbers_come_as_numbers_or_as_they_are_shown():
    book = SheetBook({"S": [[0.1 + 0.2, 1.0, True, "x"]]})
    update(book, "S!B1", [[1.0]])
    assert get(book, "S", query="valueRenderOption=UNFORMATTED_VALUE") == [[0.1 + 0.2, 1, True, "x"]]
    assert get(book, "S") == [["0.3", "1", "TRUE", "x"]]


def test_an_open_range_ends_with_the_grid():
    book = SheetBook({"S": [["a"]] * 3}, rows=3, columns=2)
    assert call(book, "GET", "/values/S!A2:C")["range"] == "S!A2:B3"


def test_a_range_without_values_has_none():
    book = SheetBook({"S": [["a"]]})
    assert call(book, "GET", "/values/S!B1:C9") == {"range": "S!B1:C9", "majorDimension": "ROWS"}


def test_a_blank_row_between_others_is_an_empty_list():
    book = SheetBook({"S": [["a"], [], ["", "c"]]})
    assert get(book, "S") == [["a"], [], ["", "c"]]


def test_values_may_come_by_columns():
    book = SheetBook({"S": []})
    body = {"values": [["a", "b"], ["c"]], "majorDimension": "COLUMNS"}
    call(book, "PUT", "/values/S!A1", body, query="valueInputOption=RAW")
    assert book.values("S") == [["a", "c"], ["b"]]


def test_a_clear_empties_only_its_range():
    book = SheetBook({"S": [["a", "b"], ["c", "d"]]})
    assert call(book, "POST", "/values/S!B1:B9:clear") == {"spreadsheetId": "b", "clearedRange": "S!B1:B9"}
    assert book.values("S") == [["a"], ["c"]]


def test_an_append_that_is_repeated_doubles_the_row():
    book = SheetBook({"S": [["head"]]}, rows=1)
    for _ in range(2):
        call(book, "POST", "/values/S!A:A:append", {"values": [["x"]]}, query="valueInputOption=RAW")
    assert book.values("S") == [["head"], ["x"], ["x"]]


def test_the_answer_of_a_batch_counts_each_cell_once():
    book = SheetBook({"S": []})
    answer = batch(book, ("S!A1:B1", [["x", None]]), ("S!A1", [["y"], ["z"]]))
    assert (answer["totalUpdatedCells"], answer["totalUpdatedRows"], answer["totalUpdatedColumns"]) == (2, 2, 1)
    assert [each["updatedRange"] for each in answer["responses"]] == ["S!A1:B1", "S!A1:A2"]


def test_a_batch_with_one_wrong_part_changes_nothing():
    book = SheetBook({"S": []})
    why = refusal(batch, book, ("S!A1", [["x"]]), ("Gone!A1", [["y"]]))
    assert why == "Invalid data[1]: Unable to parse range: Gone!A1"
    assert book.values("S") == []


@pytest.mark.parametrize(
    ("text", "values", "why"),
    [
        ("S!A1001", [["x"]], "Range (S!A1001) exceeds grid limits. Max rows: 1000, max columns: 26"),
        ("S!Z1", [["x", "y"]], "Range (S!Z1:AA1) exceeds grid limits. Max rows: 1000, max columns: 26"),
        ("S!A1:A2", [["x"]] * 3, "Requested writing within range ['S'!A1:A2], but tried writing to row [3]"),
        ("S!A1:B", [["x"] * 3], "Requested writing within range ['S'!A1:B], but tried writing to column [C]"),
        ("T!A1", [["x"]], "Unable to parse range: T!A1"),
        ("S!A1", [["x" * 50_001]], "Your input contains more than the maximum of 50000 characters in a single cell."),
        ("S!A1", [[{}]], "Invalid values[0][0]: struct_value {\n}\n"),
    ],
)
def test_a_write_that_does_not_fit_is_refused_in_googles_words(text, values, why):
    assert refusal(update, SheetBook({"S": []}), text, values) == why


def test_a_read_may_end_beyond_the_grid_and_not_begin_there():
    book = SheetBook({"S": [["a"]]}, rows=5, columns=2)
    assert get(book, "S!A1:Z99") == [["a"]]
    assert refusal(get, book, "S!A6:A9") == "Range (S!A6:A9) exceeds grid limits. Max rows: 5, max columns: 2"


def test_a_protected_cell_is_kept():
    book = SheetBook({"S": [["kept"]]})
    assert refusal(batch, book, ("S!A1:B1", [["x", "y"]]), protected=("S!A1:A9",)) == f"Invalid data[0]: {PROTECTED}"
    batch(book, ("S!A1:B1", [[None, "y"]]), protected=("S!A1:A9",))
    assert book.values("S") == [["kept", "y"]]


def test_how_values_are_entered_must_be_said():
    body = {"values": [["x"]]}
    why = refusal(call, SheetBook({"S": []}), "PUT", "/values/S!A1", body)
    assert why == "'valueInputOption' is required but not specified"


def test_a_name_that_google_does_not_know_is_refused():
    body = {"valueInputOption": "RAW", "data": [{"range": "S!A1", "value": []}]}
    why = refusal(call, SheetBook({"S": []}), "POST", "/values:batchUpdate", body)
    assert why == "Invalid JSON payload received. Unknown name \"value\" at 'data[0]': Cannot find field."


def test_the_moment_a_cell_was_first_filled_is_kept():
    book = SheetBook({"S": []})
    update(book, "S!A1", [["x", ""]])
    assert (book.filled_at("S", "A1"), book.filled_at("S", "B1")) == (1.0, None)


def test_a_book_goes_through_json_and_stays_the_same():
    book = SheetBook({"S": [["a", None, 0.5], [True]], "It's": []}, title="T", rows=7)
    again = SheetBook.of(book.plain())
    assert again.plain() == book.plain()
    assert again.values("S") == [["a", "", 0.5], [True]]
