"""The whole analysis as one call: log and clicks in, `Report` out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from penstock.errors import InputError
from penstock.interleave.analysis.checks import checks
from penstock.interleave.analysis.clicks import Clicks
from penstock.interleave.analysis.compare import compare, pairings, scored
from penstock.interleave.analysis.credit import Credit, check_fit, credit_for
from penstock.interleave.analysis.logs import Logs, seconds
from penstock.interleave.analysis.preference import check_confidence
from penstock.interleave.analysis.report import (
    SCHEMA,
    ClickFacts,
    Comparison,
    Latency,
    LeftOut,
    LogFacts,
    Report,
)
from penstock.interleave.analysis.tally import Tally
from penstock.interleave.record import SCHEMA as RECORDS
from penstock.interleave.record import stamp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from penstock.interleave.analysis.compare import Pairing

Paths: TypeAlias = "str | Path | Iterable[str | Path]"


def analyse(
    logs: Paths,
    clicks: Paths,
    *,
    experiment: str | None = None,
    credit: str | Credit | None = None,
    a: str | None = None,
    b: str | None = None,
    since: str | None = None,
    until: str | None = None,
    confidence: float = 0.95,
    planned: float = 1000.0,
    same: bool = False,
    leave_out: Collection[str] = frozenset(),
) -> Report:
    """Compare the rankers of an experiment by the clicks on the rankings that were made of both.

    The log is read once, line by line; of rankings without clicks, little more than the id is kept.

    Args:
        logs: Files of log lines (JSON Lines, also .gz or packed by CloudWatch; Parquet), or folders of such files.
        clicks: Files of clicks (JSON Lines, CSV, Parquet), or folders of such files.
        experiment: The only one that counts; all of the log where it is None.
        credit: How clicks are counted: a name from `CREDITS`, an own `Credit`, or None for what fits each method.
        a: The first ranker, if only one pair is wanted; `b` is then needed, too.
        b: The second ranker.
        since: Earliest time that counts, ISO 8601, in UTC where it has no zone.
        until: Time from which on nothing counts. A ranking with a page on the other side of either does not count.
        confidence: Of all intervals.
        planned: Rankings with a winner that the always-valid interval is tightest at; fixed before the first look.
        same: Whether the rankers are the same (an A/A experiment), so that a preference is a reason for alarm.
        leave_out: Pseudonyms of users that do not count, such as testers.

    Raises:
        InputError: A file cannot be read, holds nothing of use, or an argument makes no sense.
        MissingExtra: A Parquet file needs pyarrow.
    """
    check_confidence(confidence)
    if (a is None) != (b is None) or (a is not None and a == b):
        raise InputError("To compare one pair, name two different rankers: both a and b.")
    start, end = _moment(since, "since", float("-inf")), _moment(until, "until", float("inf"))
    found = Clicks(_paths(clicks))
    log = Logs(_paths(logs))
    tally = Tally(found, experiment=experiment, since=start, until=end, left_out=frozenset(leave_out))
    for page, time in log:
        tally.take(page, time)
    _check_found(log, tally, experiment)
    pairs = pairings(tally.groups, a=a, b=b)
    if a is not None and tally.groups and not pairs:
        names = sorted({name for _, _, rankers in tally.groups for name in rankers})
        raise InputError(f"{a} and {b} are not compared in this log: it has {', '.join(names)}.")
    comparisons = tuple(_compared(pair, credit, tally, confidence=confidence, planned=planned) for pair in pairs)
    return _report(comparisons, tally, log, found, confidence=confidence, same=same)


def _compared(
    pair: Pairing, credit: str | Credit | None, tally: Tally, *, confidence: float, planned: float
) -> Comparison:
    if isinstance(credit, Credit):
        check_fit(credit, pair.method)
        chosen = credit
    else:
        chosen = credit_for(pair.method, credit)
    counted = (ranking for name, ranking in tally.clicked.items() if tally.fate_of(name) == "competitive")
    rows = scored(pair, chosen, counted, tally.groups)
    return compare(pair, chosen, rows, confidence=confidence, planned=planned)


def _report(
    comparisons: tuple[Comparison, ...], tally: Tally, log: Logs, clicks: Clicks, *, confidence: float, same: bool
) -> Report:
    log_facts = _log_facts(log, tally)
    click_facts = _click_facts(clicks, tally)
    checked = checks(comparisons, tally, log_facts, click_facts, same=same)
    return Report(
        schema=SCHEMA,
        ok=all(check.ok for check in checked),
        comparisons=tuple(sorted(comparisons, key=lambda each: -each.rankings)),
        checks=checked,
        log=log_facts,
        clicks=click_facts,
        left_out=_left_out(tally),
        latency=_latency(tally),
        settings=dict(sorted(tally.settings.items())),
        confidence=confidence,
    )


def _log_facts(log: Logs, tally: Tally) -> LogFacts:
    return LogFacts(
        files=log.files,
        lines=log.lines,
        rankings=tally.rankings().total(),
        pages=tally.pages,
        duplicates=tally.duplicates,
        foreign=log.foreign,
        broken=log.broken,
        first_broken=log.first_broken,
        first_time=stamp(tally.first) if tally.settings else "",
        last_time=stamp(tally.last) if tally.settings else "",
    )


def _click_facts(clicks: Clicks, tally: Tally) -> ClickFacts:
    facts = Counter[str]()
    for ranking_id, ranking in tally.clicked.items():
        counts = tally.fate_of(ranking_id) == "competitive"
        facts["counted" if counts else "elsewhere"] += len(ranking.shown)
        facts["unknown_item"] += len(ranking.clicks)
    return ClickFacts(
        lines=clicks.lines,
        broken=clicks.broken,
        first_broken=clicks.first_broken,
        repeated=clicks.repeated,
        counted=facts["counted"],
        elsewhere=facts["elsewhere"],
        unknown_ranking=clicks.left,
        unknown_item=facts["unknown_item"],
    )


def _left_out(tally: Tally) -> LeftOut:
    fates = tally.rankings()
    whole = Counter[str]()
    detail: dict[str, dict[str, int]] = {"served_alone": {}, "fallback": {}}
    for (fate, why), count in sorted(fates.items()):
        whole[fate] += count
        if fate in detail:
            detail[fate][why] = count
    clicked = sum(bool(each.shown) for name, each in tally.clicked.items() if tally.fate_of(name) == "competitive")
    return LeftOut(
        other_experiment=whole["other_experiment"],
        other_time=whole["other_time"],
        excluded_user=whole["excluded_user"],
        served_alone=detail["served_alone"],
        fallback=detail["fallback"],
        no_user=whole["no_user"],
        not_competitive=whole["not_competitive"],
        without_clicks=whole["competitive"] - clicked,
    )


def _latency(tally: Tally) -> tuple[Latency, ...]:
    return tuple(
        Latency(
            mode=mode,
            part=part,
            requests=durations.count,
            p50=durations.percentile(0.5),
            p90=durations.percentile(0.9),
            p99=durations.percentile(0.99),
        )
        for (mode, part), durations in sorted(tally.durations.items())
    )


def _check_found(log: Logs, tally: Tally, experiment: str | None) -> None:
    if not tally.pages:
        broken = f"; {log.broken:,} records cannot be read ({log.first_broken})" if log.broken else ""
        raise InputError(f"No line of the log is a ranking of {RECORDS} (of {log.lines:,}){broken}.")
    fates = tally.rankings()
    if experiment is not None and set(fates) == {("other_experiment", "")}:
        raise InputError(f"The log has no experiment {experiment!r}: check its name.")


def _moment(given: str | None, name: str, otherwise: float) -> float:
    try:
        return otherwise if given is None else seconds(given)
    except ValueError as error:
        raise InputError(
            f"{name} is {given!r}, which is no time: write it as 2026-11-21 or 2026-11-21T09:00Z."
        ) from error


def _paths(given: Paths) -> list[Path]:
    return [Path(given)] if isinstance(given, (str, Path)) else [Path(each) for each in given]
