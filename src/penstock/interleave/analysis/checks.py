"""Reasons to trust a result, or not to: each check says what it saw and what that means.

A check fails at chances below 1 in 1,000, so that a sound experiment seldom alarms (Fabijan et al., KDD 2019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from penstock.interleave.analysis.report import Check
from penstock.interleave.analysis.tails import chi_square_p
from penstock.interleave.analysis.tally import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from penstock.interleave.analysis.report import ClickFacts, Comparison, LogFacts
    from penstock.interleave.analysis.tally import Buckets, Tally

CHANCE = 0.001
MOST_FALLBACKS = 0.01
MOST_DUPLICATES = 0.01
MOST_BROKEN = 0.001
LEAST_JOINED = 0.95
MOST_UNTIMELY = 0.01
_TENTHS = 10
_FEW = 100  # users below which tenths of the buckets are too small to compare


def checks(
    comparisons: Sequence[Comparison], tally: Tally, log: LogFacts, clicks: ClickFacts, *, same: bool
) -> tuple[Check, ...]:
    """Make all checks, failed ones first.

    Args:
        comparisons: What was compared.
        tally: What was counted on the way.
        log: What was read.
        clicks: What became of the clicks.
        same: Whether the rankers are said to be the same (an A/A experiment).
    """
    found = [
        *_comparable(comparisons),
        *(check for each in comparisons for check in _balance(each)),
        *(check for each in comparisons if same for check in _same(each)),
        *(_sample_ratio(name, buckets) for name, buckets in tally.buckets.items()),
        _fallback_share(tally),
        _duplicates(log),
        _broken(log),
        *_joined(clicks),
        _timely(tally),
    ]
    return tuple(sorted(found, key=lambda check: check.ok))


def subject(comparison: Comparison) -> str:
    """Name a comparison in words."""
    return f"{comparison.experiment}: {comparison.a} against {comparison.b}, {comparison.method}"


def _comparable(comparisons: Sequence[Comparison]) -> Iterator[Check]:
    counted = sum(each.rankings for each in comparisons)
    if not counted:
        sentence = "No ranking can be compared: none is interleaved, competitive and clicked."
        yield Check(name="comparable", subject="", ok=False, figure=None, figure_is="share", sentence=sentence)


def _balance(comparison: Comparison) -> Iterator[Check]:
    """Both rankers fill every position equally often under team draft."""
    if comparison.method != "team_draft_v1":
        return
    astray = [each for each in comparison.positions if _is_astray(each.share, each.low, each.high)]
    first = next((each for each in comparison.positions if each.position == 1), None)
    if first is not None:
        ok = first not in astray
        sentence = f"{comparison.a} has the first place in {first.share:.1%} of {first.first + first.second:,} rankings"
        yield Check(
            name="first_pick",
            subject=subject(comparison),
            ok=ok,
            figure=first.share,
            figure_is="share",
            sentence=f"{sentence}, which is within what a fair coin gives."
            if ok
            else f"{sentence}: the coin is not fair, or rankings are lost.",
        )
    lower = [each for each in astray if each.position > 1]
    if len(comparison.positions) > 1:
        worst = max(comparison.positions[1:], key=lambda each: abs(each.share - 0.5))
        places = ", ".join(str(each.position) for each in lower)
        yield Check(
            name="position_balance",
            subject=subject(comparison),
            ok=not lower,
            figure=worst.share,
            figure_is="share",
            sentence=f"{comparison.a} has not half of position {places}: one list ends early, or rankings are lost."
            if lower
            else "Below the first place, too, both rankers fill every position equally often.",
        )


def _is_astray(share: float, low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and not low <= share <= high


def _same(comparison: Comparison) -> Iterator[Check]:
    """Between two rankers that are the same, nothing may be found."""
    p_value = comparison.by_user.p_value
    level = 1 - comparison.by_user.confidence
    ok = (p_value is None or p_value >= level) and not comparison.always_valid.decided
    yield Check(
        name="a_a",
        subject=subject(comparison),
        ok=ok,
        figure=p_value,
        figure_is="p",
        sentence="The rankers are the same, and no preference is found."
        if ok
        else f"The rankers are the same and yet one is preferred: in {level:.0%} of such experiments it is chance.",
    )


def _sample_ratio(experiment: str, buckets: Buckets) -> Check:
    """The users of a sample are spread evenly over its buckets, unless some are lost on the way."""
    size = BUCKETS if buckets.outside else buckets.top + 1
    users = int(buckets.users.sum())
    if size < _TENTHS or users < _FEW:
        sentence = "There are too few users or buckets to tell whether users are lost."
        return Check(name="sample_ratio", subject=experiment, ok=True, figure=None, figure_is="p", sentence=sentence)
    edges = np.linspace(0, size, _TENTHS + 1).round().astype(int)
    seen = np.add.reduceat(buckets.users[:size], edges[:-1]).astype(float)
    expected = seen.sum() * np.diff(edges) / size
    p_value = chi_square_p(float(((seen - expected) ** 2 / expected).sum()), _TENTHS - 1)
    evenly = f"The {users:,} users are spread over the buckets as chance does (p = {p_value:.3g})."
    lost = (
        f"The {users:,} users are spread over the buckets unevenly (p = {p_value:.2g}): some are lost"
        f"{'' if buckets.outside else ', or the rate was changed: look at one rate at a time'}."
    )
    ok = p_value >= CHANCE
    return Check(
        name="sample_ratio",
        subject=experiment,
        ok=ok,
        figure=p_value,
        figure_is="p",
        sentence=evenly if ok else lost,
    )


def _fallback_share(tally: Tally) -> Check:
    return _share(
        "fallback_share",
        tally.fallbacks,
        tally.intended,
        most=MOST_FALLBACKS,
        what="requests in the sample fell back to one ranker",
        meaning="they are left out, and slow requests are not like others",
    )


def _duplicates(log: LogFacts) -> Check:
    return _share(
        "duplicates",
        log.duplicates,
        log.pages + log.duplicates,
        most=MOST_DUPLICATES,
        what="lines repeat a page",
        meaning="each page counts once, but something is logged or delivered twice",
    )


def _broken(log: LogFacts) -> Check:
    return _share(
        "broken_lines",
        log.broken,
        log.pages + log.duplicates + log.broken,
        most=MOST_BROKEN,
        what="records cannot be read",
        meaning="what they said is missing",
    )


def _joined(clicks: ClickFacts) -> Iterator[Check]:
    known = clicks.counted + clicks.elsewhere
    total = known + clicks.unknown_ranking + clicks.unknown_item
    share = known / total if total else None
    ok = share is None or share >= LEAST_JOINED
    lost = f"{clicks.unknown_ranking:,} are on rankings not in the log, {clicks.unknown_item:,} on items not shown"
    yield Check(
        name="click_join",
        subject="",
        ok=ok,
        figure=share,
        figure_is="share",
        sentence=f"{known:,} of {total:,} clicks are on logged rankings."
        if ok
        else f"Only {known:,} of {total:,} clicks are on logged rankings: {lost}.",
    )


def _timely(tally: Tally) -> Check:
    return _share(
        "late_clicks",
        tally.early + tally.late,
        tally.timed,
        most=MOST_UNTIMELY,
        what="clicks come before their ranking or more than a day after it",
        meaning="clocks differ, or ids are used again",
    )


def _share(name: str, count: int, total: int, *, most: float, what: str, meaning: str) -> Check:
    share = count / total if total else None
    ok = share is None or share <= most
    sentence = f"{count:,} of {total:,} {what}" if total else f"None of 0 {what}"
    return Check(
        name=name,
        subject="",
        ok=ok,
        figure=share,
        figure_is="share",
        sentence=f"{sentence}." if ok else f"{sentence}: {meaning}.",
    )
