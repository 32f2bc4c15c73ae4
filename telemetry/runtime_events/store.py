"""Runtime events in PostgreSQL."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from telemetry.counters import GROUPS
from telemetry.database import statements
from telemetry.database.batch_insert import insert_group, insert_new
from telemetry.database.connection import Connection
from telemetry.database.database import Database, Row
from telemetry.database.errors import DatabaseUnavailable
from telemetry.database.values import Keyed, as_json
from telemetry.group_commit import GroupCommit, Limits
from telemetry.numbers import with_point
from telemetry.runtime_events.events import BatchCreated, Created, Event, Filters

CREATE = statements.load("runtime_events/create")
GET = statements.load("runtime_events/get")
LIST = statements.load("runtime_events/list")
SUMMARY = statements.load("runtime_events/summary")
CHANGE_TOKEN = statements.load("runtime_events/change_token")

NUMERIC = ("runtime_ms", "runtime_cost_estimate")


class DatabaseEvents:
    """A RuntimeEventStore. Every method raises what Database.fetch_all raises."""

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
        if stored is None:
            raise DatabaseUnavailable(f"event {event['id']!r} was deleted while it was sent again")
        return Created(stored, created=False)

    def create_batch(self, events: Mapping[int, Event]) -> BatchCreated:
        """Store the new events in one transaction."""

        def insert(connection: Connection, part: Sequence[Event]) -> set[str]:
            sent = as_json([_with_exact_numbers(event) for event in part])
            return {row["id"] for row in connection.execute(CREATE, {"events": sent})}

        new, refused = insert_new(self._database, events, itemgetter("id"), insert)
        return BatchCreated(len(new), len(events) - len(new) - len(refused), refused)

    def _create_group(self, events: Sequence[Keyed]) -> Sequence[Row | None]:
        return insert_group(self._database, CREATE, "events", events, key="id")

    def list(self, filters: Filters, *, limit: int, offset: int) -> Sequence[Event]:
        """Return a page of events, newest first."""
        return self._database.fetch_all(
            LIST, {**filters._asdict(), "row_limit": limit, "row_offset": offset}, prepare=False
        )

    def summary(self, *, seconds: int, source: str | None, limit: int) -> Sequence[dict[str, Any]]:
        """Return the totals of each endpoint."""
        return self._database.fetch_all(
            SUMMARY, {"seconds": seconds, "source": source, "row_limit": limit}, prepare=False
        )

    def change_token(self) -> str:
        """Return the token of the events that are visible at the moment."""
        row = self._database.fetch_one(CHANGE_TOKEN)
        return str(row["token"]) if row else ""

    def unreadable_lines(self) -> None:
        """Return None: there is no file."""


def _with_exact_numbers(event: Event) -> Event:
    """Return the event with the values of numeric columns as with_point writes them."""
    return {**event, **{name: with_point(event[name]) for name in NUMERIC}}
