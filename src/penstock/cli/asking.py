"""The options that say which model is asked, where, and how hard; the same for every command that asks one."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.models.session import ModelSpec

    Command = TypeVar("Command", bound=Callable[..., Any])

_ABOVE_0 = click.FloatRange(min=0, min_open=True)
_NUMBER = click.IntRange(min=1)
_CALLS = click.IntRange(min=1, max=10_000)  # each has a task and a connection of its own

_SERVER = (
    click.option("--base-url", default="", help="Server's address. [OPENAI_BASE_URL ..., else the provider's own]"),
    click.option("--fallback-base-url", default="", help="Address of the fallbacks. [as --base-url]"),
    click.option("--key-variable", default="", help="Variable that holds the key. [OPENAI_API_KEY ...]"),
    click.option("--fallback-key-variable", default="", help="The same for the fallbacks. [as --key-variable]"),
    click.option("--concurrency", default=256, show_default=True, type=_CALLS, help="Most calls in flight."),
    click.option("--rpm", type=_ABOVE_0, help="Requests per minute, where known."),
    click.option("--tpm", type=_ABOVE_0, help="Tokens per minute, where known."),
    click.option("--timeout", default=60.0, show_default=True, type=_ABOVE_0, help="Seconds."),
    click.option(
        "--attempts", default=5, show_default=True, type=_NUMBER, help="Tries per call, refusals not counted."
    ),
    click.option(
        "--patience", default=300.0, show_default=True, help="Seconds without an answer before the run stops."
    ),
)
_TABLE = (
    click.option("--cache/--no-cache", default=True, show_default=True, help="Remember answers."),
    click.option("--cache-ttl", default=86_400.0, show_default=True, type=_ABOVE_0),
    click.option("--cache-entries", default=10_000, show_default=True, type=_NUMBER),
    click.option("--encoding", default="", help="Of the table, where it cannot be told."),
    click.option("--delimiter", default="", help="Of a CSV file, where it cannot be told."),
    click.option("--sheet", default="", help="Of an Excel file or a Google sheet. [the first]"),
)


def all_of(options: tuple[Callable[..., Any], ...]) -> Callable[[Command], Command]:
    """Make one decorator of many options, in their order."""
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


SERVER = (
    "base_url",
    "fallback_base_url",
    "key_variable",
    "fallback_key_variable",
    "concurrency",
    "rpm",
    "tpm",
    "timeout",
    "attempts",
    "patience",
)
"""What `server_options` give a command."""

server_options = all_of(_SERVER)
"""From the server's address to how long it may be silent."""

table_options = all_of(_TABLE)
"""The cache, and how the table is read."""


def specs(
    model: str,
    fallback: tuple[str, ...],
    *,
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
    temperature: float | None,
    max_tokens: int | None,
    price_in: float | None = None,
    price_out: float | None = None,
) -> list[ModelSpec]:
    """Make a spec of each model that was named: the first one, then the fallbacks."""
    from penstock.models.session import ModelSpec

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
            temperature=temperature,
            max_tokens=max_tokens,
            price_in=price_in if name == model else None,
            price_out=price_out if name == model else None,
        )

    def other(name: str) -> ModelSpec:
        """A fallback of the same provider is asked where the first model is, one of another where that lives."""
        alike = name.partition("/")[0] == model.partition("/")[0]
        url = fallback_base_url or (base_url if alike else "")
        return spec(name, url, fallback_key_variable or (key_variable if alike else ""))

    return [spec(model, base_url, key_variable), *map(other, fallback)]
