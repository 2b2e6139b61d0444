"""`penstock interleave`: what logs and clicks say about two rankers, and how many users it takes to know."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.outcome import json_option
from penstock.cli.plain import plain
from penstock.cli.simulate import simulate
from penstock.errors import InputError

if TYPE_CHECKING:
    from penstock.interleave.analysis import Comparison, Report

_PATH = click.Path(path_type=Path)
_CHANCE = click.FloatRange(min=0, max=1, min_open=True, max_open=True)
_ABOVE = click.FloatRange(min=0, min_open=True)
_LEFT_OUT = {
    "other_experiment": "of other experiments",
    "other_time": "of other times",
    "excluded_user": "of users left out",
    "no_user": "interleaved without a user",
    "not_competitive": "with the same list from both rankers",
    "without_clicks": "without clicks",
}


@click.group()
def interleave() -> None:
    """Compare two rankers inside one request: results, planning, SQL."""


interleave.add_command(simulate)


@interleave.command()
@click.argument("logs", type=_PATH, nargs=-1, required=True)
@click.option("--clicks", "-c", required=True, multiple=True, type=_PATH, help="Files or folders of clicks.")
@click.option("--out", "-o", type=_PATH, help="Where to write the page (HTML, one file).")
@click.option("--experiment", help="The only experiment that counts. [all in the log]")
@click.option("--credit", help="How clicks are counted. [what fits each method]")
@click.option("--a", help="First ranker, to compare one pair; with --b.")
@click.option("--b", help="Second ranker.")
@click.option("--since", metavar="TIME", help="Earliest time that counts, as 2026-11-21 or 2026-11-21T09:00Z.")
@click.option("--until", metavar="TIME", help="Time from which on nothing counts.")
@click.option("--confidence", default=0.95, show_default=True, type=_CHANCE, help="Of all intervals.")
@click.option("--planned", default=1000.0, show_default=True, type=_ABOVE, help="Rankings won or lost, as planned.")
@click.option("--aa", "same", is_flag=True, help="The rankers are the same: a preference is an alarm.")
@click.option("--exclude-users", type=_PATH, help="File of users as logged, one per line, that do not count.")
@json_option
def report(
    logs: tuple[Path, ...],
    clicks: tuple[Path, ...],
    out: Path | None,
    experiment: str | None,
    credit: str | None,
    a: str | None,
    b: str | None,
    since: str | None,
    until: str | None,
    confidence: float,
    planned: float,
    exclude_users: Path | None,
    *,
    same: bool,
    as_json: bool,
) -> None:
    """Say which ranker users prefer, from LOGS and the clicks on them.

    LOGS are files or folders of log lines (JSON Lines, also .gz or packed by CloudWatch; Parquet). Clicks have
    ranking_id, item_id and perhaps time (JSON Lines, CSV, Parquet). Exit code 1: done, but a check failed, and the
    result should not be trusted before it is understood.
    """
    from penstock.interleave.analysis import analyse
    from penstock.tables.publish import check_place

    if out is not None:
        _check_out(out, (*logs, *clicks))
        check_place(out)
    found = analyse(
        logs,
        clicks,
        experiment=experiment,
        credit=credit,
        a=a,
        b=b,
        since=since,
        until=until,
        confidence=confidence,
        planned=planned,
        same=same,
        leave_out=_users(exclude_users),
    )
    if out is not None:
        _write_page(found, out)
    click.echo(_json(found) if as_json else _text(found, out))
    sys.exit(0 if found.ok else 1)


@interleave.command()
@click.option("--effect", required=True, type=float, help="Mean score to be found: 0.02 is 2 wins more in 100.")
@click.option("--sd", default=0.9, show_default=True, type=float, help="Standard deviation of the users' scores.")
@click.option("--alpha", default=0.05, show_default=True, type=_CHANCE, help="Chance of a finding without an effect.")
@click.option("--power", default=0.8, show_default=True, type=_CHANCE, help="Chance of a finding with this effect.")
@json_option
def size(effect: float, sd: float, alpha: float, power: float, *, as_json: bool) -> None:
    """Say how many users it takes to find an effect."""
    from penstock.interleave.analysis import sample_size

    users = sample_size(effect, sd, alpha=alpha, power=power)
    if as_json:
        import msgspec

        body = {"users": users, "effect": effect, "sd": sd, "alpha": alpha, "power": power}
        click.echo(msgspec.json.encode(body).decode())
        return
    click.echo(f"{users:,} users show an effect of {effect:g} with {power:.0%} power at the {alpha:.0%} level.")


@interleave.command()
@click.option("--table", default="interleave_rankings", show_default=True, help="Table of rankings.")
@click.option("--clicks-table", default="interleave_clicks", show_default=True, help="Table of clicks.")
@click.option("--view", default="interleave_outcomes", show_default=True, help="View of outcomes.")
@click.option("--location", default="s3://BUCKET/interleave", show_default=True, help="Folder of both in S3.")
def sql(table: str, clicks_table: str, view: str, location: str) -> None:
    """Print the SQL that counts the same in Athena: two tables, a view, two queries."""
    from penstock.interleave.analysis.sql import athena_sql

    click.echo(athena_sql(table=table, clicks_table=clicks_table, view=view, location=location), nl=False)


def _check_out(out: Path, inputs: tuple[Path, ...]) -> None:
    if any(out.resolve() == each.resolve() for each in inputs):
        raise InputError(f"--out {out} is one of the files to be read: name another one.")


def _users(path: Path | None) -> frozenset[str]:
    if path is None:
        return frozenset()
    try:
        return frozenset(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a list of users ({error}): give a text file.") from error


def _write_page(found: Report, out: Path) -> None:
    from penstock.interleave.page import render
    from penstock.tables.publish import publishing

    with publishing(out) as file:
        file.write(render(found).encode())


def _json(found: Report) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


def _text(found: Report, out: Path | None) -> str:
    lines = [line for each in found.comparisons for line in _comparison(each)]
    clicks, log = found.clicks, found.log
    lost = clicks.unknown_ranking + clicks.unknown_item
    lines += [
        _row("rankings", f"{log.rankings:,} logged, {found.compared:,} compared; left out: {_left_out(found)}"),
        _row("clicks", f"{clicks.counted:,} counted, {clicks.elsewhere:,} elsewhere, {lost:,} on nothing in the log"),
    ]
    if log.foreign or log.broken or log.duplicates:
        odd = f"{log.foreign:,} of something else, {log.broken:,} broken, {log.duplicates:,} repeated"
        lines.append(_row("log lines", odd))
    failed = [each for each in found.checks if not each.ok]
    for each in failed:
        about = f"{each.name} ({each.subject})" if each.subject else each.name
        lines.append(_row("NOT OK", f"{about}: {each.sentence}"))
    lines.append(_row("checks", f"{len(found.checks) - len(failed)} of {len(found.checks)} passed"))
    if out is not None:
        lines.append(_row("page", str(out)))
    return "\n".join(lines)


def _comparison(each: Comparison) -> list[str]:
    from penstock.interleave.analysis.verdict import interval

    p_value, valid = each.by_user.p_value, each.always_valid
    p_words = "" if p_value is None else f", p = {p_value:.3g}"
    outcomes = f"{each.wins:,} wins, {each.losses:,} losses, {each.ties:,} ties for {each.a}; {each.users:,} users"
    state = f"decided for {valid.winner} at {valid.decided_time}" if valid.winner else "not decided"
    needs = [f"{need.users:,} for {need.effect:g}" for need in each.planning.needs[:3] if need.users is not None]
    return [
        plain(f"{each.experiment}: {each.a} against {each.b} ({each.method}, credit {each.credit})"),
        f"  {plain(each.verdict)}",
        _row("outcomes", outcomes),
        _row("by user", f"{interval(each.by_user, graded=each.graded)}{p_words}"),
        _row("by ranking", interval(each.by_ranking, graded=each.graded)),
        _row("at any look", f"{_ends(valid.low, valid.high, graded=each.graded)}, {state}"),
        *([_row("users needed", ", ".join(needs))] if needs else []),
        "",
    ]


def _row(label: str, words: str) -> str:
    return f"  {label:<12}  {plain(words)}"


def _ends(low: float | None, high: float | None, *, graded: bool) -> str:
    from penstock.interleave.analysis.verdict import percent

    ends = [("open" if end is None else percent(end, graded=graded)) for end in (low, high)]
    return f"[{', '.join(ends)}]"


def _left_out(found: Report) -> str:
    parts = [f"{count:,} fallback {why}" for why, count in found.left_out.fallback.items()]
    parts += [f"{count:,} served by {name} alone" for name, count in found.left_out.served_alone.items()]
    for name, words in _LEFT_OUT.items():
        if count := getattr(found.left_out, name):
            parts.append(f"{count:,} {words}")
    return ", ".join(parts) or "none"
