"""Checking the configured database URLs before the service starts."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from telemetry.config import EMBEDDED_DATABASE, Config, ConfigError, redact_url


def check_urls(config: Config) -> None:
    """Raise ConfigError when libpq can't read a configured URL."""
    for name, url in (
        ("DATABASE_URL", config.database_url),
        ("RUNTIME_DATABASE_URL", config.runtime_database_url),
        (EMBEDDED_DATABASE, config.embedded_database_url),
    ):
        try:
            conninfo_to_dict(url or "")
        except psycopg.ProgrammingError:
            # libpq's own message may quote the password.
            raise ConfigError(
                name, repr(redact_url(url or "")), "a URL with parameters that libpq knows"
            ) from None
