"""Scores the sample comments with the embedded judge and shows the result; needs no network and no key.

    python3 run.py demo [FOLDER]

Writes the scored table and the run's report into FOLDER, by default `.penstock/demo` beside the project's own files.
"""

import csv
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

import penstock

EXAMPLES = Path(__file__).resolve().parent
SHOWN = (0, 2, 4, 5, 8, 21, 27, 30, 31, 54)
HIGH = 0.5
WIDE = 112  # columns, where the output is no terminal


def main() -> int:
    """Score, show, and return 0."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else EXAMPLES.parent / ".penstock" / "demo").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    result = penstock.score_table(
        EXAMPLES / "comments.csv",
        text="comment",
        categories=EXAMPLES / "categories.yaml",
        examples=EXAMPLES / "labelled.csv",
        output=folder / "comments.scored.csv",
        home=folder,
    )
    if result.output is None:
        print(f"The demo was stopped; start it again to go on. ({result.job.id})")
        return 130
    console = Console() if sys.stdout.isatty() else Console(width=WIDE)
    console.print(shown(result.output))
    console.print(summed_up(result), highlight=False, soft_wrap=True)
    return 0


def shown(path: Path) -> Table:
    """Make a table of some of the scored rows."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name not in {"id", "comment", "place"} and not name.startswith("score_")]
    table = Table(title=f"{len(SHOWN)} of the {len(rows)} comments, each with a score from 0 to 1 per category")
    table.add_column("comment", no_wrap=True, overflow="ellipsis", max_width=45)
    for name in names:
        table.add_column(name, justify="right", min_width=len(name))
    for number in SHOWN:
        row = rows[number]
        comment = row["comment"] or f"(none: {row['score_reason']})"
        table.add_row(Text(comment), *(marked(row[name]) for name in names))
    return table


def marked(score: str) -> str:
    """Write a score with two decimals, in bold from one half on."""
    if not score:
        return "-"
    text = f"{float(score):.2f}"
    return f"[bold]{text}[/bold]" if float(score) >= HIGH else text


def summed_up(result: penstock.ScoreResult) -> str:
    """Say what was done, how well it agrees with the labels, and where the results lie."""
    agreed = result.agreement or {}
    return (
        f"{result.tally.verdicts} comments were scored, {result.tally.failures} could not be; the table says why.\n"
        f"The judge learned from {agreed['n_texts']} labelled comments. On labels it had not seen its scores reach "
        f"macro F1 {agreed['macro_f1']:.2f}.\n"
        f"table   {result.output}\n"
        f"report  {result.report}"
    )


if __name__ == "__main__":
    sys.exit(main())
