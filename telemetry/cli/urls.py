"""The databases that commands work on."""

import click

from telemetry.config import Config
from telemetry.persistence import resolve


def audio_runtime_url(config: Config) -> str:
    """Return the URL of the audio runtime's database. Raises ClickException without one."""
    return require_url(resolve(config).audio_runtime.url)


def require_url(url: str | None) -> str:
    """Return the URL of a database. Raises ClickException when none is configured."""
    if url is None:
        raise click.ClickException("no database is configured: set DATABASE_URL")
    return url
