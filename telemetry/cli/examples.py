"""How the help of commands is laid out."""

import click


class Group(click.Group):
    """A group whose help shows the first sentence of each command in full, where click cuts it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of the commands."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, it.get_short_help_str(200)) for name, it in found if it])


def examples(*lines: str) -> str:
    """Return the epilog of a command: these lines unchanged, each of them a command."""
    # click wraps a paragraph of a help text unless it starts with a backspace character.
    return "\n  ".join(["\b\nExamples:", *lines])
