"""Devices, sessions and the ledger in the database."""

from collections.abc import Sequence
from typing import Any

from psycopg import errors

from telemetry.audio_runtime.devices import Scope, name_of, named
from telemetry.audio_runtime.finding import REBUILD_INTEGRITY
from telemetry.audio_runtime.projection import LOCK_HEADS, project
from telemetry.audio_runtime.rebuild import Rebuilt, rebuild
from telemetry.database import statements
from telemetry.database.batch_insert import Refusal, insert_batch
from telemetry.database.connection import Connection
from telemetry.database.database import Database, Row
from telemetry.database.errors import Collision, DatabaseUnavailable, IntegrityViolation
from telemetry.database.values import Json, as_json
from telemetry.group_commit import GroupCommit, Limits

PUT_DEVICE = statements.load("audio_runtime/put_device")
PUT_SESSION = statements.load("audio_runtime/put_session")
GET_DEVICE = statements.load("audio_runtime/get_device")
APPEND = statements.load("audio_runtime/append")
DESCRIBE_DUPLICATES = statements.load("audio_runtime/describe_duplicates")
LIST_EVENTS = statements.load("audio_runtime/list_events")
LIST_DEVICE_EVENTS = statements.load("audio_runtime/list_device_events")
LIST_CURRENT = statements.load("audio_runtime/list_current")
GET_CURRENT = statements.load("audio_runtime/get_current")
LIST_HEADS = statements.load("audio_runtime/list_heads")

Event = dict[str, Any]


class AudioRuntimeStore:
    """Appends to the ledger and reads what it says.

    Every method raises what Database.fetch_all raises. Reads are of one tenant.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._group_commit = GroupCommit(
            self._append_group, Limits(groups=database.pool_size), unavailable=DatabaseUnavailable
        )

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
        row = self._group_commit.submit(event)
        if row is None:
            return self.append_batch([event])[0]
        self._describe_duplicates([event], [row])
        return row

    def append_batch(self, events: Sequence[Event]) -> list[Row]:
        """Append the events that are new and not refused, all of them in one transaction.

        Returns what became of each, in order: ``outcome``, as append.sql tells it, or
        ``constraint``, the one of a DBA that refused it; of events committed and duplicates
        ``event_id``, ``audit_event_id`` and ``row_hash``, and of duplicates ``differs``.

        Two round trips: the statements up to the append go together, each with a snapshot of
        its own, and then the commit. Duplicates, which are rare, take one more, and devices
        whose projection has to be mended some.
        """
        rows = [
            {"outcome": None, "constraint": row.constraint} if isinstance(row, Refusal) else row
            for row in insert_batch(self._database, events, lock_and_append)
        ]
        self._describe_duplicates(events, rows)
        return rows

    def _append_group(self, events: Sequence[Event]) -> Sequence[Row | None]:
        """Append by one statement, which waits for no other append; None for what it leaves out."""
        try:
            rows = self._database.fetch_all(APPEND, _sent(events), prepare=True)
        except (Collision, IntegrityViolation):
            return [None] * len(events)
        return [None if row["outcome"] == "deferred" else row for row in rows]

    def _describe_duplicates(self, events: Sequence[Event], rows: list[Row]) -> None:
        """Complete the rows of duplicates."""
        known = [n for n, row in enumerate(rows) if row["outcome"] == "duplicate"]
        if not known:
            return
        sent = _sent([events[n] for n in known])
        recalled = self._database.fetch_all(DESCRIBE_DUPLICATES, sent, prepare=True)
        for n, row in zip(known, recalled, strict=True):
            rows[n].update(row)

    def list_events(self, page: dict[str, Any]) -> list[Row]:
        """Return the first of the tenant's events."""
        return self._database.fetch_all(LIST_EVENTS, page, prepare=False)

    def list_device_events(self, page: dict[str, Any]) -> list[Row]:
        """Return a page of the device's events in ledger order."""
        return self._database.fetch_all(LIST_DEVICE_EVENTS, page, prepare=False)

    def list_current(self, page: dict[str, Any]) -> list[Row]:
        """Return a page of the devices' current states, by device_id."""
        return self._database.fetch_all(LIST_CURRENT, page, prepare=False)

    def get_current(self, tenant_id: str, device_id: str) -> Row | None:
        """Return the device's current state, or None when there is none."""
        return self._database.fetch_one(
            GET_CURRENT, {"tenant_id": tenant_id, "device_id": device_id}
        )

    def list_heads(self, page: dict[str, Any]) -> list[Row]:
        """Return a page of the devices' newest ``event_id`` and ``row_hash``, by device_id."""
        return self._database.fetch_all(LIST_HEADS, page, prepare=False)

    def rebuild(self, scope: Scope) -> Rebuilt:
        """Rebuild the projection of the devices in the scope.

        Raises LedgerContradiction, too, after all others have been rebuilt.
        """
        return rebuild(self._database.transact, scope)


def lock_and_append(connection: Connection, events: Sequence[Event]) -> list[Row]:
    """Append within the connection's transaction, after waiting for the events' devices.

    Of a device whose projection is not as of its head, the projection is mended before.
    """
    connection.execute(LOCK_HEADS, named(events), prepare=True)
    rows = _append(connection, events)
    left = [n for n, row in enumerate(rows) if row["outcome"] == "deferred"]
    if left:
        for n, row in zip(
            left, _mend_and_append(connection, [events[n] for n in left]), strict=True
        ):
            rows[n] = row
    return rows


def _mend_and_append(connection: Connection, events: Sequence[Event]) -> list[Row]:
    # Once more: one may be of a device that was not there before.
    connection.execute(LOCK_HEADS, named(events))
    devices = {name_of(event): event for event in events}
    found = project(connection, [*devices.values()]).contradictions
    contradictory = {finding[:2] for finding in found}
    rows = iter(_append(connection, [it for it in events if name_of(it) not in contradictory]))
    appended = [
        {"outcome": REBUILD_INTEGRITY} if name_of(it) in contradictory else next(rows)
        for it in events
    ]
    if any(row["outcome"] == "deferred" for row in appended):
        raise errors.SerializationFailure("the projection was changed meanwhile")
    return appended


def _append(connection: Connection, events: Sequence[Event]) -> list[Row]:
    return connection.execute(APPEND, _sent(events), prepare=True).fetchall()


def _sent(events: Sequence[Event]) -> dict[str, Json]:
    return {"events": as_json(events)}
