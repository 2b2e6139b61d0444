"""What every format owes its reader, run on each of them."""

import gzip
import subprocess
import sys
from collections import deque
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import DeliveryError, InputError
from penstock.tables import Column, check_writable, open_table, same_file, writer

FORMATS = ("csv", "tsv", "csv.gz", "jsonl", "jsonl.gz", "parquet", "xlsx")
TYPED = ("jsonl", "jsonl.gz", "parquet", "xlsx")
ROWS = [
    ("007", "plain", "1.50"),
    ("a", 'two\nlines, a "quote" and a tab\t.', "crlf\r\ncr\rlf\n"),
    ("naïve", "日本語と한국어와中文 🙂", "' ;|"),
    ("NULL", "x", "true"),
]


@pytest.fixture(params=FORMATS)
def path(request, tmp_path):
    return tmp_path / f"table.{request.param}"


def put(path, rows, *, columns=("id", "text", "note"), like=None):
    with writer(path, columns, like=like) as out:
        for row in rows:
            out.write(row)


def cells(path):
    return [row.cells for row in open_table(path).rows()]


def leftovers(folder, *known):
    return sorted(entry.name for entry in folder.iterdir() if entry.name not in known)


def test_texts_come_back_as_they_were_and_in_order(path):
    put(path, ROWS)
    assert cells(path) == ROWS


def test_columns_keep_their_order(path):
    put(path, [("1", "2", "3")], columns=("z", "a", "m"))
    assert open_table(path).columns == ("z", "a", "m")


def test_rows_are_numbered_from_zero(path):
    put(path, ROWS)
    assert [row.number for row in open_table(path).rows()] == [0, 1, 2, 3]


def test_rows_begin_anew_at_each_call(path):
    put(path, ROWS)
    table = open_table(path)
    first, second = table.rows(), table.rows()
    assert next(first) == next(second)
    assert [*second] == [*first]
    assert len([*table.rows()]) == len(ROWS)


def test_no_row_has_a_problem(path):
    put(path, ROWS)
    assert not any(row.problem for row in open_table(path).rows())


def test_a_missing_column_is_told_with_those_that_there_are(path):
    put(path, ROWS)
    with pytest.raises(InputError, match=r"no column 'txet': did you mean 'text'\?.*'id', 'text', 'note'"):
        open_table(path).column("txet")


def test_a_column_is_found_by_its_name(path):
    put(path, ROWS)
    assert open_table(path).column("note") == 2


def test_empty_cells_stay_empty(path):
    put(path, [("1", None, "x"), ("2", "y", None)])
    assert [tuple(cell or None for cell in row) for row in cells(path)] == [("1", None, "x"), ("2", "y", None)]


def test_added_numbers_are_numbers_beside_the_source(path):
    put(path, ROWS)
    table = open_table(path)
    scored = path.with_name(f"scored.{path.name.partition('.')[2]}")
    put(
        scored,
        [(*row.cells, 0.25, "ok") for row in table.rows()],
        columns=[*table.columns, Column(name="score", kind="number"), Column(name="status", kind="text")],
        like=table,
    )
    score = 0.25 if path.name.endswith(TYPED) else "0.25"
    assert cells(scored) == [(*row, score, "ok") for row in ROWS]


def test_equal_rows_make_equal_bytes(path):
    put(path, ROWS)
    before = path.read_bytes()
    put(path, ROWS)
    assert path.read_bytes() == before


def test_an_error_leaves_what_was_there_and_nothing_else(path):
    put(path, ROWS)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="0 cells"), writer(path, ["id"]) as out:
        deque((out.write(row) for row in [("x" * 1000,), ("y",), ()]), maxlen=0)
    assert path.read_bytes() == before
    assert leftovers(path.parent, path.name) == []


def test_nothing_appears_before_the_end(path):
    with writer(path, ["id"]) as out:
        out.write(("x",))
        assert not path.exists()
    assert leftovers(path.parent) == [path.name]


def test_a_row_of_another_width_is_a_bug_of_the_caller(path):
    with pytest.raises(ValueError, match="2 cells for 1 columns"), writer(path, ["id"]) as out:
        out.write(("x", "y"))


def test_two_writers_of_one_file_do_not_mix(path):
    with writer(path, ["id"]) as out:
        out.write(("first",))
        with pytest.raises(DeliveryError, match="being written by another process"), writer(path, ["id"]):
            pass
        with pytest.raises(InputError, match="being written by another process"):
            check_writable(path)
    assert cells(path) == [("first",)]


def test_the_part_of_a_killed_writer_is_taken_over(path):
    path.with_name(f".{path.name}.part").write_bytes(b"left by a process that was killed" * 100)
    put(path, ROWS)
    assert cells(path) == ROWS
    assert leftovers(path.parent) == [path.name]


def test_a_cell_of_100_000_characters_fits(path):
    long = "a long text " * 8334
    if path.suffix == ".xlsx":
        with pytest.raises(
            DeliveryError, match=r"row 2, column 1 .* longer than 32,767 characters: write CSV or Parquet"
        ):
            put(path, [(long,)], columns=["text"])
        assert leftovers(path.parent) == []
    else:
        put(path, [(long,)], columns=["text"])
        assert cells(path) == [(long,)]


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "  =1", "＝1+1"])
def test_a_formula_is_a_text_to_whoever_opens_the_file(path, text):
    put(path, [(text,)], columns=["text"])
    expected = text if path.name.endswith(TYPED) else f"'{text}"
    assert cells(path) == [(expected,)]


@pytest.mark.parametrize("text", ["-5", "+1.5", "-1,234.50", "'=1+1", "-.5", "-3e-7", "+12%"])
def test_numbers_and_what_was_made_harmless_stay_as_they_are(path, text):
    put(path, [(text,)], columns=["text"])
    assert cells(path) == [(text,)]


def test_a_table_without_rows_can_be_written_but_not_judged(path):
    put(path, [])
    with pytest.raises(InputError, match=r"header and no rows|columns and no rows|no JSON object|is empty"):
        open_table(path)


@pytest.mark.parametrize("columns", [("a", "b", "a"), ("a", " ", "b")])
def test_blank_and_double_headings_are_refused(tmp_path, columns):
    for ending in ("csv", "tsv", "xlsx"):
        path = tmp_path / f"table.{ending}"
        put(path, [("1", "2", "3")], columns=columns)
        with pytest.raises(InputError, match=r"Column (2 of .* has no name|'a' comes twice in)"):
            open_table(path)


def test_a_full_disk_leaves_what_was_there_and_nothing_else(path):
    put(path, ROWS)
    before = path.read_bytes()
    script = """
        import random, resource, signal, sys
        from penstock.errors import DeliveryError
        from penstock.tables import writer
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
        source = random.Random(1)
        try:
            with writer(sys.argv[1], ["text"]) as out:
                for number in range(3_000):
                    out.write((source.randbytes(60).hex(),))
        except DeliveryError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(script), path],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "could not be written, the file is larger than is allowed: make room, then resume." in done.stdout
    assert done.stderr == ""
    assert path.read_bytes() == before
    assert leftovers(path.parent, path.name) == []


def test_the_permissions_of_a_replaced_file_stay(path):
    put(path, ROWS)
    path.chmod(0o600)
    put(path, ROWS)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_keeps_pointing_at_the_file_it_names(path):
    link = path.with_name(f"link.{path.name.partition('.')[2]}")
    put(path, [("1",)], columns=["id"])
    link.symlink_to(path)
    put(link, [("2",)], columns=["id"])
    assert link.is_symlink()
    assert cells(path) == [("2",)]
    assert same_file(link, path)


def test_a_compressed_file_is_plain_gzip(tmp_path):
    put(tmp_path / "t.csv.gz", [("1",)], columns=["id"])
    assert gzip.decompress((tmp_path / "t.csv.gz").read_bytes()) == b"id\n1\n"


# What each format can hold: no halves of surrogate pairs; texts that are no formulas; NUL and U+FFFE apart from XML.
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\ufffe\uffff"), max_size=30)


@pytest.mark.parametrize("ending", FORMATS)
@given(rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_whatever_texts_are_written_are_read_again(tmp_path_factory, ending, rows):
    path = tmp_path_factory.mktemp("any") / f"table.{ending}"
    rows = [(f"{number}", f"_{first}", f"_{second}") for number, (first, second) in enumerate(rows)]
    put(path, rows)
    assert cells(path) == rows
