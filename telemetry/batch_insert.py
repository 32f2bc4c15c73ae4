"""Inserting a batch with one statement, and still finding the record that a constraint refuses."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from psycopg import IntegrityError

from telemetry.database import Connection

Record = TypeVar("Record")
Result = TypeVar("Result")


class Refusal(NamedTuple):
    """The constraint that refused a record."""

    constraint: str


def insert_each(
    connection: Connection,
    records: Sequence[Record],
    insert: Callable[[Connection, Sequence[Record]], Sequence[Result]],
) -> list[Result | Refusal]:
    """Insert the records within the connection's transaction; return what became of each.

    ``insert`` returns a result for each record that it is given. Payloads are checked before,
    so a refusal means a constraint that a DBA added: then the batch is halved until the refused
    records stand alone, k of them among n in k log n statements.
    """
    try:
        with connection.transaction():
            return [*insert(connection, records)]
    except IntegrityError as error:
        if len(records) == 1:
            return [Refusal(error.diag.constraint_name or "unnamed")]
    middle = len(records) // 2
    return [
        *insert_each(connection, records[:middle], insert),
        *insert_each(connection, records[middle:], insert),
    ]
