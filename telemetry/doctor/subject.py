"""One database of a deployment, and the errors that every check of it may meet."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

import psycopg

from telemetry.config import Config
from telemetry.database.database import Database
from telemetry.database.errors import (
    DatabaseNeedsRepair,
    DatabaseReadOnly,
    DatabaseUnavailable,
    OutOfConnections,
    cause_of,
    translate,
)
from telemetry.doctor.finding import Finding, problem

# The name of a finding after which no other check can succeed.
LOST = "response"


@dataclass(frozen=True)
class Subject:
    """A database as requests use it: with the same pool, options and limits.

    ``owner_url`` is that of the commands; it is ``url`` where no owner's is configured.
    ``on_server`` is how many databases of the deployment its server has.
    """

    database: Database
    url: str
    owner_url: str
    domains: list[str]
    config: Config
    on_server: int = 1


class Failed(Exception):
    """A check met an error of the database, for which there is a finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.says)
        self.finding = finding


@contextmanager
def database_errors(check: str) -> Iterator[None]:
    """Turn an error of the database into Failed."""
    try:
        yield
    except (DatabaseUnavailable, psycopg.Error) as error:
        _fail(check, error)


def _fail(check: str, error: Exception) -> NoReturn:
    driver_error = error if isinstance(error, psycopg.Error) else error.__cause__
    found = translate(error) if isinstance(error, psycopg.Error) else error
    says, fix = cause_of(error), "repair what the message says"
    match found:
        case DatabaseNeedsRepair():
            says, _, fix = str(found).rpartition("; ")
        case DatabaseReadOnly():
            check, says = "write", f"the database takes no writes: {cause_of(found)}"
            fix = "wait for the failover to end, or point the URL to the primary server"
            if "a setting" in says:
                fix = (
                    "ALTER ROLE … or ALTER DATABASE … RESET default_transaction_read_only, wherever"
                    " pg_db_role_setting shows it; a platform may set it while the disk is full"
                )
        case OutOfConnections():
            says = f"the database has no connection left: {cause_of(found)}"
            fix = "lower WEB_CONCURRENCY or TELEMETRY_DB_POOL_SIZE, or end other connections"
        case DatabaseUnavailable() if getattr(driver_error, "sqlstate", None) is None:
            check, says = LOST, f"the database does not respond in time: {cause_of(found)}"
            fix = "look at the load of the server, and at its log"
    if "statement pooling mode" in says:
        check, says = LOST, "a pooler allows no transactions: it is in the mode of statements"
        fix = "set its pool_mode = transaction, and TELEMETRY_DB_PREPARED_STATEMENTS=false"
    raise Failed(problem(check, says or str(found), fix)) from error
