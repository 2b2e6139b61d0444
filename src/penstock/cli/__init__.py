"""The command line: reads what was typed, calls the system, prints what came of it."""

from __future__ import annotations

import click

from penstock import __version__
from penstock.cli.grade import grade
from penstock.cli.interleave import interleave
from penstock.cli.jobs import jobs
from penstock.cli.plain import plain, say
from penstock.cli.prices import prices
from penstock.cli.score import score
from penstock.cli.testing import testing
from penstock.errors import PenstockError

__all__ = ["main"]


class _Commands(click.Group):
    """Turns every error that is not a bug into one sentence and exit code 2."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PenstockError as error:
            say(f"penstock: error: {plain(str(error))}")
            ctx.exit(2)
        except KeyboardInterrupt:  # before or after the job itself, which stops in order
            from penstock.jobs.signals import INTERRUPTED

            ctx.exit(INTERRUPTED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version")
def main() -> None:
    """Judge text with models: paced, checked, remembered, resumable.

    Exit codes: 0 all is well; 1 some rows have no score (the table says which, and why), or the budget is spent; 2
    something that was given is wrong, or the run could not go on; 130 interrupted, and resumable.
    """


main.add_command(score)
main.add_command(grade)
main.add_command(jobs)
main.add_command(interleave)
main.add_command(prices)
main.add_command(testing)
