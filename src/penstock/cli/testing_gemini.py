"""`penstock testing serve-gemini`: a Gemini on this machine, to rehearse video mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from penstock.cli.typed import fault, key_in


@click.command("serve-gemini")
@click.option("--port", default=8767, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--behaviour", type=click.Path(path_type=Path), help="YAML file with any of the settings.")
@click.option("--seed", type=int, help="All that is drawn by lot follows from it.")
@click.option("--latency", type=float, help="Seconds an answer takes.")
@click.option("--processing", "processing_s", type=float, help="Seconds until an uploaded video is ready.")
@click.option("--capacity", type=int, help="Prompts in flight beyond which it refuses (429).")
@click.option("--retry-after", type=float, help="Seconds named with each refusal.")
@click.option("--storage", "storage_bytes", type=int, metavar="BYTES", help="Of all files together.")
@click.option("--fault", "faults", multiple=True, metavar="NAME=SHARE", help="Such as upload_503=0.1; repeatable.")
@click.option("--api-key-variable", metavar="NAME", help="Variable that holds the one key that is let in.")
@click.option("--list-faults", is_flag=True, help="Print the names of the faults.")
def serve_gemini_command(*, port: int, behaviour: Path | None, list_faults: bool, **given: Any) -> None:
    """Serve a Gemini with files on 127.0.0.1 until Ctrl-C; print its base URL.

    Its scores follow from the text or the video alone. GET /videos.csv is a table of links to small videos, GET /stats
    counts what was asked and which files it still holds.
    """
    from penstock.testing.gemini.behaviour import GEMINI_FAULTS, parse_gemini_behaviour, read_gemini_behaviour
    from penstock.testing.gemini.process import serve_gemini

    if list_faults:
        click.echo("\n".join(GEMINI_FAULTS))
        return
    typed = _typed(**given)
    if behaviour is not None:
        import msgspec

        typed = {**msgspec.structs.asdict(read_gemini_behaviour(behaviour)), **typed}
    serve_gemini(parse_gemini_behaviour(typed, source="The command line"), port=port)


def _typed(*, faults: tuple[str, ...], api_key_variable: str | None, **plain: float | None) -> dict[str, Any]:
    """Give what was typed by the names of a behaviour; what was not typed is left out."""
    values: dict[str, Any] = {
        **plain,
        "faults": dict(map(fault, faults)) or None,
        "api_key": key_in(api_key_variable) if api_key_variable else None,
    }
    return {name: value for name, value in values.items() if value is not None}
