"""The configured database URLs: checked before the service starts, and those of the owner."""

from dataclasses import replace

import psycopg
from psycopg.conninfo import conninfo_to_dict

from telemetry.config import EMBEDDED_DATABASE, Config, ConfigError
from telemetry.url_parts import redact_url


def check_urls(config: Config) -> None:
    """Raise ConfigError when libpq can't read a configured URL, or an owner's does not fit."""
    for name, url in (
        ("DATABASE_URL", config.database_url),
        ("RUNTIME_DATABASE_URL", config.runtime_database_url),
        ("TELEMETRY_OWNER_DATABASE_URL", config.owner_database_url),
        ("TELEMETRY_OWNER_RUNTIME_DATABASE_URL", config.owner_runtime_database_url),
        (EMBEDDED_DATABASE, config.embedded_database_url),
    ):
        try:
            conninfo_to_dict(url or "")
        except psycopg.ProgrammingError:
            # libpq's own message may quote the password.
            raise ConfigError(
                name, repr(redact_url(url or "")), "a URL with parameters that libpq knows"
            ) from None
    _check_owner("DATABASE_URL", config.database_url, config.owner_database_url)
    _check_owner(
        "RUNTIME_DATABASE_URL", config.runtime_database_url, config.owner_runtime_database_url
    )


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


def _check_owner(name: str, url: str | None, owner_url: str | None) -> None:
    """Raise ConfigError when the owner's URL is alone, or names another database.

    Hosts and ports may differ: the owner connects directly where the service uses a pooler.
    """
    if owner_url is None:
        return
    owner_name, got = f"TELEMETRY_OWNER_{name}", repr(redact_url(owner_url))
    if url is None:
        raise ConfigError(owner_name, got, f"nothing while {name} is not set")
    if _database(url) != _database(owner_url):
        takes = f"a URL of the database that {name} names, {_database(url)!r}"
        raise ConfigError(owner_name, got, takes)


def _database(url: str) -> object:
    """Return the name of the URL's database; libpq takes the user's where none is given."""
    parts = conninfo_to_dict(url)
    return parts.get("dbname") or parts.get("user")
