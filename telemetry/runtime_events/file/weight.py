"""How much an event counts in a summary, as migrations/0026_runtime_events_weight.sql says.

An event may stand for several that its sender added up. Anybody may send metadata, so a value
that is not a number in its range is ignored.
"""

import sys
from decimal import Decimal
from typing import Any, NamedTuple

from telemetry.numbers import whole
from telemetry.runtime_events.file.stored import StoredEvent

# So that the counts of nine billion such events fit in 64 bits.
MAX_EVENTS = 1_000_000_000

_LARGEST = sys.float_info.max


class Weight(NamedTuple):
    """How many events an event stands for, and their runtime and cost together."""

    events: int
    total_runtime_ms: float
    total_cost: float


def weight_of(event: StoredEvent) -> Weight:
    """Return the weight of the event."""
    # Doubles, as in the database: the sum of long integers could exceed a double.
    runtime_ms, cost = float(event.runtime_ms), float(event.runtime_cost_estimate)
    sent = event.metadata
    events = _count(sent.get("event_count")) or _count(sent.get("sample_count"))
    if events is None:
        return Weight(1, runtime_ms, cost)
    total_ms = _amount(sent.get("total_runtime_ms"))
    total_cost = _amount(sent.get("total_runtime_cost_estimate"))
    return Weight(
        events,
        total_ms or min(events * runtime_ms, _LARGEST),
        min(events * cost, _LARGEST) if total_cost is None else total_cost,
    )


def _count(value: Any) -> int | None:
    value = whole(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 1 <= value <= MAX_EVENTS else None


def _amount(value: Any) -> float | None:
    """Return a number that is not negative as a double; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return float(value) if 0 <= value <= _LARGEST else None
