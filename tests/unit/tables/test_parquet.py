"""Parquet: every type comes through, row by row."""

import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock.errors import DeliveryError, InputError
from penstock.tables import Column, open_table, text_of, writer
from penstock.tables.parquet import _batch

TOKYO = timezone(timedelta(hours=9))


@pytest.fixture
def put(tmp_path):
    def put(table, **options):
        path = tmp_path / "table.parquet"
        pq.write_table(table, path, **options)
        return path

    return put


def copied(path, *, name="copy.parquet", added=(), more=()):
    table = open_table(path)
    target = path.with_name(name)
    with writer(target, [*table.columns, *added], like=table) as out:
        for row in table.rows():
            out.write((*row.cells, *more))
    return target


TYPES = pa.table(
    {
        "text": pa.array(["a", None, "日本"]),
        "large": pa.array(["a", "b", None], pa.large_string()),
        "small": pa.array([1, None, -3], pa.int8()),
        "big": pa.array([2**64 - 1, 0, None], pa.uint64()),
        "single": pa.array([1.5, float("nan"), None], pa.float32()),
        "flag": pa.array([True, None, False]),
        "exact": pa.array([Decimal("1.50"), None, Decimal("-7.00")], pa.decimal128(9, 2)),
        "day": pa.array([date(2024, 2, 29), None, date(1, 1, 1)]),
        "moment": pa.array([datetime(2024, 1, 2, 3, 4, 5, 6), None, None], pa.timestamp("us")),  # noqa: DTZ001
        "zoned": pa.array([datetime(2024, 1, 2, tzinfo=TOKYO), None, None], pa.timestamp("ms", "Asia/Tokyo")),
        "nano": pa.array([1_700_000_000_000_000_001, None, 0], pa.timestamp("ns")),
        "zoned_nano": pa.array([1_700_000_000_000_000_001, None, 0], pa.timestamp("ns", "Asia/Tokyo")),
        "even_nano": pa.array([1_700_000_000_000_000_000, None, 0], pa.timestamp("ns")),
        "far": pa.array([253_402_300_800, None, 0], pa.timestamp("s")),
        "far_day": pa.array([2_932_897, None, 0], pa.int32()).cast(pa.date32()),
        "nano_clock": pa.array([1_000_000_001, None, 0], pa.time64("ns")),
        "nano_span": pa.array([1_000_000_001, None, 0], pa.duration("ns")),
        "clock": pa.array([1_000_001, None, 0], pa.time64("us")),
        "span": pa.array([5_000_000, None, -1], pa.duration("us")),
        "raw": pa.array([b"\x00\xff", None, b""]),
        "list": pa.array([["a", "b"], None, []], pa.list_(pa.string())),
        "struct": pa.array([{"x": 1, "y": "z"}, None, {"x": None, "y": ""}]),
        "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
        "word": pa.array(["u", None, "v"]).dictionary_encode(),
        "none": pa.nulls(3),
    }
).replace_schema_metadata({"made": "by a test"})


def test_every_type_comes_through_with_its_schema(put):
    path = put(TYPES)
    source, copy = pq.read_table(path), pq.read_table(copied(path))
    assert copy.schema.equals(source.schema, check_metadata=True)
    for name in source.schema.names:
        before, after = source[name], copy[name]
        assert after.equals(before) or str(after.to_pylist()) == str(before.to_pylist()), name  # NaN equals nothing


def test_added_columns_are_numbers_and_texts_behind_those_of_the_source(put):
    added = [Column(name="score", kind="number"), Column(name="reason", kind="text")]
    copy = pq.read_table(copied(put(TYPES), added=added, more=(0.25, "why")))
    assert copy.schema.names == [*TYPES.schema.names, "score", "reason"]
    assert copy.schema.field("score").type == pa.float64()
    assert copy["reason"].to_pylist() == ["why"] * 3


def test_rows_cross_batches_and_row_groups_in_order(put):
    numbers = list(range(10_000))
    path = put(pa.table({"n": numbers}), row_group_size=777)
    found = [*open_table(path).rows()]
    assert [row.number for row in found] == numbers
    assert [row.cells[0] for row in found] == numbers


def test_nanoseconds_are_texts_only_where_they_are_needed(put):
    row = next(open_table(put(TYPES.select(["nano", "even_nano"]))).rows())
    assert row.cells == ("2023-11-14 22:13:20.000000001", datetime(2023, 11, 14, 22, 13, 20))  # noqa: DTZ001


def test_nan_is_empty_for_a_judge(put):
    cells = [row.cells for row in open_table(put(TYPES.select(["single"]))).rows()]
    assert [text_of(cell) for (cell,) in cells] == ["1.5", "", ""]


def test_other_formats_get_texts_for_what_they_lack(put):
    path = put(TYPES.select(["exact", "day", "zoned", "list", "raw"]))
    lines = copied(path, name="copy.csv").read_text().splitlines()
    assert lines[1] == '1.50,2024-02-29,2024-01-02T00:00:00+09:00,"[""a"", ""b""]",\0\ufffd'
    assert lines[2] == ",,,,"


def test_columns_of_json_lines_get_the_type_that_holds_all_their_cells(tmp_path):
    path = tmp_path / "table.jsonl"
    path.write_text(
        '{"i": 1, "f": 1, "b": true, "s": "x", "m": 1, "h": 1, "n": null}\n'
        '{"i": 2, "f": 1.5, "b": null, "s": "", "m": "y", "h": 9007199254740993, "n": null}\n'
    )
    copy = pq.read_table(copied(path))
    assert [str(kind) for kind in copy.schema.types] == [
        "int64",
        "double",
        "bool",
        "string",
        "string",
        "string",
        "string",
    ]
    assert copy["m"].to_pylist() == ["1", "y"]
    assert copy["h"].to_pylist() == ["1", "9007199254740993"]


def test_a_cell_that_does_not_fit_its_column_is_told(put):
    table = open_table(put(pa.table({"n": pa.array([1], pa.int8())})))
    target = table.path.with_name("copy.parquet")
    with pytest.raises(DeliveryError, match=r"Column 'n' of .* is of type int8 .*: write CSV or JSONL"):
        with_one(target, table, cell=300)
    assert not target.exists()


def with_one(target, table, *, cell):
    with writer(target, table.columns, like=table) as out:
        out.write((cell,))


def test_a_damaged_file_is_told(put):
    path = put(TYPES)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="is not a Parquet file, or a damaged one"):
        open_table(path)


def test_damage_inside_is_told_when_it_is_met(put):
    path = put(pa.table({"t": [f"text number {number}" for number in range(50_000)]}), compression="zstd")
    data = bytearray(path.read_bytes())
    data[1_000:60_000] = bytes(59_000)
    path.write_bytes(data)
    table = open_table(path)
    with pytest.raises(InputError, match="is damaged"):
        list(table.rows())


def test_no_rows_are_told(put):
    with pytest.raises(InputError, match="has columns and no rows"):
        open_table(put(pa.table({"t": pa.array([], pa.string())})))


def test_without_pyarrow_the_extra_is_named(put):
    path = put(TYPES)
    script = """
import sys
sys.modules["pyarrow"] = None
from penstock.errors import MissingExtra
from penstock.tables import check_writable, open_table
for ask in (open_table, check_writable):
    try:
        ask(sys.argv[1])
    except MissingExtra as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "Parquet needs an extra: pip install 'penstock[parquet]'.\n" * 2


def test_large_rows_are_turned_into_values_a_few_at_a_time(put):
    path = put(pa.table({"t": [f"{number:07}" * 100_000 for number in range(8)]}), use_dictionary=False)
    with pq.ParquetFile(path) as file:
        assert _batch(file.metadata) == 23
    assert [row.cells[0][:7] for row in open_table(path).rows()] == [f"{number:07}" for number in range(8)]
