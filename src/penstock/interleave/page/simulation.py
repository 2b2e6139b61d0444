"""The page about a simulation: which method would find what, with how many users."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from penstock.interleave.page import axes
from penstock.interleave.page.reading import reading_simulation
from penstock.interleave.page.report import style
from penstock.interleave.page.spans import Span, spans
from penstock.interleave.page.wording import share, short, signed, signed_ends, times
from penstock.page import Column, Markup, document, element, foreign, section, table
from penstock.page.figures import NONE, count, decimal, plural

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
    from penstock.page.chart import Tone

    _Row: TypeAlias = tuple[str, Sensitivity, Range | None]


def simulated(result: SimulationResult) -> str:
    """Make the page: whole, without anything from outside."""
    return document(
        f"{_title(result)}, simulated: interleaving",
        _header(result),
        element(
            "main",
            _needed(result),
            _bias(result),
            _found(result),
            _equal(result),
            _setup(result),
            reading_simulation(each.method for each in result.methods),
        ),
        element(
            "footer",
            element("p", f"Everything follows from the seed {result.setup.seed}."),
            element("p", "The same as JSON: ", element("code", "penstock interleave simulate --json"), "."),
        ),
        style=style(),
    )


def _title(result: SimulationResult) -> str:
    first, second = result.setup.rankers
    return f"{short(first)} against {short(second)}"


def _header(result: SimulationResult) -> Markup:
    setup = result.setup
    return element(
        "header",
        element("p", "Penstock interleave, a simulation", class_="brand"),
        element("h1", foreign(_title(result))),
        element("p", foreign(_verdict(result), longest=2_000), class_="verdict"),
        element(
            "p",
            f"Based on {plural(setup.runs, 'run')} of {plural(setup.users, 'simulated user')} with ",
            f"{plural(setup.rankings_per_user, 'ranking')} each. It says what such users would show, no more.",
        ),
    )


def _verdict(result: SimulationResult) -> str:
    first, second = (short(name) for name in result.setup.rankers)
    known = [each for each in result.methods if each.bias.fair and each.sensitivity.users_needed.value is not None]
    unfair = [each.method for each in result.methods if not each.bias.fair]
    warning = f" Not fair on these lists: {', '.join(unfair)}." if unfair else ""
    if not known:
        return f"No fair method shows a clear effect between {first} and {second} in these runs.{warning}"
    best = min(known, key=lambda each: each.sensitivity.users_needed.value or math.inf)
    needed = _users(best.sensitivity.users_needed)
    return (
        f"Of the fair methods, {best.method} tells {first} and {second} apart with the fewest users, about {needed}"
        f"{_against(result, best)}. {_alike(known, best)}{_winner(result, best)}{warning}"
    )


def _alike(known: Sequence[MethodResult], best: MethodResult) -> str:
    """Name the methods that the best one is not clearly better than."""
    high = best.sensitivity.users_needed.high
    others = [
        each.method
        for each in known
        if each is not best and (high is None or (each.sensitivity.users_needed.value or math.inf) <= high)
    ]
    return f"{' and '.join(others)} may need as few. " if others else ""


def _against(result: SimulationResult, best: MethodResult) -> str:
    """Compare with an A/B test; it may need fewer."""
    test = next((each for each in result.ab_tests if each.reference), None)
    if test is None or best.gain.value is None:
        return "; an A/B test shows no clear effect to compare with"
    users = _users(test.sensitivity.users_needed)
    ratio = f"{times(best.gain.value)} {_ends(best.gain)}"
    if best.gain.value < 1:
        return f", which is more than an A/B test of {test.meaning} needs, {users}: a ratio of {ratio}"
    return f", {ratio} times fewer than an A/B test of {test.meaning}: {users}"


def _winner(result: SimulationResult, best: MethodResult) -> str:
    """Say whom it prefers, and whether the grades agree."""
    first, second = (short(name) for name in result.setup.rankers)
    ahead, better = best.sensitivity.effect.value or 0.0, result.truth.ndcg_difference
    winner, loser = (first, second) if ahead > 0 else (second, first)
    if better == 0:
        return f"It prefers {winner}; by nDCG there is no difference."
    if (better > 0) == (ahead > 0):
        return f"It prefers {winner}, as nDCG does."
    return f"It prefers {winner}, although {loser} has the better nDCG."


def _needed(result: SimulationResult) -> Markup:
    """Draw the users that methods and A/B tests need, each step ten times more."""
    setup = result.setup
    found = [(each.method, each.sensitivity.users_needed, each.bias.fair) for each in result.methods]
    rows = [_power(name if fair else f"{name}, not fair", users, strong=fair) for name, users, fair in found]
    rows += [_power(f"A/B, {each.meaning}", each.sensitivity.users_needed) for each in result.ab_tests]
    ends = [end for row in rows for end in (row.at, row.low, row.high) if end is not None]
    title = f"Users for {setup.power:.0%} power at the {setup.alpha:.0%} level"
    if not ends:
        return section("Users needed", element("p", "Nothing shows an effect that users could be counted for."))
    note = "on a logarithmic axis"
    return section("Users needed", spans(title, rows, axes.powers(10.0**end for end in ends), note=note))


def _power(name: str, users: Range, *, strong: bool | None = None) -> Span:
    """Place users on a logarithmic axis; what is beyond all bounds has no end there."""
    at, low, high = (None if each is None else math.log10(max(each, 1.0)) for each in _triple(users))
    tone: Tone = "grey" if strong is None else "accent" if strong else "second"
    return Span(name=name, figure=_users(users), at=at, low=low, high=high, strong=bool(strong), tone=tone)


def _bias(result: SimulationResult) -> Markup:
    """Show what somebody who clicks at random does to each method."""
    rows = [
        Span(
            name=each.method,
            figure=_signed(each.bias.mean),
            at=each.bias.mean.value,
            low=each.bias.mean.low,
            high=each.bias.mean.high,
            tone="accent" if each.bias.fair else "second",
        )
        for each in result.methods
    ]
    ends = [end for row in rows for end in (row.at, row.low, row.high) if end is not None]
    title = "Mean score of somebody who clicks at random"
    columns: list[Column[MethodResult]] = [
        Column("Method", lambda row: foreign(row.method), words=True),
        Column("Result", _fairness, words=True),
        Column("Mean over all queries", lambda row: signed(row.bias.mean.value, graded=True)),
        Column("Typical size for one query", lambda row: decimal(row.bias.per_query, places=4)),
        Column("p", lambda row: "<0.0001" if row.bias.p_value < 0.0001 else decimal(row.bias.p_value, places=4)),
    ]
    caption = (
        "A bias may cancel out over many queries, and not for a user whose lists stay the same. p is the chance of "
        "such sizes for single queries where every query is fair"
    )
    return section(
        "Bias",
        spans(title, rows, axes.around_zero(ends, graded=True), reference=0.0, note="99.9% intervals; 0 is fair"),
        table(caption, columns, result.methods, class_="found"),
    )


def _fairness(row: MethodResult) -> Markup:
    return element("span", "✓ fair", class_="good") if row.bias.fair else element("b", "✗ not fair", class_="bad")


def _found(result: SimulationResult) -> Markup:
    """List what each method and each A/B test finds, and how often it is right."""
    rows = [
        *(
            (f"{each.method}{' (credit)' if each.graded else ''}", each.sensitivity, each.gain)
            for each in result.methods
        ),
        *((_ab_name(each), each.sensitivity, None) for each in result.ab_tests),
    ]
    first = short(result.setup.rankers[0])
    name: Column[_Row] = Column("", lambda row: foreign(row[0]), words=True)
    effects: list[Column[_Row]] = [
        name,
        Column("Effect", lambda row: _signed(row[1].effect)),
        Column("Deviation", lambda row: decimal(row[1].deviation, places=4)),
        Column("Times fewer users than A/B", lambda row: NONE if row[2] is None else _gain(row[2])),
    ]
    rights: list[Column[_Row]] = [
        name,
        Column("Sign of nDCG", lambda row: share(row[1].agrees_with_relevance)),
        Column("Sign of clicks", lambda row: share(row[1].agrees_with_clicks)),
        Column("Found", lambda row: share(row[1].found)),
        Column("Misled", lambda row: share(row[1].misled)),
    ]
    effect = (
        f"Effect: mean score of a user with its 95% interval, positive for {first}, and the standard deviation of a "
        "user's part in it. Times fewer: a tenth of the runs is below the range, a tenth above; below 1, an A/B test "
        "needs fewer"
    )
    right = (
        f"Shares of the {plural(result.setup.runs, 'run')}: with the sign of the difference in nDCG, or in clicks per "
        "ranking where each list is shown alone; with an interval on the side of the better nDCG (found), or on the "
        "other side (misled)"
    )
    return section(
        "What is found", table(effect, effects, rows, class_="found"), table(right, rights, rows, class_="found")
    )


def _ab_name(test: AbResult) -> str:
    return f"A/B, {test.meaning}{' (compared with)' if test.reference else ''}"


def _equal(result: SimulationResult) -> Markup | None:
    """Show how often equal rankers were found to differ."""
    found = result.false_positives
    if not found:
        return None
    said = (
        f"Between equal rankers, {result.setup.alpha:.0%} of the experiments may find a winner. Whoever takes rankings "
        "for independent, or looks every day at an interval that is made for one look, may find many more."
    )
    return section("Equal rankers", element("p", said), *(_alarms(each, result.setup.alpha) for each in found))


def _alarms(found: FalsePositives, alpha: float) -> Markup:
    tests = (
        ("Rankings taken for independent", found.per_ranking, False),
        ("By user, looked at once", found.per_user, True),
        ("By user, looked at every day", found.per_user_daily, False),
        ("Always valid, looked at every day", found.always_valid_daily, True),
    )
    rows = [
        Span(
            name=name,
            figure=f"{share(rate.value)} [{share(rate.low)}, {share(rate.high)}]",
            at=rate.value,
            low=rate.low,
            high=rate.high,
            strong=sound,
            tone="accent" if sound else "second",
        )
        for name, rate, sound in tests
    ]
    most = max([alpha, *(rate.high or rate.value or 0.0 for _, rate, _ in tests)])
    title = (
        f"{found.method}, coins by {found.seeding}: {plural(found.runs, 'run')} of {plural(found.users, 'user')} "
        f"with {plural(found.rankings_per_user, 'ranking')} each"
    )
    return spans(title, rows, axes.from_zero(most), reference=alpha, note=f"line at {alpha:.0%}")


def _setup(result: SimulationResult) -> Markup:
    setup, truth = result.setup, result.truth
    first, second = (short(name) for name in setup.rankers)
    eager = "all alike" if setup.propensity is None else f"unequal (gamma law of shape {setup.propensity:g})"
    pairs = {
        "Rankers": f"{first}, {second}",
        "Lists": f"{setup.relevance}; {setup.k} items shown",
        f"nDCG@{setup.k}": f"{first} {truth.ndcg[0]:.4f}, {second} {truth.ndcg[1]:.4f}",
        "Clicks per ranking, alone": f"{first} {truth.clicks[0]:.4f}, {second} {truth.clicks[1]:.4f}",
        "In common": f"{share(truth.overlap)} of the items shown; {share(truth.differing)} of the queries differ",
        "Click model": f"{setup.clicks}: {setup.clicks_meaning}",
        "Eagerness of users": eager,
        "Own query": f"{setup.loyalty:.0%} of a user's rankings are about the same query",
        "Coins": f"by {setup.seeding}",
        "Users": f"{plural(setup.users, 'user')}, {plural(setup.rankings_per_user, 'ranking')} each in "
        f"{plural(setup.days, 'day')}; {plural(setup.runs, 'run')}",
    }
    listed = [part for name, value in pairs.items() for part in (element("dt", name), element("dd", foreign(value)))]
    return section("What was simulated", element("dl", *listed))


def _triple(found: Range) -> tuple[float | None, float | None, float | None]:
    return found.value, found.low, found.high


def _signed(found: Range) -> str:
    if found.value is None:
        return NONE
    return f"{signed(found.value, graded=True)} {signed_ends(found.low, found.high, graded=True)}"


def _users(found: Range) -> str:
    if found.value is None:
        return NONE if found.low is None else f"over {count(found.low)}"
    ends = ("open" if end is None else count(end) for end in (found.low, found.high))
    return f"{count(found.value)} [{', '.join(ends)}]"


def _gain(found: Range) -> str:
    return NONE if found.value is None else f"{times(found.value)} {_ends(found)}"


def _ends(found: Range) -> str:
    ends = ("open" if end is None else times(end) for end in (found.low, found.high))
    return f"[{', '.join(ends)}]"
