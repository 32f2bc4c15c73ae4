"""Inserting a batch with one statement, and still finding the record that a constraint refuses."""

from collections.abc import Callable, Sequence
from typing import Any

from psycopg import IntegrityError

from telemetry.database import Connection

Numbered = Sequence[tuple[int, dict[str, Any]]]


def insert_each(
    connection: Connection,
    records: Numbered,
    insert: Callable[[Connection, Numbered], set[str]],
) -> tuple[set[str], dict[int, str]]:
    """Insert the records, which carry their index, within the connection's transaction.

    Returns the keys that ``insert`` returned, and by index the constraints that refused
    records. Payloads are checked before, so a refusal means a constraint that a DBA added:
    then the batch is halved until the refused records stand alone, k of them among n in
    k log n statements.
    """
    if not records:
        return set(), {}
    try:
        with connection.transaction():
            return insert(connection, records), {}
    except IntegrityError as error:
        if len(records) == 1:
            return set(), {records[0][0]: error.diag.constraint_name or "unnamed"}
    middle = len(records) // 2
    first, refused_first = insert_each(connection, records[:middle], insert)
    second, refused_second = insert_each(connection, records[middle:], insert)
    return first | second, refused_first | refused_second
