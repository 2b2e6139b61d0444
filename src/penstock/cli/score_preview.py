"""`penstock score --preview`: what a run would take, before it takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.score.estimate import Span
    from penstock.score.preview import Preview


def preview_and_report(
    source: str,
    settings: dict[str, Any],
    *,
    ask: int,
    budget: float | None,
    home: Path | None,
    fresh: bool,
    as_json: bool,
) -> None:
    """Make a preview and print it.

    Args:
        source: What would be scored.
        settings: How.
        ask: Rows that are really asked for.
        budget: US dollars that asking may cost.
        home: The workspace folder.
        fresh: Whether the run would begin anew.
        as_json: Whether to print JSON.
    """
    import anyio

    from penstock.score.ahead import a_preview_table

    found = anyio.run(lambda: a_preview_table(source, ask=ask, budget=budget, home=home, fresh=fresh, **settings))
    click.echo(_json(found) if as_json else "\n".join(_lines(found, remembers=settings.get("cache", True))))


def _json(found: Preview) -> str:
    from dataclasses import asdict

    import msgspec

    body = {**asdict(found), "measured": found.measured}
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()


def _lines(found: Preview, *, remembers: bool) -> list[str]:
    free = [
        (found.settled, "the unfinished job has"),
        (found.remembered, "the cache has"),
        (found.equal, "repeat an earlier row"),
    ]
    lines = [f"{found.rows:,} rows, {found.judgements:,} judgements"]
    lines += [f"  free     {count:,} {why}" for count, why in free if count]
    if found.unfit:
        lines.append(f"  unfit    {found.unfit:,} rows cannot be judged, and cost nothing")
    if found.measured:
        spent = f"{found.spent.cost_usd:.4f} USD, " if found.cost_usd is not None else ""
        kept = "remembered for the run" if remembers else "not remembered: the cache is off"
        lines.append(f"  asked    {found.asked:,} questions ({spent}{kept}); {found.failed:,} failed")
    lines += [
        f"  calls    {_count(found.calls)}",
        f"  tokens   {_count(found.tokens_in)} in",
        f"           {_count(found.tokens_out)} out",
        f"  cost     {_money(found.cost_usd)}",
        f"  time     {_time(found.seconds)}",
    ]
    if not found.measured and found.questions:
        gain = ", which are then free" if remembers else ""
        lines.append(f"Nothing was asked, so tokens are rough: --ask 20 measures them on 20 rows{gain}.")
    return lines


def _count(span: Span) -> str:
    return _ranged(f"{span.likely:,.0f}", f"{span.low:,.0f}", f"{span.high:,.0f}")


def _money(span: Span | None) -> str:
    if span is None:
        return "not known: give --price-in and --price-out, USD per million tokens"
    return _ranged(f"{span.likely:,.4f}", f"{span.low:,.4f}", f"{span.high:,.4f}") + " USD"


def _time(span: Span | None) -> str:
    if span is None:
        return "not known before something was asked"
    low, high = _clock(span.low), _clock(span.high)
    return low if low == high else f"{low} to {high}"


def _ranged(likely: str, low: str, high: str) -> str:
    return likely if low == high else f"{likely} ({low} to {high})"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
