"""The databases that commands work on: as their owner, where a URL for it is set."""

import click

from telemetry.config import Config
from telemetry.database.urls import as_owner
from telemetry.persistence import resolve


def audio_runtime_url(config: Config) -> str:
    """Return the owner's URL of the audio runtime's database. Raises ClickException without one."""
    return require_url(resolve(as_owner(config)).audio_runtime.url)


def require_url(url: str | None) -> str:
    """Return the URL of a database. Raises ClickException when none is configured."""
    if url is None:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    return url
