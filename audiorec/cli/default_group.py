"""A group with a default command: `plays FILE` beside `plays list`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

HELP = {"help_option_names": ["-h", "--help"]}


class DefaultGroup(click.Group):
    """A group whose first word, unless it is one of its commands, is an argument of `default`."""

    default: click.Command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Make the context as click does; of the default where no other command is named."""
        if args and args[0] in self.commands:
            return super().make_context(info_name, args, parent, **extra)
        return self.default.make_context(info_name, args, parent, **extra)

    def get_help(self, ctx: click.Context) -> str:
        """Return the help of the default command, which lists the other commands too."""
        with click.Context(self.default, parent=ctx.parent, info_name=ctx.info_name) as inner:
            inner.terminal_width = ctx.terminal_width
            return self.default.get_help(inner)


class ImportCommand(click.Command):
    """A group's import command, whose help lists the formats and the group's other commands.

    Parameters
    ----------
    group : DefaultGroup
    heading : str
        Heading of the list of formats.
    listed : callable
        Returns its lines, as pairs of name and description.
    """

    def __init__(
        self,
        *args: Any,
        group: DefaultGroup,
        heading: str,
        listed: Callable[[], list[tuple[str, str]]],
        **attributes: Any,
    ) -> None:
        super().__init__(*args, **{"context_settings": HELP, **attributes})
        self.group, self.heading, self.listed = group, heading, listed
        group.default = self

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the formats and the other commands."""
        with formatter.section(self.heading):
            formatter.write_dl(self.listed())
        with formatter.section("Commands"):
            formatter.write_dl(
                [(n, part.get_short_help_str(90)) for n, part in self.group.commands.items()]
            )
