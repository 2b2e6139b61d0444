"""CSV and TSV: what real files do, and what is made of broken ones."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.tables import Column, open_table, writer
from penstock.tables.cell import harmless


@pytest.fixture
def put(tmp_path):
    def put(data, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return put


def rows(path, **options):
    return [(row.cells, row.problem) for row in open_table(path, **options).rows()]


def cells(path, **options):
    return [row.cells for row in open_table(path, **options).rows()]


def copied(path, *, name="copy.csv", added=(), more=()):
    table = open_table(path)
    target = path.with_name(name)
    with writer(target, [*table.columns, *added], like=table) as out:
        for row in table.rows():
            out.write((*row.cells, *more))
    return target.read_bytes()


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_the_delimiter_is_told_from_the_header_and_the_first_rows(put, sign):
    path = put(f'id{sign}"the; text, as\tit is"\n1{sign}"a,b;c\td"\n2{sign}plain\n')
    assert cells(path) == [("1", "a,b;c\td"), ("2", "plain")]


def test_a_semicolon_in_the_texts_does_not_beat_the_commas(put):
    path = put("id,text\n1,one; two\n2,three; four\n")
    assert cells(path) == [("1", "one; two"), ("2", "three; four")]


def test_a_delimiter_that_is_given_is_not_doubted(put):
    assert cells(put("id|text\n1|a,b\n"), delimiter="|") == [("1", "a,b")]


def test_a_delimiter_of_two_signs_is_refused(put):
    with pytest.raises(InputError, match=r"delimiter '\|\|' is not one sign"):
        open_table(put("id||text\n1||a\n"), delimiter="||")


def test_one_column_needs_no_delimiter(put):
    assert cells(put("text\nfirst\nsecond\n")) == [("first",), ("second",)]


def test_a_blank_line_is_an_empty_cell_where_there_is_one_column(put):
    assert cells(put("text\nfirst\n\n\nsecond\n\n\n")) == [("first",), ("",), ("",), ("second",)]


def test_a_blank_line_is_no_row_where_there_are_more_columns(put):
    assert cells(put("a,b\n\n1,2\n\n3,4\n\n")) == [("1", "2"), ("3", "4")]


def test_numbers_stay_the_texts_they_were(put):
    path = put("id,n\n007,1.50\n1e3,+5\n")
    assert copied(path) == path.read_bytes()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_newline_style_is_kept(put, end):
    path = put(f'a,b{end}1,"x{end}y"{end}3,4{end}')
    assert copied(path) == path.read_bytes()


def test_the_last_row_needs_no_newline(put):
    assert cells(put("a,b\n1,2")) == [("1", "2")]


def test_a_byte_order_mark_is_no_part_of_the_first_heading_and_is_kept(put):
    path = put("\ufeffa,b\n1,é\n")
    assert open_table(path).columns == ("a", "b")
    assert copied(path) == path.read_bytes()


def test_a_csv_with_semicolons_keeps_them_and_a_tsv_gets_tabs(put):
    path = put("a;b\n1;2\n")
    assert copied(path) == b"a;b\n1;2\n"
    assert copied(path, name="copy.tsv") == b"a\tb\n1\t2\n"


def test_missing_cells_make_a_broken_row_and_the_rest_goes_on(put):
    path = put("a,b,c\n1,2\n3,4,5\n")
    assert rows(path) == [
        (("1", "2", None), "Line 2: The row has 2 cells where the header has 3: add the missing cells."),
        (("3", "4", "5"), ""),
    ]


def test_cells_too_many_make_a_broken_row_that_keeps_its_text(put):
    path = put("a,b\n1,so, it is\n3,4\n")
    found = rows(path)
    assert found[0][0] == ("1", "so, it is")
    assert "Line 2: The row has 3 cells where the header has 2" in found[0][1]
    assert found[1] == (("3", "4"), "")
    assert copied(path) == b'a,b\n1,"so, it is"\n3,4\n'


def test_a_quote_that_never_closes_breaks_its_own_row_only(put):
    path = put('a,b\n1,"never closed\n2,x\n3,"closed"\n4,y\n5,"again\n6,z\n')
    found = rows(path)
    assert [row[0] for row in found if not row[1]] == [("2", "x"), ("3", "closed"), ("4", "y"), ("6", "z")]
    unclosed = "a quote is opened and not closed, or the cell is too long: close it."
    assert [row for row in found if row[1]] == [
        (("1", '"never closed'), f"Line 2: {unclosed}"),
        (("5", '"again'), f"Line 6: {unclosed}"),
    ]


def test_a_quote_inside_a_quoted_cell_breaks_its_own_row_only(put):
    path = put('a,b\n1,"He said "no" to it"\n2,x\n')
    assert rows(path) == [
        (("1", '"He said "no" to it"'), "Line 2: a quote stands inside a quoted cell: double it."),
        (("2", "x"), ""),
    ]


def test_a_quote_inside_a_bare_cell_is_a_quote(put):
    assert cells(put('a,b\n1,5" wide\n')) == [("1", '5" wide')]


def test_a_nul_byte_makes_a_broken_row(put):
    found = rows(put(b"a,b\n1,x\0y\n" + b"2,plain text of some length\n" * 20))
    assert found[0] == (("1", "x\0y"), "Line 2: it holds a NUL byte: remove it.")
    assert not any(problem for _, problem in found[1:])


def test_problems_name_the_line_even_after_quoted_newlines(put):
    found = rows(put('a,b\n1,"x\ny\nz"\n2\n'))
    assert found[1][1].startswith("Line 5: ")


def test_a_file_of_hostile_quotes_is_given_up_and_not_read_for_ever(put, monkeypatch):
    monkeypatch.setattr("penstock.tables.delimited._REREAD", 100_000)
    path = put("a,b\n" + 'x",y,"z\n' * 2_000)
    with pytest.raises(InputError, match="too many quotes that never close"):
        rows(path)


def test_a_tsv_without_quoting_is_told_from_its_rows(put):
    path = put('id\ttext\n1\t"Yes" he said\n2\t"open\n', "table.tsv")
    assert rows(path) == [(("1", '"Yes" he said'), ""), (("2", '"open'), "")]


def test_a_tsv_with_quoting_is_read_like_a_csv(put):
    path = put('id\ttext\n1\t"two\nlines"\n', "table.tsv")
    assert cells(path) == [("1", "two\nlines")]


def test_a_cell_of_a_million_characters_is_read(put):
    path = put("a,b\n1," + "x" * 1_000_000 + "\n")
    assert len(cells(path)[0][1]) == 1_000_000


def test_a_line_without_end_is_refused_in_one_sentence(put):
    path = put("a,b\n1," + "x" * (1 << 23) + "\n")
    with pytest.raises(InputError, match="a line of more than 8,388,608 characters"):
        rows(path)


def test_reading_begins_before_the_end_is_known(put):
    path = put(b"a,b\n" + b"1,2\n" * 100_000 + b"\x1f" * 10)
    assert [row.cells for row in islice(open_table(path).rows(), 2)] == [("1", "2"), ("1", "2")]


def test_values_of_other_formats_are_written_as_texts(tmp_path):
    path = tmp_path / "typed.jsonl"
    path.write_text('{"a": true, "b": [1, "é"], "c": null, "d": 1.50, "e": NaN, "f": 12345678901234567890}\n')
    assert copied(path) == b'a,b,c,d,e,f\ntrue,"[1, ""\xc3\xa9""]",,1.5,NaN,12345678901234567890\n'


def test_an_added_number_stands_beside_its_row(put):
    path = put("a\nx\n")
    assert copied(path, added=[Column(name="score", kind="number")], more=(0.5,)) == b"a,score\nx,0.5\n"


def test_a_heading_that_would_be_a_formula_is_made_harmless(put):
    assert copied(put("=1+1,b\n1,2\n")).startswith(b"'=1+1,b\n")


@given(st.text(alphabet=" =+-@\t\r'\"0123456789.,eE%abc＝", max_size=12))
def test_what_was_made_harmless_once_stays_as_it_is(text):
    assert harmless(harmless(text)) == harmless(text)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_no_number_is_taken_for_a_formula(number):
    assert harmless(str(number)) == str(number)


@given(
    st.lists(
        st.text(alphabet='a",\n\r;\té', max_size=8),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_stands_in_a_file_every_line_ends_in_some_row(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("any") / "table.csv"
    path.write_bytes("\n".join(["h1,h2", "x,y", *lines, "last,row"]).encode())
    found = [*open_table(path, delimiter=",").rows()]
    text = "".join(str(cell) for row in found for cell in row.cells)
    for sign in "aé;\t":
        assert text.count(sign) == "".join(lines).count(sign) + "last".count(sign)
    assert all(len(row.cells) == 2 for row in found)
