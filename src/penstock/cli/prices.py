"""`penstock prices`: what models cost, as far as it is known here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.outcome import json_option
from penstock.cli.plain import plain

if TYPE_CHECKING:
    from penstock.models.prices import Price


@click.command()
@click.argument("name", required=False, default="")
@click.option("--prices", type=click.Path(path_type=Path), help="YAML file of prices of your own.")
@json_option
def prices(name: str, prices: Path | None, *, as_json: bool) -> None:
    """List what models cost, in USD per million tokens; with NAME, those whose name holds it.

    Prices change: each has the day on which it was last seen, and the page to check it against.
    """
    from penstock.models.prices import listed

    found = {model: price for model, price in listed(path=prices).items() if name.lower() in model.lower()}
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    if not found:
        click.echo(f"No price is known of a model whose name holds {plain(name)!r}.", err=True)
        return
    click.echo(f"{'model':<44}{'in':>9}{'out':>9}{'batch':>7}  seen")
    for model, price in found.items():
        click.echo(_line(model, price))


def _line(model: str, price: Price) -> str:
    return f"{plain(model):<44}{price.usd_in:>9g}{price.usd_out:>9g}{price.batch:>6g}x  {price.as_of}"
