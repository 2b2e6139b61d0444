"""JSON Lines: objects with any keys, and lines that are none."""

import json

import pytest

from penstock.errors import InputError
from penstock.tables import open_table, text_of, writer


@pytest.fixture
def put(tmp_path):
    def put(*lines):
        path = tmp_path / "table.jsonl"
        path.write_bytes(b"".join(line.encode() + b"\n" if isinstance(line, str) else line + b"\n" for line in lines))
        return path

    return put


def cells(path):
    return [row.cells for row in open_table(path).rows()]


def copied(path):
    table = open_table(path)
    target = path.with_name("copy.jsonl")
    with writer(target, table.columns, like=table) as out:
        for row in table.rows():
            out.write(row.cells)
    return target.read_text("utf-8").splitlines()


def test_values_keep_their_types(put):
    line = '{"a": "x", "b": 3, "c": 1.5, "d": true, "e": null, "f": [1, {"g": "é"}], "h": 12345678901234567890123}'
    assert copied(put(line)) == [line]


def test_nan_and_infinity_stay_what_they_are_and_are_empty_for_a_judge(put):
    path = put('{"a": NaN, "b": -Infinity, "c": 1e400}')
    assert copied(path) == ['{"a": NaN, "b": -Infinity, "c": Infinity}']
    assert text_of(cells(path)[0][0]) == ""


def test_the_columns_are_the_keys_of_all_lines_in_the_order_they_are_seen(put):
    path = put('{"a": 1}', *['{"a": 2}'] * 5_000, '{"z": 3, "a": 4}')
    assert open_table(path).columns == ("a", "z")
    assert cells(path)[0] == (1, None)
    assert cells(path)[-1] == (4, 3)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": 1', "Line 2: it is not valid JSON (Expecting ',' delimiter): mend it."),
        ("plain words", "Line 2: it is not valid JSON (Expecting value): mend it."),
        ("[1, 2]", "Line 2: it is JSON, but not an object: write one object per line."),
        ("[" * 100_000, "Line 2: its JSON is too deep or holds too long a number: mend it."),
        ('{"a": ' + "1" * 5_000 + "}", "Line 2: its JSON is too deep or holds too long a number: mend it."),
    ],
)
def test_a_line_that_is_no_object_is_a_broken_row_that_keeps_its_text(put, line, reason):
    path = put('{"a": 1, "b": 2}', line, '{"a": 3, "b": 4}')
    found = [*open_table(path).rows()]
    assert [row.problem for row in found] == ["", reason, ""]
    assert found[1].cells == (line, None)
    assert found[2].cells == (3, 4)


def test_a_stray_byte_breaks_its_row_only_and_survives(put):
    path = put('{"a": "あいう"}', b'{"a": "caf\xe9"}', '{"a": "えお"}')
    assert [bool(row.problem) for row in open_table(path).rows()] == [False, True, False]
    survived = json.loads(copied(path)[1])["a"]
    assert survived.encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_half_of_a_surrogate_pair_stays_an_escape(put):
    path = put('{"a": "\\ud83d"}')
    assert copied(path) == ['{"a": "\\ud83d"}']
    assert text_of(cells(path)[0][0]) == "\ufffd"


def test_blank_lines_are_no_rows(put):
    assert cells(put("", '{"a": 1}', "  ", '{"a": 2}')) == [(1,), (2,)]


def test_a_blank_key_is_refused(put):
    with pytest.raises(InputError, match=r"Column 1 of .* has no name"):
        open_table(put('{"": 1}'))


@pytest.mark.parametrize("lines", [["[", '{"a": 1},', "]"], ["one", "two"], ["[1]"], ["{}"]])
def test_a_file_without_any_object_of_its_own_line_is_refused(put, lines):
    path = put(*lines)
    with pytest.raises(InputError, match="no JSON object: write one object per line"):
        open_table(path)


def test_keys_that_are_data_are_refused(put):
    path = put(*[f'{{"key {number}": 1}}' for number in range(17_000)])
    with pytest.raises(InputError, match="more than 16,384 different keys"):
        open_table(path)
