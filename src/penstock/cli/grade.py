"""`penstock grade`: answers in, marks out; with agreement and review beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from penstock.cli.asking import SERVER, server_options, specs, table_options
from penstock.cli.defaulting import DEFAULT, Defaulting
from penstock.cli.grade_agreement import agreement, review
from penstock.cli.outcome import home_option, json_option, quiet_option, run_and_report
from penstock.cli.plain import say
from penstock.cli.systems import GRADE

_FILE = click.Path(path_type=Path)
_NUMBER = click.IntRange(min=1)
_ABOVE_0 = click.FloatRange(min=0, min_open=True)
_POINTS = click.FloatRange(min=0, max=100)
_PASSING = click.FloatRange(min=0, max=100, min_open=True)


@click.group(cls=Defaulting)
def grade() -> None:
    """Mark exam answers: `penstock grade ANSWERS --key KEY -o MARKED`.

    What can be said after ANSWERS is shown by `penstock grade table --help`. Two commands go with it: `agreement`
    compares marks with those of people, `review` lists the answers that a person should look at.
    """


@grade.command(DEFAULT)
@click.argument("source", type=_FILE, metavar="ANSWERS")
@click.option("--key", "-k", type=_FILE, help="Table of the questions. [its columns stand beside the answers]")
@click.option("--output", "-o", type=_FILE, help="Marked table; the suffix names the format. [NAME.marked.SUFFIX]")
@click.option("--user", metavar="COLUMN", help="Who answered. [user_id; without it, the rows]")
@click.option("--question", default="question_id", show_default=True, metavar="COLUMN", help="What was asked.")
@click.option("--answer", default="user_answer", show_default=True, metavar="COLUMN", help="What was answered.")
@click.option("--attempt", metavar="COLUMN", help="Id of the attempt. [attempt_id, where there is one]")
@click.option("--rubric", type=_FILE, help="YAML file: criteria of each question, under * those of all others.")
@click.option("--graded", type=_FILE, help="Graded answers that the offline grader is trained on.")
@click.option("--graded-score", default="", metavar="COLUMN", help="Their marks. [human_score, else score]")
@click.option(
    "--graded-max",
    default=100.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Their best mark.",
)
@click.option("--overrides", type=_FILE, help="Marks of people (human_score, 0 to 100); they win.")
@click.option("--model", "-m", default="local", show_default=True, help="local, or {openai,gemini,anthropic}/NAME.")
@click.option("--fallback", multiple=True, metavar="MODEL", help="Asked where the model fails; may be repeated.")
@server_options
@click.option("--samples", default=1, show_default=True, type=click.IntRange(1, 100), help="Replies per short answer.")
@click.option("--passing", default=80.0, show_default=True, type=_PASSING, help="Points from which on it is right.")
@click.option("--max-spread", default=25.0, show_default=True, type=_POINTS, help="Points that samples may differ by.")
@click.option(
    "--review-below", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Confidence; a person decides."
)
@click.option(
    "--on-timeout",
    default="offline",
    show_default=True,
    type=click.Choice(["offline", "fail"]),
    help="When the model gives no answer in time.",
)
@click.option("--asks", default=2, show_default=True, type=_NUMBER, help="Times a model is asked for a usable reply.")
@click.option("--temperature", type=click.FloatRange(min=0), help="[0 for one sample, 0.7 for several]")
@click.option("--max-tokens", type=_NUMBER, help="Longest reply.")
@click.option("--chunk-rows", default=500, show_default=True, type=_NUMBER, help="Rows that are retried together.")
@click.option("--retry-limit", default=3, show_default=True, type=click.IntRange(min=0), help="New tries of a chunk.")
@table_options
@click.option("--prefix", default="mark_", show_default=True, help="Put before the names of the added columns.")
@click.option("--fresh", is_flag=True, help="Start anew even if the same command did not finish.")
@home_option
@json_option
@quiet_option
def table(source: Path, *, as_json: bool, quiet: bool, **given: Any) -> None:
    """Mark every answer of ANSWERS, a .csv, .tsv, .jsonl, .parquet or .xlsx file.

    Choices, truth values and numbers are compared with the key here; short answers go to the model, or to the offline
    grader. An answer that could not be marked has no score, and says why. The same command goes on where it stopped.
    """
    from penstock.grade.table import a_grade_table

    settings = _settings(**given)
    run_and_report(
        lambda listeners: a_grade_table(source, listeners=listeners, signals=True, say=say, **settings),
        telling=GRADE,
        as_json=as_json,
        quiet=quiet,
    )


def _settings(*, model: str, fallback: tuple[str, ...], **rest: Any) -> dict[str, Any]:
    """Make models of what was typed about them; everything else goes on as it is."""
    asked = {name: rest.pop(name) for name in SERVER}
    if model == "local":
        return {**rest, "fallback": fallback}
    first, *others = specs(model, fallback, temperature=rest["temperature"], max_tokens=rest["max_tokens"], **asked)
    return {**rest, "model": first, "fallback": others}


grade.add_command(agreement)
grade.add_command(review)
