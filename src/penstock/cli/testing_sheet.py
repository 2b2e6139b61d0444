"""`penstock testing serve-sheet`: a Google sheet on this machine, to rehearse a run that writes into one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.typed import pair

if TYPE_CHECKING:
    from penstock.testing.sheet.behaviour import SheetBehaviour
    from penstock.testing.sheet.book import SheetBook
    from penstock.testing.sheet.server import SheetServer


@click.command("serve-sheet")
@click.option("--table", type=click.Path(path_type=Path), help="Fill the sheet with the texts of this table.")
@click.option("-t", "--text", default="", metavar="COLUMN", help="Column of the table that holds the texts.")
@click.option("-c", "--categories", type=click.Path(path_type=Path), help="Categories file for the sheet's head.")
@click.option("--port", default=8766, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--behaviour", type=click.Path(path_type=Path), help="YAML file with any of the settings.")
@click.option("--seed", type=int, help="All that is drawn by lot follows from it.")
@click.option("--latency", type=float, help="Seconds an answer takes.")
@click.option("--reads-per-minute", type=int, help="Of one user; 60 as at Google.")
@click.option("--writes-per-minute", type=int, help="Of one user; 60 as at Google.")
@click.option("--no-quota", is_flag=True, help="Without any quota.")
@click.option("--fault", "faults", multiple=True, metavar="NAME=SHARE", help="Such as http_503=0.05; may be repeated.")
@click.option("--protect", multiple=True, metavar="RANGE", help="A range that nobody may edit; may be repeated.")
@click.option("--service-account", type=click.Path(path_type=Path), help="Write the key of a test account here.")
@click.option("--file", "files", multiple=True, metavar="ID=PATH", help="Serve a file as Google Drive would.")
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as JSON.")
@click.option("--list-faults", is_flag=True, help="Print the names of the faults.")
def serve_sheet_command(
    *, table: Path | None, text: str, categories: Path | None, port: int, list_faults: bool, **given: Any
) -> None:
    """Serve a Google sheet on 127.0.0.1 until Ctrl-C; print its address.

    The sheet holds comments of our own, or the texts of a table, in the layout that `penstock score` expects. Open its
    address in a browser to see the scores come in. GET /stats counts the reads and writes. With a service account only
    its tokens are let in.
    """
    from penstock.testing.sheet.behaviour import SHEET_FAULTS
    from penstock.testing.sheet.process import serve_sheet
    from penstock.testing.sheet.sample import SAMPLE

    if list_faults:
        click.echo("\n".join(SHEET_FAULTS))
        return
    account, as_json, files = given.pop("service_account"), given.pop("as_json"), given.pop("files")
    book = _book(table, text=text, categories=categories)

    def announce(server: SheetServer) -> None:
        if account is not None:
            server.service_account(account)
        _announce(server, as_json=as_json)

    serve_sheet(
        _behaviour(**given, require_token=account is not None),
        books={SAMPLE: book},
        files=dict(pair(each, "ID=PATH", Path) for each in files),
        port=port,
        announce=announce,
    )


def _announce(server: SheetServer, *, as_json: bool) -> None:
    """Print the sheet's address on a line of its own; who pipes it must not wait for it."""
    import json
    import sys

    told = {"url": server.sheet_url(), "api": server.url, "stats": f"{server.url}/stats", "token": server.token_url}
    click.echo(json.dumps(told) if as_json else server.sheet_url())
    sys.stdout.flush()


def _book(table: Path | None, *, text: str, categories: Path | None) -> SheetBook:
    from penstock.errors import InputError
    from penstock.score.categories import read_categories
    from penstock.testing.sheet.sample import book_of_table, sample_book

    if table is None:
        if text or categories is not None:
            raise InputError("`--text` and `--categories` belong to a table: add --table, or leave them out.")
        return sample_book()
    named = () if categories is None else read_categories(categories)[0]
    return book_of_table(table, text=text, categories=named)


def _behaviour(*, behaviour: Path | None, require_token: bool, **typed: Any) -> SheetBehaviour:
    """Return what the file says, overruled by what was typed."""
    from penstock.testing.sheet.behaviour import SheetBehaviour, parse_sheet_behaviour, read_sheet_behaviour

    base = SheetBehaviour() if behaviour is None else read_sheet_behaviour(behaviour)
    values = _typed(**typed) | ({"require_token": True} if require_token else {})
    parsed = parse_sheet_behaviour(values, source="The command line")
    return replace(base, **{name: getattr(parsed, name) for name in values})


def _typed(
    *,
    seed: int | None,
    latency: float | None,
    reads_per_minute: int | None,
    writes_per_minute: int | None,
    no_quota: bool,
    faults: tuple[str, ...],
    protect: tuple[str, ...],
) -> dict[str, Any]:
    """Give what was typed by the names of a behaviour; what was not typed is left out."""
    values: dict[str, Any] = {
        "seed": seed,
        "latency": latency,
        "reads_per_minute_per_user": reads_per_minute,
        "writes_per_minute_per_user": writes_per_minute,
        "faults": dict(pair(fault, "NAME=SHARE, such as http_503=0.05", float) for fault in faults) or None,
        "protected": list(protect) or None,
    }
    given = {name: value for name, value in values.items() if value is not None}
    if no_quota:
        kinds = [f"{kind}_per_{of}" for kind in ("reads", "writes") for of in ("minute_per_user", "minute_per_project")]
        given |= dict.fromkeys(kinds)
    return given
