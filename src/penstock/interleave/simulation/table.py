"""A simulation in plain words and one table, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.interleave.simulation.result import (
        AbResult,
        FalsePositives,
        MethodResult,
        Range,
        Sensitivity,
        SimulationResult,
    )

_HEAD = ("", "bias", "effect", "users needed", "times fewer than A/B", "right", "found", "misled")

_LEGEND = (
    "bias: mean score of somebody who clicks at random, with its 99.9% interval; it may cancel out over queries.",
    "effect: mean score of a user, for A/B tests the difference of the means; + for {first}. * scores are credit.",
    "users needed: for {power:.0%} power at the {alpha:.0%} level, all groups together; [by that interval].",
    "times fewer than A/B: by the metric marked =; [a tenth of the runs is below, a tenth above].",
    "right: runs with the sign of the difference in nDCG; found, misled: runs whose interval is there, or opposite.",
)

_EQUAL_LEGEND = (
    "Findings between equal rankers in {runs:,} runs, [95% interval]; {alpha:.0%} is promised. Rankings of one user",
    "depend on each other: the column `per ranking` is what happens where that is forgotten.",
)

_EQUAL_HEAD = ("equal rankers", "per ranking", "per user", "per user, daily", "always valid, daily")


def table(result: SimulationResult) -> list[str]:
    """Write a simulation as lines."""
    rows = [_HEAD, *map(_method, result.methods), *map(_ab_test, result.ab_tests)]
    setup = result.setup
    legend = [line.format(first=setup.rankers[0], power=setup.power, alpha=setup.alpha) for line in _LEGEND]
    return [*_setting(result), "", *_aligned(rows), "", *legend, *_equal(result)]


def _setting(result: SimulationResult) -> list[str]:
    setup, truth = result.setup, result.truth
    share = " users alike" if setup.propensity is None else f" users of unequal eagerness (gamma {setup.propensity:g})"
    return [
        f"{setup.rankers[0]} against {setup.rankers[1]}, {setup.relevance}, {setup.k} items shown",
        f"clicks: {setup.clicks_meaning}",
        f"users: {setup.runs:,} runs of {setup.users:,}{share}, {setup.rankings_per_user:,} rankings each",
        f"rankings: {setup.loyalty:.0%} about the user's own query; coins by {setup.seeding}; seed {setup.seed}",
        f"nDCG@{setup.k}: {truth.ndcg[0]:.4f} and {truth.ndcg[1]:.4f}",
        f"clicks per ranking: {truth.clicks[0]:.4f} and {truth.clicks[1]:.4f}",
        f"items in common: {truth.overlap:.0%} of what is shown",
    ]


def _method(row: MethodResult) -> tuple[str, ...]:
    bias = row.bias
    words = "fair" if bias.fair else f"NOT FAIR, {bias.per_query:.3f} a query"
    return (
        row.method + ("*" if row.graded else ""),
        f"{_signed(bias.mean)} {words}",
        *_sensitivity(row.sensitivity, _ratio(row.gain)),
    )


def _ab_test(row: AbResult) -> tuple[str, ...]:
    return (f"A/B {row.metric}{' =' if row.reference else ''}", "", *_sensitivity(row.sensitivity, ""))


def _sensitivity(found: Sensitivity, gain: str) -> tuple[str, ...]:
    return (
        _signed(found.effect),
        _users(found.users_needed),
        gain,
        _share(found.agrees_with_relevance),
        _share(found.found),
        _share(found.misled),
    )


def _equal(result: SimulationResult) -> list[str]:
    if not result.false_positives:
        return []
    first = result.false_positives[0]
    rows = [_EQUAL_HEAD, *map(_equal_row, result.false_positives)]
    return [
        "",
        *_aligned(rows),
        "",
        *(line.format(runs=first.runs, alpha=result.setup.alpha) for line in _EQUAL_LEGEND),
    ]


def _equal_row(row: FalsePositives) -> tuple[str, ...]:
    tests = (row.per_ranking, row.per_user, row.per_user_daily, row.always_valid_daily)
    return (row.method, *(f"{_share(test.value)} [{_share(test.low)}, {_share(test.high)}]" for test in tests))


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _signed(found: Range) -> str:
    if found.value is None:
        return "-"
    if found.low is None or found.high is None:
        return f"{found.value:+.4f}"
    return f"{found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


def _users(found: Range) -> str:
    if found.value is None:
        return "-" if found.low is None else f"over {found.low:,.0f}"
    high = "" if found.high is None else f"{found.high:,.0f}"
    return f"{found.value:,.0f} [{found.low or 0:,.0f}, {high}]"


def _ratio(found: Range) -> str:
    if found.value is None:
        return "-"
    high = "..." if found.high is None else _times(found.high)
    return f"{_times(found.value)} [{_times(found.low or 0)}, {high}]"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 9.95 else f"{ratio:.1f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.3g}%"
