"""How a command ends that did not do its work: with one line and an exit status."""

import signal
from contextlib import suppress
from typing import IO, Any

import click


class CommandFailed(click.ClickException):
    """Ends a command with one line and status 2, even where the line cannot be printed."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        with suppress(OSError):
            super().show(file)


class Interrupted(CommandFailed):
    """Ctrl-C stopped the command. The status is the one that a shell gives to such an end."""

    exit_code = 128 + signal.SIGINT


class Terminated(CommandFailed):
    """SIGTERM stopped the command."""

    exit_code = 128 + signal.SIGTERM


class InvalidUsage(CommandFailed):
    """The command line is invalid. One line, where click prints four."""


class CannotVerify(CommandFailed):
    """The ledger could not be checked. Findings have another exit status: 1."""
