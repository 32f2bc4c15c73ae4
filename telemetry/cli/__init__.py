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
from telemetry.cli import (
    archive,
    demo,
    distribute,
    doctor,
    explain,
    grants,
    heads,
    import_events,
    migrate,
    partition,
    prune,
    reader,
    rebuild,
    serve,
    token,
    verify,
)
from telemetry.cli.examples import Group
from telemetry.cli.failures import Interrupted, InvalidUsage
from telemetry.config import Config, ConfigError
from telemetry.database.urls import check_urls
from telemetry.migrations.surroundings import MigrationError


class Commands(Group):
    """The group of commands. An expected failure is one line on standard error, and status 1."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the options in front of the command. Raises InvalidUsage."""
        with _usage_errors_in_one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        Raises ClickException for an error of the database or the system, and for Ctrl-C.
        """
        # The driver would log each failed connection; the error says it once.
        logging.getLogger("psycopg").setLevel(logging.ERROR)
        try:
            with _usage_errors_in_one_line(ctx):
                return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("interrupted") from None
        except BrokenPipeError:
            raise  # nobody reads the output
        except (psycopg.Error, MigrationError, OSError) as error:
            raise click.ClickException(_in_one_line(error)) from error


def _in_one_line(error: Exception) -> str:
    """Return the message. libpq has a line for each address, PostgreSQL one for the function."""
    return " ".join(str(error).partition("\nCONTEXT:")[0].split())


@contextmanager
def _usage_errors_in_one_line(context: click.Context | None = None) -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise  # its message is the help text
    except click.UsageError as error:
        path = "python -m telemetry"
        if error.ctx:
            path = error.ctx.command_path
        elif context and context.invoked_subcommand:  # the parser of options knows no context
            path = f"{context.command_path} {context.invoked_subcommand}"
        raise InvalidUsage(f"{error.format_message()} (see {path} --help)") from None


@click.group(cls=Commands)
@click.version_option(__version__)
@click.pass_context
def main(context: click.Context) -> None:
    """The telemetry service: serve it, migrate its databases, look after its data.

    The service is configured by environment variables only; docs/operate.md lists them.
    """
    if context.invoked_subcommand == "doctor":
        return  # it reads the variables itself, and names every invalid one
    try:
        context.obj = Config.from_env(os.environ)
        check_urls(context.obj)
    except ConfigError as error:
        with suppress(OSError):  # the exit status remains when nothing can be printed
            print(f"telemetry: {error}", file=sys.stderr)
        # Status 1 of verify means that the ledger has findings.
        context.exit(2 if context.invoked_subcommand == "verify" else 1)


main.add_command(serve.serve)
main.add_command(migrate.migrate)
main.add_command(distribute.distribute)
main.add_command(distribute.undistribute)
main.add_command(grants.grants)
main.add_command(import_events.import_events)
main.add_command(rebuild.rebuild)
main.add_command(prune.prune)
main.add_command(partition.partition)
main.add_command(verify.verify)
main.add_command(heads.heads)
main.add_command(archive.archive)
main.add_command(explain.explain)
main.add_command(demo.demo)
main.add_command(doctor.doctor)
main.add_command(token.token)
main.add_command(reader.reader)
