"""`penstock score`: a table in, a scored table out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from penstock.cli.asking import SERVER, server_options, specs, table_options
from penstock.cli.outcome import home_option, json_option, quiet_option, run_and_report
from penstock.cli.plain import say
from penstock.cli.systems import SCORE

_FILE = click.Path(path_type=Path)
_NUMBER = click.IntRange(min=1)


@click.command()
@click.argument("source", type=_FILE)
@click.option("--text", "-t", required=True, help="Column that is judged.")
@click.option("--categories", "-c", required=True, type=_FILE, help="YAML file: name, definition, detail of each.")
@click.option("--output", "-o", type=_FILE, help="Scored table; the suffix names the format. [NAME.scored.SUFFIX]")
@click.option("--model", "-m", default="local", show_default=True, help="local, or openai/NAME at any such server.")
@click.option("--fallback", multiple=True, metavar="MODEL", help="Asked where the model fails; may be repeated.")
@click.option("--examples", type=_FILE, help="Labelled rows that the local judge is trained on.")
@click.option("--examples-text", default="", metavar="COLUMN", help="Their text column, if called otherwise.")
@server_options
@click.option("--asks", default=3, show_default=True, type=_NUMBER, help="Times a model is asked for a usable reply.")
@click.option("--temperature", default=0.0, show_default=True, help="Below 0: left to the server.")
@click.option("--max-tokens", type=_NUMBER, help="Longest reply.")
@click.option("--block", default=10, show_default=True, type=_NUMBER, help="Categories in one call.")
@click.option("--chunk-rows", default=500, show_default=True, type=_NUMBER, help="Rows that are retried together.")
@click.option("--retry-limit", default=3, show_default=True, type=click.IntRange(min=0), help="New tries of a chunk.")
@table_options
@click.option("--prefix", default="", help="Put before the names of the added columns.")
@click.option("--fresh", is_flag=True, help="Start anew even if the same command did not finish.")
@home_option
@json_option
@quiet_option
def score(source: Path, *, as_json: bool, quiet: bool, **given: Any) -> None:
    """Score every row of SOURCE against categories.

    SOURCE is a .csv, .tsv, .jsonl, .parquet or .xlsx file. Each category becomes a column of numbers from 0 to 1;
    a row that could not be scored stays empty there, and says why. The same command goes on where it stopped.
    """
    from penstock.score.api import a_score_table

    settings = _settings(**given)
    run_and_report(
        lambda listeners: a_score_table(source, listeners=listeners, signals=True, say=say, **settings),
        telling=SCORE,
        as_json=as_json,
        quiet=quiet,
    )


def _settings(
    *, model: str, fallback: tuple[str, ...], temperature: float, max_tokens: int | None, **rest: Any
) -> dict[str, Any]:
    """Make models of what was typed about them; everything else goes on as it is."""
    from penstock.errors import InputError

    asked = {name: rest.pop(name) for name in SERVER}
    if model == "local":
        if fallback:
            raise InputError("The local judge takes no --fallback: it answers every row it can.")
        return rest
    if rest.get("examples"):
        raise InputError("--examples train the local judge; they cannot be used with --model.")
    warmth = None if temperature < 0 else temperature
    first, *others = specs(model, fallback, temperature=warmth, max_tokens=max_tokens, **asked)
    return {**rest, "model": first, "fallback": others}
