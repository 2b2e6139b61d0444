"""The part of the page about one comparison: who won, how surely, and how it came to that."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from penstock.interleave.page import axes
from penstock.interleave.page.course import course
from penstock.interleave.page.spans import Part, Span, spans, whole
from penstock.interleave.page.wording import method, named, share, short, signed, signed_ends, users
from penstock.page import Axis, Column, Layer, Mark, element, foreign, plot, section, table
from penstock.page.figures import NONE, count, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.interleave.analysis.preference import Preference
    from penstock.interleave.analysis.report import Comparison, Day, Need, Position
    from penstock.page import Markup

_FAIR = "team_draft_v1"
"""The method that promises half of every position to each ranker."""


def compared(comparison: Comparison, *, alone: bool) -> Markup:
    """Show one comparison.

    Args:
        comparison: What was found.
        alone: Whether it is the only one, so that the top of the page has named it and told its verdict.
    """
    title = "What users preferred" if alone else named(comparison)
    if not comparison.rankings:
        return section(title, *([] if alone else [verdict(comparison), subject(comparison)]), _needs(comparison))
    return section(
        title,
        *([] if alone else [verdict(comparison), subject(comparison)]),
        _outcomes(comparison),
        _preference(comparison),
        *course(comparison),
        *_days(comparison),
        _positions(comparison),
        _needs(comparison),
    )


def verdict(comparison: Comparison) -> Markup:
    """Tell the result in words."""
    return element("p", foreign(comparison.verdict, longest=2_000), class_="verdict")


def subject(comparison: Comparison) -> Markup:
    """Say what was compared, and how clicks were counted."""
    meaning = f": {comparison.credit_meaning}" if comparison.credit_meaning else ""
    return element(
        "p",
        *("Experiment ", element("b", foreign(comparison.experiment)), ", merged by "),
        *(foreign(method(comparison.method)), ". Clicks are counted by the credit "),
        *(foreign(comparison.credit), foreign(meaning), "."),
    )


def glance(comparisons: Sequence[Comparison]) -> Markup:
    """Show all comparisons beside each other, by user; sums of credit are apart from outcomes."""
    kinds = [[each for each in comparisons if each.graded is graded] for graded in (False, True)]
    titles = ("Wins less losses of the first ranker, by user", "Credit of the first ranker less the second's, by user")
    figures = [_all(title, kind) for title, kind in zip(titles, kinds, strict=True) if kind]
    return section("All comparisons", *figures)


def _all(title: str, comparisons: Sequence[Comparison]) -> Markup:
    graded = comparisons[0].graded
    rows = [_span(named(each), each.by_user, graded=graded) for each in comparisons]
    return spans(title, rows, axes.around_zero(_places(rows, graded=graded), graded=graded), reference=0.0)


def _outcomes(comparison: Comparison) -> Markup:
    parts = (
        Part(name=f"{short(comparison.a)} won", number=comparison.wins, tone="accent"),
        Part(name="tie", number=comparison.ties, tone="grey"),
        Part(name=f"{short(comparison.b)} won", number=comparison.losses, tone="second"),
    )
    title = f"{plural(comparison.rankings, 'clicked ranking')} of {users(comparison.users)}"
    return whole(title, parts)


def _preference(comparison: Comparison) -> Markup:
    """Show the estimates with their intervals: by user, by ranking, at any look."""
    graded, valid = comparison.graded, comparison.always_valid
    rows = [
        _span("By user, every user one vote", comparison.by_user, graded=graded, strong=True),
        _span("By ranking", comparison.by_ranking, graded=graded),
        Span(
            name="By ranking, looked at often",
            figure=_figure(valid.estimate, valid.low, valid.high, graded=graded),
            at=valid.estimate,
            low=valid.low,
            high=valid.high,
        ),
    ]
    kind = "Credit" if graded else "Wins"
    axis = axes.around_zero(_places(rows, graded=graded), graded=graded)
    title = f"{kind} of {short(comparison.a)} less those of {short(comparison.b)}"
    note = f"{comparison.by_user.confidence:.0%} intervals; right of 0, {short(comparison.a)} is preferred"
    return spans(title, rows, axis, reference=0.0, note=note)


def _span(name: str, found: Preference, *, graded: bool, strong: bool = False) -> Span:
    figure = _figure(found.estimate, found.low, found.high, graded=graded, drawn=found.low is not None)
    return Span(
        name=name,
        figure=figure,
        at=found.estimate,
        low=found.low,
        high=found.high,
        drawn=found.low is not None,
        strong=strong,
    )


def _figure(estimate: float | None, low: float | None, high: float | None, *, graded: bool, drawn: bool = True) -> str:
    if estimate is None:
        return "not defined"
    if not drawn:
        return f"{signed(estimate, graded=graded)} (no interval)"
    return f"{signed(estimate, graded=graded)} {signed_ends(low, high, graded=graded)}"


def _places(rows: Sequence[Span], *, graded: bool) -> list[float]:
    """List the values that the axis must hold; outcomes end at 1, however far two or three users let an interval go."""
    found = [value for row in rows for value in (row.at, row.low, row.high) if value is not None]
    return found if graded else [min(1.0, max(-1.0, value)) for value in found]


def _days(comparison: Comparison) -> list[Markup]:
    """Draw the estimate of each day, and how many rankings it rests on; one day alone is no chart."""
    found = [(date.fromisoformat(day.date).toordinal(), day) for day in comparison.days]
    if len(found) < 2:
        return []
    x = axes.days(date.fromordinal(found[0][0]), date.fromordinal(found[-1][0]))
    y = axes.around_zero([day.estimate for _, day in found], graded=comparison.graded)
    ahead = [(float(at), day.estimate) for at, day in found if day.estimate > 0]
    behind = [(float(at), day.estimate) for at, day in found if day.estimate < 0]
    layers = [
        Layer(kind="columns", tone="accent", runs=[ahead], width=0.7, name=f"{short(comparison.a)} ahead"),
        Layer(kind="columns", tone="second", runs=[behind], width=0.7, name=f"{short(comparison.b)} ahead"),
    ]
    label = f"{comparison.a} was ahead on {len(ahead)} of {len(found)} days, {comparison.b} on {len(behind)}"
    return [
        plot("Preference by day", layers, x=x, y=y, label=label, marks=[Mark(at=0.0, across=True, class_="zero")]),
        _rankings(found, x),
    ]


def _rankings(found: Sequence[tuple[int, Day]], x: Axis) -> Markup:
    """Draw how many rankings were clicked on each day."""
    most = max(day.rankings for _, day in found)
    least = min(day.rankings for _, day in found)
    layer = Layer(kind="columns", tone="grey", runs=[[(float(at), day.rankings) for at, day in found]], width=0.7)
    label = f"From {count(least)} to {count(most)} clicked rankings a day"
    return plot("Clicked rankings by day", [layer], x=x, y=axes.counts(most, about=3), label=label)


def _positions(comparison: Comparison) -> Markup | None:
    """Draw which part of each position the first ranker filled, and where chance keeps it."""
    found = comparison.positions
    if not found:
        return None
    fair = comparison.method == _FAIR
    ends = [end for each in found for end in (each.low, each.high) if fair and end is not None]
    band = Layer(kind="band", tone="grey", runs=_band(found) if fair else [], name="where a fair coin keeps it")
    dots = Layer(kind="dots", tone="accent", runs=[[(each.position, each.share) for each in found]])
    label = f"Share of {comparison.a} by position: {', '.join(f'{each.position}: {each.share:.1%}' for each in found)}"
    return plot(
        f"Part of each position that came from {short(comparison.a)}",
        [band, dots] if fair and band.runs else [dots],
        x=axes.places(found[-1].position),
        y=axes.shares([*(each.share for each in found), *ends]),
        label=label,
        marks=[Mark(at=0.5, across=True, class_="zero")],
    )


def _band(found: Sequence[Position]) -> list[list[tuple[float, float]]]:
    """Outline the interval of every position as steps: above from left to right, below and back."""
    known = [(each.position, each.low, each.high) for each in found if each.low is not None and each.high is not None]
    above = [(place + side, high) for place, _, high in known for side in (-0.5, 0.5)]
    below = [(place + side, low) for place, low, _ in reversed(known) for side in (0.5, -0.5)]
    return [above + below] if known else []


def _needs(comparison: Comparison) -> Markup:
    """List how many users effects take, and what these users can show."""
    planning, seen = comparison.planning, comparison.users
    kind = "difference in credit" if comparison.graded else "preference"
    able = (
        f" {users(seen)} show a {kind} of {_size(planning.detectable, graded=comparison.graded)} or more."
        if planning.detectable is not None
        else ""
    )
    caption = f"Users with clicks that it takes to find a {kind}, with 80% power at the 5% level.{able}"
    columns: list[Column[Need]] = [
        Column("Effect", lambda need: _effect(need, comparison)),
        Column("Users in all", lambda need: NONE if need.users is None else count(need.users)),
        Column("Still to come", lambda need: NONE if need.users is None else count(max(0, need.users - seen))),
    ]
    return table(caption, columns, planning.needs)


def _effect(need: Need, comparison: Comparison) -> str:
    is_seen = need.effect == abs(comparison.by_user.estimate or 0.0)
    return f"{_size(need.effect, graded=comparison.graded)}{', as seen' if is_seen else ''}"


def _size(effect: float, *, graded: bool) -> str:
    return f"{effect:.3g}" if graded else share(effect)
