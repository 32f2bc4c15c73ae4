"""Whether the owner's URL leads to the database of the service."""

import random
from collections.abc import Iterator

import psycopg

from telemetry.database import statements
from telemetry.database.connection import Connection, connect
from telemetry.doctor.finding import Finding, ok, problem
from telemetry.doctor.subject import Subject, database_errors
from telemetry.url_parts import redact_url

CHECK = "owner"

TAKE_MARK = statements.load("doctor/take_mark")

# Any that no lock of the service has: those are pairs of small numbers.
LOWEST_MARK, HIGHEST_MARK = 2**62, 2**63 - 1


def check_owner(subject: Subject) -> Iterator[Finding]:
    """Yield whether commands work on the database of the service; nothing without a connection.

    After a restore, say, one of the two URLs may still lead to the old server. Names and addresses
    say little: the service may use a pooler, and a copy has everything that the original has.
    """
    if subject.owner_url == subject.url:
        return
    mark = random.randint(LOWEST_MARK, HIGHEST_MARK)

    def is_another(connection: Connection) -> bool:
        return _takes(connection, mark) and _owner_takes(subject.owner_url, mark)

    with database_errors(CHECK):
        try:
            another = subject.database.transact(is_another)
        except _NoConnection:
            return  # the check of the migrations says why
    if another:
        says = (
            f"the owner's URL leads to another database ({redact_url(subject.owner_url)}), on"
            " which commands such as verify and prune work"
        )
        yield problem(CHECK, says, "set both URLs to the same database, or unset the owner's")
    else:
        yield ok(CHECK, "the owner's URL leads to the same database")


class _NoConnection(Exception):
    """The owner cannot connect."""


def _owner_takes(url: str, mark: int) -> bool:
    try:
        with connect(url) as connection, connection.transaction():
            return _takes(connection, mark)
    except psycopg.OperationalError as error:
        raise _NoConnection from error


def _takes(connection: Connection, mark: int) -> bool:
    row = connection.execute(TAKE_MARK, {"mark": mark}, prepare=False).fetchone()
    return bool(row and row["taken"])
