"""`penstock score`: a table in, a scored table out; with a preview before it and a review behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from penstock.cli.asking import SERVER, server_options, specs, table_options
from penstock.cli.defaulting import DEFAULT, Defaulting
from penstock.cli.outcome import home_option, json_option, quiet_option, run_and_report
from penstock.cli.plain import say
from penstock.cli.score_options import SHEET, judging_options, money_options, rows_options, sheet_options
from penstock.cli.score_preview import preview_and_report
from penstock.cli.score_review import review
from penstock.cli.systems import SCORE

_FILE = click.Path(path_type=Path)
_NUMBER = click.IntRange(min=1)
VIDEOS_AT_ONCE, VIDEO_TIMEOUT = 7, 300.0


@click.group(cls=Defaulting)
def score() -> None:
    """Score texts against categories: `penstock score SOURCE -t COLUMN -c CATEGORIES`.

    What can be said after SOURCE is shown by `penstock score table --help`. One command goes with it: `review` lists
    the scores that a person should look at.
    """


@score.command(DEFAULT)
@click.argument("source")
@click.option("--text", "-t", default="", help="Column that is judged; of a Google sheet its letter. [C]")
@click.option("--categories", "-c", type=_FILE, help="YAML file: name, definition, detail of each.")
@click.option("--output", "-o", type=_FILE, help="Scored table; the suffix names the format. [NAME.scored.SUFFIX]")
@click.option("--model", "-m", default="local", show_default=True, help="local, or {openai,gemini,anthropic}/NAME.")
@click.option("--fallback", multiple=True, metavar="MODEL", help="Asked where the model fails; may be repeated.")
@click.option("--examples", type=_FILE, help="Labelled rows that the local judge is trained on.")
@click.option("--examples-text", default="", metavar="COLUMN", help="Their text column, if called otherwise.")
@server_options
@click.option("--asks", default=3, show_default=True, type=_NUMBER, help="Times a model is asked for a usable reply.")
@click.option("--temperature", default=0.0, show_default=True, help="Below 0: left to the server.")
@click.option("--max-tokens", type=_NUMBER, help="Longest reply.")
@judging_options
@money_options
@rows_options
@sheet_options
@click.option("--chunk-rows", default=500, show_default=True, type=_NUMBER, help="Rows that are retried together.")
@click.option("--retry-limit", default=3, show_default=True, type=click.IntRange(min=0), help="New tries of a chunk.")
@table_options
@click.option("--prefix", default="", help="Put before the names of the added columns.")
@click.option("--fresh", is_flag=True, help="Start anew even if the same command did not finish.")
@home_option
@json_option
@quiet_option
@click.pass_context
def table(
    context: click.Context,
    /,
    source: str,
    *,
    as_json: bool,
    quiet: bool,
    preview: bool,
    ask: int,
    budget: float | None,
    only_failed: bool,
    only_changed: bool,
    fresh: bool,
    home: Path | None,
    **given: Any,
) -> None:
    """Score every row of SOURCE against categories.

    SOURCE is a .csv, .tsv, .jsonl, .parquet or .xlsx file, or the address of a Google sheet, which takes its scores
    itself. Each category becomes a column of numbers from 0 to 1; a row that could not be scored stays empty there, and
    says why. The same command goes on where it stopped.
    """
    from penstock.errors import InputError
    from penstock.score.api import a_score_table

    if given["video"]:
        usual = {"concurrency": VIDEOS_AT_ONCE, "timeout": VIDEO_TIMEOUT}
        given |= {name: value for name, value in usual.items() if not _typed(context, name)}
    settings = _settings(**given)
    if ask and not preview:
        from penstock.errors import InputError

        raise InputError("--ask belongs to --preview: give both, or leave it away.")
    if preview:
        if only_failed or only_changed:
            raise InputError("--preview looks at the whole command: leave --only-failed and --only-changed away.")
        preview_and_report(source, settings, ask=ask, budget=budget, home=home, fresh=fresh, as_json=as_json)
        return
    running: dict[str, Any] = {
        "home": home,
        "fresh": fresh,
        "only_failed": only_failed,
        "only_changed": only_changed,
        "budget": budget,
    }
    run_and_report(
        lambda listeners: a_score_table(source, listeners=listeners, signals=True, say=say, **running, **settings),
        telling=SCORE,
        as_json=as_json,
        quiet=quiet,
    )


def _typed(context: click.Context, name: str) -> bool:
    """Whether somebody typed an option, instead of leaving it to its default."""
    return context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT


def _settings(
    *,
    model: str,
    fallback: tuple[str, ...],
    temperature: float,
    max_tokens: int | None,
    price_in: float | None,
    price_out: float | None,
    **rest: Any,
) -> dict[str, Any]:
    """Make models of what was typed about them; everything else goes on as it is."""
    from penstock.errors import InputError

    asked = {name: rest.pop(name) for name in SERVER}
    places = {name: rest.pop(name) for name in SHEET}
    rest |= {**_embedding(rest.pop("embeddings"), asked), **_layout(places)}
    if model == "local":
        if fallback:
            raise InputError("The local judge takes no --fallback: it answers every row it can.")
        return rest
    if rest.get("examples"):
        raise InputError("--examples train the local judge; they cannot be used with --model.")
    warmth = None if temperature < 0 else temperature
    first, *others = specs(
        model,
        fallback,
        temperature=warmth,
        max_tokens=max_tokens,
        price_in=price_in,
        price_out=price_out,
        **asked,
    )
    return {**rest, "model": first, "fallback": others}


def _embedding(name: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Make a spec of the embedding model: at the server and with the key of the judging one."""
    if name == "local":
        return {}
    (spec,) = specs(name, (), temperature=0.0, max_tokens=None, **asked)
    return {"embeddings": spec}


def _layout(typed: dict[str, Any]) -> dict[str, Any]:
    """Make a layout of what was typed about a Google sheet, if anything was."""
    given = {name: value for name, value in typed.items() if value is not None}
    if not given:
        return {}
    from penstock.tables.google.layout import SheetLayout

    named = {"first": given.pop("first_category")} if "first_category" in given else {}
    return {"layout": SheetLayout(**given, **named)}


score.add_command(review)
