"""`penstock grade agreement` and `penstock grade review`: how far marks can be trusted, and which to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.outcome import json_option
from penstock.cli.plain import plain
from penstock.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.grade.agreement import Agreement
    from penstock.grade.agreement.slices import Slice

_PATH = click.Path(path_type=Path)
_ABOVE = click.FloatRange(min=0, min_open=True)
_PREFIX = click.option(
    "--prefix", default="mark_", show_default=True, help="Put before the names of the marks' columns."
)
_LISTED = 5  # questions, and methods
_NO_BREAK = "\N{NO-BREAK SPACE}"


@click.command()
@click.argument("marked", type=_PATH)
@click.option("--human", "-H", required=True, metavar="COLUMN", help="Marks that people gave.")
@click.option("--question", metavar="COLUMN", help="What was asked. [question_id, if there is one]")
@click.option("--group", metavar="COLUMN", help="Whose answers belong together. [user_id, if there is one]")
@_PREFIX
@click.option("--scale", type=_ABOVE, metavar="MAX", help="Highest mark that people can give. [told from the marks]")
@click.option(
    "--passing", default=80.0, show_default=True, type=click.FloatRange(0, 100), help="Points that are right."
)
@click.option("--report", "-o", type=_PATH, metavar="FILE", help="Where to write the page (HTML, one file).")
@click.option("--resamples", default=2_000, show_default=True, type=click.IntRange(100, 100_000), help="For intervals.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of the resamples.")
@json_option
def agreement(
    marked: Path,
    human: str,
    question: str | None,
    group: str | None,
    prefix: str,
    scale: float | None,
    passing: float,
    report: Path | None,
    resamples: int,
    seed: int,
    *,
    as_json: bool,
) -> None:
    """Say how well the marks in MARKED agree with those of people.

    MARKED is a table that `penstock grade` wrote, with a column of marks that people gave. Answers without such a mark,
    and those that the machine left without a score, are counted and left out.
    """
    from penstock.grade.agreement import Resampling, compare, doubtful, open_marked

    _check_place(report, marked)
    table = open_marked(marked, human=human, question=question, group=group, prefix=prefix)
    found = compare(table, scale=scale, passing=passing, resampling=Resampling(resamples=resamples, seed=seed))
    if report is not None:
        from penstock.grade.agreement.page import LISTED, render
        from penstock.tables.publish import publishing

        with publishing(report) as file:
            file.write(render(found, doubtful(table.answers(), limit=LISTED)).encode())
    click.echo(_json(found) if as_json else _text(found, report))


@click.command()
@click.argument("marked", type=_PATH)
@click.option("--out", "-o", required=True, type=_PATH, help="Where to write the list; the suffix names the format.")
@click.option("--human", "-H", metavar="COLUMN", help="Marks that people gave. [human_score, if there is one]")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Most answers that are listed. [all]")
@_PREFIX
@json_option
def review(marked: Path, out: Path, human: str | None, limit: int | None, prefix: str, *, as_json: bool) -> None:
    """List the answers in MARKED that a person should look at, the most doubtful first.

    What needs review or failed comes first, then the marks with the largest error to be expected. The list has an empty
    column human_score to fill in, from 0 to 100. It can then be given to `penstock grade` as --overrides, or as
    --graded for the offline grader to learn from.
    """
    from penstock.grade.agreement import is_filled, open_marked, write_review
    from penstock.tables import check_writable, same_file

    if same_file(marked, out):
        raise InputError(f"--out {out} is the file to be read: name another one.")
    table = open_marked(marked, human=human, prefix=prefix)
    check_writable(out)
    if is_filled(out):
        raise InputError(f"{out} holds marks that a person gave: name another file, so that they are not lost.")
    listed = write_review(table, out, limit=limit)
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode({"listed": listed, "output": str(out)}).decode())
        return
    answers = "1 answer" if listed == 1 else f"{listed:,} answers"
    click.echo(f"{answers} to look at, the most doubtful first: {plain(str(out))}")


def _check_place(report: Path | None, marked: Path) -> None:
    from penstock.tables import same_file
    from penstock.tables.publish import check_place

    if report is None:
        return
    if same_file(report, marked):
        raise InputError(f"--report {report} is the file to be read: name another one.")
    check_place(report)


def _json(found: Agreement) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


def _text(found: Agreement, report: Path | None) -> str:
    from penstock.grade.agreement import wording

    lines = [f"{found.source}: {wording.basis(found)}", ""]
    lines += _measures(found)
    lines += ["", _row("left out", wording.left_out(found)), _row("surest marks", wording.surest(found))]
    if found.confidence is not None:
        lines.append(_row("confidence", wording.stated_chances(found.confidence)))
    if found.expected_error is not None:
        lines.append(_row("expected error", wording.stated_errors(found.expected_error)))
    lines += _parts("by mark", found.bands, len(found.bands))
    lines += _parts("by method", found.methods if len(found.methods) > 1 else (), _LISTED)
    lines += _parts("by question", found.questions if len(found.questions) > 1 else (), _LISTED)
    if report is not None:
        lines += ["", _row("page", str(report))]
    return "\n".join(plain(line.replace(_NO_BREAK, " ")) for line in lines)


def _row(label: str, words: str) -> str:
    return f"  {label:<16}{words}"


def _measures(found: Agreement) -> list[str]:
    from penstock.grade.agreement.wording import MEASURES, ends, figure

    lines = [f"  {'':<16}{'figure':>8}  {found.resampling.confidence:.0%} interval"]
    for name, estimate in found.overall.measures.items():
        lines.append(_row(MEASURES[name], f"{figure(name, estimate):>8}  {ends(name, estimate)}"))
    if found.overall.few:
        lines.append("  Few answers or learners are compared: the intervals are rough.")
    return lines


def _parts(title: str, parts: Sequence[Slice], most: int) -> list[str]:
    from penstock.grade.agreement.wording import figure

    if not parts:
        return []
    lines = ["", f"  {title:<22}{'answers':>8}{'people':>8}{'machine':>9}{'bias':>8}{'RMSE':>7}{'accuracy':>10}"]
    for each in parts[:most]:
        name = each.name if len(each.name) <= 20 else f"{each.name[:19]}…"
        bias, rmse, accuracy = (figure(key, each.measures[key]) for key in ("bias", "rmse", "accuracy"))
        figures = f"{each.pairs:>8,}{each.human:>8.1f}{each.machine:>9.1f}{bias:>8}{rmse:>7}{accuracy:>10}"
        lines.append(f"  {name:<22}{figures}{'  few' if each.few else ''}")
    if len(parts) > most:
        lines.append(f"  and {len(parts) - most:,} more")
    return lines
