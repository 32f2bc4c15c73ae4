"""The databases that commands work on, and as whom: as their owner, where a URL for it is set."""

from dataclasses import replace

import click

from telemetry.config import Config
from telemetry.persistence import resolve


def as_owner(config: Config) -> Config:
    """Return the configuration with the owner's URL of each database in place of the service's.

    The URL of the service stays where no owner's is configured.
    """
    url, runtime_url = config.owner_database_url, config.owner_runtime_database_url
    if config.database_url == config.runtime_database_url:
        url, runtime_url = url or runtime_url, runtime_url or url
    return replace(
        config,
        database_url=url or config.database_url,
        runtime_database_url=runtime_url or config.runtime_database_url,
    )


def audio_runtime_url(config: Config) -> str:
    """Return the owner's URL of the audio runtime's database. Raises ClickException without one."""
    return require_url(resolve(as_owner(config)).audio_runtime.url)


def require_url(url: str | None) -> str:
    """Return the URL of a database. Raises ClickException when none is configured."""
    if url is None:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    return url
