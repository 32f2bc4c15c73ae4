"""All checks of a deployment, one after the other."""

from collections.abc import Callable, Iterator, Mapping

from psycopg.conninfo import conninfo_to_dict

from telemetry.database.database import Database
from telemetry.database.urls import as_owner
from telemetry.doctor.bounded import run_bounded
from telemetry.doctor.clock import check_clock
from telemetry.doctor.configuration import Deployment, check_configuration, read
from telemetry.doctor.connection import check_connection
from telemetry.doctor.events_file import check_events_file
from telemetry.doctor.finding import Finding, worst
from telemetry.doctor.owner import check_owner
from telemetry.doctor.partitions import check_partitions
from telemetry.doctor.pooler import check_pooler
from telemetry.doctor.readiness import check_migration_files, check_schema
from telemetry.doctor.retention import check_retention
from telemetry.doctor.server import check_role, check_server
from telemetry.doctor.session import check_options
from telemetry.doctor.subject import LOST, Failed, Subject
from telemetry.doctor.trial import check_write
from telemetry.doctor.verified import check_verified
from telemetry.persistence import resolve

DatabaseCheck = Callable[[Subject], Iterator[Finding]]

# Of each database, once it accepts a connection. The names are those of the findings.
DATABASE_CHECKS: tuple[tuple[str, DatabaseCheck], ...] = (
    ("options", check_options),
    ("pooler", check_pooler),
    ("server", check_server),
    ("role", check_role),
    ("migrations", check_migration_files),
    ("schema", check_schema),
    ("partitions", check_partitions),
    ("verify", check_verified),
    ("clock", check_clock),
)


def examine(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the findings of every check, as they arrive. Each check ends within its deadline."""
    deployment, invalid = read(environ)
    if deployment is None:
        yield from invalid
        return
    yield from check_configuration(deployment)
    persistence = deployment.persistence
    for number, url in enumerate(persistence.database_urls):
        domains = persistence.domains_of(url)
        place = ", ".join(domains) if len(persistence.database_urls) > 1 else None
        for finding in _database(deployment, url, domains, ("records", "runtime_events")[number]):
            yield finding._replace(place=place)
    if path := persistence.runtime_events.path:
        yield from run_bounded("events file", lambda: check_events_file(path))


def _database(deployment: Deployment, url: str, domains: list[str], name: str) -> Iterator[Finding]:
    config = deployment.config
    database = Database(
        url,
        pool_size=config.db_pool_size,
        prepared_statements=config.db_prepared_statements,
        name=name,
    )
    owner_url = resolve(as_owner(config)).backends[domains[0]].url or url
    servers = [_server(it) for it in deployment.persistence.database_urls]
    on_server = servers.count(_server(url))
    subject = Subject(database, url, owner_url, domains, config, on_server)
    found = run_bounded("connection", lambda: check_connection(subject))
    yield from found
    if worst(found) in ("problem", "unchecked"):
        return  # each other check would wait for the same connection
    for check_name, check in DATABASE_CHECKS:
        found += (now := run_bounded(check_name, _guarded(check, subject)))
        yield from now
        if any(it.check == LOST for it in now):
            return
    # A write that is known to fail, or to wait for a lock, says nothing more.
    if worst(found) not in ("problem", "unchecked"):
        yield from run_bounded("write", _guarded(check_write, subject))
        yield from run_bounded("retention", _guarded(check_retention, subject))
    yield from run_bounded("owner", _guarded(check_owner, subject))
    run_bounded("close", _closing(database))


def _server(url: str) -> tuple[object, object]:
    """Return the hosts and the ports of a URL."""
    parts = conninfo_to_dict(url)
    return parts.get("host"), str(parts.get("port") or "5432")


def _guarded(check: DatabaseCheck, subject: Subject) -> Callable[[], Iterator[Finding]]:
    """Return the check; an error of the database is its last finding."""

    def run() -> Iterator[Finding]:
        try:
            yield from check(subject)
        except Failed as failed:
            yield failed.finding

    return run


def _closing(database: Database) -> Callable[[], Iterator[Finding]]:
    def close() -> Iterator[Finding]:
        database.close()
        return iter(())

    return close
