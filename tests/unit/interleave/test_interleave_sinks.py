"""Where log lines go, in which form, and that a log that fails costs nothing."""

import io
import json
import logging
import sys
import threading

import pytest

from interleaved import Trial
from penstock.interleave.sinks import to_cloudwatch, to_logger, to_stream

LISTS = ([1, 2, 3], [3, 2, 1])


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_stream_gets_a_line_for_each_ranking():
    stream = io.StringIO()
    trial = Trial(*LISTS, log=to_stream(stream))
    first, second = trial.rank(), trial.rank(user_id=None)
    assert [line["ranking_id"] for line in lines(stream)] == [first.ranking_id, second.ranking_id]
    assert [line["mode"] for line in lines(stream)] == ["INTERLEAVE", "A"]


def test_without_a_stream_it_is_standard_output_as_it_is_at_the_time(capsys):
    trial = Trial(*LISTS, log=None)
    served = trial.rank()
    assert json.loads(capsys.readouterr().out) == json.loads(served.record.line())


def test_lines_of_many_threads_do_not_mix(tmp_path):
    with (tmp_path / "log.jsonl").open("w", encoding="utf-8") as file:
        trial = Trial(list(range(50)), list(range(50, 0, -1)), log=to_stream(file))
        askers = [threading.Thread(target=lambda: [trial.rank(k=50) for _ in range(20)]) for _ in range(8)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(60)
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({line["ranking_id"] for line in logged}) == len(logged) == 160


def test_a_logger_gets_the_line_itself(caplog):
    caplog.set_level(logging.INFO, logger="penstock.interleave.rankings")
    served = Trial(*LISTS, log=to_logger()).rank()
    assert [entry.getMessage() for entry in caplog.records] == [served.record.line()]


def test_a_percent_sign_in_an_id_is_no_format(caplog):
    caplog.set_level(logging.DEBUG)
    Trial(["100 %s", "%d"], ["%d"], log=to_logger(logging.getLogger("mine"), logging.DEBUG)).rank()
    assert {item["item_id"] for item in json.loads(caplog.messages[0])["items"]} == {"100 %s", "%d"}


def written(trial_settings=None, **more):
    stream = io.StringIO()
    sink = to_cloudwatch("Shop", stream=stream, clock=lambda: 1_795_262_400.25)
    trial = Trial(*LISTS, log=sink, **({"settings": trial_settings} if trial_settings else {}))
    served = trial.rank(**more)
    return lines(stream)[0], served.record


def test_cloudwatch_gets_the_record_with_metrics_in_the_embedded_format():
    line, record = written()
    about = line.pop("_aws")
    assert about["Timestamp"] == 1_795_262_400_250
    (directive,) = about["CloudWatchMetrics"]
    assert directive["Namespace"] == "Shop"
    assert directive["Dimensions"] == [["experiment"]]
    assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
    names = [metric["Name"] for metric in directive["Metrics"]]
    assert {name: line.pop(name) for name in names}.keys() == set(names)
    assert line == json.loads(record.line())


def test_every_metric_is_a_number_at_the_top_and_every_dimension_a_word():
    line, _ = written()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    for metric in directive["Metrics"]:
        assert type(line[metric["Name"]]) in {int, float}
        assert metric["Unit"] in {"Milliseconds", "Count"}
    assert isinstance(line["experiment"], str)


def test_an_interleaved_ranking_counts_as_one():
    line, record = written()
    assert (line["Interleaved"], line["Fallback"], line["SettingsNotFresh"]) == (1, 0, 0)
    assert line["TotalMs"] == pytest.approx(record.ms["total"], abs=0.01)


def test_a_ranking_served_alone_counts_as_none():
    line, _ = written(user_id=None)
    assert (line["Interleaved"], line["Fallback"], line["MergeMs"]) == (0, 0, 0)


def test_settings_that_cannot_be_read_are_counted():
    line, _ = written({"mode": "nonsense"})
    assert line["SettingsNotFresh"] == 1


def test_a_fallback_is_counted_and_not_as_interleaved(caplog):
    stream = io.StringIO()
    Trial([1], [], log=to_cloudwatch(stream=stream)).rank()
    (line,) = lines(stream)
    assert (line["Interleaved"], line["Fallback"]) == (0, 1)


def test_a_log_that_fails_costs_no_request(caplog):
    def fails(_record):
        raise OSError("the disk is full")

    assert sorted(Trial(*LISTS, log=fails).rank().ranking) == [1, 2, 3]
    assert "was not logged" in caplog.text


def test_a_stream_that_is_closed_costs_no_request(caplog, monkeypatch):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    assert sorted(Trial(*LISTS, log=None).rank().ranking) == [1, 2, 3]
    assert "was not logged" in caplog.text
