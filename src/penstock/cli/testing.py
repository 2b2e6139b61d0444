"""`penstock testing`: servers that misbehave on demand, to rehearse a run before it costs money."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from penstock.cli.testing_gemini import serve_gemini_command
from penstock.cli.testing_sheet import serve_sheet_command
from penstock.cli.typed import fault, key_in


@click.group()
def testing() -> None:
    """Rehearse runs against servers on this machine that misbehave on demand."""


@testing.command("serve-model")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--behaviour", type=click.Path(path_type=Path), help="YAML file with any of the settings.")
@click.option("--seed", type=int, help="All that is drawn by lot follows from it.")
@click.option("--latency", type=float, help="Seconds an answer takes.")
@click.option("--latency-share", type=float, help="Spread evenly over this share of it, from 0 to 1.")
@click.option("--latency-sigma", type=float, help="Spread log-normally with this sigma.")
@click.option("--capacity", type=int, help="Calls in flight beyond which it refuses (429).")
@click.option("--queue", is_flag=True, help="Beyond the capacity calls wait instead of being refused.")
@click.option("--rate", type=float, help="Calls per second beyond which it refuses.")
@click.option("--rpm", type=float, help="Requests per minute beyond which it refuses.")
@click.option("--tpm", type=float, help="Tokens per minute beyond which it refuses.")
@click.option("--rate-headers", is_flag=True, help="Tell the limits in x-ratelimit headers.")
@click.option("--retry-after", type=float, help="Seconds named with each refusal.")
@click.option("--fault", "faults", multiple=True, metavar="NAME=SHARE", help="Such as http_500=0.02; may be repeated.")
@click.option("--api-key-variable", metavar="NAME", help="Variable that holds the one key that is let in.")
@click.option("--list-faults", is_flag=True, help="Print the names of the faults.")
def serve_model(*, port: int, behaviour: Path | None, list_faults: bool, **given: Any) -> None:
    """Serve an OpenAI-compatible model on 127.0.0.1 until Ctrl-C; print its base URL.

    Its scores follow from the text alone, so every run of the same table has the same result. GET /stats counts
    what it was asked.
    """
    from penstock.testing import FAULTS, parse_behaviour, read_behaviour, serve

    if list_faults:
        click.echo("\n".join(FAULTS))
        return
    typed = _typed(**given)
    if behaviour is None:
        chosen = parse_behaviour(typed, source="The command line")
    else:
        from dataclasses import replace

        chosen = replace(read_behaviour(behaviour), **_named(typed))
    serve(chosen, port=port)


def _named(typed: dict[str, Any]) -> dict[str, Any]:
    """Keep what was typed, as a behaviour holds it: it overrules the file."""
    from penstock.testing import parse_behaviour

    parsed = parse_behaviour(typed, source="The command line")
    return {name: getattr(parsed, name) for name in typed}


def _typed(
    *,
    seed: int | None,
    latency: float | None,
    latency_share: float | None,
    latency_sigma: float | None,
    capacity: int | None,
    queue: bool,
    rate: float | None,
    rpm: float | None,
    tpm: float | None,
    rate_headers: bool,
    retry_after: float | None,
    faults: tuple[str, ...],
    api_key_variable: str | None,
) -> dict[str, Any]:
    """Give what was typed by the names of a behaviour; what was not typed is left out."""
    spread = {"share": latency_share, "sigma": latency_sigma}
    shaped = {name: value for name, value in spread.items() if value is not None}
    values = {
        "seed": seed,
        "latency": {"seconds": latency or 0.0, **shaped} if shaped else latency,
        "capacity": capacity,
        "overflow": "wait" if queue else None,
        "rate": rate,
        "requests_per_minute": rpm,
        "tokens_per_minute": tpm,
        "rate_headers": rate_headers or None,
        "retry_after": retry_after,
        "faults": dict(map(fault, faults)) or None,
        "api_key": key_in(api_key_variable) if api_key_variable else None,
    }
    return {name: value for name, value in values.items() if value is not None}


testing.add_command(serve_sheet_command)
testing.add_command(serve_gemini_command)
