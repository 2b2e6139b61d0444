"""`penstock score review`: the scores that a person should look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.outcome import home_option, json_option
from penstock.cli.plain import plain

if TYPE_CHECKING:
    from penstock.score.review import Review


@click.command()
@click.argument("job_id", metavar="[JOB]", required=False)
@click.option("--most", "-n", default=50, show_default=True, type=click.IntRange(min=1), help="Scores that are listed.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Table to fill in; the suffix names the format.")
@home_option
@json_option
def review(job_id: str | None, *, most: int, output: Path | None, home: Path | None, as_json: bool) -> None:
    """List the least certain scores of JOB, the least certain first.

    JOB is an id or the beginning of one; without it, the newest score job is meant. With several samples a score is
    uncertain where they differ, with rationales where the model's word and the similarity differ, else near the middle.
    """
    import anyio

    from penstock.score.look import a_review

    found, first = anyio.run(a_review, job_id, most, output, home)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode({"first_row": first, "review": found}), indent=2).decode())
        return
    if output is not None:
        click.echo(f"{len(found.cells):,} scores to look at, the least certain first: {plain(str(output))}")
        return
    for line in _lines(found, first):
        click.echo(line)


def _lines(found: Review, first: int) -> list[str]:
    lines = [
        f"row {cell.row + first:>6}  {cell.score:.2f}  {cell.uncertainty:.2f}  "
        f"{plain(cell.category)}: {plain(cell.text[:80])}"
        for cell in found.cells
    ]
    if lines:
        lines.insert(0, f"{'':<12}score  doubt  ({found.cells[0].why})")
    if found.unscored:
        lines.append(f"{found.unscored:,} cells have no score, the first in row {found.failed[0].row + first}.")
    return lines or ["There are no scores yet."]
