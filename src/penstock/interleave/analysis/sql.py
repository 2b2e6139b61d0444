"""The same counts as SQL for Athena, where the log lies in S3."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

from penstock.errors import InputError

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")
_PLACE: Final = re.compile(r"s3://[A-Za-z0-9._/=-]+")


def athena_sql(
    *,
    table: str = "interleave_rankings",
    clicks_table: str = "interleave_clicks",
    view: str = "interleave_outcomes",
    location: str = "s3://BUCKET/interleave",
) -> str:
    """Give the statements that make both tables and the view of outcomes, and the two queries on it.

    Args:
        table: Name of the table of rankings, with its database before a dot where that is wanted.
        clicks_table: Name of the table of clicks.
        view: Name of the view.
        location: Where `rankings/` and `clicks/` lie in S3.

    Raises:
        InputError: A name or the location cannot stand in SQL as it is.
    """
    for name in (table, clicks_table, view):
        if not _NAME.fullmatch(name):
            raise InputError(f"{name!r} is no name of a table: use letters, digits and underscores.")
    if not _PLACE.fullmatch(location):
        raise InputError(f"{location!r} is no place in S3: write it as s3://bucket/folder.")
    words = {"rankings": table, "clicks": clicks_table, "outcomes": view, "location": location.rstrip("/")}
    text = files("penstock.interleave.analysis").joinpath("athena.sql").read_text(encoding="utf-8")
    return re.sub(r"(?<!\$)\{(\w+)\}", lambda found: words[found[1]], text)


def statements(sql: str) -> list[str]:
    """Split SQL into its statements: Athena runs one at a time."""
    return [each.strip() for each in sql.split(";\n") if each.strip()]
