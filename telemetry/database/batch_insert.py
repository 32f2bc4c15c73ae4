"""Inserting a batch with few statements, and still finding the record that a constraint refuses."""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import NamedTuple, TypeVar

import psycopg
from psycopg import IntegrityError

from telemetry.database.connection import Connection
from telemetry.database.database import Database
from telemetry.database.errors import IntegrityViolation

# Of one statement: a second's work at the most, so that its time limit says something about the
# database and not about the batch, and its text takes no megabytes.
PART = 1000

Record = TypeVar("Record")
Result = TypeVar("Result")
Insert = Callable[[Connection, Sequence[Record]], Sequence[Result]]
Copy = Callable[[Connection, Sequence[Record]], None]


class Refusal(NamedTuple):
    """The constraint that refused a record."""

    constraint: str


class Inserted(NamedTuple):
    """By index in the batch: what is new, and the constraint that refused a record."""

    new: set[int]
    refused: dict[int, str]


def copy_new(
    database: Database,
    records: Mapping[int, Record],
    key: Callable[[Record], str],
    copy: Copy[Record],
) -> set[int] | None:
    """Insert, in one transaction, the first record of each key, all of them new.

    ``records`` is by index in the batch. Returns the indexes of what was inserted, or None when
    the database refused: then nothing is, and insert_new tells why. Raises DatabaseUnavailable or
    DatabaseNotConfigured.
    """
    first = _first_of_each(records, key)
    parts = in_parts([records[first[it]] for it in sorted(first)])

    def copy_parts(connection: Connection) -> None:
        for part in parts:
            copy(connection, part)

    try:
        database.transact(copy_parts, alone=len(parts) == 1)
    except (IntegrityViolation, psycopg.Error):
        # Not only a key that is there: COPY bears no row-level security, and its errors quote rows.
        return None
    return {*first.values()}


def insert_new(
    database: Database,
    records: Mapping[int, Record],
    key: Callable[[Record], str],
    insert: Callable[[Connection, Sequence[Record]], Container[str]],
) -> Inserted:
    """Insert, in one transaction, the first record of each key unless the key is there.

    ``records`` is by index in the batch; ``insert`` returns the keys of what it inserted. What
    repeats a refused record is refused as well. Raises what insert_batch raises.
    """
    first = _first_of_each(records, key)
    keys = sorted(first)

    def insert_part(connection: Connection, part: Sequence[Record]) -> list[bool]:
        inserted = insert(connection, part)
        return [key(record) in inserted for record in part]

    results = insert_batch(database, [records[first[it]] for it in keys], insert_part)
    became = dict(zip(keys, results, strict=True))
    refused = {
        index: it.constraint
        for index, record in records.items()
        if isinstance(it := became[key(record)], Refusal)
    }
    return Inserted({first[it] for it, result in became.items() if result is True}, refused)


def _first_of_each(records: Mapping[int, Record], key: Callable[[Record], str]) -> dict[str, int]:
    """Return the index of the first record of each key."""
    return {key(record): index for index, record in reversed([*records.items()])}


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
    try:
        return database.transact_pipelined(
            lambda it: [r for part in in_parts(records) for r in insert(it, part)]
        )
    except IntegrityViolation:
        return database.transact(
            lambda it: [r for part in in_parts(records) for r in _insert_halves(it, part, insert)]
        )


def in_parts(records: Sequence[Record]) -> list[Sequence[Record]]:
    """Return the records by what one statement takes."""
    return [records[start : start + PART] for start in range(0, len(records), PART)]


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
