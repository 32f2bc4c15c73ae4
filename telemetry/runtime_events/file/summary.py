"""Summing events up by endpoint, as sql/runtime_events/summary.sql does."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor, isfinite
from typing import Any

from telemetry.runtime_events.file.stored import StoredEvent


@dataclass
class Endpoint:
    """The events of one endpoint."""

    times: list[float] = field(default_factory=list)
    cost: float = 0.0
    methods: set[str] = field(default_factory=set)
    sources: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)


class Summary:
    """Takes events one by one, in any order."""

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoint] = {}

    def add(self, event: StoredEvent) -> None:
        """Count the event in."""
        endpoint = self._endpoints.setdefault(event.endpoint, Endpoint())
        # Doubles, as in the database: a sum of long integers could be no double any more.
        endpoint.times.append(float(event.runtime_ms))
        endpoint.cost += float(event.runtime_cost_estimate)
        endpoint.methods.add(event.method)
        endpoint.sources[event.source] += 1
        endpoint.statuses[event.status_code] += 1

    def endpoints(self, limit: int) -> list[dict[str, Any]]:
        """Return the sums of the ``limit`` busiest endpoints, the busiest first."""
        busiest = sorted(self._endpoints.items(), key=lambda it: (-len(it[1].times), it[0]))
        return [_sums(name, endpoint) for name, endpoint in busiest[:limit]]


def _sums(name: str, endpoint: Endpoint) -> dict[str, Any]:
    times = sorted(endpoint.times)
    total = sum(times)
    return {
        "endpoint": name,
        "methods": sorted(endpoint.methods),
        "event_count": len(times),
        "error_count": sum(n for status, n in endpoint.statuses.items() if status >= 500),
        "total_runtime_ms": min(total, sys.float_info.max),
        "average_runtime_ms": _average(times, total),
        "p50_ms": _percentile(times, 0.50),
        "p95_ms": _percentile(times, 0.95),
        "p99_ms": _percentile(times, 0.99),
        "runtime_cost_estimate": min(endpoint.cost, sys.float_info.max),
        "by_source": dict(sorted(endpoint.sources.items())),
        "status_counts": {str(status): n for status, n in sorted(endpoint.statuses.items())},
    }


def _average(times: Sequence[float], total: float) -> float:
    """Divide before adding where the ``total`` is beyond a double."""
    return total / len(times) if isfinite(total) else sum(time / len(times) for time in times)


def _percentile(times: Sequence[float], share: float) -> float:
    """Interpolate between the two nearest times, as percentile_cont does."""
    place = share * (len(times) - 1)
    below = floor(place)
    above = min(below + 1, len(times) - 1)
    return times[below] + (times[above] - times[below]) * (place - below)
