"""Devices, sessions and the ledger in the database."""

from collections.abc import Sequence
from typing import Any

from psycopg import errors

from telemetry import sql
from telemetry.database import Connection, Database, Row
from telemetry.database_values import as_json

PUT_DEVICE = sql.load("audio_runtime/put_device")
PUT_SESSION = sql.load("audio_runtime/put_session")
GET_DEVICE = sql.load("audio_runtime/get_device")
LOCK_HEADS = sql.load("audio_runtime/lock_heads")
APPEND = sql.load("audio_runtime/append")
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

    def append(self, events: Sequence[Event]) -> list[Row]:
        """Append the events that are new and not refused, all of them in one transaction.

        Returns what became of each, as append.sql tells it. Two round trips: the statements
        go together, each with a snapshot of its own, and then the commit.
        """
        sent = as_json(events)

        def work(connection: Connection) -> list[Row]:
            connection.execute(LOCK_HEADS, {"devices": sent}, prepare=True)
            appended = connection.execute(APPEND, {"events": sent}, prepare=True)
            connection.execute(PROJECT, {"devices": sent}, prepare=True).fetchall()
            rows = appended.fetchall()
            if any(row["outcome"] is None for row in rows):
                raise errors.SerializationFailure("an event was appended past the lock")
            return rows

        return self._database.transact(work, pipelined=True)

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
