"""Adding up events, as the statements of the same names in sql/runtime_events do."""

import sys
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, floor, fsum
from operator import itemgetter
from typing import Any

from telemetry.runtime_events.events import rounded_cost
from telemetry.runtime_events.file.stored import StoredEvent
from telemetry.runtime_events.file.weight import weight_of

# The idea of the events that name none.
UNMAPPED = "unmapped"


def _doubles() -> "array[float]":
    return array("d")


@dataclass
class Totals:
    """What the events of one endpoint, or of one idea, add up to."""

    total_ms: "array[float]" = field(default_factory=_doubles)
    costs: "array[float]" = field(default_factory=_doubles)
    sources: Counter[str] = field(default_factory=Counter)

    def add(self, event: StoredEvent) -> int:
        """Add the event; return how many events it stands for."""
        weight = weight_of(event)
        self.total_ms.append(weight.total_runtime_ms)
        self.costs.append(weight.total_cost)
        self.sources[event.source] += weight.events
        return weight.events

    @property
    def events(self) -> int:
        """How many events there are."""
        return self.sources.total()

    @property
    def runtime_ms(self) -> float:
        """How long all events took together."""
        return _sum(self.total_ms)

    @property
    def cost(self) -> float:
        """What all events cost together, not rounded."""
        return _sum(self.costs)

    def columns(self) -> dict[str, Any]:
        """Return the columns that every summary has."""
        return {
            "event_count": self.events,
            "total_runtime_ms": self.runtime_ms,
            "average_runtime_ms": _average(self.total_ms, self.events),
            "runtime_cost_estimate": rounded_cost(self.cost),
            "by_source": dict(sorted(self.sources.items())),
        }


@dataclass
class EndpointTotals(Totals):
    """What the events of one endpoint add up to. ``times`` and ``weights`` belong together."""

    times: "array[float]" = field(default_factory=_doubles)
    weights: "array[int]" = field(default_factory=lambda: array("q"))
    methods: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)

    def add(self, event: StoredEvent) -> int:
        """Add the event; return how many events it stands for."""
        events = super().add(event)
        self.times.append(float(event.runtime_ms))
        self.weights.append(events)
        self.methods.add(event.method)
        self.statuses[event.status_code] += events
        return events

    @property
    def errors(self) -> int:
        """How many events have a status of 500 or more."""
        return sum(n for status, n in self.statuses.items() if status >= 500)

    def percentiles(self) -> list[float]:
        """Return p50, p95 and p99 in milliseconds."""
        return _percentiles(self.times, self.weights, (0.50, 0.95, 0.99))


def endpoint_totals(events: Iterable[StoredEvent]) -> dict[str, EndpointTotals]:
    """Return the totals of each endpoint."""
    endpoints: dict[str, EndpointTotals] = {}
    for event in events:
        endpoints.setdefault(event.endpoint, EndpointTotals()).add(event)
    return endpoints


def idea_totals(events: Iterable[StoredEvent]) -> dict[str, Totals]:
    """Return the totals of each idea."""
    ideas: dict[str, Totals] = {}
    for event in events:
        ideas.setdefault(idea_of(event), Totals()).add(event)
    return ideas


def idea_of(event: StoredEvent) -> str:
    """Return the idea that the event counts for."""
    return event.idea_id or UNMAPPED


def endpoints_summary(events: Iterable[StoredEvent], limit: int) -> list[dict[str, Any]]:
    """Return the totals of the ``limit`` busiest endpoints, the busiest first."""
    endpoints = endpoint_totals(events)
    busiest = sorted(endpoints.items(), key=lambda it: (-it[1].events, it[0]))
    return [_endpoint(name, totals) for name, totals in busiest[:limit]]


def ideas_summary(
    events: Iterable[StoredEvent], *, limit: int, offset: int
) -> list[dict[str, Any]]:
    """Return a page of the totals of each idea, the most expensive first."""
    rows = [{"idea_id": name, **totals.columns()} for name, totals in idea_totals(events).items()]
    rows.sort(key=itemgetter("idea_id"))
    rows.sort(key=itemgetter("runtime_cost_estimate"), reverse=True)
    return rows[offset : offset + limit]


def _endpoint(name: str, totals: EndpointTotals) -> dict[str, Any]:
    common = totals.columns()
    p50, p95, p99 = totals.percentiles()
    return {
        "endpoint": name,
        "methods": sorted(totals.methods),
        "event_count": common["event_count"],
        "error_count": totals.errors,
        "total_runtime_ms": common["total_runtime_ms"],
        "average_runtime_ms": common["average_runtime_ms"],
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "runtime_cost_estimate": common["runtime_cost_estimate"],
        "by_source": common["by_source"],
        "status_counts": {str(status): n for status, n in sorted(totals.statuses.items())},
    }


def _sum(values: Iterable[float]) -> float:
    """Return the sum, rounded once; the largest double when the sum exceeds it."""
    try:
        return fsum(values)
    except OverflowError:
        return sys.float_info.max


def _average(totals: Iterable[float], events: int) -> float:
    """Return the average; where the sum exceeds a double, divide before adding."""
    try:
        return fsum(totals) / events
    except OverflowError:
        return _sum(total / events for total in totals)


def _percentiles(
    times: Sequence[float], weights: Sequence[int], shares: Iterable[float]
) -> list[float]:
    """Return percentiles, between the two nearest times as percentile_cont does.

    Each time counts as often as its weight says.
    """
    events = sum(weights)
    # The number of events up to each time, itself included.
    upto: Sequence[int] = range(1, events + 1)
    if events == len(times):
        times = sorted(times)
    else:
        in_order = sorted(zip(times, weights, strict=True))
        times = [time for time, _ in in_order]
        upto = [*accumulate(weight for _, weight in in_order)]
    found = []
    for share in shares:
        place = share * (events - 1)
        below = times[bisect_right(upto, floor(place))]
        above = times[bisect_right(upto, ceil(place))]
        found.append(below + (above - below) * (place - floor(place)))
    return found
