"""The totals of each endpoint, computed as sql/runtime_events/summary.sql does."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor, isfinite
from typing import Any

from telemetry.runtime_events.file.stored import StoredEvent


@dataclass
class Totals:
    """What the events of one endpoint add up to."""

    times: list[float] = field(default_factory=list)
    cost: float = 0.0
    methods: set[str] = field(default_factory=set)
    sources: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)


class Summary:
    """Adds up events, which it takes one by one, in any order."""

    def __init__(self) -> None:
        self._endpoints: dict[str, Totals] = {}

    def add(self, event: StoredEvent) -> None:
        """Add the event to the totals of its endpoint."""
        totals = self._endpoints.setdefault(event.endpoint, Totals())
        # Doubles, as in the database: the sum of long integers could exceed a double.
        totals.times.append(float(event.runtime_ms))
        totals.cost += float(event.runtime_cost_estimate)
        totals.methods.add(event.method)
        totals.sources[event.source] += 1
        totals.statuses[event.status_code] += 1

    def endpoints(self, limit: int) -> list[dict[str, Any]]:
        """Return the totals of the ``limit`` busiest endpoints, the busiest first."""
        busiest = sorted(self._endpoints.items(), key=lambda it: (-len(it[1].times), it[0]))
        return [_row(name, totals) for name, totals in busiest[:limit]]


def _row(name: str, totals: Totals) -> dict[str, Any]:
    times = sorted(totals.times)
    total_ms = sum(times)
    return {
        "endpoint": name,
        "methods": sorted(totals.methods),
        "event_count": len(times),
        "error_count": sum(n for status, n in totals.statuses.items() if status >= 500),
        "total_runtime_ms": min(total_ms, sys.float_info.max),
        "average_runtime_ms": _average(times, total_ms),
        "p50_ms": _percentile(times, 0.50),
        "p95_ms": _percentile(times, 0.95),
        "p99_ms": _percentile(times, 0.99),
        "runtime_cost_estimate": min(totals.cost, sys.float_info.max),
        "by_source": dict(sorted(totals.sources.items())),
        "status_counts": {str(status): n for status, n in sorted(totals.statuses.items())},
    }


def _average(times: Sequence[float], total: float) -> float:
    """Return the average; where the ``total`` exceeds a double, divide before adding."""
    return total / len(times) if isfinite(total) else sum(time / len(times) for time in times)


def _percentile(times: Sequence[float], share: float) -> float:
    """Return a percentile, between the two nearest times as percentile_cont does."""
    place = share * (len(times) - 1)
    below = floor(place)
    above = min(below + 1, len(times) - 1)
    return times[below] + (times[above] - times[below]) * (place - below)
