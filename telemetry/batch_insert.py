"""Inserting a batch with few statements, and still finding the record that a constraint refuses."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from psycopg import IntegrityError

from telemetry.database import Connection, Database
from telemetry.database_errors import IntegrityViolation

# Of one statement: a second's work at the most, so that its time limit says something about the
# database and not about the batch, and its text takes no megabytes.
PART = 1000

Record = TypeVar("Record")
Result = TypeVar("Result")
Insert = Callable[[Connection, Sequence[Record]], Sequence[Result]]


class Refusal(NamedTuple):
    """The constraint that refused a record."""

    constraint: str


def insert_batch(
    database: Database, records: Sequence[Record], insert: Insert[Record, Result]
) -> list[Result | Refusal]:
    """Insert the records in one transaction; return what became of each, in their order.

    They are to be sorted by what makes them unique, so that two batches never wait for each
    other in a circle. ``insert`` returns a result for each record that it is given. Payloads
    are checked before, so a refusal means a constraint that a DBA added. Raises what
    Database.transact raises but IntegrityViolation.
    """
    if not records:
        return []
    parts = [records[start : start + PART] for start in range(0, len(records), PART)]
    try:
        return database.transact_pipelined(
            lambda it: [r for part in parts for r in insert(it, part)]
        )
    except IntegrityViolation:
        return database.transact(
            lambda it: [r for part in parts for r in _insert_halves(it, part, insert)]
        )


def _insert_halves(
    connection: Connection, records: Sequence[Record], insert: Insert[Record, Result]
) -> list[Result | Refusal]:
    """Halve until the refused records stand alone: k of n are found in k log n statements."""
    try:
        with connection.transaction():
            return [*insert(connection, records)]
    except IntegrityError as error:
        if len(records) == 1:
            return [Refusal(error.diag.constraint_name or "unnamed")]
    middle = len(records) // 2
    return [
        *_insert_halves(connection, records[:middle], insert),
        *_insert_halves(connection, records[middle:], insert),
    ]
