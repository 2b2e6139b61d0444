"""`penstock score`: a table in, a scored table out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from penstock.cli.outcome import home_option, json_option, quiet_option, run_and_report
from penstock.cli.plain import say

_FILE = click.Path(path_type=Path)
_NUMBER = click.IntRange(min=1)
_CALLS = click.IntRange(min=1, max=10_000)  # each has a task and a connection of its own


@click.command()
@click.argument("source", type=_FILE)
@click.option("--text", "-t", required=True, help="Column that is judged.")
@click.option("--categories", "-c", required=True, type=_FILE, help="YAML file: name, definition, detail of each.")
@click.option("--output", "-o", type=_FILE, help="Scored table; the suffix names the format. [NAME.scored.SUFFIX]")
@click.option("--model", "-m", default="local", show_default=True, help="local, or openai/NAME at any such server.")
@click.option("--fallback", multiple=True, metavar="MODEL", help="Asked where the model fails; may be repeated.")
@click.option("--examples", type=_FILE, help="Labelled rows that the local judge is trained on.")
@click.option("--examples-text", default="", metavar="COLUMN", help="Their text column, if called otherwise.")
@click.option("--base-url", default="", help="Server's address up to /v1. [OPENAI_BASE_URL, else OpenAI]")
@click.option("--fallback-base-url", default="", help="Address of the fallbacks. [as --base-url]")
@click.option("--key-variable", default="OPENAI_API_KEY", show_default=True, help="Variable that holds the key.")
@click.option("--fallback-key-variable", default="", help="The same for the fallbacks. [as --key-variable]")
@click.option("--concurrency", default=256, show_default=True, type=_CALLS, help="Most calls in flight.")
@click.option("--rpm", type=click.FloatRange(min=0, min_open=True), help="Requests per minute, where known.")
@click.option("--tpm", type=click.FloatRange(min=0, min_open=True), help="Tokens per minute, where known.")
@click.option(
    "--timeout", default=60.0, show_default=True, type=click.FloatRange(min=0, min_open=True), help="Seconds."
)
@click.option("--attempts", default=5, show_default=True, type=_NUMBER, help="Tries per call, refusals not counted.")
@click.option("--patience", default=300.0, show_default=True, help="Seconds without an answer before the run stops.")
@click.option("--asks", default=3, show_default=True, type=_NUMBER, help="Times a model is asked for a usable reply.")
@click.option("--temperature", default=0.0, show_default=True, help="Below 0: left to the server.")
@click.option("--max-tokens", type=_NUMBER, help="Longest reply.")
@click.option("--block", default=10, show_default=True, type=_NUMBER, help="Categories in one call.")
@click.option("--chunk-rows", default=500, show_default=True, type=_NUMBER, help="Rows that are retried together.")
@click.option("--retry-limit", default=3, show_default=True, type=click.IntRange(min=0), help="New tries of a chunk.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Remember answers.")
@click.option("--cache-ttl", default=86_400.0, show_default=True, type=click.FloatRange(min=0, min_open=True))
@click.option("--cache-entries", default=10_000, show_default=True, type=_NUMBER)
@click.option("--encoding", default="", help="Of the table, where it cannot be told.")
@click.option("--delimiter", default="", help="Of a CSV file, where it cannot be told.")
@click.option("--sheet", default="", help="Of an Excel file. [the first]")
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
        as_json=as_json,
        quiet=quiet,
    )


def _settings(
    *,
    model: str,
    fallback: tuple[str, ...],
    base_url: str,
    fallback_base_url: str,
    key_variable: str,
    fallback_key_variable: str,
    concurrency: int,
    rpm: float | None,
    tpm: float | None,
    timeout: float,
    attempts: int,
    patience: float,
    temperature: float,
    max_tokens: int | None,
    **rest: Any,
) -> dict[str, Any]:
    """Make models of what was typed about them; everything else goes on as it is."""
    from penstock.errors import InputError
    from penstock.models.session import ModelSpec

    if model == "local":
        if fallback:
            raise InputError("The local judge takes no --fallback: it answers every row it can.")
        return rest

    def spec(name: str, url: str, variable: str) -> ModelSpec:
        return ModelSpec(
            name=name,
            base_url=url,
            key_variable=variable,
            timeout=timeout,
            attempts=attempts,
            patience=patience,
            concurrency=concurrency,
            requests_per_minute=rpm,
            tokens_per_minute=tpm,
            temperature=None if temperature < 0 else temperature,
            max_tokens=max_tokens,
        )

    if rest.get("examples"):
        raise InputError("--examples train the local judge; they cannot be used with --model.")
    others = [spec(name, fallback_base_url or base_url, fallback_key_variable or key_variable) for name in fallback]
    return {**rest, "model": spec(model, base_url, key_variable), "fallback": others}
