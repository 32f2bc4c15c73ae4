"""What the server, the database and the role allow."""

from collections.abc import Iterator, Mapping
from typing import Any

from telemetry.config import Config
from telemetry.database import statements
from telemetry.doctor.finding import Finding, ok, problem, warning
from telemetry.doctor.subject import Subject, database_errors
from telemetry.health.role import Role, role_of

SERVER = statements.load("doctor/server")

OLDEST, NEWEST = 14, 18


def check_server(subject: Subject) -> Iterator[Finding]:
    """Yield whether the server is one that the service supports, and has connections enough."""
    with database_errors("server"):
        row = subject.database.transact(lambda it: it.execute(SERVER, prepare=False).fetchone())
    assert row is not None
    yield from _version(row)
    yield connections(row, subject.config, on_server=subject.on_server)


def _version(row: Mapping[str, Any]) -> Iterator[Finding]:
    major = row["version"] // 10000
    if major < OLDEST:
        says = f"PostgreSQL {major} is too old"
        yield problem("server", says, f"use PostgreSQL {OLDEST} to {NEWEST}")
    elif major > NEWEST:
        says = f"PostgreSQL {major} is newer than this release was tested with"
        yield warning("server", says, "look for a newer release of the service")
    if row["encoding"] != "UTF8":
        says = f"the database has the encoding {row['encoding']}"
        yield problem("server", says, "create a database with the encoding UTF8, and migrate it")


def connections(row: Mapping[str, Any], config: Config, *, on_server: int = 1) -> Finding:
    """Return whether what the workers may open fits the tightest limit.

    ``on_server`` is how many databases of the deployment are on the server, which limits all.
    """
    need = config.web_concurrency * (config.db_pool_size + 1)
    limits = {
        "the server (max_connections)": (row["server_limit"], need * on_server),
        "the database (CONNECTION LIMIT)": (row["database_limit"], need),
        "the role (CONNECTION LIMIT)": (row["role_limit"], need),
    }
    where, most, need = min(
        ((name, *it) for name, it in limits.items() if it[0] is not None and it[0] >= 0),
        key=lambda it: it[1] / it[2],
    )
    is_of_server = on_server > 1 and where.startswith("the server")
    both = " in both databases of this server" if is_of_server else ""
    sum_ = f"{config.web_concurrency} workers open up to {need}{both}"
    fix = "lower WEB_CONCURRENCY or TELEMETRY_DB_POOL_SIZE, or choose a larger plan"
    if need > most:
        return problem("connections", f"{sum_}, and {where} allows {most}", fix)
    if 2 * need > most:
        says = f"{sum_}, twice that while a deploy replaces another; {where} allows {most}"
        return warning("connections", says, fix)
    return ok("connections", f"{sum_}; {where} allows {most}, and {row['in_use']} are in use")


def check_role(subject: Subject) -> Iterator[Finding]:
    """Yield which role the service runs as: the owner of its tables, or a restricted one."""
    with database_errors("role"):
        role = subject.database.transact(role_of)
    fix = "run serve as a role of its own: see docs/roles.md"
    if role.is_superuser:
        says = (
            f"{role.name} is a superuser or a member of one, for whom no rule of the ledger holds"
        )
        yield warning("role", says, fix)
    elif role.owned:
        says = (
            f"{role.name} owns the tables or is a member of their owner, so its URL is enough to"
            " switch the append-only triggers off"
        )
        yield warning("role", says, fix)
    elif role.kind == "excessive":
        says = f"{role.name} may do more than the service does: {role.reason}"
        yield warning("role", says, f"revoke it: {'; '.join(_revoking(role))}")
    else:
        yield ok("role", f"{role.name} is restricted to what the service does")


def _revoking(role: Role) -> Iterator[str]:
    """Yield what takes back each thing that the role does not need."""
    for power in role.powers:
        attribute, _, owner = power.partition(" of ")
        yield (
            f"REVOKE {owner} FROM {role.name}" if owner else f"ALTER ROLE {role.name} NO{attribute}"
        )
    for name in role.memberships:
        yield f"REVOKE {name} FROM {role.name}"
    if role.excess:
        yield "run the SQL of `python -m telemetry grants` again"
