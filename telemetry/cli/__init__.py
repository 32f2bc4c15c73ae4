"""The command line: ``python -m telemetry``."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click
import psycopg

from telemetry import __version__
from telemetry.cli import import_events, migrate, rebuild, serve, verify
from telemetry.cli.failures import WrongUsage
from telemetry.config import Config, ConfigError
from telemetry.database.urls import check_urls
from telemetry.migrations.runner import MigrationError


class Commands(click.Group):
    """Turns every expected failure into one line on standard error and exit status 1."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the options in front of the command; raise WrongUsage."""
        with _usage_in_one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; raise ClickException for what the database or the system refuses."""
        # The error says once what the driver would say of each of its connections before.
        logging.getLogger("psycopg").setLevel(logging.ERROR)
        try:
            with _usage_in_one_line():
                return super().invoke(ctx)
        except BrokenPipeError:
            raise  # nobody reads what it says
        except (psycopg.Error, MigrationError, OSError) as error:
            # libpq says the same of every address it tried; one line is enough.
            raise click.ClickException(" ".join(str(error).split())) from error


@contextmanager
def _usage_in_one_line() -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise  # it is the help
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "telemetry"
        raise WrongUsage(f"{error.format_message()} ({path} --help tells more)") from None


@click.group(cls=Commands)
@click.version_option(__version__)
@click.pass_context
def main(context: click.Context) -> None:
    """The telemetry service: serve it, migrate its databases, look after its data.

    Everything is configured by environment variables; the README lists them.
    """
    try:
        context.obj = Config.from_env(os.environ)
        check_urls(context.obj)
    except ConfigError as error:
        with suppress(OSError):  # the exit status tells it, too
            print(f"telemetry: {error}", file=sys.stderr)
        # Of verify, 1 says that something is wrong with the ledger.
        context.exit(2 if context.invoked_subcommand == "verify" else 1)


main.add_command(serve.serve)
main.add_command(migrate.migrate)
main.add_command(import_events.import_events)
main.add_command(rebuild.rebuild)
main.add_command(verify.verify)
