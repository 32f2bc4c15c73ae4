"""Where each domain's data is kept. The configuration alone decides.

====================  ============  ===================  ====================  ====================
RUNTIME_DATABASE_URL  DATABASE_URL  RUNTIME_EVENTS_PATH  runtime events        runs and audio
====================  ============  ===================  ====================  ====================
set                   set           any                  RUNTIME_DATABASE_URL  DATABASE_URL
set                   unset         any                  RUNTIME_DATABASE_URL  RUNTIME_DATABASE_URL
unset                 set           any                  DATABASE_URL          DATABASE_URL
unset                 unset         set                  the JSON file         none
unset                 unset         unset                none                  none
====================  ============  ===================  ====================  ====================

A configured database always wins over the file, even while the database is down. When nothing is
configured, ``serve`` starts an embedded PostgreSQL, which keeps every domain.

The contract is part of readiness. It says which domains must be kept in PostgreSQL:

=============================  =====================================================
PERSISTENCE_CONTRACT_REQUIRED  The contract passes when
=============================  =====================================================
true                           every domain is kept in PostgreSQL
false                          anything is configured
auto                           like true if a database URL is set, like false if not
=============================  =====================================================
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from telemetry.config import Config

Kind = Literal["postgresql", "json_file", "none"]

EMBEDDED = "the embedded PostgreSQL of serve, because nothing is configured"

DOMAINS = ("agent_runs", "runtime_events", "audio_runtime")


@dataclass(frozen=True)
class Backend:
    """Where one domain is kept; ``note`` says why.

    ``url`` is set for ``postgresql``, ``path`` for ``json_file``.
    """

    kind: Kind
    note: str
    url: str | None = field(default=None, repr=False)
    path: Path | None = None

    @property
    def durable(self) -> bool:
        """Whether the data survives a restart on a hosted platform, which wipes files."""
        return self.kind == "postgresql"


@dataclass(frozen=True)
class Contract:
    """Whether every domain is kept where it must be.

    ``failures`` has ``<domain>_not_postgresql`` for each domain that is not.
    """

    required: bool
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the contract has no failures."""
        return not self.failures


@dataclass(frozen=True)
class Persistence:
    """The backend of every domain, and the contract for them."""

    agent_runs: Backend
    runtime_events: Backend
    audio_runtime: Backend
    contract: Contract
    events_file_override: bool

    @property
    def backends(self) -> dict[str, Backend]:
        """The backends by domain."""
        return {domain: getattr(self, domain) for domain in DOMAINS}

    @property
    def database_urls(self) -> tuple[str, ...]:
        """The URL of every configured database, once; that of the runs is first."""
        backends = (self.agent_runs, self.audio_runtime, self.runtime_events)
        return tuple(dict.fromkeys(backend.url for backend in backends if backend.url))

    def domains_of(self, url: str) -> list[str]:
        """Return the domains that the database at ``url`` keeps."""
        return [domain for domain, backend in self.backends.items() if backend.url == url]

    def ok(self, domain: str) -> bool:
        """Return whether the domain is kept where the contract requires."""
        return _is_kept(self.backends[domain], required=self.contract.required)

    def __str__(self) -> str:
        """Return one line for the log. It contains no URL."""
        backends = ", ".join(
            f"{domain}={backend.kind} ({backend.note})" for domain, backend in self.backends.items()
        )
        verdict = (
            "passed" if self.contract.passed else f"failed: {', '.join(self.contract.failures)}"
        )
        required = "required" if self.contract.required else "not required"
        return f"Persistence: {backends}; contract {required}, {verdict}"


def resolve(config: Config) -> Persistence:
    """Apply the tables above to the configuration. Reads nothing else."""
    records = _records(config)
    runtime_events = _runtime_events(config)
    backends = dict(zip(DOMAINS, (records, runtime_events, records), strict=True))
    return Persistence(
        **backends,
        contract=_contract(config, backends),
        events_file_override=config.runtime_events_path is not None,
    )


def _contract(config: Config, backends: dict[str, Backend]) -> Contract:
    required = config.persistence_contract_required == "true" or (
        config.persistence_contract_required == "auto"
        and any(backend.kind == "postgresql" for backend in backends.values())
    )
    missing = [it for it, backend in backends.items() if not _is_kept(backend, required=required)]
    if not required and len(missing) < len(backends):
        missing = []  # "false" allows a service with only some of its domains
    return Contract(required, tuple(f"{domain}_not_postgresql" for domain in missing))


def _is_kept(backend: Backend, *, required: bool) -> bool:
    return backend.kind == "postgresql" if required else backend.kind != "none"


def _records(config: Config) -> Backend:
    if config.database_url:
        return Backend("postgresql", "DATABASE_URL is set", url=config.database_url)
    if config.runtime_database_url:
        return Backend(
            "postgresql",
            "RUNTIME_DATABASE_URL alone is set, so it is the database of everything",
            url=config.runtime_database_url,
        )
    if config.embedded_database_url:
        return Backend("postgresql", EMBEDDED, url=config.embedded_database_url)
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
    if config.embedded_database_url:
        return Backend("postgresql", EMBEDDED, url=config.embedded_database_url)
    return Backend(
        "none",
        "nothing is configured: set DATABASE_URL (or RUNTIME_DATABASE_URL, or RUNTIME_EVENTS_PATH)",
    )
