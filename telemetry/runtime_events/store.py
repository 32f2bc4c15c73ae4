"""Runtime events in PostgreSQL."""

from collections.abc import Mapping, Sequence, Set
from operator import itemgetter
from typing import Any

from psycopg.rows import scalar_row

from telemetry.counters import GROUPS
from telemetry.database import statements
from telemetry.database.batch_insert import insert_group, insert_new
from telemetry.database.connection import Connection
from telemetry.database.database import Database, Row
from telemetry.database.errors import DatabaseUnavailable
from telemetry.database.lanes import LANES, Feed, FeedPage, Follower
from telemetry.database.values import Keyed, as_json
from telemetry.group_commit import GroupCommit, Limits
from telemetry.numbers import with_point
from telemetry.runtime_events.events import (
    BatchCreated,
    Created,
    Event,
    Filters,
    Listed,
    ListEnd,
)

CREATE = statements.load("runtime_events/create")
FIND_EXISTING = statements.load("runtime_events/find_existing")
GET = statements.load("runtime_events/get")
LIST = statements.load("runtime_events/list")
SUMMARY = statements.load("runtime_events/summary")
IDEAS_SUMMARY = statements.load("runtime_events/ideas_summary")
CHANGE_TOKEN = statements.load("runtime_events/change_token")
FEED = Feed(
    numbered=statements.load("runtime_events/feed"),
    now=statements.load("runtime_events/feed_now"),
    column="feed_number",
)

NUMERIC = ("runtime_ms", "runtime_cost_estimate")

# More than any table has. Citus adds offset and limit, and the sum has to be a bigint.
MOST_ROWS = 2**62


class DatabaseEvents:
    """A RuntimeEventStore. Every method raises what Database.fetch_all raises."""

    feed_name = "runtime-events"
    feed_numbers = LANES

    def __init__(self, database: Database) -> None:
        self._database = database
        self._group_commit = GroupCommit(
            self._create_group,
            Limits(groups=database.pool_size),
            unavailable=DatabaseUnavailable,
            observe=GROUPS.observer("runtime_events"),
        )

    def create(self, event: Event) -> Created:
        """Store the event unless its id exists. Events that arrive together share a commit."""
        sent = as_json(_with_exact_numbers(event))
        stored = self._group_commit.submit(Keyed(event["id"], sent), len(sent))
        if stored:
            return Created(stored, created=True)
        stored = self._database.fetch_one(GET, {"id": event["id"]})
        if stored is None or stored["id"] != event["id"]:
            raise _not_found(event["id"])
        return Created(stored, created=False)

    def create_batch(self, events: Mapping[int, Event]) -> BatchCreated:
        """Store the new events in one transaction, after which all of them exist."""

        def insert(connection: Connection, part: Sequence[Event]) -> set[str]:
            sent = as_json([_with_exact_numbers(event) for event in part])
            new = {row["id"] for row in connection.execute(CREATE, {"events": sent})}
            _require_existing(connection, {event["id"] for event in part} - new)
            return new

        new, refused = insert_new(self._database, events, itemgetter("id"), insert)
        return BatchCreated(len(new), len(events) - len(new) - len(refused), refused)

    def _create_group(self, events: Sequence[Keyed]) -> Sequence[Row | None]:
        return insert_group(self._database, CREATE, "events", events, key="id")

    def list(
        self, filters: Filters, *, limit: int, offset: int = 0, after: ListEnd | None = None
    ) -> Listed:
        """Return a page of events, newest first."""
        parameters = {
            **filters._asdict(),
            "cursor_recorded_at": after.recorded_at if after else None,
            "cursor_id": after.id if after else None,
            "row_offset": min(offset, MOST_ROWS),
        }
        rows, has_more = self._database.fetch_page(LIST, parameters, limit=limit)
        return Listed(rows, ListEnd(rows[-1].recorded_at, rows[-1].id) if has_more else None)

    def feed(self, follower: Follower) -> FeedPage:
        """Return the page that a follower asks for, oldest first."""
        return FEED.page(self._database, follower, {})

    def summary(self, *, seconds: int, source: str | None, limit: int) -> Sequence[dict[str, Any]]:
        """Return the totals of each endpoint."""
        return self._database.fetch_all(
            SUMMARY, {"seconds": seconds, "source": source, "row_limit": limit}, prepare=False
        )

    def ideas_summary(self, *, seconds: int, limit: int, offset: int) -> Sequence[dict[str, Any]]:
        """Return a page of the totals of each idea."""
        page = {"row_limit": limit, "row_offset": min(offset, MOST_ROWS)}
        return self._database.fetch_all(IDEAS_SUMMARY, {"seconds": seconds, **page}, prepare=False)

    def change_token(self) -> str:
        """Return the token of the events that are visible at the moment."""
        row = self._database.fetch_one(CHANGE_TOKEN)
        return str(row["token"]) if row else ""

    def unreadable_lines(self) -> None:
        """Return None: there is no file."""


def _require_existing(connection: Connection, ids: Set[str]) -> None:
    """Raise DatabaseUnavailable unless there is an event of each id."""
    if not ids:
        return
    cursor = connection.cursor(row_factory=scalar_row)
    found = {*cursor.execute(FIND_EXISTING, {"ids": [*ids]})}
    for missing in ids - found:
        raise _not_found(missing)


def _not_found(event_id: str) -> DatabaseUnavailable:
    return DatabaseUnavailable(f"event {event_id!r} was deleted while it was sent again")


def _with_exact_numbers(event: Event) -> Event:
    """Return the event with the values of numeric columns as with_point writes them."""
    return {**event, **{name: with_point(event[name]) for name in NUMERIC}}
