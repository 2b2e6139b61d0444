"""The options of `penstock score` that belong together: how is judged, what it may cost, which rows, which sheet."""

from __future__ import annotations

from pathlib import Path

import click

from penstock.cli.asking import all_of

_FILE = click.Path(path_type=Path)
_NUMBER = click.IntRange(min=1)
_ROW = click.IntRange(min=0)
_ABOVE_0 = click.FloatRange(min=0, min_open=True)
_USD = click.FloatRange(min=0)
_TIMES = click.IntRange(min=1, max=100)

judging_options = all_of(
    (
        click.option("--block", default=10, show_default=True, type=_NUMBER, help="Categories in one call."),
        click.option(
            "--mode",
            default="numeric",
            show_default=True,
            type=click.Choice(["numeric", "anchored"]),
            help="The model gives numbers, or rationales that are turned into numbers.",
        ),
        click.option("--embeddings", default="local", show_default=True, help="For rationales: local, or openai/NAME."),
        click.option("--samples", default=1, show_default=True, type=_TIMES, help="Replies per call; means are kept."),
        click.option("--video", is_flag=True, help="The column holds videos: links, or paths beside a file."),
        click.option("--video-mb", default=2048.0, show_default=True, type=click.FloatRange(0, 2048, min_open=True)),
        click.option("--video-timeout", default=120.0, show_default=True, type=_ABOVE_0, help="Seconds per download."),
        click.option("--allow-private", "private", is_flag=True, help="Videos may lie at private addresses."),
        click.option("--batch", is_flag=True, help="Use the provider's batch API: half the price, hours to wait."),
        click.option(
            "--batch-lines",
            default=20_000,
            show_default=True,
            type=click.IntRange(1, 50_000),
            help="Requests in one batch at most.",
        ),
    )
)
"""How items are judged."""

money_options = all_of(
    (
        click.option("--preview", is_flag=True, help="Say what the run would take, and ask for nothing."),
        click.option(
            "--ask",
            default=0,
            metavar="N",
            type=click.IntRange(min=0),
            help="With --preview: measure on N rows; their answers are kept.",
        ),
        click.option(
            "--budget", type=_ABOVE_0, metavar="USD", help="Stop before the job costs more; a resume goes on."
        ),
        click.option("--price-in", type=_USD, metavar="USD", help="Per million prompt tokens. [penstock prices]"),
        click.option("--price-out", type=_USD, metavar="USD", help="Per million tokens of replies."),
        click.option("--prices", type=_FILE, help="YAML file of prices of your own."),
        click.option("--usage", is_flag=True, help="Add columns: calls, tokens and cost of each row."),
    )
)
"""What a run may cost, and what it would."""

rows_options = all_of(
    (
        click.option("--limit", type=_NUMBER, metavar="N", help="Only the first N rows."),
        click.option("--sample", type=_NUMBER, metavar="N", help="Only N rows drawn by lot, the same each time."),
        click.option("--only-failed", is_flag=True, help="Only the rows that failed in the last run of this command."),
        click.option("--only-changed", is_flag=True, help="Only rows that are new or changed since the last run."),
    )
)
"""Which rows are judged."""

sheet_options = all_of(
    (
        click.option("--first-category", metavar="LETTER", help="Google sheet: column of the first category. [D]"),
        click.option("--name-row", type=_NUMBER, help="Google sheet: row of the categories' names. [2]"),
        click.option("--definition-row", type=_ROW, help="Google sheet: row of their definitions, 0 for none. [3]"),
        click.option("--detail-row", type=_ROW, help="Google sheet: row of their details, 0 for none. [4]"),
        click.option("--first-row", type=_NUMBER, help="Google sheet: row of the first text. [5]"),
        click.option("--rationales", default="", metavar="TAB", help="Google sheet: tab that takes the rationales."),
        click.option(
            "--writes-per-minute", default=55.0, show_default=True, type=_ABOVE_0, help="Google allows 60 per person."
        ),
        click.option("--flush-interval", default=2.0, show_default=True, type=_ABOVE_0, help="Seconds until a write."),
        click.option(
            "--flush-count", default=50, show_default=True, type=_NUMBER, help="Scores that are sent earlier."
        ),
    )
)
"""Where things stand in a Google sheet, and how often it is written."""

SHEET = ("first_category", "name_row", "definition_row", "detail_row", "first_row")
"""What `sheet_options` say about places."""
