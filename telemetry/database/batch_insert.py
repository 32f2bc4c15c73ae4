"""Inserting a batch in few statements, and finding the records that a constraint refuses."""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

import psycopg
from psycopg import IntegrityError
from psycopg.errors import NotNullViolation

from telemetry.database.connection import Connection
from telemetry.database.database import Database, Row
from telemetry.database.errors import SEQUENCES, IntegrityViolation, constraint_of
from telemetry.database.values import Keyed, json_array

# Records in one part. A statement of this many takes less than a second, so that it reaches its
# time limit because of the database and not because of the batch.
PART = 1000

Record = TypeVar("Record")
Result = TypeVar("Result")
Outcome = TypeVar("Outcome")
Insert = Callable[[Connection, Sequence[Record]], Sequence[Result]]
Copy = Callable[[Connection, Sequence[Record]], None]


class Refusal(NamedTuple):
    """The outcome of a record that a constraint refused."""

    constraint: str


class Inserted(NamedTuple):
    """The indexes of the inserted records, and by index the constraint that refused a record."""

    new: set[int]
    refused: dict[int, str]


def copy_new(
    database: Database,
    records: Mapping[int, Record],
    key: Callable[[Record], str],
    copy: Copy[Record],
) -> set[int] | None:
    """Insert the first record of each key in one transaction, when all are new.

    ``records`` is by index in the batch. Returns the indexes of the inserted records, or None when
    the database refuses the batch: then none is inserted, and the caller falls back to insert_new.
    Raises DatabaseUnavailable or DatabaseNotConfigured.
    """
    first = _first_of_each(records, key)
    parts = in_parts([records[first[it]] for it in sorted(first)])

    def copy_parts(connection: Connection) -> None:
        for part in parts:
            copy(connection, part)

    try:
        database.transact(copy_parts, one_statement=len(parts) == 1)
    except (IntegrityViolation, psycopg.Error):
        # A key may exist, and other reasons are for INSERT to report: COPY does not support
        # row-level security, and its errors quote rows.
        return None
    return {*first.values()}


def insert_new(
    database: Database,
    records: Mapping[int, Record],
    key: Callable[[Record], str],
    insert: Callable[[Connection, Sequence[Record]], Container[str]],
) -> Inserted:
    """Insert the first record of each key, unless the key exists, in one transaction.

    ``records`` is by index in the batch. ``insert`` returns the keys that it inserted. A record
    with the key of a refused record is refused as well. Raises what insert_batch raises.
    """
    first = _first_of_each(records, key)
    keys = sorted(first)

    def insert_part(connection: Connection, part: Sequence[Record]) -> list[bool]:
        inserted = insert(connection, part)
        return [key(record) in inserted for record in part]

    results = insert_batch(database, [records[first[it]] for it in keys], insert_part)
    outcomes = dict(zip(keys, results, strict=True))
    refused = {
        index: it.constraint
        for index, record in records.items()
        if isinstance(it := outcomes[key(record)], Refusal)
    }
    return Inserted({first[it] for it, result in outcomes.items() if result is True}, refused)


def insert_group(
    database: Database, statement: bytes, parameter: str, records: Sequence[Keyed], key: str
) -> list[Row | None]:
    """Insert the records that are new by one statement; return the row of each, or None.

    Of several records with one key only the first is sent, so it takes the row. ``parameter`` is
    what the statement takes the JSON array of the records as, ``key`` the column in which its
    rows name them. Raises what Database.fetch_all raises.
    """
    first = {record.key: record for record in reversed(records)}
    rows = database.fetch_all(statement, {parameter: json_array(first.values())}, prepare=True)
    inserted = {row[key]: row for row in rows}
    return [inserted.pop(record.key, None) for record in records]


def _first_of_each(records: Mapping[int, Record], key: Callable[[Record], str]) -> dict[str, int]:
    """Return the index of the first record of each key."""
    return {key(record): index for index, record in reversed([*records.items()])}


def insert_batch(
    database: Database, records: Sequence[Record], insert: Insert[Record, Result]
) -> list[Result | Refusal]:
    """Insert the records in one transaction; return the outcome of each, in order.

    The records must be sorted by their unique key, so that two batches never deadlock.
    ``insert`` returns a result for each record it is given. Payloads were checked before, so only
    a constraint that a DBA added can refuse a record. Raises what Database.transact raises,
    except IntegrityViolation.
    """
    if not records:
        return []
    return transact_in_parts(database, lambda it, write: write(it, records, insert))


class WriteParts(Protocol):
    """Writes records in parts with ``insert``; returns the outcome of each, in order."""

    def __call__(
        self, connection: Connection, records: Sequence[Record], insert: Insert[Record, Result], /
    ) -> list[Result | Refusal]:
        """Call ``insert`` once for each part."""


def transact_in_parts(
    database: Database, work: Callable[[Connection, WriteParts], Outcome]
) -> Outcome:
    """Run ``work``, which writes records in one or more stages, in one transaction.

    When a constraint refuses a record, ``work`` runs again from its beginning, and its second
    argument then finds the refused records. Raises what Database.transact raises, except
    IntegrityViolation.
    """
    try:
        return database.transact_pipelined(lambda it: work(it, _insert_parts))
    except IntegrityViolation:
        return database.transact(lambda it: work(it, _insert_parts_in_halves))


def in_parts(records: Sequence[Record]) -> list[Sequence[Record]]:
    """Return the records in parts, one for each statement."""
    return [records[start : start + PART] for start in range(0, len(records), PART)]


def _insert_parts(
    connection: Connection, records: Sequence[Record], insert: Insert[Record, Result]
) -> list[Result | Refusal]:
    return [result for part in in_parts(records) for result in insert(connection, part)]


def _insert_parts_in_halves(
    connection: Connection, records: Sequence[Record], insert: Insert[Record, Result]
) -> list[Result | Refusal]:
    parts = in_parts(records)
    return [result for part in parts for result in _insert_halves(connection, part, insert)]


def _insert_halves(
    connection: Connection, records: Sequence[Record], insert: Insert[Record, Result]
) -> list[Result | Refusal]:
    """Halve the records until each refused one is alone: finds k of n in k log n statements."""
    try:
        with connection.transaction():
            return [*insert(connection, records)]
    except IntegrityError as error:
        if constraint_of(error) in SEQUENCES or isinstance(error, NotNullViolation):
            raise  # no record is at fault
        if len(records) == 1:
            return [Refusal(constraint_of(error))]
    middle = len(records) // 2
    return [
        *_insert_halves(connection, records[:middle], insert),
        *_insert_halves(connection, records[middle:], insert),
    ]
