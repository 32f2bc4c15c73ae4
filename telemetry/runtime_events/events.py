"""The stored event, and what every store of events does."""

import sys
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from telemetry.paging import Page

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


class RuntimeEventStore(Protocol):
    """Appends and reads events. When create or create_batch returns, the events are durable."""

    def create(self, event: Event) -> Created:
        """Store the event unless its id is stored already."""

    def create_batch(self, events: Mapping[int, Event]) -> BatchCreated:
        """Store the new events, all or none. ``events`` is by index in the batch."""

    def list(self, filters: Filters, *, limit: int, offset: int) -> Page[Any]:
        """Return at most ``limit`` events, newest first, and whether more follow."""

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
