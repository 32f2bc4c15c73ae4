"""Reading the rows of some devices for the proof, which checks them without the database."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from psycopg.rows import tuple_row

from telemetry.audio_runtime.proof.declaration import (
    AUDIT_COLUMNS,
    CURRENT_COLUMNS,
    EVENT_COLUMNS,
    KINDS,
)
from telemetry.audio_runtime.proof.device import Device, Link, StoredHead
from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.values import as_json

DEVICES = statements.load("audio_runtime/proof_devices")
EVENTS = statements.load("audio_runtime/proof_events")
EARLIER_EVENTS = statements.load("audio_runtime/proof_earlier_events")
AUDIT_ROWS = statements.load("audio_runtime/proof_audit_rows")

# Rows of one round trip of a cursor.
FETCHED = 1000

DEVICE_COLUMNS = ("bound_to", "has_head", "head_event_id", "head_row_hash")


class Rows(NamedTuple):
    """The rows of one device; ``links`` are to be read before those of the next device."""

    device: Device
    earlier: list[tuple[Any, ...]]
    links: Iterator[Link]


def read_rows(
    connection: Connection, wanted: list[dict[str, Any]], tenant_id: str | None = None
) -> Iterator[Rows]:
    """Yield the rows of each of the ``wanted`` devices, within the connection's transaction.

    They name ``tenant_id`` and ``device_id``, and may name ``after`` and ``kept_event_id``, as the
    statements take them. Raises psycopg.Error, and ValueError for rows in a wrong order.
    """
    devices = as_json([{"place": place, **it} for place, it in enumerate(wanted)])
    with ExitStack() as opened:

        def read(
            name: str, statement: bytes, columns: tuple[str, ...], **parameters: Any
        ) -> Iterator[Any]:
            cursor = opened.enter_context(
                connection.cursor(name, row_factory=tuple_row, binary=True)
            )
            cursor.itersize = FETCHED
            cursor.execute(statement, {"devices": devices, "tenant_id": tenant_id, **parameters})
            found = tuple(it.name for it in cursor.description or ())
            if found != ("place", *columns):
                raise ValueError(f"the statement of {name} reads {found} instead of {columns}")
            return iter(cursor)

        facts = read("devices", DEVICES, DEVICE_COLUMNS + CURRENT_COLUMNS)
        events = _Places(read("events", EVENTS, ("session_known", *EVENT_COLUMNS)))
        audit_rows = _Places(read("audit_rows", AUDIT_ROWS, AUDIT_COLUMNS))
        earlier: dict[int, list[tuple[Any, ...]]] = {}
        if any(it.get("after") is not None for it in wanted):
            rows = read("earlier", EARLIER_EVENTS, EVENT_COLUMNS, kinds=[*KINDS])
            earlier = {
                place: [row[1:] for row in group] for place, group in groupby(rows, itemgetter(0))
            }
        for (place, *fields), it in zip(facts, wanted, strict=True):
            device = _device(it["tenant_id"], it["device_id"], fields)
            links = _links(events.at(place), audit_rows.at(place))
            yield Rows(device, earlier.get(place, []), links)
            for _ in links:  # what the reader left
                pass


class _Places:
    """Rows of several places, read place by place."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def at(self, place: int) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of the place. Raises ValueError for one of a place before."""
        row = self._next
        while row is not None and row[0] == place:
            yield row
            row = self._next = next(self._rows, None)
        if row is not None and row[0] < place:
            raise ValueError("rows of devices came in another order than the devices")


def _device(tenant_id: str, device_id: str, fields: list[Any]) -> Device:
    bound_to, has_head, *head = fields[: len(DEVICE_COLUMNS)]
    current = tuple(fields[len(DEVICE_COLUMNS) :])
    return Device(
        tenant_id,
        device_id,
        bound_to,
        StoredHead(*head) if has_head else None,
        current if current[0] is not None else None,
    )


def _links(
    events: Iterator[tuple[Any, ...]], audit_rows: Iterator[tuple[Any, ...]]
) -> Iterator[Link]:
    """Yield the events beside their audit rows, both of which come in the order of event_id."""
    audit_row = next(audit_rows, None)
    for event in events:
        event_id = event[2]
        while audit_row is not None and audit_row[1] < event_id:
            yield Link(None, True, audit_row[1:])
            audit_row = next(audit_rows, None)
        if audit_row is not None and audit_row[1] == event_id:
            yield Link(event[2:], event[1], audit_row[1:])
            audit_row = next(audit_rows, None)
        else:
            yield Link(event[2:], event[1], None)
    while audit_row is not None:
        yield Link(None, True, audit_row[1:])
        audit_row = next(audit_rows, None)
