"""Devices, sessions and the ledger in the database."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from telemetry.audio_runtime.devices import Scope, by_tenant, name_of
from telemetry.audio_runtime.finding import REBUILD_INTEGRITY
from telemetry.audio_runtime.outcomes import (
    Committed,
    Duplicate,
    Outcome,
    Refused,
    RefusedByConstraint,
    Unsettled,
)
from telemetry.audio_runtime.projection import lock_heads, project
from telemetry.audio_runtime.rebuild import Rebuilt, rebuild
from telemetry.audio_runtime.schema import EVENT_FIELDS
from telemetry.counters import GROUPS
from telemetry.database import statements
from telemetry.database.batch_insert import Refusal, insert_batch
from telemetry.database.connection import Connection
from telemetry.database.database import Database, Row
from telemetry.database.errors import Collision, DatabaseUnavailable, IntegrityViolation
from telemetry.database.lanes import Feed, FeedPage, Follower, Unnumbered
from telemetry.database.values import as_json
from telemetry.group_commit import GroupCommit, Limits
from telemetry.paging import Page

PUT_DEVICE = statements.load("audio_runtime/put_device")
PUT_SESSION = statements.load("audio_runtime/put_session")
BEGIN_CHAIN = statements.load("audio_runtime/begin_chain")
GET_DEVICE = statements.load("audio_runtime/get_device")
APPEND = statements.load("audio_runtime/append")
DESCRIBE_DUPLICATES = statements.load("audio_runtime/describe_duplicates")
LIST_EVENTS = statements.load("audio_runtime/list_events")
FEED = Feed(
    numbered=statements.load("audio_runtime/feed"),
    now=statements.load("audio_runtime/feed_now"),
    column="feed_number",
    unnumbered=Unnumbered(
        statements.load("audio_runtime/feed_unnumbered"), key="event_id", before_all="0"
    ),
)
LIST_DEVICE_EVENTS = statements.load("audio_runtime/list_device_events")
LIST_CURRENT = statements.load("audio_runtime/list_current")
GET_CURRENT = statements.load("audio_runtime/get_current")
LIST_HEADS = statements.load("audio_runtime/list_heads")

Event = dict[str, Any]
Settled = Outcome | Unsettled

UNSETTLED = {it.value: it for it in Unsettled}


class AudioRuntimeStore:
    """Appends to the ledger and reads what it says.

    Every method raises what Database.fetch_all raises. Reads are of one tenant.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._group_commit = GroupCommit(
            self._append_group,
            Limits(groups=database.pool_size),
            unavailable=DatabaseUnavailable,
            observe=GROUPS.observer("audio_runtime"),
        )

    def put_device(self, device_id: str, device: dict[str, Any]) -> Row | None:
        """Bind the device; return it with ``created``, or None when it is another tenant's."""
        sent = {"device_type": None, **device, "device_id": device_id}

        def work(connection: Connection) -> Row | None:
            with connection.transaction_if_distributed():
                return put_device(connection, sent)

        return self._database.transact(work, one_statement=True)

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

    def append(self, event: Event) -> Outcome:
        """Append the event if it is new and no rule refuses it; return what happened to it.

        Events that arrive together share a commit; one whose device is locked is appended alone
        afterwards.
        """
        settled = self._group_commit.submit(event)
        if settled is Unsettled.DEFERRED:
            return self.append_batch([event])[0]
        return self._describe_duplicates([event], [settled])[0]

    def append_batch(self, events: Sequence[Event]) -> list[Outcome]:
        """Append the events that are new and that no rule refuses, in one transaction.

        Returns what happened to each, in their order.

        Two round trips: lock and append travel together, each with its own snapshot, then the
        COMMIT. Duplicates take one more, and a projection that has to be repaired a few.
        """
        return self._describe_duplicates(
            events,
            [
                RefusedByConstraint(it.constraint) if isinstance(it, Refusal) else it
                for it in insert_batch(self._database, events, lock_and_append)
            ],
        )

    def _append_group(self, events: Sequence[Event]) -> Sequence[Settled]:
        """Append by one statement, which waits for no other append."""

        def work(connection: Connection) -> Sequence[Settled]:
            with connection.transaction_if_distributed():
                return _append(connection, events)

        try:
            return self._database.transact(work, one_statement=True)
        except (Collision, IntegrityViolation):
            return [Unsettled.DEFERRED] * len(events)

    def _describe_duplicates(
        self, events: Sequence[Event], settled: Sequence[Settled]
    ) -> list[Outcome]:
        """Return the outcomes, with each duplicate described. ``settled`` holds no DEFERRED."""
        known = [
            event for event, it in zip(events, settled, strict=True) if it is Unsettled.DUPLICATE
        ]
        described = iter(self._first_of(known) if known else ())
        return [Duplicate(**next(described)) if isinstance(it, Unsettled) else it for it in settled]

    def _first_of(self, events: Sequence[Event]) -> list[Row]:
        """Return, for each event, the first event with its dedupe key, and what differs."""

        def work(connection: Connection) -> list[Row]:
            return _row_of_each(connection, DESCRIBE_DUPLICATES, events, fields=EVENT_FIELDS)

        rows = self._database.transact(work, one_statement=True)
        if len(rows) != len(events):
            raise DatabaseUnavailable("an event that was sent again is not in the ledger")
        return rows

    def list_events(self, page: dict[str, Any], limit: int) -> Page[Any]:
        """Return the first of the tenant's events."""
        return self._database.fetch_page(LIST_EVENTS, page, limit=limit)

    def list_device_events(self, page: dict[str, Any], limit: int) -> Page[Any]:
        """Return a page of the device's events in ledger order."""
        return self._database.fetch_page(LIST_DEVICE_EVENTS, page, limit=limit)

    def feed(self, tenant_id: str, follower: Follower) -> FeedPage:
        """Return the page of the tenant's events that a follower asks for."""
        return FEED.page(self._database, follower, {"tenant_id": tenant_id})

    def list_current(self, page: dict[str, Any], limit: int) -> Page[Any]:
        """Return a page of the devices' current states, by device_id."""
        return self._database.fetch_page(LIST_CURRENT, page, limit=limit)

    def get_current(self, tenant_id: str, device_id: str) -> Row | None:
        """Return the device's current state, or None."""
        return self._database.fetch_one(
            GET_CURRENT, {"tenant_id": tenant_id, "device_id": device_id}
        )

    def list_heads(self, page: dict[str, Any], limit: int) -> Page[Any]:
        """Return a page of the devices' newest ``event_id`` and ``row_hash``, by device_id."""
        return self._database.fetch_page(LIST_HEADS, page, limit=limit)

    def rebuild(self, scope: Scope) -> Rebuilt:
        """Rebuild the projection of the devices in the scope.

        Raises LedgerContradiction for a device that cannot be rebuilt, after all others were.
        """
        return rebuild(self._database.transact, scope)


def put_device(connection: Connection, device: dict[str, Any]) -> Row | None:
    """Bind the device and begin its chain, within a transaction where tables are distributed.

    Returns what AudioRuntimeStore.put_device returns.
    """
    stored = connection.execute(PUT_DEVICE, device).fetchone()
    if stored and connection.is_distributed:
        # No trigger can: the head is on another server.
        connection.execute(BEGIN_CHAIN, device)
    return stored


def lock_and_append(connection: Connection, events: Sequence[Event]) -> list[Settled]:
    """Append within the connection's transaction, after waiting for the events' devices.

    The projection of a device that is not at its head is repaired first. No outcome is
    DEFERRED. Raises Collision when another writer changes a projection meanwhile.
    """
    lock_heads(connection, events, prepare=True)
    settled = _append(connection, events)
    deferred = [n for n, it in enumerate(settled) if it is Unsettled.DEFERRED]
    if deferred:
        appended = _repair_and_append(connection, [events[n] for n in deferred])
        for n, it in zip(deferred, appended, strict=True):
            settled[n] = it
    return settled


def _repair_and_append(connection: Connection, events: Sequence[Event]) -> list[Settled]:
    # Lock again: a device may have been created since the first lock.
    lock_heads(connection, events)
    devices = {name_of(event): event for event in events}
    found = project(connection, [*devices.values()]).contradictions
    contradictory = {finding[:2] for finding in found}
    rest = iter(_append(connection, [it for it in events if name_of(it) not in contradictory]))
    settled = [
        Refused(REBUILD_INTEGRITY) if name_of(it) in contradictory else next(rest) for it in events
    ]
    if Unsettled.DEFERRED in settled:
        raise Collision("the projection was changed while it was being repaired")
    return settled


def _append(connection: Connection, events: Sequence[Event]) -> list[Settled]:
    return [_settled(row) for row in _row_of_each(connection, APPEND, events)]


def _row_of_each(
    connection: Connection, statement: bytes, events: Sequence[Event], **more: Any
) -> list[Row]:
    """Return the row that the statement returns for each event, in their order."""
    found = {
        tenant_id: connection.execute(
            statement,
            {"events": as_json(sent), "tenant_id": tenant_id, **more},
            prepare=True,
        ).fetchall()
        for tenant_id, sent in by_tenant(connection, events)
    }
    if not connection.is_distributed:
        return found[None]
    rows = {tenant_id: iter(of_tenant) for tenant_id, of_tenant in found.items()}
    return [row for event in events for row in islice(rows[event["tenant_id"]], 1)]


def _settled(row: Row) -> Settled:
    """Return what a row of append.sql says."""
    outcome = row["outcome"]
    if outcome == "committed":
        return Committed(row["event_id"], row["audit_event_id"], row["row_hash"])
    return UNSETTLED.get(outcome) or Refused(outcome)
