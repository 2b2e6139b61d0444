"""A group of commands of which one need not be named."""

from __future__ import annotations

import click

DEFAULT = "table"
"""Name of the command that is meant where none is named."""


class Defaulting(click.Group):
    """A group whose first argument is a table, unless it is the name of a command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the default command before arguments that begin with a table."""
        if args and args[0] not in self.commands and not set(args) <= {"-h", "--help"}:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)
