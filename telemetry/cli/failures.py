"""How a command ends that could not do its work."""

from contextlib import suppress
from typing import IO, Any

import click


class Failure(click.ClickException):
    """Ends a command with one line; its exit status tells it, too, where that can't be written."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        with suppress(OSError):
            super().show(file)


class WrongUsage(Failure):
    """The command line makes no sense: one line where click has four."""


class CannotVerify(Failure):
    """Nothing is known of the ledger: another exit status than that of findings."""
