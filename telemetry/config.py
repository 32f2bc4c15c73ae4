"""The configuration: environment variables, read once at the start into one frozen object.

This module imports no database driver, because gunicorn imports it in the master process, before
it forks the workers and gevent patches them.
"""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs

from telemetry.spans import MAX_STALE, RETENTION, parse_retention, parse_span
from telemetry.url_parts import MAX_PORT, hosts_of, may_cut_off_a_password, redact_url, split_url

MIB = 1024 * 1024

# https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

# Names that older deployments set. Each is read where the name it stands for is unset.
ALIASES = {
    "PERSISTENCE_CONTRACT_REQUIRED": "GLOBAL_PERSISTENCE_REQUIRED",
    "PORT": "TELEMETRY_API_PORT",
    "LOG_LEVEL": "TELEMETRY_LOG_LEVEL",
}


_ORIGIN = re.compile(
    r"(?P<host>(?P<scheme>https?)://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]))"
    r"(:(?P<port>[0-9]{1,5}))?",
    re.ASCII,
)
_USUAL_PORTS = {"http": 80, "https": 443}

# For commands alone: the web process never connects with them.
OWNER_URLS = ("TELEMETRY_OWNER_DATABASE_URL", "TELEMETRY_OWNER_RUNTIME_DATABASE_URL")

# Set by serve for the process that it starts, never by an operator.
EMBEDDED_DATABASE = "_TELEMETRY_EMBEDDED_DATABASE_URL"


class ConfigError(Exception):
    """An environment variable has an invalid value. The message is one line for the operator."""

    def __init__(self, name: str, got: str, takes: str) -> None:
        super().__init__(f"{name}: got {got}, takes {takes}")
        self.name = name


@dataclass(frozen=True)
class Config:
    """Every setting of the service. Each field but the last two is one environment variable."""

    database_url: str | None = field(default=None, repr=False)
    runtime_database_url: str | None = field(default=None, repr=False)
    owner_database_url: str | None = field(default=None, repr=False)
    owner_runtime_database_url: str | None = field(default=None, repr=False)
    runtime_events_path: Path | None = None
    persistence_contract_required: Literal["auto", "true", "false"] = "auto"
    auth_enabled: bool = False
    auth_token: str | None = field(default=None, repr=False)
    rate_limit_enabled: bool = False
    rate_limit_rpm: int = 60
    trusted_proxies: int = 0
    max_body_bytes: int = 16 * MIB
    cors_origins: tuple[str, ...] = ()
    stale_after: timedelta = timedelta(hours=1)
    retention_runs: timedelta | None = None
    retention_events: timedelta | None = None
    db_pool_size: int = 4
    db_prepared_statements: bool = True
    web_concurrency: int = 2
    port: int = 8765
    log_level: str = "INFO"
    runtime_cost_per_second: float = 0.002

    # The database that serve starts and passes on to gunicorn, when nothing is configured.
    embedded_database_url: str | None = field(default=None, repr=False)

    # The aliases that gave a value.
    aliases: tuple[str, ...] = ()

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Config":
        """Read the environment. An empty variable counts as unset.

        Raises ConfigError for the first invalid value.
        """
        env = _Environment(environ)
        config = cls(
            database_url=env.database_url("DATABASE_URL"),
            runtime_database_url=env.database_url("RUNTIME_DATABASE_URL"),
            owner_database_url=env.database_url("TELEMETRY_OWNER_DATABASE_URL"),
            owner_runtime_database_url=env.database_url("TELEMETRY_OWNER_RUNTIME_DATABASE_URL"),
            runtime_events_path=env.path("RUNTIME_EVENTS_PATH"),
            persistence_contract_required=env.tristate("PERSISTENCE_CONTRACT_REQUIRED"),
            auth_enabled=env.flag("TELEMETRY_API_AUTH_ENABLED", default=False),
            auth_token=env.token("TELEMETRY_API_AUTH_TOKEN"),
            rate_limit_enabled=env.flag("TELEMETRY_RATE_LIMIT_ENABLED", default=False),
            rate_limit_rpm=env.whole("TELEMETRY_RATE_LIMIT_RPM", 60, 1, 1_000_000),
            trusted_proxies=env.whole("TELEMETRY_TRUSTED_PROXIES", 0, 0, 10),
            max_body_bytes=env.whole("TELEMETRY_MAX_BODY_BYTES", 16 * MIB, 1, 256 * MIB),
            cors_origins=env.origins("TELEMETRY_CORS_ORIGINS"),
            stale_after=env.span("TELEMETRY_STALE_AFTER", "1h"),
            retention_runs=env.retention("TELEMETRY_RETENTION_RUNS"),
            retention_events=env.retention("TELEMETRY_RETENTION_EVENTS"),
            db_pool_size=env.whole("TELEMETRY_DB_POOL_SIZE", 4, 1, 100),
            db_prepared_statements=env.flag("TELEMETRY_DB_PREPARED_STATEMENTS", default=True),
            web_concurrency=env.whole("WEB_CONCURRENCY", 2, 1, 256),
            port=env.whole("PORT", 8765, 1, MAX_PORT),
            log_level=env.log_level("LOG_LEVEL"),
            runtime_cost_per_second=env.price("RUNTIME_COST_PER_SECOND", 0.002),
            embedded_database_url=env.database_url(EMBEDDED_DATABASE),
            aliases=env.aliases(),
        )
        if config.auth_enabled and config.auth_token is None:
            raise ConfigError(
                "TELEMETRY_API_AUTH_TOKEN",
                "nothing",
                "a token, because TELEMETRY_API_AUTH_ENABLED is true",
            )
        return config

    @property
    def alias_note(self) -> str:
        """Which aliases gave a value, for the start-up line; empty without any."""
        named = {alias: name for name, alias in ALIASES.items()}
        return "".join(f"; {alias} is read as {named[alias]}" for alias in self.aliases)


class _Environment:
    """Reads variables by type. Each method raises ConfigError for an invalid value."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str | None:
        return self._environ.get(self.source(name), "").strip() or None

    def source(self, name: str) -> str:
        """Return the name of the variable that gives the value: the name or its alias."""
        alias = ALIASES.get(name, name)
        by_alias = not self._environ.get(name, "").strip() and self._environ.get(alias, "").strip()
        return alias if by_alias else name

    def aliases(self) -> tuple[str, ...]:
        return tuple(alias for name, alias in ALIASES.items() if self.source(name) == alias)

    def whole(self, name: str, default: int, min: int, max: int) -> int:
        text = self.text(name)
        if text is None:
            return default
        if not re.fullmatch(r"[0-9]{1,18}", text) or not min <= int(text) <= max:
            raise ConfigError(self.source(name), repr(text), f"a whole number from {min} to {max}")
        return int(text)

    def span(self, name: str, default: str) -> timedelta:
        """Return a time such as ``90s``, ``30m``, ``1h`` or ``2d``."""
        text = self.text(name) or default
        span = parse_span(text)
        if span is None or span > MAX_STALE:
            takes = "a time such as 90s, 30m, 1h or 2d, up to 365d"
            raise ConfigError(self.source(name), repr(text), takes)
        return span

    def retention(self, name: str) -> timedelta | None:
        """Return the age from which records are deleted, None: never."""
        text = self.text(name)
        if text is not None and parse_retention(text) is None:
            raise ConfigError(self.source(name), repr(text), RETENTION)
        return parse_retention(text) if text else None

    def flag(self, name: str, *, default: bool) -> bool:
        text = self.text(name)
        if text is None:
            return default
        if text.lower() in ("true", "1", "yes", "on"):
            return True
        if text.lower() in ("false", "0", "no", "off"):
            return False
        raise ConfigError(self.source(name), repr(text), "true or false")

    def tristate(self, name: str) -> Literal["auto", "true", "false"]:
        if (self.text(name) or "auto").lower() == "auto":
            return "auto"
        try:
            return "true" if self.flag(name, default=False) else "false"
        except ConfigError:
            raise ConfigError(
                self.source(name), repr(self.text(name)), "true, false or auto"
            ) from None

    def price(self, name: str, default: float) -> float:
        text = self.text(name)
        if text is None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,18})?", text):
            raise ConfigError(self.source(name), repr(text), "a price per second such as 0.002")
        return float(text)

    def log_level(self, name: str) -> str:
        text = self.text(name) or "INFO"
        if text.upper() not in LOG_LEVELS:
            raise ConfigError(self.source(name), repr(text), f"one of {', '.join(LOG_LEVELS)}")
        return text.upper()

    def path(self, name: str) -> Path | None:
        text = self.text(name)
        if text is None:
            return None
        got = repr(text)
        try:
            valid = "\0" not in text and not stat.S_ISDIR(os.stat(text).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            valid = True  # its disk may not be mounted yet
        except OSError as error:
            valid, got = False, f"{got} ({error.strerror})"
        if not valid:
            raise ConfigError(self.source(name), got, "the path of a file")
        return Path(text)

    def token(self, name: str) -> str | None:
        text = self.text(name)
        if text is not None and not re.fullmatch(r"[\x21-\x7e]+", text):
            raise ConfigError(
                self.source(name), "a value it can't use", "ASCII characters without white space"
            )
        return text

    def origins(self, name: str) -> tuple[str, ...]:
        """Return origins as browsers send them: in lower case, without the usual port."""
        origins = []
        for text in filter(None, map(str.strip, (self.text(name) or "").split(","))):
            match = _ORIGIN.fullmatch(text.lower())
            if match is None or int(match["port"] or 1) not in range(1, 65536):
                takes = "origins such as https://app.example.org, separated by commas"
                raise ConfigError(name, repr(redact_url(text) if "@" in text else text), takes)
            port = match["port"]
            usual = port is None or int(port) == _USUAL_PORTS[match["scheme"]]
            origins.append(match["host"] if usual else f"{match['host']}:{int(port)}")
        return tuple(origins)

    def database_url(self, name: str) -> str | None:
        """Return a PostgreSQL URL. libpq also accepts ``postgres://``, which Heroku uses."""
        text = self.text(name)
        if text is None:
            return None
        takes = "a URL such as postgresql://user:password@host:5432/database?sslmode=require"
        parts = split_url(text)
        if parts.scheme not in ("postgres", "postgresql"):
            raise ConfigError(self.source(name), f"{redact_url(text)!r}", takes)
        raw = re.search(r"\s|%(?![0-9A-Fa-f]{2})", text)
        if raw or parts.netloc.count("@") > 1 or may_cut_off_a_password(parts):
            raise ConfigError(
                self.source(name), "a URL with characters that must be percent-encoded", takes
            )
        hosts = hosts_of(parts)
        if hosts is None:
            raise ConfigError(self.source(name), "a URL that can't be read", takes)
        options = parse_qs(parts.query, keep_blank_values=True)
        if not (all(hosts) or "host" in options):
            raise ConfigError(self.source(name), f"{redact_url(text)!r} without a host", takes)
        if any(mode not in SSL_MODES for mode in options.get("sslmode", ())):
            raise ConfigError(
                self.source(name), f"{redact_url(text)!r}", f"sslmode={'|'.join(SSL_MODES)}"
            )
        return text
