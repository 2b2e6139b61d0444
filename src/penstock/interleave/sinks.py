"""Where log lines go: a stream, a logger, or CloudWatch with metrics in the same line."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Any, TypeAlias

from penstock.interleave.settings import INTERLEAVE

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from penstock.interleave.record import Record

    Sink: TypeAlias = Callable[[Record], None]

_UNITS = {
    "TotalMs": "Milliseconds",
    "MergeMs": "Milliseconds",
    "Interleaved": "Count",
    "Fallback": "Count",
    "SettingsNotFresh": "Count",
}


def to_stream(stream: TextIO | None = None) -> Sink:
    """Write each record as a line to a stream: standard output, as it is at the time, where none is given."""

    def write(record: Record) -> None:
        out = stream or sys.stdout
        out.write(f"{record.line()}\n")
        out.flush()

    return write


def to_logger(logger: logging.Logger | None = None, level: int = logging.INFO) -> Sink:
    """Log each record as a message that is the JSON line itself.

    Args:
        logger: `penstock.interleave.rankings` where none is given; its level and handlers are the caller's to set, and
            a logger that is not set to `level` drops every line.
        level: The level of the messages.
    """
    chosen = logger or logging.getLogger("penstock.interleave.rankings")

    def write(record: Record) -> None:
        chosen.log(level, "%s", record.line())

    return write


def to_cloudwatch(
    namespace: str = "Penstock/Interleave",
    *,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.time,
) -> Sink:
    """Write each record as a line in CloudWatch's embedded metric format: log and metrics in one.

    The record's own fields are as in every other log, so the same line goes on to Firehose and Athena. CloudWatch makes
    `TotalMs`, `MergeMs`, `Interleaved`, `Fallback` and `SettingsNotFresh` of it, by experiment.

    Args:
        namespace: Of the metrics.
        stream: Standard output where none is given: what AWS Lambda sends to CloudWatch.
        clock: Seconds since 1970.
    """
    metrics = [{"Name": name, "Unit": unit} for name, unit in _UNITS.items()]

    def write(record: Record) -> None:
        directive = {"Namespace": namespace, "Dimensions": [["experiment"]], "Metrics": metrics}
        about: dict[str, Any] = {
            "_aws": {"Timestamp": round(clock() * 1_000), "CloudWatchMetrics": [directive]},
            **record.as_dict(),
            "TotalMs": round(record.ms["total"], 2),
            "MergeMs": round(record.ms.get("merge", 0.0), 2),
            "Interleaved": int(record.mode == INTERLEAVE and record.fallback_reason is None),
            "Fallback": int(record.fallback_reason is not None),
            "SettingsNotFresh": int(record.settings != "fresh"),
        }
        out = stream or sys.stdout
        out.write(f"{json.dumps(about, separators=(',', ':'))}\n")
        out.flush()

    return write
