"""Logs and clicks are read however they were packed; what is somebody else's, or broken, is counted."""

import gzip
import json
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interleaving import click, duel, record, shown, write_lines
from penstock.errors import InputError
from penstock.interleave.analysis import analyse
from penstock.interleave.analysis.clicks import Clicks
from penstock.interleave.analysis.logs import Logs, seconds
from penstock.interleave.record import stamp


def pages(path):
    """Read a log; give its pages and what it counted."""
    logs = Logs([path])
    return [page for page, _ in logs], logs


def packed(line):
    return json.dumps(line)


def test_a_record_is_found_in_a_plain_line(tmp_path):
    found, logs = pages(write_lines(tmp_path / "log.jsonl", [duel("r1")]))
    assert found[0].ranking_id == "r1"
    assert found[0].items[0].ranks == (1, 2)
    assert (logs.lines, logs.foreign, logs.broken) == (1, 0, 0)


@pytest.mark.parametrize(
    "line",
    [
        f"[INFO]\t2026-11-01T09:00:00.000Z\t6f1c\t{packed(duel('r1'))}",
        f"{{not json}} {packed(duel('r1'))}",
        packed({"level": "INFO", "message": packed(duel("r1"))}),
        packed({"level": "INFO", "message": duel("r1")}),
        packed({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": packed(duel("r1"))}]}),
        packed({"message": packed({"message": packed(duel("r1"))})}),
        packed({"_aws": {"Timestamp": 1, "CloudWatchMetrics": []}, **duel("r1"), "latency": 21.0}),
    ],
    ids=["prefix", "brace before it", "message", "object in message", "log events", "twice packed", "metrics"],
)
def test_a_record_is_found_however_it_is_packed(tmp_path, line):
    found, logs = pages(write_lines(tmp_path / "log.jsonl", [line]))
    assert [page.ranking_id for page in found] == ["r1"]
    assert (logs.foreign, logs.broken) == (0, 0)


def test_all_records_on_one_line_are_found(tmp_path):
    line = packed(
        {"logEvents": [{"message": packed(duel("r1"))}, {"message": "START"}, {"message": packed(duel("r2"))}]}
    )
    found, _ = pages(write_lines(tmp_path / "log.jsonl", [line + packed(duel("r3"))]))
    assert [page.ranking_id for page in found] == ["r1", "r2", "r3"]


def test_lines_of_something_else_are_counted_and_no_trouble(tmp_path):
    lines = ["START RequestId: 7", "", '{"schema":"other/1"}', packed(duel("r1")), "{"]
    found, logs = pages(write_lines(tmp_path / "log.jsonl", lines))
    assert len(found) == 1
    assert (logs.lines, logs.foreign, logs.broken) == (4, 3, 0)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (packed(duel("r1"))[:150], "cut off"),
        (packed(duel("r1", time="yesterday")), "yesterday"),
        (packed(duel("r1", rankers="AB")), "rankers"),
        (packed(duel("r1", schema="penstock.interleave/2")), "penstock.interleave/2"),
        (packed(duel("r1", method=None)), "no method"),
        (packed(record("r1", [shown("x", 1, "C", (1, 2))])), "'C'"),
        (packed(record("r1", [shown("x", 1, "A", (1,))])), "one list for each"),
    ],
    ids=["cut off", "time", "type", "layout", "method", "source", "ranks"],
)
def test_a_broken_record_is_counted_and_the_first_one_explained(tmp_path, line, why):
    found, logs = pages(write_lines(tmp_path / "log.jsonl", ["noise", line, packed(duel("r2"))]))
    assert [page.ranking_id for page in found] == ["r2"]
    assert logs.broken == 1
    assert "line 2" in logs.first_broken
    assert why in logs.first_broken


def test_gzip_is_told_by_its_bytes_and_not_by_its_name(tmp_path):
    path = tmp_path / "delivered-2026-11-01"
    path.write_bytes(gzip.compress(packed(duel("r1")).encode()))
    assert len(pages(path)[0]) == 1


def test_a_gzip_file_that_ends_early_is_a_sentence(tmp_path):
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(packed(duel("r1")).encode() * 100)[:-20])
    with pytest.raises(InputError, match="cannot be read to its end"):
        pages(path)


def test_a_folder_is_read_with_all_below_it_but_what_is_set_aside(tmp_path):
    for name in ("dt=2026-11-01/a", "dt=2026-11-02/b.jsonl", "_SUCCESS", ".hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_lines(tmp_path / name, [duel(name)])
    found, logs = pages(tmp_path)
    assert [page.ranking_id for page in found] == ["dt=2026-11-01/a", "dt=2026-11-02/b.jsonl"]
    assert logs.files == 2


def test_a_path_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        Logs([tmp_path / "nothing.jsonl"])


def test_a_folder_without_files_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="has no files"):
        Logs([tmp_path])


def test_parquet_says_the_same_as_json(tmp_path):
    lines = [duel("r2", fallback_reason="B:late"), duel("r1"), duel("r3", user="u2")]
    pq.write_table(pa.Table.from_pylist(lines), tmp_path / "log.parquet")
    assert pages(tmp_path / "log.parquet")[0] == pages(write_lines(tmp_path / "log.jsonl", lines))[0]


def test_parquet_may_have_times_as_timestamps_and_durations_as_a_map(tmp_path):
    table = pa.Table.from_pylist([duel("r1")])
    ms = pa.array([[("A", 12.0), ("total", 21.0)]], pa.map_(pa.string(), pa.float64()))
    time = pa.array(["2026-11-01T09:00:00"]).cast(pa.timestamp("us"))
    table = table.set_column(table.column_names.index("ms"), "ms", ms)
    pq.write_table(table.set_column(table.column_names.index("time"), "time", time), tmp_path / "log.parquet")
    found = pages(tmp_path / "log.parquet")[0][0]
    assert found.ms == {"A": 12.0, "total": 21.0}
    assert found.time == "2026-11-01T09:00:00"


def test_a_time_without_a_zone_is_utc_wherever_it_is_read(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert seconds("2026-11-01T09:00:00") == seconds("2026-11-01T09:00:00Z") == seconds("2026-11-01T18:00:00+09:00")
        assert stamp(seconds("2026-11-01T09:00:00.123Z")) == "2026-11-01T09:00:00.123Z"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_rows_of_parquet_that_are_not_of_the_log_or_broken_are_counted(tmp_path):
    lines = [duel("r1"), duel("r2", schema="other/1"), duel("r3", time="yesterday")]
    pq.write_table(pa.Table.from_pylist(lines), tmp_path / "log.parquet")
    found, logs = pages(tmp_path / "log.parquet")
    assert [page.ranking_id for page in found] == ["r1"]
    assert (logs.lines, logs.foreign, logs.broken) == (3, 1, 1)
    assert "row 3" in logs.first_broken


def test_rows_of_a_table_without_an_item_are_broken_clicks(tmp_path):
    (tmp_path / "clicks.csv").write_text("ranking_id,item_id\nr1,\nr1,x\n", encoding="utf-8")
    clicks = Clicks([tmp_path / "clicks.csv"])
    assert (clicks.lines, clicks.broken) == (2, 1)
    assert "row 1" in clicks.first_broken


def test_a_time_of_a_click_may_be_seconds(tmp_path):
    (tmp_path / "clicks.csv").write_text("ranking_id,item_id,time\nr1,x,1793523600.5\n", encoding="utf-8")
    assert Clicks([tmp_path / "clicks.csv"]).take("r1") == [("x", 1793523600.5)]


def test_parquet_of_something_else_is_a_sentence(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(InputError, match="not a log of rankings"):
        pages(tmp_path / "other.parquet")


@pytest.mark.parametrize("name", ["clicks.jsonl", "clicks.csv", "clicks.tsv", "clicks.parquet"])
def test_clicks_are_the_same_in_every_format(tmp_path, name):
    rows = [click("r1", "x", time="2026-11-01T09:00:00Z"), click("r2", "y", time="2026-11-01T09:00:01Z")]
    write_clicks(tmp_path / name, rows)
    clicks = Clicks([tmp_path / name])
    assert clicks.take("r1") == [("x", 1793523600.0)]
    assert clicks.lines == 2


def write_clicks(path, rows):
    if path.suffix == ".jsonl":
        write_lines(path, rows)
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        separator = "\t" if path.suffix == ".tsv" else ","
        lines = [separator.join(rows[0]), *(separator.join(row.values()) for row in rows)]
        path.write_text("\n".join(lines), encoding="utf-8")


def test_several_clicks_on_one_item_of_one_ranking_count_once(tmp_path):
    clicks = Clicks([write_lines(tmp_path / "c.jsonl", [click("r1", 7), click("r1", "7"), click("r1", 7.0)])])
    assert clicks.take("r1") == [("7", None)]
    assert clicks.repeated == 2


@pytest.mark.parametrize("written", ["7", "7.0"])
def test_an_id_that_a_table_wrote_as_a_fraction_is_the_same_item(tmp_path, written):
    log = write_lines(tmp_path / "log.jsonl", [record("r1", [shown("7", 1, "A", (1, 2)), shown("8", 2, "B", (2, 1))])])
    (tmp_path / "clicks.csv").write_text(f"ranking_id,item_id\nr1,{written}\n", encoding="utf-8")
    report = analyse(log, tmp_path / "clicks.csv")
    assert report.comparisons[0].wins == 1
    assert report.clicks.unknown_item == 0


def test_clicks_without_a_ranking_or_an_item_are_counted_as_broken(tmp_path):
    lines = [click("r1", "x"), {"item_id": "x"}, {"ranking_id": "r1"}, "nonsense", click("r1", "y", time="soon")]
    clicks = Clicks([write_lines(tmp_path / "c.jsonl", lines)])
    assert (clicks.lines, clicks.broken) == (5, 4)
    assert "line 2" in clicks.first_broken


def test_a_file_in_which_nothing_is_a_click_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="No line of the clicks"):
        Clicks([write_lines(tmp_path / "c.jsonl", [{"user": 1}])])


def test_a_table_without_the_column_is_a_sentence(tmp_path):
    (tmp_path / "clicks.csv").write_text("ranking_id,product\nr1,x\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column item_id"):
        Clicks([tmp_path / "clicks.csv"])
