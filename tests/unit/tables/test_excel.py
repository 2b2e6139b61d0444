"""Excel: both readers give the same cells, and a sheet gets values only."""

import gc
import re
import zipfile
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
import xlsxwriter
from openpyxl.styles import numbers

from penstock.errors import DeliveryError, InputError
from penstock.tables import open_table, writer
from penstock.tables.excel import ExcelWriter
from penstock.tables.sheet import clock_of, column_of

MOMENT = datetime(2024, 1, 2, 3, 4, 5, 678000)  # noqa: DTZ001 - sheets know no time zone


@pytest.fixture
def put(tmp_path):
    def put(*rows, name="table.xlsx", sheet="Sheet", top=1, left=1):
        book = openpyxl.Workbook()
        page = book.active
        page.title = sheet
        for number, row in enumerate(rows, start=top):
            for column, cell in enumerate(row, start=left):
                page.cell(number, column, cell)
        book.save(tmp_path / name)
        return tmp_path / name

    return put


@pytest.fixture(params=["held", "streamed"])
def read(request):
    """Read a table by either reader, however large it is."""

    def read(path, **options):
        source = open_table(path, **options).source
        return [(row.cells, row.problem) for row in replace(source, streamed=request.param == "streamed").rows()]

    return read


def cells(found):
    return [row for row, _ in found]


def test_values_have_the_types_of_the_sheet(put, read):
    row = ("text", 3, 3.5, True, False, MOMENT, date(2024, 1, 2), time(3, 4, 5), timedelta(hours=30), None, "end")
    names = tuple(f"c{number}" for number in range(len(row)))
    found = cells(read(put(names, row)))[0]
    assert found == row
    assert [type(cell) for cell in found] == [type(cell) for cell in row]


def test_a_formula_counts_with_the_value_that_was_last_computed(tmp_path, read):
    book = xlsxwriter.Workbook(tmp_path / "table.xlsx")
    page = book.add_worksheet()
    page.write_row(0, 0, ["number", "text", "flag", "error", "last"])
    page.write_formula(1, 0, "=1+1", None, 2)
    page.write_formula(1, 1, '="a"&"b"', None, "ab")
    page.write_formula(1, 2, "=TRUE()", None, True)
    page.write_formula(1, 3, "=1/0", None, "#DIV/0!")
    page.write_string(1, 4, "x")
    book.close()
    assert cells(read(tmp_path / "table.xlsx")) == [(2, "ab", True, None, "x")]


def test_days_before_march_1900_and_since_1904_are_right(tmp_path, read):
    for since_1904, day in ((False, date(1900, 1, 1)), (False, date(1900, 3, 1)), (True, date(1904, 1, 2))):
        path = tmp_path / f"{since_1904}{day}.xlsx"
        book = xlsxwriter.Workbook(path, {"date_1904": since_1904, "default_date_format": "yyyy-mm-dd"})
        page = book.add_worksheet()
        page.write_string(0, 0, "day")
        page.write_datetime(1, 0, day)
        book.close()
        assert cells(read(path)) == [(day,)]


@pytest.mark.parametrize(
    "value", [0, 0.25, 0.9999999999, 1, 59, 59.5, 61, 45293, 45293.12784349537, 1.5, 2958465, 2958465.9999999999, 1e8]
)
def test_both_readers_agree_on_every_built_in_number_format(tmp_path, value):
    path = tmp_path / "table.xlsx"
    book = xlsxwriter.Workbook(path)
    page = book.add_worksheet()
    page.write_string(0, 0, "value")
    for number in range(1, 60):
        page.write_number(number, 0, value, book.add_format({"num_format": number}))
    book.close()
    held = open_table(path).source
    found = [(row.cells, type(row.cells[0])) for row in replace(held, streamed=True).rows()]
    assert found == [(row.cells, type(row.cells[0])) for row in held.rows()]


@pytest.mark.parametrize("code", list(numbers.BUILTIN_FORMATS.values()))
def test_number_formats_are_understood_as_openpyxl_does(code):
    expected = numbers.is_date_format(code) or numbers.is_timedelta_format(code)
    assert (clock_of(code) is not None) == expected


@pytest.mark.parametrize(
    ("code", "clock"),
    [
        ("General", None),
        ("0.00E+00", None),
        ('0 "days"', None),
        ("[Red]0.00", None),
        ("[$¥-411]#,##0", None),
        ("_-* #,##0_-", None),
        ('[$-411]ggge"年"m"月"d"日"', "moment"),
        ("dd.mm.yyyy;@", "moment"),
        ("h:mm AM/PM", "moment"),
        ("[h]:mm", "span"),
        ("[mm]:ss", "span"),
    ],
)
def test_a_number_format_says_whether_a_number_is_a_time(code, clock):
    assert clock_of(code) == clock


@pytest.mark.parametrize(("reference", "column"), [("A1", 0), ("Z9", 25), ("AA10", 26), ("XFD1048576", 16_383)])
def test_a_column_has_a_number(reference, column):
    assert column_of(reference) == column


def test_texts_keep_spaces_newlines_and_control_signs(tmp_path, read):
    texts = [" x ", "two\nlines", "cr\r\nlf", "bell\x07", "_x000D_", "<b>&amp;", "日本語 🙂", "'quoted"]
    path = tmp_path / "table.xlsx"
    with writer(path, ["text"]) as out:
        for text in texts:
            out.write((text,))
    assert [row[0] for row in cells(read(path))] == texts


def test_shared_strings_with_formats_and_readings_are_plain_texts(tmp_path, read):
    path = tmp_path / "table.xlsx"
    book = xlsxwriter.Workbook(path)
    page = book.add_worksheet()
    for number, row in enumerate([("word", "n"), ("東京", 1), ("plain", 2)]):
        page.write_row(number, 0, row)
    book.close()
    rich = (
        b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b"<si><t>word</t></si><si><t>n</t></si>"
        b"<si><r><t>\xe6\x9d\xb1</t></r><r><rPr><b/></rPr><t xml:space='preserve'>\xe4\xba\xac </t></r>"
        b"<rPh sb='0' eb='2'><t>\xe3\x83\x88\xe3\x82\xa6</t></rPh></si><si><t>plain</t></si></sst>"
    )
    rewrite(path, "xl/sharedStrings.xml", rich)
    assert cells(read(path)) == [("東京 ", 1), ("plain", 2)]


def rewrite(path, part, data):
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, old in parts.items():
            archive.writestr(name, data if name == part else old)


def test_the_table_may_begin_anywhere_in_the_sheet(put, read):
    path = put(("a", "b"), ("1", None), (None, "2"), top=5, left=3)
    assert cells(read(path)) == [("1", None), (None, "2")]


def test_empty_rows_between_are_rows_and_those_at_the_end_are_none(put, read):
    path = put(("a",), ("x",), (), (), ("y",), (None,))
    assert cells(read(path)) == [("x",), (None,), (None,), ("y",)]


def test_a_cell_beside_the_header_makes_a_broken_row(put, read):
    found = read(put((None, "a", "b"), (None, "1", "2", "3"), ("0", "4", "5"), (None, "6", "7")))
    assert found == [
        (("1", "2 3"), "Row 2: it has a cell to the right of the header: name its column."),
        (("4", "5"), "Row 3: it has a cell to the left of the header: move it."),
        (("6", "7"), ""),
    ]


def test_headings_that_are_numbers_or_dates_are_names(put):
    assert open_table(put((2024, date(2024, 1, 2), "x"), (1, 2, 3))).columns == ("2024", "2024-01-02", "x")


def test_a_sheet_is_chosen_by_its_name(tmp_path, read):
    book = openpyxl.Workbook()
    book.active.append(["first"])
    page = book.create_sheet("Größe & Co")
    page.append(["second"])
    page.append(["x"])
    book.save(tmp_path / "table.xlsx")
    assert cells(read(tmp_path / "table.xlsx", sheet="Größe & Co")) == [("x",)]
    with pytest.raises(InputError, match="no sheet 'third': it has Sheet, Größe & Co"):
        open_table(tmp_path / "table.xlsx", sheet="third")


def test_a_large_sheet_is_streamed_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("penstock.tables.excel._LARGE", 1_000)
    path = tmp_path / "table.xlsx"
    with writer(path, ["n"]) as out:
        for number in range(100):
            out.write((number,))
    table = open_table(path)
    assert table.source.streamed
    assert [row.cells[0] for row in table.rows()] == list(range(100))


def test_a_sheet_gets_values_only(tmp_path):
    path = tmp_path / "table.xlsx"
    with writer(path, ["text"]) as out:
        for text in ("=1+1", "{=1}", "http://example.com", "internal:Sheet!A1", "+1", "007"):
            out.write((text,))
    page = openpyxl.load_workbook(path).active
    assert [(cell.value, cell.data_type, cell.hyperlink) for (cell,) in page.iter_rows(min_row=2)] == [
        ("=1+1", "s", None),
        ("{=1}", "s", None),
        ("http://example.com", "s", None),
        ("internal:Sheet!A1", "s", None),
        ("+1", "s", None),
        ("007", "s", None),
    ]


def test_what_a_sheet_has_no_number_for_is_a_text(tmp_path):
    path = tmp_path / "table.xlsx"
    values = [float("nan"), float("inf"), 2**53 + 1, date(1, 1, 1), timedelta(days=-1), [1, "a"]]
    with writer(path, ["value"]) as out:
        for value in values:
            out.write((value,))
    found = [row.cells[0] for row in open_table(path).rows()]
    assert found == ["NaN", "inf", "9007199254740993", "0001-01-01", "-1 day, 0:00:00", '[1, "a"]']


def test_dates_are_dates_for_whoever_opens_the_sheet(tmp_path):
    path = tmp_path / "table.xlsx"
    with writer(path, ["value"]) as out:
        for value in (MOMENT, date(2024, 1, 2), time(3, 4, 5), timedelta(hours=30)):
            out.write((value,))
    found = [cell.value for (cell,) in openpyxl.load_workbook(path).active.iter_rows(min_row=2)]
    assert found == [MOMENT, datetime(2024, 1, 2), time(3, 4, 5), timedelta(hours=30)]  # noqa: DTZ001


def test_a_full_sheet_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("penstock.tables.excel._MOST_ROWS", 3)
    with pytest.raises(DeliveryError, match="cannot have more than 3 rows: write CSV or Parquet"):
        fill(tmp_path / "table.xlsx", rows=3)
    assert [*tmp_path.iterdir()] == []


def fill(path, *, rows):
    with writer(path, ["n"]) as out:
        for number in range(rows):
            out.write((number,))


def test_too_many_columns_are_told(tmp_path):
    with (tmp_path / "part").open("w+b") as file, pytest.raises(DeliveryError, match="cannot have 16,385 columns"):
        ExcelWriter(file, path=tmp_path / "table.xlsx", columns=[str(number) for number in range(16_385)])


def test_a_disk_that_fills_up_at_the_very_end_is_told(tmp_path):
    with open("/dev/full", "w+b", buffering=0) as full:  # noqa: PTH123 - a device, not a path to build on
        out = ExcelWriter(full, path=tmp_path / "table.xlsx", columns=["n"])
        with pytest.raises(OSError, match="No space left"):
            out.finish()
        out.abandon()
    gc.collect()
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty"),
        (b"a,b\n1,2\n", "is not an Excel workbook, it looks like a text file: if it is a table, name it .csv"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
            "an old or password-protected Office file: save it as .xlsx",
        ),
        (b"%PDF-1.7 ", "it looks like a PDF"),
        (b"PK\x03\x04 cut off", "is not an Excel workbook, or a damaged one"),
    ],
)
def test_what_is_no_workbook_is_told(tmp_path, data, sentence):
    path = tmp_path / "table.xlsx"
    path.write_bytes(data)
    with pytest.raises(InputError, match=sentence):
        open_table(path)


def test_a_zip_that_is_no_workbook_is_told(tmp_path):
    path = tmp_path / "table.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="is not an Excel workbook, or a damaged one"):
        open_table(path)


def test_a_sheet_that_is_cut_off_is_told(put, read):
    path = put(("a",), *[(f"text {number}",) for number in range(50)])
    with zipfile.ZipFile(path) as archive:
        data = archive.read("xl/worksheets/sheet1.xml")
    rewrite(path, "xl/worksheets/sheet1.xml", data[: len(data) // 2])
    with pytest.raises(InputError, match="damaged"):
        read(path)


def test_a_document_type_is_refused(put):
    path = put(("a",), ("x",))
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><workbook><sheets/></workbook>'
    rewrite(path, "xl/workbook.xml", bomb)
    with pytest.raises(InputError, match="it declares a document type"):
        open_table(path)


def test_an_empty_sheet_is_told(put):
    with pytest.raises(InputError, match=r"Sheet 'Sheet' of .* is empty"):
        open_table(put())


def test_a_sheet_of_headings_only_is_told(put):
    with pytest.raises(InputError, match="has a header and no rows"):
        open_table(put(("a", "b")))


def test_a_hidden_sheet_is_not_taken_for_the_table(tmp_path, read):
    book = openpyxl.Workbook()
    book.active.append(["secret"])
    book.active.append(["x"])
    book.active.sheet_state = "hidden"
    page = book.create_sheet("Shown")
    page.append(["shown"])
    page.append(["y"])
    book.save(tmp_path / "table.xlsx")
    assert cells(read(tmp_path / "table.xlsx")) == [("y",)]
    assert cells(read(tmp_path / "table.xlsx", sheet="Sheet")) == [("x",)]


def test_elements_may_have_a_prefix(put, read):
    path = put(("a",), ("x",), ("y",))
    with zipfile.ZipFile(path) as archive:
        data = archive.read("xl/worksheets/sheet1.xml").decode()
    data = data.replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:").replace("xmlns=", "xmlns:x=")
    rewrite(path, "xl/worksheets/sheet1.xml", data.encode())
    assert cells(read(path)) == [("x",), ("y",)]


def test_a_sheet_may_leave_out_where_its_cells_stand(put, read):
    path = put(("a", "b"), ("x", "y"))
    with zipfile.ZipFile(path) as archive:
        data = archive.read("xl/worksheets/sheet1.xml").decode()
    rewrite(path, "xl/worksheets/sheet1.xml", re.sub(r'<(row|c) r="\w+"', r"<\1", data).encode())
    assert cells(read(path)) == [("x", "y")]


def test_an_open_document_sheet_is_read(tmp_path):
    office = "urn:oasis:names:tc:opendocument:xmlns:"
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in (("a", "b"), ("x", "é"))
    )
    content = (
        f'<office:document-content xmlns:office="{office}office:1.0" xmlns:table="{office}table:1.0" '
        f'xmlns:text="{office}text:1.0"><office:automatic-styles/><office:body><office:spreadsheet>'
        f'<table:table table:name="One">{rows}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    path = tmp_path / "table.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{office}manifest:1.0"/>')
        archive.writestr("content.xml", content)
    table = open_table(path)
    assert table.columns == ("a", "b")
    assert [row.cells for row in table.rows()] == [("x", "é")]


def test_readings_beside_a_word_inside_a_cell_are_not_part_of_it(put, read):
    path = put(("word",), ("plain",))
    with zipfile.ZipFile(path) as archive:
        data = archive.read("xl/worksheets/sheet1.xml").decode()
    data = data.replace("<t>plain</t>", '<t>東京</t><rPh sb="0" eb="2"><t>トウ</t></rPh>')
    rewrite(path, "xl/worksheets/sheet1.xml", data.encode())
    assert cells(read(path)) == [("東京",)]


def test_a_workbook_does_not_say_when_it_was_made(tmp_path):
    fill(tmp_path / "table.xlsx", rows=1)
    with zipfile.ZipFile(tmp_path / "table.xlsx") as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
        assert set(re.findall(rb"\d{4}-\d\d-\d\dT", archive.read("docProps/core.xml"))) == {b"2000-01-01T"}
