"""What a stored event is, and what a store of events does, whichever it is."""

import sys
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

Event = dict[str, Any]


class Created(NamedTuple):
    """The stored event, and whether it was stored now or had been before."""

    event: Event
    created: bool


class BatchCreated(NamedTuple):
    """What became of a batch; ``refused`` maps an index to the constraint that refused it."""

    inserted: int
    duplicates: int
    refused: dict[int, str]


class Filters(NamedTuple):
    """Which events a list is to hold; None stands for any."""

    source: str | None
    endpoint_prefix: str | None
    since: datetime | None


class RuntimeEventStore(Protocol):
    """Appends and reads events. What create and create_batch answered is durable."""

    def create(self, event: Event) -> Created:
        """Store the event unless its id is there."""

    def create_batch(self, events: Mapping[int, Event]) -> BatchCreated:
        """Store, all or none, the events that are new. ``events`` is by index in the batch."""

    def list(self, filters: Filters, *, limit: int, offset: int) -> Sequence[Event]:
        """Return at most ``limit`` events, newest first."""

    def summary(self, *, seconds: int, source: str | None, limit: int) -> Sequence[dict[str, Any]]:
        """Return what the endpoints did in the last seconds, the busiest first."""

    def change_token(self) -> str:
        """Return a text that changes when an event has become visible, and otherwise stays."""

    def unreadable_lines(self) -> int | None:
        """Return how many lines of the store's file hold no event; None: there is no such file."""


def complete(sent: Event, cost_per_second: float) -> Event:
    """Return the event to store: what was sent, what is derived from it, and the defaults.

    ``recorded_at`` is missing still: it is the store's to say.
    """
    endpoint = sent["endpoint"]
    idea_id = sent.get("idea_id")
    return {
        "id": sent.get("id") or f"rt_{uuid.uuid4().hex}",
        "source": sent["source"],
        "endpoint": normal_endpoint(endpoint),
        "raw_endpoint": sent.get("raw_endpoint", endpoint),
        "method": sent.get("method", "GET").upper(),
        "status_code": sent.get("status_code", 200),
        "runtime_ms": sent["runtime_ms"],
        "runtime_cost_estimate": cost(sent["runtime_ms"], cost_per_second),
        "idea_id": idea_id,
        "origin_idea_id": idea_id,
        "metadata": sent.get("metadata", {}),
    }


def normal_endpoint(endpoint: str) -> str:
    """Return the endpoint without its query string and with a leading slash."""
    path = endpoint.partition("?")[0]
    return path if path.startswith("/") else f"/{path}"


def cost(runtime_ms: float, cost_per_second: float) -> float:
    """Return the price of the time, as a double: the largest one when there is none so large."""
    return min(runtime_ms / 1000 * cost_per_second, sys.float_info.max)
