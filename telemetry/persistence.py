"""Where each domain's data goes: decided here, once, from the configuration alone.

=====================  ============  ===================  ==================  ===============
RUNTIME_DATABASE_URL   DATABASE_URL  RUNTIME_EVENTS_PATH  runtime events      runs and audio
=====================  ============  ===================  ==================  ===============
set                    set           any                  the former          DATABASE_URL
set                    unset         any                  the former          the same
unset                  set           any                  DATABASE_URL        DATABASE_URL
unset                  unset         set                  the JSON file       none
unset                  unset         unset                none                none
=====================  ============  ===================  ==================  ===============

A configured database always wins over the file, and there is no way back to the
file while the database is down.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from telemetry.config import Config

Kind = Literal["postgresql", "json_file", "none"]


@dataclass(frozen=True)
class Backend:
    """Where one domain is kept, and why there.

    ``url`` is set for ``postgresql``, ``path`` for ``json_file``. A JSON file is
    not ``durable``: hosted platforms wipe their disk at every restart.
    """

    kind: Kind
    note: str
    url: str | None = field(default=None, repr=False)
    path: Path | None = None

    @property
    def durable(self) -> bool:
        """Whether what is stored there outlives a restart on a hosted platform."""
        return self.kind == "postgresql"


@dataclass(frozen=True)
class Persistence:
    """The backend of every domain."""

    agent_runs: Backend
    runtime_events: Backend
    audio_runtime: Backend

    @property
    def database_urls(self) -> tuple[str, ...]:
        """Every configured database once, the one of the runs first."""
        backends = (self.agent_runs, self.audio_runtime, self.runtime_events)
        return tuple(dict.fromkeys(backend.url for backend in backends if backend.url))


def resolve(config: Config) -> Persistence:
    """Apply the table above. Pure: reads the configuration and nothing else."""
    records = _records(config)
    return Persistence(
        agent_runs=records,
        runtime_events=_runtime_events(config),
        audio_runtime=records,
    )


def _records(config: Config) -> Backend:
    if config.database_url:
        return Backend("postgresql", "DATABASE_URL is set", url=config.database_url)
    if config.runtime_database_url:
        return Backend(
            "postgresql",
            "RUNTIME_DATABASE_URL alone is set, so it is the database of everything",
            url=config.runtime_database_url,
        )
    return Backend("none", "a PostgreSQL database is needed: set DATABASE_URL")


def _runtime_events(config: Config) -> Backend:
    if config.runtime_database_url:
        return Backend("postgresql", "RUNTIME_DATABASE_URL is set", url=config.runtime_database_url)
    if config.database_url:
        return Backend("postgresql", "DATABASE_URL is set", url=config.database_url)
    if config.runtime_events_path:
        return Backend(
            "json_file",
            "only RUNTIME_EVENTS_PATH is set, no database URL",
            path=config.runtime_events_path,
        )
    return Backend(
        "none",
        "nothing is configured: set DATABASE_URL (or RUNTIME_DATABASE_URL, or RUNTIME_EVENTS_PATH)",
    )
