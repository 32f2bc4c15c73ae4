"""The stored event, and what every store of events does."""

import sys
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple, Protocol

from msgspec import Meta, Struct

from telemetry.database.lanes import FeedPage, Follower
from telemetry.timestamps import parse_utc

Event = dict[str, Any]

# sql/runtime_events has the same number.
COST_DECIMALS = 8


class Created(NamedTuple):
    """The stored event, and whether this request stored it or an earlier one did."""

    event: Event
    created: bool


class BatchCreated(NamedTuple):
    """The outcome of a batch. ``refused`` holds, by index, the constraint that refused an event."""

    inserted: int
    duplicates: int
    refused: dict[int, str]


class Filters(NamedTuple):
    """Which events a list holds. None: any."""

    source: str | None
    endpoint_prefix: str | None
    since: datetime | None


class ListEnd(Struct, array_like=True, forbid_unknown_fields=True):
    """Where a page of a list ended: its last event, and where to go on in a file."""

    recorded_at: str
    id: Annotated[str, Meta(pattern="^[^\\x00]*$")]
    offset: Annotated[int, Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        """Raise ValueError, which a decoder reports, when ``recorded_at`` is not a timestamp."""
        parse_utc(self.recorded_at)


class Listed(NamedTuple):
    """A page of a list. ``end`` is None when no more events follow."""

    events: Sequence[Any]
    end: ListEnd | None


class RuntimeEventStore(Protocol):
    """Appends and reads events. When create or create_batch returns, the events are durable."""

    feed_name: str
    """Differs between the backends: a cursor of one means nothing to the other."""

    feed_numbers: int
    """How many numbers a position in the feed has."""

    def create(self, event: Event) -> Created:
        """Store the event unless its id is stored already."""

    def create_batch(self, events: Mapping[int, Event]) -> BatchCreated:
        """Store the new events, all or none. ``events`` is by index in the batch."""

    def list(
        self, filters: Filters, *, limit: int, offset: int = 0, after: ListEnd | None = None
    ) -> Listed:
        """Return at most ``limit`` events, newest first, ``after`` the end of a page."""

    def feed(self, follower: Follower) -> FeedPage:
        """Return the page that a follower asks for, oldest first."""

    def summary(self, *, seconds: int, source: str | None, limit: int) -> Sequence[dict[str, Any]]:
        """Return the totals of each endpoint over the last seconds, the busiest first."""

    def ideas_summary(self, *, seconds: int, limit: int, offset: int) -> Sequence[dict[str, Any]]:
        """Return the totals of each idea over the last seconds, the most expensive first."""

    def change_token(self) -> str:
        """Return a text that changes when, and only when, a new event becomes visible."""

    def unreadable_lines(self) -> int | None:
        """Return how many lines of the store's file hold no event, or None without such a file."""


def event_to_store(sent: Event, cost_per_second: float) -> Event:
    """Return the event to store: the fields sent, those derived from them, and the defaults.

    The store adds ``recorded_at``.
    """
    endpoint = sent["endpoint"]
    idea_id = sent.get("idea_id") or None
    return {
        "id": sent.get("id") or f"rt_{uuid.uuid4().hex}",
        "source": sent["source"],
        "endpoint": normalized_endpoint(endpoint),
        "raw_endpoint": sent.get("raw_endpoint") or endpoint,
        "method": sent.get("method", "GET").upper(),
        "status_code": sent.get("status_code", 200),
        "runtime_ms": sent["runtime_ms"],
        "runtime_cost_estimate": cost(sent["runtime_ms"], cost_per_second),
        "idea_id": idea_id,
        "origin_idea_id": idea_id,
        "metadata": sent.get("metadata", {}),
    }


def normalized_endpoint(endpoint: str) -> str:
    """Return the endpoint without its query string and with a leading slash."""
    path = endpoint.partition("?")[0]
    return path if path.startswith("/") else f"/{path}"


def cost(runtime_ms: float, cost_per_second: float) -> float:
    """Return the rounded price of the time; the largest double when the price exceeds it."""
    return rounded_cost(min(runtime_ms / 1000 * cost_per_second, sys.float_info.max))


def rounded_cost(cost: float) -> float:
    """Return the cost with the decimals that responses give."""
    return round(cost, COST_DECIMALS)
