"""Files that are no tables, places that cannot be written: one clear sentence each."""

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from textwrap import dedent

import pytest

from penstock.errors import InputError
from penstock.tables import check_writable, open_table, same_file, writer

TEXTUAL = ("csv", "tsv", "jsonl")


def refusal(path, **options):
    with pytest.raises(InputError) as caught:
        open_table(path, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def unwritable(path):
    with pytest.raises(InputError) as caught:
        check_writable(path)
    return str(caught.value)


@pytest.mark.parametrize("ending", [*TEXTUAL, "parquet", "xlsx", "csv.gz"])
def test_a_missing_file_is_told(tmp_path, ending):
    assert refusal(tmp_path / f"no.{ending}").endswith(f"no.{ending}: check its name and folder.")


def test_a_folder_is_told(tmp_path):
    assert "is a folder: give the name of a file" in refusal(tmp_path)


def test_a_pipe_is_told(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is not a regular file: save it as one" in refusal(tmp_path / "pipe.csv")


@pytest.mark.parametrize("ending", [*TEXTUAL, "parquet", "xlsx"])
def test_an_empty_file_is_told(tmp_path, ending):
    (tmp_path / f"table.{ending}").touch()
    assert "is empty" in refusal(tmp_path / f"table.{ending}")


@pytest.mark.parametrize("data", [b"\n\n \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_a_file_of_blanks_is_empty(tmp_path, data):
    (tmp_path / "table.csv").write_bytes(data)
    assert "is empty" in refusal(tmp_path / "table.csv")


@pytest.mark.parametrize("data", [b"a,b\n", b"a,b", b"a,b\n\n\n"])
def test_a_header_without_rows_is_told(tmp_path, data):
    (tmp_path / "table.csv").write_bytes(data)
    assert "has a header and no rows" in refusal(tmp_path / "table.csv")


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("a,,b", "Column 2 of"),
        ("a, ,b", "Column 2 of"),
        ("a,b,a", "Column 'a' comes twice in"),
        ('a,"b', "The header of"),
    ],
)
def test_a_broken_header_is_told(tmp_path, header, sentence):
    (tmp_path / "table.csv").write_text(f"{header}\n1,2,3\n")
    assert refusal(tmp_path / "table.csv").startswith(sentence)


@pytest.mark.parametrize("name", ["table", "table.txt", "table.csv.zip", "table.parquet.gz", "table.gz"])
def test_an_unknown_ending_is_told_with_those_that_are_known(tmp_path, name):
    (tmp_path / name).write_text("a,b\n1,2\n")
    assert "its name must end in one of .csv .tsv" in refusal(tmp_path / name)
    assert "cannot be written: its name must end in" in unwritable(tmp_path / name)


@pytest.mark.parametrize("ending", [".xls", ".ods", ".xlsm"])
def test_formats_that_are_only_read_cannot_be_written(tmp_path, ending):
    assert "cannot be written" in unwritable(tmp_path / f"table{ending}")


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"PK\x03\x04\x14\x00", "an Excel workbook or a ZIP archive"),
        (b"PAR1\x15\x00", "a Parquet file: name it .parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old or password-protected Office file"),
        (b"\x1f\x8b\x08\x00", "compressed with gzip: name it .csv.gz"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\xff\xd8\xff\xe0", "a JPEG picture"),
        (b"GIF89a", "a GIF picture"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
        (b"BZh91AY", "compressed with bzip2"),
        (b"\xfd7zXZ\x00", "compressed with xz"),
        (b"  <!DOCTYPE html><html>", "a web page"),
        (b"\x7fELF" + bytes(200), "a binary file"),
    ],
)
@pytest.mark.parametrize("ending", TEXTUAL)
def test_what_is_no_text_is_told_with_what_it_looks_like(tmp_path, head, what, ending):
    (tmp_path / f"table.{ending}").write_bytes(head + bytes(range(256)) * 4)
    assert f"looks like {what}" in refusal(tmp_path / f"table.{ending}")


def test_a_compressed_file_that_is_cut_off_is_told(tmp_path):
    data = gzip.compress(os.urandom(50_000).hex().encode())
    (tmp_path / "table.csv.gz").write_bytes(data[:20_000])
    assert "is cut off or damaged: download or copy it again" in refusal(tmp_path / "table.csv.gz")


def test_a_plain_file_called_gz_is_told(tmp_path):
    (tmp_path / "table.csv.gz").write_text("a,b\n1,2\n")
    assert "cannot be read (Not a gzipped file" in refusal(tmp_path / "table.csv.gz")


@pytest.mark.parametrize(
    ("ending", "options", "sentence"),
    [
        ("xlsx", {"encoding": "utf-8"}, "leave --encoding away"),
        ("parquet", {"delimiter": ","}, "leave --delimiter away"),
        ("jsonl", {"delimiter": ","}, "leave --delimiter away"),
        ("csv", {"sheet": "one"}, "leave --sheet away"),
    ],
)
def test_an_option_that_does_not_suit_the_format_is_told(tmp_path, ending, options, sentence):
    (tmp_path / f"table.{ending}").write_text("x")
    assert sentence in refusal(tmp_path / f"table.{ending}", **options)


@pytest.fixture
def open_folder():
    """A folder that every user may look into, which those of pytest are not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
        Path(folder).chmod(0o755)


def test_a_file_that_may_not_be_read_is_told(open_folder):
    (open_folder / "table.csv").write_text("a\n1\n")
    (open_folder / "table.csv").chmod(0)
    assert "cannot be read (Permission denied)" in as_nobody(open_folder, "open_table(sys.argv[1])")


def test_a_folder_that_may_not_be_written_is_told(open_folder):
    assert "cannot be written (Permission denied)" in as_nobody(open_folder, "check_writable(sys.argv[1])")


def as_nobody(folder, call):
    """Run one line as a user without rights in a folder (its owner may do anything when it is root)."""
    script = f"""
        import os, sys
        from penstock.errors import InputError
        from penstock.tables import check_writable, open_table
        open_table("{folder}/warm.csv")
        os.chmod("{folder}", 0o555)
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            {call}
        except InputError as error:
            print(error)
    """
    (folder / "warm.csv").write_text("a\n1\n")
    command = [sys.executable, "-c", dedent(script), folder / "table.csv"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path):
    check_writable(tmp_path / "table.csv")
    assert [*tmp_path.iterdir()] == []


def test_a_missing_folder_is_told(tmp_path):
    assert "does not exist: make it first" in unwritable(tmp_path / "no" / "table.csv")


def test_a_target_that_is_a_folder_is_told(tmp_path):
    (tmp_path / "table.csv").mkdir()
    assert "is a folder" in unwritable(tmp_path / "table.csv")


def test_a_target_that_is_a_device_is_told(tmp_path):
    (tmp_path / "full.csv").symlink_to("/dev/full")
    assert "is not a regular file" in unwritable(tmp_path / "full.csv")


def test_a_target_that_is_read_only_is_told(tmp_path):
    (tmp_path / "table.csv").write_text("keep")
    (tmp_path / "table.csv").chmod(0o444)
    assert "is read-only: name another file or make it writable" in unwritable(tmp_path / "table.csv")


@pytest.mark.parametrize("owner", [".~lock.table.csv#", "~$table.csv"])
def test_a_target_that_is_open_in_an_office_program_is_told(tmp_path, owner):
    (tmp_path / owner).touch()
    assert f"is open in an office program ({owner} lies beside it): close it, or remove that" in unwritable(
        tmp_path / "table.csv"
    )


def test_a_full_disk_is_told_before_any_work(tmp_path):
    script = """
        import resource, signal, sys
        from penstock.errors import InputError
        from penstock.tables import check_writable
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            check_writable(sys.argv[1])
        except InputError as error:
            print(error)
    """
    command = [sys.executable, "-W", "error", "-c", dedent(script), tmp_path / "table.csv"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "cannot be written (the file is larger than is allowed)" in done.stdout
    assert done.stderr == ""
    assert [*tmp_path.iterdir()] == []


def test_a_part_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "precious").write_text("keep")
    (tmp_path / ".table.csv.part").symlink_to(tmp_path / "precious")
    assert "cannot be written" in unwritable(tmp_path / "table.csv")
    assert (tmp_path / "precious").read_text() == "keep"


def test_one_file_under_two_names_is_known(tmp_path):
    (tmp_path / "a.csv").touch()
    (tmp_path / "b.csv").hardlink_to(tmp_path / "a.csv")
    (tmp_path / "folder").mkdir()
    assert same_file(tmp_path / "a.csv", tmp_path / "b.csv")
    assert same_file(tmp_path / "a.csv", tmp_path / "folder" / ".." / "a.csv")
    assert same_file(tmp_path / "new.csv", tmp_path / "folder" / ".." / "new.csv")
    assert not same_file(tmp_path / "a.csv", tmp_path / "new.csv")


def test_an_ending_in_capitals_is_known(tmp_path):
    with writer(tmp_path / "TABLE.CSV", ["a"]) as out:
        out.write(("1",))
    assert open_table(tmp_path / "TABLE.CSV").columns == ("a",)


def test_a_new_file_has_the_permissions_that_new_files_have(tmp_path):
    (tmp_path / "other").touch()
    with writer(tmp_path / "table.csv", ["a"]) as out:
        out.write(("1",))
    assert (tmp_path / "table.csv").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_importing_the_room_loads_no_heavy_library():
    heavy = {"pyarrow", "xlsxwriter", "python_calamine", "numpy", "openpyxl"}
    script = f"import sys, penstock.tables; print(*{heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "\n"
