"""The databases that commands work on: as their owner, where a URL for it is set."""

from contextlib import suppress

import click

from telemetry.config import Config
from telemetry.database.urls import as_owner
from telemetry.persistence import resolve
from telemetry.url_parts import redact_url


def audio_runtime_url(config: Config) -> str:
    """Return the owner's URL of the audio runtime's database, after naming it.

    Raises ClickException without one.
    """
    url = require_url(resolve(as_owner(config)).audio_runtime.url)
    name_database(url)
    return url


def name_database(url: str) -> None:
    """Print to standard error which database a command works on."""
    with suppress(OSError):  # a closed standard error must not stop the work
        click.echo(f"database {redact_url(url)}", err=True)


def require_url(url: str | None) -> str:
    """Return the URL of a database. Raises ClickException when none is configured."""
    if url is None:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    return url
