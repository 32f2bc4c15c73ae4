"""Devices, sessions and the ledger in the database."""

from collections.abc import Sequence
from typing import Any

from psycopg import errors

from telemetry import sql
from telemetry.audio_runtime.devices import name_of
from telemetry.batch_insert import Refusal, insert_batch
from telemetry.connection import Connection
from telemetry.database import Database, Row
from telemetry.database_values import Json, as_json
from telemetry.group_commit import GroupCommit

PUT_DEVICE = sql.load("audio_runtime/put_device")
PUT_SESSION = sql.load("audio_runtime/put_session")
GET_DEVICE = sql.load("audio_runtime/get_device")
LOCK_HEADS = sql.load("audio_runtime/lock_heads")
LOCK_FREE_HEADS = sql.load("audio_runtime/lock_free_heads")
APPEND = sql.load("audio_runtime/append")
RECALL = sql.load("audio_runtime/recall")
PROJECT = sql.load("audio_runtime/project")
QUERY = sql.load("audio_runtime/query")
QUERY_DEVICE = sql.load("audio_runtime/query_device")
QUERY_CURRENT = sql.load("audio_runtime/query_current")
GET_CURRENT = sql.load("audio_runtime/get_current")
HEADS = sql.load("audio_runtime/heads")

Event = dict[str, Any]


class AudioRuntimeStore:
    """Appends to the ledger and reads what it says.

    Every method raises what Database.fetch_all raises. Reads are of one tenant.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._arriving = GroupCommit(self._append_group, most_groups=database.pool_size)

    def put_device(self, device_id: str, device: dict[str, Any]) -> Row | None:
        """Bind the device; return it with ``created``, or None when it is another tenant's."""
        sent = {"device_type": None, **device, "device_id": device_id}
        return self._database.fetch_one(PUT_DEVICE, sent)

    def put_session(self, session_id: int, session: dict[str, Any]) -> Row | None:
        """Open or move the session; return it with ``created``.

        None when the device is not the tenant's, or the session is another tenant's.
        """
        return self._database.fetch_one(PUT_SESSION, {**session, "session_id": session_id})

    def get_device(self, tenant_id: str, device_id: str) -> Row | None:
        """Return the tenant's device, or None."""
        return self._database.fetch_one(
            GET_DEVICE, {"tenant_id": tenant_id, "device_id": device_id}
        )

    def append(self, event: Event) -> Row:
        """Append the event if it is new and not refused; return what append_batch does.

        Events that arrive together share a commit, but wait for no device except their own.
        """
        row = self._arriving.submit(event)
        if row is None:
            return self.append_batch([event])[0]
        self._recall([event], [row])
        return row

    def append_batch(self, events: Sequence[Event]) -> list[Row]:
        """Append the events that are new and not refused, all of them in one transaction.

        Returns what became of each, in order: ``outcome``, as append.sql tells it, or
        ``constraint``, the one of a DBA that refused it; of events committed and duplicates
        ``event_id``, ``audit_event_id`` and ``row_hash``, and of duplicates ``differs``.

        Two round trips: the statements up to the append go together, each with a snapshot of
        its own, and then the projection with the commit. Duplicates, which are rare, take
        a third, and so does a group, which has to know first which devices are free.
        """
        rows = self._append(events)
        self._recall(events, rows)
        return rows

    def _append(self, events: Sequence[Event]) -> list[Row]:
        return [
            {"outcome": None, "constraint": row.constraint} if isinstance(row, Refusal) else row
            for row in insert_batch(self._database, events, lock_and_append)
        ]

    def _append_group(self, events: Sequence[Event]) -> Sequence[Row | None]:
        """Return None for the events of devices that somebody else has locked."""
        if len(events) == 1:
            return self._append(events)

        def work(connection: Connection) -> list[Row | None]:
            free = connection.execute(LOCK_FREE_HEADS, _devices(events), prepare=True)
            names = {name_of(row) for row in free}
            ours = [event for event in events if name_of(event) in names]
            rows = iter(_append_locked(connection, ours) if ours else [])
            return [next(rows) if name_of(event) in names else None for event in events]

        return self._database.transact_pipelined(work)

    def _recall(self, events: Sequence[Event], rows: list[Row]) -> None:
        """Complete the rows of duplicates."""
        known = [n for n, row in enumerate(rows) if row["outcome"] == "duplicate"]
        if not known:
            return
        sent = {"events": as_json([events[n] for n in known])}
        recalled = self._database.fetch_all(RECALL, sent, prepare=True)
        for n, row in zip(known, recalled, strict=True):
            rows[n].update(row)

    def query(self, page: dict[str, Any]) -> list[Row]:
        """Return the first of the tenant's events."""
        return self._database.fetch_all(QUERY, page, prepare=False)

    def query_device(self, page: dict[str, Any]) -> list[Row]:
        """Return a page of the device's events in ledger order."""
        return self._database.fetch_all(QUERY_DEVICE, page, prepare=False)

    def query_current(self, page: dict[str, Any]) -> list[Row]:
        """Return a page of the devices' current states, by device_id."""
        return self._database.fetch_all(QUERY_CURRENT, page, prepare=False)

    def get_current(self, tenant_id: str, device_id: str) -> Row | None:
        """Return the device's current state, or None when there is none."""
        return self._database.fetch_one(
            GET_CURRENT, {"tenant_id": tenant_id, "device_id": device_id}
        )

    def heads(self, page: dict[str, Any]) -> list[Row]:
        """Return a page of the devices' newest ``event_id`` and ``row_hash``, by device_id."""
        return self._database.fetch_all(HEADS, page, prepare=False)


def lock_and_append(connection: Connection, events: Sequence[Event]) -> list[Row]:
    """Append within the connection's transaction, after waiting for the events' devices."""
    connection.execute(LOCK_HEADS, _devices(events), prepare=True)
    return _append_locked(connection, events)


def _append_locked(connection: Connection, events: Sequence[Event]) -> list[Row]:
    rows = connection.execute(APPEND, {"events": as_json(events)}, prepare=True).fetchall()
    if any(row["outcome"] is None for row in rows):
        raise errors.SerializationFailure("somebody else appended for the same device")
    committed = [
        event for event, row in zip(events, rows, strict=True) if row["outcome"] == "committed"
    ]
    if committed:
        connection.execute(PROJECT, _devices(committed), prepare=True)
    return rows


def _devices(events: Sequence[Event]) -> dict[str, Json]:
    names = {name_of(event) for event in events}
    return {"devices": as_json([{"tenant_id": tenant, "device_id": it} for tenant, it in names])}
